"""A bound stays small however many services it stands on, and says how much it leaves out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest

from sloengine.domain.recommendation.model import CompositeBound
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.bound_contradictions import CONTRADICTIONS
from sloengine.domain.topology.bound_shares import CONTRIBUTIONS
from sloengine.domain.topology.composite_bound import BoundResult, composite_bound
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import GraphReliability, learn_reliability
from sloengine.domain.topology.service import Service

WINDOW = timedelta(days=28)
START = datetime(2026, 9, 1, tzinfo=UTC)


def cycle(size: int, calls: int, *, seed: int = 5) -> GraphReliability:
    """A ring with so many more calls from each across it; each fails by itself, whatever was declared."""
    names = tuple(f"s{n:04}" for n in range(size))
    pairs = {(n, (n + step * step) % size) for n in range(size) for step in range(1, calls + 1)}
    graph = DependencyGraph(
        tuple(Service(name) for name in names),
        tuple(Dependency(names[a], names[b]) for a, b in sorted(pairs) if a != b),
        version=1,
    )
    rng = np.random.default_rng(seed)
    total = rng.poisson(2_000, (size, 24 * 28)).astype(float)
    rate = np.where(rng.random(total.shape) < 0.02, 0.05, 1e-4)
    good = total - rng.binomial(total.astype(int), rate)
    return learn_reliability(graph, SliPanel(names, START, timedelta(hours=1), good, total))


@lru_cache
def large() -> GraphReliability:
    return cycle(80, 8)


def bound_of(model: GraphReliability, root: str = "s0000") -> BoundResult:
    return composite_bound(model, root, window=WINDOW)


def own_share(result: BoundResult) -> float:
    """By the trace of its failed requests, which the listing does not go into."""
    assert result.trace is not None
    return float(result.trace.shares.get(result.trace.root, 0.0))


def shop(dependencies: int) -> GraphReliability:
    """It calls so many; each is down for an hour of its own, and the shop with it by half."""
    names = ("shop", *(f"d{n:03}" for n in range(dependencies)))
    graph = DependencyGraph(
        tuple(Service(name) for name in names), tuple(Dependency("shop", name) for name in names[1:]), version=1
    )
    total = np.full((len(names), 24 * 28), 1_000.0)
    good = total.copy()
    for place in range(1, len(names)):
        good[place, 8 * place] = 0.0
        good[0, 8 * place] = 500.0 - place
    return learn_reliability(graph, SliPanel(names, START, timedelta(hours=1), good, total))


def test_what_is_listed_the_rest_and_its_own_are_the_whole():
    result = bound_of(shop(CONTRIBUTIONS + 20), "shop")
    bound = result.bound

    assert bound.others is not None
    assert (len(bound.contributions), bound.others.services) == (CONTRIBUTIONS, 20)
    assert bound.contributions[-1].share_ratio >= bound.others.share_ratio / 20
    listed = sum(part.share_ratio for part in bound.contributions)
    assert listed + bound.others.share_ratio + own_share(result) == pytest.approx(1.0, abs=1e-9)
    minutes = sum(part.budget_minutes for part in bound.contributions) + bound.others.budget_minutes
    inherited = (1.0 - bound.observed_ratio) * (1.0 - own_share(result)) * WINDOW / timedelta(minutes=1)
    assert minutes == pytest.approx(inherited, rel=1e-9)


def test_where_nothing_is_left_out_there_is_no_rest():
    bound = bound_of(shop(CONTRIBUTIONS), "shop").bound

    assert len(bound.contributions) == CONTRIBUTIONS
    assert bound.others is None
    assert bound.more_contradictions == 0


def test_composed_shares_add_up_too():
    """A root without failures of its own on record has no trace: shares are composed."""
    names = tuple(f"d{n:03}" for n in range(CONTRIBUTIONS + 30))
    graph = DependencyGraph(
        (Service("shop"), *(Service(name, published_availability_ratio=0.999, external=True) for name in names)),
        tuple(Dependency("shop", name) for name in names),
        version=1,
    )
    total = np.full((1, 24 * 28), 1_000.0)
    panel = SliPanel(("shop",), START, timedelta(hours=1), total, total)

    bound = composite_bound(learn_reliability(graph, panel), "shop", window=WINDOW).bound

    assert bound.others is not None
    assert (len(bound.contributions), bound.others.services) == (CONTRIBUTIONS, 30)
    listed = sum(part.share_ratio for part in bound.contributions)
    assert listed + bound.others.share_ratio == pytest.approx(1.0, abs=1e-9)


def test_contradictions_are_named_own_ones_first_and_the_rest_is_counted():
    model = large()
    inside = {model.names[service] for service in max(model.members, key=len)}
    root = min(caller for caller, _ in model.contradictions if caller in inside)
    bound = bound_of(model, root).bound

    own = {pair for pair in model.contradictions if pair[0] == root}
    named = {(found.caller, found.dependency) for found in bound.contradictions}
    assert CONTRADICTIONS > len(own) > 0
    assert len(bound.contradictions) == CONTRADICTIONS
    assert own <= named <= set(model.contradictions)
    below = [pair for pair in model.contradictions if pair[0] in inside]
    assert bound.more_contradictions + CONTRADICTIONS >= len(below) > CONTRADICTIONS


def test_a_larger_cycle_does_not_make_a_longer_bound():
    small, whole = (size_of(bound_of(cycle(size, 8)).bound) for size in (80, 150))

    assert whole < 1.1 * small


def size_of(bound: CompositeBound) -> int:
    return len(repr(bound))
