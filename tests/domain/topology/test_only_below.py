"""A model in which nothing is learnt of services that no root leads to says the same of its roots, to the bit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service

END, HOUR = datetime(2026, 3, 1, tzinfo=UTC), timedelta(hours=1)
SERVICES, EDGES, HOURS = 24, 60, 20 * 24
NAMES = tuple(f"s{place:02d}" for place in range(SERVICES))


def drawn_graph(rng: np.random.Generator) -> DependencyGraph:
    """With cycles, redundancy groups, retries, soft and stale edges, and a provider that nobody watches."""
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < EDGES:
        caller, dependency = rng.integers(0, SERVICES, 2).tolist()
        if caller != dependency and (caller < dependency or rng.random() < 0.05):
            pairs.add((caller, dependency))
    edges = [
        Dependency(
            NAMES[caller],
            NAMES[dependency],
            mode=DependencyMode.ASYNC if rng.random() < 0.1 else DependencyMode.SYNC,
            criticality=rng.choice(list(DependencyCriticality)),
            call_weight=float(rng.choice([0.3, 1.0, 2.5])) if rng.random() < 0.7 else None,
            retry_config={"attempts": 3} if rng.random() < 0.2 else None,
            redundancy_group="replicas" if rng.random() < 0.3 else None,
            required=1,
            is_stale=bool(rng.random() < 0.05),
        )
        for caller, dependency in sorted(pairs)
    ]
    services = [Service(name) for name in NAMES]
    services[-1] = Service(NAMES[-1], external=True, published_availability_ratio=0.999)
    return DependencyGraph(tuple(services), tuple(edges))


def drawn_panel(rng: np.random.Generator) -> SliPanel:
    """Of all but the last; two of them fail as one, and whole hours of a few fail together."""
    total = rng.poisson(800.0, (SERVICES - 1, HOURS)).astype(float)
    ratio = np.where(rng.random(total.shape) < 0.02, 0.2, 1e-3)
    ratio[:6, rng.integers(0, HOURS, 5)] = 0.5
    bad = rng.binomial(total.astype(int), ratio).astype(float)
    total[15], bad[15] = total[14], bad[14]
    return SliPanel(NAMES[:-1], END - HOURS * HOUR, HOUR, total - bad, total)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_not_below_a_root_need_not_be_learnt(seed: int):
    rng = np.random.default_rng(seed)
    graph, panel = drawn_graph(rng), drawn_panel(rng)
    promises = dict.fromkeys(NAMES[::3], 0.995)
    left_out = 0

    for root in NAMES[3::5]:
        whole = learn_reliability(graph, panel, roots=[root])
        part = learn_reliability(graph, panel, roots=[root], only_below=True)
        expected, found = (
            composite_bound(model, root, max_depth=3, window=timedelta(days=28), promises=promises)
            for model in (whole, part)
        )

        assert found.bound == expected.bound
        assert (found.inherited.sources, found.promised_ratio) == (
            expected.inherited.sources,
            expected.promised_ratio,
        )
        causes = [part.service_id for part in expected.bound.contributions]
        if expected.trace is not None and causes:
            assert found.trace is not None
            np.testing.assert_array_equal(
                found.trace.failures_of(causes).good, expected.trace.failures_of(causes).good
            )
        left_out += sum(map(len, whole.contracted.calls)) - sum(map(len, part.contracted.calls))
        assert part.contracted.labels == whole.contracted.labels
        assert part.contracted.order == whole.contracted.order
        assert part.aliases == whole.aliases

    assert left_out > 0
