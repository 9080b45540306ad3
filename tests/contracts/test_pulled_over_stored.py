"""Hours laid over what was read are what a read gives once they are stored, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.telemetry_source import Pulled
from sloengine.application.telemetry.pulled_hours import store_pulled
from sloengine.application.telemetry.pulled_over_stored import (
    StoredOtherwise,
    edges_with,
    latency_with,
    panel_with,
)
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from tests.contracts.conftest import Stores

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVICES = ("a", "b", "c", "d")
PAIRS = (("d", "a"), ("a", "b"), ("b", "c"), ("a", "c"))
FROM, PULLED_FROM, AS_OF = MONDAY + 5 * HOUR, MONDAY + 2 * DAY, MONDAY + 3 * DAY + 7 * HOUR
BOUNDS = np.array([0.1, 0.25, 1.0, np.inf])


@pytest.fixture
def history(stores: Stores) -> SliHistory:
    return stores.sli_history


def some_panel(seed: int, start_at: datetime, hours: int, step: timedelta = HOUR) -> SliPanel:
    """With gaps; the last service has no data at all in every third one."""
    generator = np.random.default_rng(seed)
    total = generator.poisson(500.0, (len(SERVICES), hours)).astype(float)
    good = total - generator.binomial(total.astype(int), 0.01)
    total[generator.random(total.shape) < 0.1] = np.nan
    if seed % 3 == 0:
        total[-1] = np.nan
    return SliPanel(SERVICES, start_at, step, np.where(np.isnan(total), np.nan, good), total)


def some_edges(seed: int, start_at: datetime, hours: int, pairs: tuple[tuple[str, str], ...]) -> EdgePanel:
    generator = np.random.default_rng(seed)
    calls = generator.poisson(50.0, (len(pairs), hours)).astype(float)
    calls[generator.random(calls.shape) < 0.2] = np.nan
    return EdgePanel(pairs, start_at, HOUR, calls, np.floor(calls / 10))


def some_latency(seed: int, start_at: datetime, rows: int, bounds=BOUNDS) -> dict[str, LatencyHistory]:
    generator = np.random.default_rng(seed)
    return {
        key: LatencyHistory(key, start_at, bounds, generator.poisson(20.0, (rows, len(bounds))).astype(float))
        for key in ("a", "b")
    }


def pulled(seed: int, bounds=BOUNDS) -> Pulled:
    hours = (AS_OF - PULLED_FROM) // HOUR
    pairs = (("a", "b"), ("a", "c"), ("d", "a"), ("a", "elsewhere"))
    return Pulled(
        some_panel(seed, PULLED_FROM, hours),
        some_latency(seed, PULLED_FROM, hours, bounds),
        some_edges(seed, PULLED_FROM, hours, pairs),
    )


async def read(history: SliHistory):
    first, last = MONDAY, MONDAY + 3 * DAY
    return (
        await history.read(SERVICES, FROM, AS_OF),
        await history.read_edges(PAIRS, FROM, AS_OF),
        await history.read_latency(["a", "b"], first, last),
    )


def laid(before, hours: Pulled):
    panel, edges, latency = before
    return (
        panel_with(panel, hours.availability),
        edges_with(edges, hours.edges, PAIRS, set(SERVICES), (FROM, AS_OF)),
        latency_with(latency, hours.latency, ["a", "b"], (MONDAY, MONDAY + 3 * DAY)),
    )


def assert_same(here, there) -> None:
    (panel, edges, latency), (other_panel, other_edges, other_latency) = here, there
    assert (panel.service_ids, panel.start_at, panel.step) == (
        other_panel.service_ids,
        other_panel.start_at,
        other_panel.step,
    )
    np.testing.assert_array_equal(panel.good, other_panel.good)
    np.testing.assert_array_equal(panel.total, other_panel.total)
    np.testing.assert_allclose(panel.seen, other_panel.seen, rtol=1e-12)
    assert (panel.coverage is None) == (other_panel.coverage is None)
    assert (edges.pairs, edges.start_at, edges.step) == (
        other_edges.pairs,
        other_edges.start_at,
        other_edges.step,
    )
    np.testing.assert_array_equal(edges.calls, other_edges.calls)
    np.testing.assert_array_equal(edges.failed, other_edges.failed)
    assert list(latency) == list(other_latency)
    for key, one in latency.items():
        assert one.start_at == other_latency[key].start_at
        np.testing.assert_array_equal(one.bounds_seconds, other_latency[key].bounds_seconds)
        np.testing.assert_array_equal(one.counts, other_latency[key].counts)


@pytest.mark.parametrize("has_edges", [True, False])
@pytest.mark.parametrize("seed", [1, 3])
async def test_hours_laid_over_what_was_read_are_what_a_read_gives_once_they_are_stored(
    history: SliHistory, seed: int, has_edges: bool
):
    await history.write(some_panel(seed + 10, MONDAY, 60))
    await history.write_latency(list(some_latency(seed, MONDAY, 3).values()))
    if has_edges:
        await history.write_edges(some_edges(seed, MONDAY + 10 * HOUR, 40, PAIRS[1:3]))
    before, hours = await read(history), pulled(seed)

    await store_pulled(history, hours, set(SERVICES))

    assert_same(laid(before, hours), await read(history))


async def test_hours_laid_over_hours_that_were_seen_in_part_are_seen_whole(history: SliHistory):
    in_part, hourly = some_panel(11, MONDAY, 60 * 12, timedelta(minutes=5)), some_panel(12, MONDAY, 60)
    await history.write(in_part.select(["a"]))
    await history.write(hourly.select(["b", "c", "d"]))
    await history.write_latency(list(some_latency(1, MONDAY, 3).values()))
    before, hours = await read(history), pulled(1)
    assert before[0].coverage is not None

    await store_pulled(history, hours, set(SERVICES))

    assert_same(laid(before, hours), await read(history))


async def test_the_first_hours_of_all_are_what_a_read_gives(history: SliHistory):
    await history.write_latency(list(some_latency(1, MONDAY, 3).values()))
    before, hours = await read(history), pulled(2)

    await store_pulled(history, hours, set(SERVICES))

    assert_same(laid(before, hours), await read(history))


@pytest.mark.parametrize("minutes", [5, 360, 1440])
async def test_a_series_at_another_step_is_left_to_the_store(history: SliHistory, minutes: int):
    step = timedelta(minutes=minutes)
    await history.write(some_panel(1, MONDAY, 2 * (DAY // step), step))
    before = await read(history)

    with pytest.raises(StoredOtherwise):
        laid(before, pulled(1))


async def test_other_bounds_missing_days_and_services_without_any_are_left_to_the_store(history: SliHistory):
    stored = some_latency(1, MONDAY, 3)
    with pytest.raises(StoredOtherwise):
        laid(await read(history), pulled(1))
    await history.write_latency(list(stored.values()))
    before = await read(history)
    with pytest.raises(StoredOtherwise):
        laid(before, pulled(1, np.array([0.1, 0.5, 1.0, np.inf])))
    stored["a"].counts[1] = np.nan
    with pytest.raises(StoredOtherwise):
        laid((*before[:2], stored), pulled(1))
