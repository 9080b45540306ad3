"""Journeys against requests that were played one by one: an entry point that several journeys share.

The truth is counted from the requests of one journey; the engine sees what telemetry shows, sums of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.journeys.composite import JourneyComposite, compose_journey
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS, REQUESTS = 24 * 60, 2_000
NAMES = ("front", "cart", "pay", "bank", "search", "mail", "store")
# Journey: its share of the requests, and the calls its requests make, callers first.
WAYS = {
    "buy": (0.3, (("front", "cart"), ("cart", "pay"), ("pay", "bank"), ("cart", "store"), ("cart", "mail"))),
    "look": (0.7, (("front", "search"), ("search", "store"))),
}
SOFT = {("cart", "mail"): 0.1}


@dataclass(frozen=True)
class Played:
    """``failed``: share of each journey's requests that failed, by hour."""

    graph: DependencyGraph
    panel: SliPanel
    failed: dict[str, np.ndarray]


def played(seed: int, *, shared_outages: bool) -> Played:
    random = np.random.default_rng(seed)
    ratio = {name: np.full(HOURS, random.lognormal(np.log(3e-4), 0.5)) for name in NAMES}
    for name in NAMES:
        for _ in range(random.poisson(4)):
            at = random.integers(HOURS)
            ratio[name][at : at + 1 + random.integers(5)] += random.uniform(0.02, 0.5)
    for _ in range(3 * shared_outages):
        at = random.integers(HOURS)
        for name in random.choice(NAMES, 4, replace=False):
            ratio[name][at : at + 3] += random.uniform(0.1, 0.6)
    total = {name: np.zeros(HOURS) for name in NAMES}
    bad = {name: np.zeros(HOURS) for name in NAMES}
    failed = {}
    for way, (share, calls) in WAYS.items():
        many = int(share * REQUESTS)
        passed = {"front", *(end for call in calls for end in call)}
        down = {name: random.random((HOURS, many)) < np.minimum(ratio[name], 1.0)[:, None] for name in passed}
        for caller, called in reversed(calls):
            reaches = random.random((HOURS, many)) < SOFT.get((caller, called), 1.0)
            down[caller] |= down[called] & reaches
        for name in passed:
            total[name] += many
            bad[name] += down[name].sum(axis=1)
        failed[way] = down["front"].mean(axis=1)
    edges = {}
    for share, calls in WAYS.values():
        for call in calls:
            callers = sum(part for part, others in WAYS.values() if call[0] in {e for c in others for e in c})
            edges[call] = edges.get(call, 0.0) + share / callers
    graph = DependencyGraph(
        tuple(Service(name) for name in NAMES),
        tuple(
            Dependency(
                *call,
                call_weight=weight,
                criticality=DependencyCriticality.SOFT if call in SOFT else DependencyCriticality.HARD,
            )
            for call, weight in edges.items()
        ),
    )
    counts = np.array([total[name] for name in NAMES])
    return Played(graph, SliPanel(NAMES, START, HOUR, counts - np.array([bad[n] for n in NAMES]), counts), failed)


def composed(world: Played, **routes: float) -> JourneyComposite:
    made = tuple(
        JourneyRoute(way, weight, tuple(dict.fromkeys(("front", *(e for c in WAYS[way][1] for e in c)))))
        for way, weight in routes.items()
    )
    journey = Journey("j", "played", ("front",), made, "ada", START, "ada", START)
    model = learn_reliability(world.graph, world.panel)
    return compose_journey(model, world.panel, journey, window=timedelta(days=28))


@pytest.mark.parametrize("shared_outages", [False, True])
def test_each_route_gets_what_its_own_requests_got_though_nobody_counted_them_apart(shared_outages):
    off, together = [], []
    for seed in range(6):
        world = played(seed, shared_outages=shared_outages)
        for way in WAYS:
            found = composed(world, **{way: 1.0})
            assert found.series is not None
            hourly = found.series.bad[0] / found.series.total[0]
            truth = world.failed[way]
            off.append(hourly.mean() / truth.mean())
            together.append(np.corrcoef(hourly, truth)[0, 1])

    assert np.median(off) == pytest.approx(1.0, abs=0.05)
    assert np.quantile(np.abs(np.log(off)), 0.9) <= np.log(1.15)
    assert np.median(together) >= 0.95


def test_routes_with_their_weights_and_no_routes_agree_where_they_are_the_whole_traffic():
    world = played(11, shared_outages=True)

    routed = composed(world, buy=0.3, look=0.7)
    plain = composed(world)

    assert routed.series is not None
    assert plain.series is not None
    np.testing.assert_allclose(plain.series.bad[0], world.panel.bad[0], atol=1e-6)
    assert routed.series.bad.sum() == pytest.approx(plain.series.bad.sum(), rel=0.1)
    shares = [{link.service_id: link.share_ratio for link in one.weakest_links} for one in (routed, plain)]
    for name in NAMES:
        assert shares[0].get(name, 0.0) == pytest.approx(shares[1].get(name, 0.0), abs=0.08), name
