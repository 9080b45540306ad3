"""The composite bound against simulated requests: states and edges are drawn, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service
from tests.domain.topology.organisation import HOUR, START

GRAPHS = 20
HOURS, REQUESTS = 24 * 45, 300
PASSES = {DependencyCriticality.HARD: 1.0, DependencyCriticality.DEGRADED: 0.5, DependencyCriticality.SOFT: 0.1}


@dataclass(frozen=True)
class Simulated:
    graph: DependencyGraph
    failed: np.ndarray
    unavailability: float
    inherited: float


def simulated(seed: int, *, shared_outages: bool) -> Simulated:
    """A small acyclic system with incidents, soft edges, call weights and now and then two replicas."""
    random = np.random.default_rng(seed)
    size = int(random.integers(5, 22))
    kinds, weights = list(PASSES), [0.3, 1.0, 1.0, 2.0]
    edges: dict[tuple[int, int], tuple[DependencyCriticality, float]] = {}
    for caller in range(size - 1):
        below = np.arange(caller + 1, size)
        for other in random.choice(below, min(len(below), int(random.integers(1, 4))), replace=False):
            edges[caller, int(other)] = kinds[random.choice(3, p=[0.7, 0.1, 0.2])], float(random.choice(weights))
    replicas = [(0, size - 1), (0, size - 2)] if size > 8 and random.random() < 0.5 else []
    edges |= dict.fromkeys(replicas, (DependencyCriticality.HARD, 1.0))
    ratio = np.repeat(random.lognormal(np.log(2e-4), 0.7, size)[:, None], HOURS, axis=1)
    for node in range(size):
        for _ in range(random.poisson(3)):
            at = random.integers(HOURS)
            ratio[node, at : at + 1 + random.integers(4)] += random.uniform(0.02, 0.6)
    for _ in range(2 * shared_outages):
        at, hit = random.integers(HOURS), random.random(size) < 0.4
        ratio[hit, at : at + 2] += random.uniform(0.2, 0.8)
    own = random.random((size, HOURS, REQUESTS)) < np.minimum(ratio, 1.0)[:, :, None]
    state = own.copy()
    state[0] = False  # the root's own failure comes last, so that what it inherits can be counted
    for node in reversed(range(size)):
        down, members = np.zeros((HOURS, REQUESTS), int), 0
        for (caller, other), (kind, weight) in edges.items():
            if caller == node:
                passes = min(1.0, weight) * (1 - (1 - PASSES[kind]) ** max(1.0, weight))
                brings = (random.random((HOURS, REQUESTS)) < passes) & state[other]
                if (caller, other) in replicas:
                    down, members = down + brings, members + 1
                else:
                    state[node] |= brings
        if members:
            state[node] |= down >= members
    graph = DependencyGraph(
        tuple(Service(f"s{node}") for node in range(size)),
        tuple(
            Dependency(
                f"s{a}",
                f"s{b}",
                criticality=kind,
                call_weight=weight,
                redundancy_group="replicas" if (a, b) in replicas else None,
            )
            for (a, b), (kind, weight) in edges.items()
        ),
    )
    inherited = float(state[0].mean())
    state[0] |= own[0]
    return Simulated(graph, state.sum(axis=2).astype(float), float(state[0].mean()), inherited)


def panel_of(made: Simulated, first: int) -> SliPanel:
    """Telemetry of all services from number ``first`` on."""
    total = np.full_like(made.failed[first:], float(REQUESTS))
    names = tuple(f"s{node}" for node in range(first, len(made.failed)))
    return SliPanel(names, START, HOUR, total - made.failed[first:], total)


@pytest.mark.parametrize("shared_outages", [False, True])
def test_composed_unavailability_is_within_a_tenth_of_the_truth_nine_times_out_of_ten(shared_outages):
    close = {"observed root": 0, "root without telemetry": 0}
    for seed in range(GRAPHS):
        made = simulated(seed, shared_outages=shared_outages)
        for name, first, truth in (
            ("observed root", 0, made.unavailability),
            ("root without telemetry", 1, made.inherited),
        ):
            model = learn_reliability(made.graph, panel_of(made, first), seed=1)
            bound = composite_bound(model, "s0", window=timedelta(days=28)).bound
            close[name] += abs((1.0 - bound.observed_ratio) / truth - 1.0) < 0.1

    assert min(close.values()) >= 0.9 * GRAPHS, close
