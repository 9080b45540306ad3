"""A small simulated organisation whose pass-through is known. It knows nothing of the estimator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

START = datetime(2025, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Truth:
    """What the simulation did: pass-through by pair, own unavailability by service."""

    graph: DependencyGraph
    panel: SliPanel
    edge_panel: EdgePanel
    pass_through: dict[tuple[str, str], float]
    own: dict[str, float]


def organisation(seed: int, *, hours: int = 24 * 60, leaves: int = 12, fronts: int = 10) -> Truth:
    """Leaves have base failures and incidents; each front calls some of them once per request.

    Every edge is declared hard; the true share that gets through is drawn per edge.
    """
    random = np.random.default_rng(seed)
    names = [f"front-{i}" for i in range(fronts)] + [f"leaf-{i}" for i in range(leaves)]
    requests = {name: random.poisson(random.uniform(300, 5000), hours).astype(float) for name in names[:fronts]}
    edges: dict[tuple[str, str], float] = {}
    for front in names[:fronts]:
        for leaf in random.choice(leaves, random.integers(2, 5), replace=False):
            edges[front, f"leaf-{leaf}"] = float(random.choice([0.0, 0.05, 0.2, 0.6, 0.9, 1.0]))
    failing = {}
    own = {}
    for leaf in names[fronts:]:
        ratio = np.full(hours, random.lognormal(np.log(2e-4), 0.5))
        for _ in range(random.integers(4, 9)):
            at, length = random.integers(hours), random.integers(1, 6)
            ratio[at : at + length] += random.uniform(0.02, 0.4)
        failing[leaf] = np.minimum(ratio, 1.0)
    total, bad = {}, {}
    calls, failed = {}, {}
    for leaf in names[fronts:]:
        total[leaf], bad[leaf] = np.zeros(hours), np.zeros(hours)
    for (front, leaf), _ in edges.items():
        calls[front, leaf] = requests[front]
        failed[front, leaf] = random.binomial(requests[front].astype(int), failing[leaf]).astype(float)
        total[leaf] += calls[front, leaf]
        bad[leaf] += failed[front, leaf]
    for front in names[:fronts]:
        base = random.lognormal(np.log(3e-4), 0.5)
        mine = random.binomial(requests[front].astype(int), base).astype(float)
        for pair, f in edges.items():
            if pair[0] == front:
                mine += random.binomial(failed[pair].astype(int), f)
        total[front], bad[front] = requests[front], np.minimum(mine, requests[front])
        own[front] = base
    used = [name for name in names if total[name].sum() > 0]
    panel = SliPanel(
        tuple(used),
        START,
        HOUR,
        np.array([total[n] - bad[n] for n in used]),
        np.array([total[n] for n in used]),
    )
    pairs = tuple(sorted(edges))
    edge_panel = EdgePanel(
        pairs, START, HOUR, np.array([calls[p] for p in pairs]), np.array([failed[p] for p in pairs])
    )
    graph = DependencyGraph(
        tuple(Service(name) for name in used), tuple(Dependency(*pair, call_weight=1.0) for pair in pairs)
    )
    return Truth(graph, panel, edge_panel, edges, own)
