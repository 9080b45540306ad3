from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.application.ports.sli_history import SliHistory, Watermark
from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.domain.topology.service import Service
from tests.contracts.conftest import Stores

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NAN = float("nan")


@pytest.fixture
def history(stores: Stores) -> SliHistory:
    return stores.sli_history


def panel(start_at: datetime, step: timedelta, **totals: list[float]) -> SliPanel:
    """Services by name with their totals; a tenth of the events fails."""
    total = np.array(list(totals.values()), dtype=np.float64)
    return SliPanel(tuple(totals), start_at, step, total * 0.9, total)


def counted(start_at: datetime, hours: int, seed: int = 1, **shape: int) -> SliPanel:
    generator = np.random.default_rng(seed)
    total = generator.integers(1, 1000, (shape.get("services", 1), hours)).astype(np.float64) / 4
    return SliPanel(tuple(f"s{n}" for n in range(len(total))), start_at, HOUR, np.floor(total * 0.9), total)


async def test_a_panel_comes_back_exactly(history: SliHistory):
    written = counted(MONDAY + 5 * HOUR, 60, services=3)

    await history.write(written)

    read = await history.read(["s0", "s1", "s2"], written.start_at, written.ends_at)
    assert (read.service_ids, read.start_at, read.step) == (written.service_ids, written.start_at, HOUR)
    np.testing.assert_array_equal(read.good, written.good)
    np.testing.assert_array_equal(read.total, written.total)


async def test_only_what_begins_in_the_range_is_read(history: SliHistory):
    await history.write(panel(MONDAY, HOUR, a=[1.0, 2.0, 3.0, 4.0]))

    read = await history.read(["a"], MONDAY + HOUR, MONDAY + 3 * HOUR)

    assert (read.start_at, read.ends_at) == (MONDAY + HOUR, MONDAY + 3 * HOUR)
    np.testing.assert_array_equal(read.total, [[2.0, 3.0]])


async def test_services_without_data_are_nan_and_all_means_those_that_have_any(history: SliHistory):
    await history.write(panel(MONDAY, HOUR, b=[1.0], a=[2.0]))

    asked = await history.read(["nobody", "a"], MONDAY, MONDAY + HOUR)
    every = await history.read(None, MONDAY, MONDAY + HOUR)

    np.testing.assert_array_equal(asked.select(["nobody", "a"]).total, [[NAN], [2.0]])
    assert sorted(every.service_ids) == ["a", "b"]


async def test_nothing_stored_is_an_empty_panel(history: SliHistory):
    read = await history.read(["a"], MONDAY, MONDAY + DAY)

    assert np.isnan(read.select(["a"]).total).all()
    assert (await history.read(None, MONDAY, MONDAY + DAY)).service_ids == ()


async def test_nan_leaves_what_is_stored_and_values_replace_it(history: SliHistory):
    await history.write(panel(MONDAY, HOUR, a=[1.0, 2.0, NAN]))

    await history.write(panel(MONDAY, HOUR, a=[NAN, 20.0, 30.0]))

    read = await history.read(["a"], MONDAY, MONDAY + 4 * HOUR)
    np.testing.assert_array_equal(read.total, [[1.0, 20.0, 30.0, NAN]])
    np.testing.assert_allclose(read.good, [[0.9, 18.0, 27.0, NAN]])


async def test_an_interval_without_a_count_of_good_ones_is_no_data(history: SliHistory):
    written = panel(MONDAY, HOUR, a=[10.0, 20.0, 30.0])
    written.good[0, 1] = NAN

    await history.write(written)

    read = await history.read(["a"], MONDAY, MONDAY + 3 * HOUR)
    np.testing.assert_array_equal(read.total, [[10.0, NAN, 30.0]])
    np.testing.assert_allclose(read.good, [[9.0, NAN, 27.0]])


@pytest.mark.parametrize("shape", [(0, 48), (2, 0), (0, 0)])
async def test_a_panel_of_nothing_stores_nothing(history: SliHistory, shape: tuple[int, int]):
    names = tuple(f"s{n}" for n in range(shape[0]))

    await history.write(SliPanel(names, MONDAY, HOUR, np.zeros(shape), np.zeros(shape)))

    assert (await history.read(None, MONDAY, MONDAY + 2 * DAY)).service_ids == ()


async def test_writing_twice_changes_nothing(history: SliHistory):
    written = counted(MONDAY, 30)

    for _ in range(2):
        await history.write(written)

    read = await history.read(["s0"], MONDAY, written.ends_at)
    np.testing.assert_array_equal(read.total, written.total)


