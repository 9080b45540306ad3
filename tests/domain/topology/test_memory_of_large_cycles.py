"""What is worked out of a cycle that is the whole organisation takes no several copies of all series."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.intrinsic import _ROWS_AT_ONCE, _shown_hazard
from sloengine.domain.topology.observed_traffic import observed_traffic
from sloengine.domain.topology.service import Service

SERVICES = 3 * _ROWS_AT_ONCE + 7
HOURS = 24 * 7
START = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def ring() -> tuple[DependencyGraph, SliPanel]:
    names = tuple(f"s{n:04}" for n in range(SERVICES))
    graph = DependencyGraph(
        tuple(Service(name) for name in names),
        tuple(Dependency(names[n], names[n - 1]) for n in range(SERVICES)),
    )
    rng = np.random.default_rng(1)
    total = rng.poisson(1_000, (SERVICES, HOURS)).astype(float)
    good = total - rng.binomial(total.astype(int), 0.001)
    return graph, SliPanel(names, START, timedelta(hours=1), good, total)


def peak_of(work) -> float:
    """In series of all services."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (8 * SERVICES * HOURS)


def test_series_are_laid_beside_the_graph_in_portions(ring):
    graph, panel = ring
    traffic = observed_traffic(graph, panel, None)

    assert (traffic.total == panel.total).all()
    assert (traffic.bad == panel.total - panel.good).all()
    assert traffic.has_data.all()
    # Requests, failures and whether there is data are kept; two more of a portion while they are made.
    assert peak_of(lambda: observed_traffic(graph, panel, None)) < 2.125 + 1.5


def test_what_a_cycle_shows_is_that_of_all_members_at_once(ring):
    graph, panel = ring
    traffic = observed_traffic(graph, panel, None)
    every = list(range(SERVICES))

    requests = traffic.total.sum(axis=0)
    worst = (traffic.bad / (traffic.total + 10.0)).max(axis=0)
    expected = -np.log1p(-max(float(worst @ requests / requests.sum()), float(traffic.unavailability.max())))
    assert _shown_hazard(traffic, traffic.unavailability, every) == pytest.approx(expected, rel=1e-12)
    assert peak_of(lambda: _shown_hazard(traffic, traffic.unavailability, every)) < 2.0


def test_clean_series_are_not_copied_and_others_leave_what_they_came_from(ring):
    _, panel = ring

    clean = inspect(panel).cleaned
    flawed = panel.good.copy()
    flawed[3, 5], flawed[4, 6] = -1.0, panel.total[4, 6] * 1.0005
    before = flawed.copy()
    other = SliPanel(panel.service_ids, START, panel.step, flawed, panel.total)
    mended = inspect(other).cleaned

    assert clean.good is panel.good
    assert clean.total is panel.total
    assert (flawed == before).all()
    assert np.isnan(mended.good[3, 5])
    assert mended.good[4, 6] == panel.total[4, 6]
    assert not np.isnan(panel.total).any()