@pytest.mark.parametrize("minutes", [1, 5, 15, 360, 1440])
async def test_any_step_that_divides_a_day_is_kept(history: SliHistory, minutes: int):
    step = timedelta(minutes=minutes)
    generator = np.random.default_rng(minutes)
    total = generator.random((1, 2 * (DAY // step))) * 100
    written = SliPanel(("a",), MONDAY, step, total / 2, total)

    await history.write(written)

    read = await history.read(["a"], MONDAY, MONDAY + 2 * DAY)
    assert read.step == step
    np.testing.assert_array_equal(read.total, total)


async def test_a_read_is_at_the_coarsest_step_of_those_asked_for(history: SliHistory):
    await history.write(panel(MONDAY, HOUR, coarse=[100.0, 200.0]))
    await history.write(panel(MONDAY, timedelta(minutes=15), fine=[1.0, 2.0, 3.0, NAN, NAN, NAN, NAN, NAN]))

    both = await history.read(["fine", "coarse"], MONDAY, MONDAY + 2 * HOUR)
    fine = await history.read(["fine"], MONDAY, MONDAY + 2 * HOUR)

    assert (both.step, fine.step) == (HOUR, timedelta(minutes=15))
    np.testing.assert_array_equal(both.total, [[6.0, NAN], [100.0, 200.0]])


async def test_what_is_summed_up_knows_how_much_of_it_was_seen(history: SliHistory):
    every_other = [1.0, NAN] * 36
    await history.write(panel(MONDAY, HOUR, half=every_other, whole=[1.0] * 72))
    await history.write(panel(MONDAY, DAY, daily=[5.0, NAN, 7.0]))

    alone = await history.read(["half", "whole"], MONDAY, MONDAY + 3 * DAY)
    both = await history.read(["half", "whole", "daily", "nobody"], MONDAY, MONDAY + 3 * DAY)
    cut = await history.read(["whole", "daily"], MONDAY + 18 * HOUR, MONDAY + 2 * DAY + 6 * HOUR)
    known = await history.read(["whole", "daily"], MONDAY, MONDAY + 3 * DAY)

    assert alone.coverage is None
    assert both.step == DAY
    np.testing.assert_array_equal(both.seen, [[0.5] * 3, [1.0] * 3, [1.0, 0.0, 1.0], [0.0] * 3])
    np.testing.assert_array_equal(both.known_days, [1.5, 3.0, 2.0, 0.0])
    np.testing.assert_allclose(cut.seen, [[0.25, 1.0, 0.25], [0.0, 0.0, 1.0]])
    assert known.coverage is None


async def test_a_folded_day_knows_how_many_of_its_hours_were_known(history: SliHistory):
    await history.write(panel(MONDAY, HOUR, a=[1.0, NAN, NAN, 2.0] * 12, b=[1.0] * 48))
    await history.write(panel(MONDAY, HOUR, a=[NAN] * 24 + [4.0] + [NAN] * 23))

    await history.prune(detail_before=MONDAY + 2 * DAY, all_before=MONDAY - DAY)

    folded = await history.read(["a", "b"], MONDAY, MONDAY + 2 * DAY)
    assert folded.step == DAY
    np.testing.assert_allclose(folded.total, [[18.0, 21.0], [24.0, 24.0]])
    np.testing.assert_allclose(folded.seen, [[0.5, 0.5], [1.0, 1.0]], rtol=1e-12)
    assert (await history.read(["b"], MONDAY, MONDAY + 2 * DAY)).coverage is None

    await history.write(panel(MONDAY, DAY, a=[20.0]))

    np.testing.assert_allclose((await history.read(["a"], MONDAY, MONDAY + 2 * DAY)).seen, [[1.0, 0.5]])


async def test_what_was_seen_of_a_written_panel_is_kept(history: SliHistory):
    hours = panel(MONDAY, HOUR, a=[1.0, NAN, 2.0, 3.0, NAN, NAN], b=[1.0] * 6)
    await history.write(hours.at_step(2 * HOUR))

    await history.write(panel(MONDAY, 2 * HOUR, a=[NAN, NAN, 8.0]))

    read = await history.read(["a", "b"], MONDAY, MONDAY + 6 * HOUR)
    np.testing.assert_array_equal(read.total, [[1.0, 5.0, 8.0], [2.0, 2.0, 2.0]])
    np.testing.assert_allclose(read.seen, [[0.5, 1.0, 1.0], [1.0, 1.0, 1.0]])


async def test_a_day_that_becomes_known_in_more_detail_is_kept_in_detail(history: SliHistory):
    half_hour = timedelta(minutes=30)
    await history.write(panel(MONDAY, HOUR, a=[10.0, 20.0]))

    await history.write(panel(MONDAY, half_hour, a=[4.0, 6.0, 11.0, 9.0]))

    read = await history.read(["a"], MONDAY, MONDAY + 2 * HOUR)
    assert float(np.nansum(read.total)) == 30.0


async def test_edges_come_back_and_unknown_pairs_are_left_out(history: SliHistory):
    calls = np.array([[10.0, NAN, 30.0], [1.0, 2.0, 3.0]])
    failed = np.array([[1.0, NAN, 3.0], [0.0, 0.0, 1.0]])
    await history.write_edges(EdgePanel((("a", "b"), ("a", "c")), MONDAY, HOUR, calls, failed))
    end = MONDAY + 3 * HOUR

    some = await history.read_edges([("a", "c"), ("x", "y"), ("a", "b")], MONDAY, end)
    every = await history.read_edges(None, MONDAY, end)

    assert some is not None
    assert every is not None
    assert some.pairs == (("a", "c"), ("a", "b"))
    np.testing.assert_array_equal(some.calls, calls[::-1])
    np.testing.assert_array_equal(some.failed, failed[::-1])
    assert set(every.pairs) == {("a", "b"), ("a", "c")}
    assert await history.read_edges([("x", "y")], MONDAY, end) is None
    assert await history.read_edges(None, MONDAY + DAY, end + DAY) is None


def histogram(bounds: list[float], *days: list[float], start_at: datetime = MONDAY) -> LatencyHistory:
    return LatencyHistory("a", start_at, np.array([*bounds, np.inf]), np.array(days, dtype=np.float64))


async def test_histograms_come_back_with_gaps_as_nan(history: SliHistory):
    written = histogram([0.1, 0.5], [1.0, 2.0, 0.0], [NAN, NAN, NAN], [4.0, 5.0, 6.0])

    await history.write_latency([written])

    found = await history.read_latency(["a", "nobody"], MONDAY, MONDAY + 3 * DAY)
    assert list(found) == ["a"]
    assert found["a"].start_at == MONDAY
    np.testing.assert_array_equal(found["a"].bounds_seconds, written.bounds_seconds)
    np.testing.assert_array_equal(found["a"].counts, written.counts)
    assert not found["a"].percentiles_only
    assert list(await history.read_latency(None, MONDAY, MONDAY + DAY)) == ["a"]
    assert await history.read_latency(["a"], MONDAY + 3 * DAY, MONDAY + 9 * DAY) == {}


async def test_a_day_of_a_histogram_is_replaced(history: SliHistory):
    await history.write_latency([histogram([0.1], [1.0, 2.0])])

    await history.write_latency([histogram([0.1], [3.0, 4.0], [5.0, 6.0])])

    found = (await history.read_latency(["a"], MONDAY, MONDAY + 2 * DAY))["a"]
    np.testing.assert_array_equal(found.counts, [[3.0, 4.0], [5.0, 6.0]])


async def test_days_of_different_bounds_are_told_on_the_bounds_they_share(history: SliHistory):
    await history.write_latency([histogram([0.1, 0.2, 0.4], [1.0, 2.0, 3.0, 4.0])])
    await history.write_latency([histogram([0.1, 0.4], [5.0, 6.0, 7.0], start_at=MONDAY + DAY)])

    found = (await history.read_latency(["a"], MONDAY, MONDAY + 2 * DAY))["a"]

    np.testing.assert_array_equal(found.bounds_seconds, [0.1, 0.4, np.inf])
    np.testing.assert_array_equal(found.counts, [[1.0, 5.0, 4.0], [5.0, 6.0, 7.0]])


async def test_percentiles_only_is_remembered(history: SliHistory):
    only = LatencyHistory("a", MONDAY, np.array([np.inf]), np.array([[NAN]]), percentiles_only=True)

    await history.write_latency([only])

    found = await history.read_latency(["a"], MONDAY, MONDAY + DAY)
    assert found["a"].percentiles_only


async def test_the_watermark_is_kept(history: SliHistory):
    assert await history.watermark() == Watermark(None, None)

    for watermark in (
        Watermark(
            MONDAY,
            MONDAY + HOUR,
            "timed out",
            refused={"a": "not a number"},
            throttled={"b": 0.31},
            traced_p99={"c": PercentileRange(0.5, 1.0)},
        ),
        Watermark(MONDAY + HOUR, MONDAY + 2 * HOUR),
    ):
        await history.set_watermark(watermark)
        assert await history.watermark() == watermark


async def test_pruning_folds_old_detail_into_days_and_drops_what_is_older_still(history: SliHistory):
    await history.write(counted(MONDAY, 72))
    calls, failed = np.full((1, 72), 2.0), np.ones((1, 72))
    await history.write_edges(EdgePanel((("a", "b"),), MONDAY, HOUR, calls, failed))
    await history.write_latency([histogram([0.1], [1.0, 2.0], [3.0, 4.0], [5.0, 6.0])])
    before = await history.read(["s0"], MONDAY, MONDAY + 3 * DAY)

    touched = await history.prune(detail_before=MONDAY + 2 * DAY, all_before=MONDAY + DAY)

    folded = await history.read(["s0"], MONDAY, MONDAY + 3 * DAY)
    recent = await history.read(["s0"], MONDAY + 2 * DAY, MONDAY + 3 * DAY)
    edges = await history.read_edges(None, MONDAY, MONDAY + 3 * DAY)
    latency = (await history.read_latency(["a"], MONDAY, MONDAY + 3 * DAY))["a"]
    assert touched > 0
    assert (folded.step, recent.step) == (DAY, HOUR)
    np.testing.assert_allclose(folded.total, [[NAN, before.total[0, 24:48].sum(), before.total[0, 48:].sum()]])
    np.testing.assert_array_equal(recent.total, before.total[:, 48:])
    assert edges is not None
    np.testing.assert_array_equal(edges.calls, [[NAN, 48.0, 48.0]])
    assert latency.start_at == MONDAY + DAY
    assert await history.prune(detail_before=MONDAY + 2 * DAY, all_before=MONDAY + DAY) == 0


async def test_hourly_percentiles_stand_beside_their_day_and_are_replaced_with_it(history: SliHistory):
    nan = float("nan")
    await history.write_latency([histogram([0.1], [1.0, 2.0], [3.0, 4.0])])

    def hours(first: float, second: float, start_at: datetime = MONDAY + 23 * HOUR) -> LatencyHours:
        row = np.array([[first, second]])
        return LatencyHours(("a",), start_at, row, row + 1, row + 2, row * 10)

    await history.write_latency_hours(hours(1.0, 2.0))
    await history.write_latency_hours(hours(5.0, nan, MONDAY + 2 * HOUR))
    await history.write_latency_hours(hours(7.0, 8.0, MONDAY + 2 * DAY))  # no histogram that day
    found = await history.read_latency_hours(["nobody", "a"], MONDAY + 2 * HOUR, MONDAY + 2 * DAY + 2 * HOUR)

    assert found.service_ids == ("nobody", "a")
    assert found.start_at == MONDAY + 2 * HOUR
    assert np.isnan(found.requests[0]).all()
    known = np.flatnonzero(~np.isnan(found.requests[1]))
    assert known.tolist() == [0, 22]
    assert found.p50_ms[1, known].tolist() == [5.0, 2.0]
    assert found.p95_ms[1, known].tolist() == [6.0, 3.0]
    assert found.p99_ms[1, known].tolist() == [7.0, 4.0]
    assert found.requests[1, known].tolist() == [50.0, 20.0]


async def test_hourly_percentiles_are_not_kept_longer_than_other_detail(history: SliHistory):
    await history.write_latency([histogram([0.1], [1.0, 2.0], [3.0, 4.0])])
    row = np.ones((1, 48))
    await history.write_latency_hours(LatencyHours(("a",), MONDAY, row, row, row, row))

    await history.prune(detail_before=MONDAY + DAY, all_before=MONDAY - DAY)

    found = await history.read_latency_hours(["a"], MONDAY, MONDAY + 2 * DAY)
    assert np.isnan(found.requests[0, :24]).all()
    assert (found.requests[0, 24:] == 1).all()
    assert len((await history.read_latency(["a"], MONDAY, MONDAY + 2 * DAY))["a"].counts) == 2


async def test_the_past_of_a_service_is_asked_for_once(stores: Stores):
    await stores.graph.register([Service("a"), Service("b")], now=MONDAY)
    history = stores.sli_history
    assert list(await history.without_past()) == ["a", "b"]

    await history.note_past(["b", "nobody"], now=MONDAY)

    assert list(await history.without_past()) == ["a"]
