from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.application.ports.sli_history import Watermark
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetryCommand
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.application.telemetry.read_sli import SliStep, SliWindow
from sloengine.cli.first_data import Files, ingest_files
from sloengine.domain.errors import Conflict, Forbidden, Invalid
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from sloengine.infrastructure.memory.trace_latency import MemoryTraceLatency
from tests.application.organisation import (
    ADMIN,
    DAY,
    HOUR,
    NOW,
    OWNER,
    Engine,
    edges,
    hourly_latency,
    hourly_panel,
    shop,
)

CATCH_UP = AggregateTelemetryCommand()


async def engine_on(panel: SliPanel, *services: str, **more) -> Engine:
    engine = Engine(MemoryTelemetrySource(panel, **more))
    await engine.ingest(services=[{"serviceId": service} for service in services])
    return engine


async def test_the_first_run_goes_back_to_where_the_source_begins():
    panel = hourly_panel("a", days=20)
    engine = await engine_on(panel, "a")

    report = await engine.use.aggregate_telemetry(CATCH_UP)

    assert (report.from_at, report.aggregated_to) == (panel.start_at, panel.ends_at)
    assert (report.hours, report.services, report.error) == (20 * 24, 1, None)
    stored = await engine.history.read(["a"], panel.start_at, panel.ends_at)
    np.testing.assert_array_equal(stored.total, panel.total)


async def test_the_first_run_goes_back_no_more_than_ninety_days():
    engine = await engine_on(hourly_panel("a", days=100), "a")

    report = await engine.use.aggregate_telemetry(CATCH_UP)

    assert report.hours == 90 * 24


async def test_later_runs_catch_up_on_the_hours_that_were_missed():
    panel = hourly_panel("a", days=20, until=NOW + 5 * HOUR)
    engine = await engine_on(panel, "a")
    await engine.use.aggregate_telemetry(CATCH_UP)
    engine.clock.advance(3 * HOUR)

    report = await engine.use.aggregate_telemetry(CATCH_UP)

    assert report.hours == 3
    assert report.aggregated_to == NOW.replace(minute=0) + 3 * HOUR


async def test_histograms_that_were_not_wanted_are_pulled_once_they_are():
    panel = hourly_panel("a", "b", days=3)
    slow = {key: hourly_latency(key, panel) for key in ("a", "b")}
    engine = await engine_on(panel, "a", "b", hourly_latency=slow)
    await engine.history.set_watermark(Watermark(NOW - 2 * HOUR, NOW))
    missing = engine.use.recommend.missing_hours

    await missing(["a", "b"], ["a"])
    assert set(await engine.history.read_latency(None, NOW - 5 * DAY, NOW)) == {"a"}
    await missing(["a", "b"], ["b"])
    await missing(["a", "b"], ["a", "b"])

    assert set(await engine.history.read_latency(None, NOW - 5 * DAY, NOW)) == {"a", "b"}
    assert len(engine.source.pulls) == 2


async def test_running_twice_changes_nothing_and_nothing_is_asked_when_nothing_is_missing():
    panel = hourly_panel("a", days=3)
    engine = await engine_on(panel, "a", hourly_latency={"a": hourly_latency("a", panel)})
    await engine.use.aggregate_telemetry(CATCH_UP)
    once = (dict(engine.db.availability), {k: dict(v) for k, v in engine.db.latency.items()})
    pulls = len(engine.source.pulls)

    report = await engine.use.aggregate_telemetry(CATCH_UP)
    again = await engine.use.aggregate_telemetry(AggregateTelemetryCommand(back_to=panel.start_at))

    assert report.hours == 0
    assert again.hours == 72
    assert (engine.db.availability, engine.db.latency) == once
    assert len(engine.source.pulls) == pulls + 1


async def test_samples_that_come_late_for_the_last_hour_of_a_day_are_counted():
    midnight = NOW.replace(hour=0, minute=0)
    panel = hourly_panel("a", days=3, until=midnight + 4 * HOUR)
    last = (midnight - HOUR - panel.start_at) // HOUR
    late = replace(panel, good=panel.good.copy(), total=panel.total.copy())
    late.good[0, last], late.total[0, last] = 10.0, 20.0
    engine = await engine_on(late, "a")
    engine.clock.advance(midnight - NOW)
    await engine.use.aggregate_telemetry(CATCH_UP)
    engine.source.panel = panel
    engine.clock.advance(HOUR)

    report = await engine.use.aggregate_telemetry(CATCH_UP)

    assert report.hours == 1
    stored = await engine.history.read(["a"], midnight - HOUR, midnight)
    assert stored.total[0, 0] == panel.total[0, last]


async def test_days_without_new_data_do_not_fold_what_is_looked_back_at():
    panel = hourly_panel("a", days=95)
    engine = await engine_on(panel, "a")
    await engine.history.write(panel)
    await engine.history.set_watermark(Watermark(panel.ends_at, NOW))
    engine.clock.advance(6 * DAY)

    await engine.use.prune_history()

    stored = await engine.history.read(["a"], panel.ends_at - 90 * DAY, panel.ends_at)
    assert stored.step == HOUR
    assert (await engine.history.read(["a"], panel.start_at, panel.ends_at)).step == DAY


async def test_a_file_beside_a_source_does_not_end_what_is_still_to_be_pulled():
    panel = hourly_panel("a", days=3, until=NOW + 5 * HOUR)
    engine = await engine_on(panel, "a")
    await engine.use.aggregate_telemetry(CATCH_UP)
    reached = (await engine.history.watermark()).aggregated_to
    by_the_day = SliPanel(
        ("b",), NOW.replace(hour=0, minute=0), DAY, np.full((1, 1), 90.0), np.full((1, 1), 100.0)
    )

    await engine.use.load_sli(LoadSliCommand(panel=by_the_day), actor=ADMIN)
    engine.clock.advance(3 * HOUR)
    report = await engine.use.aggregate_telemetry(CATCH_UP)

    assert reached is not None
    assert (report.from_at, report.hours) == (reached, 3)


async def test_a_day_of_latency_is_whole_however_often_it_was_cut():
    panel = hourly_panel("a", days=2, until=NOW + 6 * HOUR)
    hourly = hourly_latency("a", panel)
    engine = await engine_on(panel, "a", hourly_latency={"a": hourly})
    await engine.use.aggregate_telemetry(CATCH_UP)
    engine.clock.advance(6 * HOUR)
    await engine.use.aggregate_telemetry(CATCH_UP)

    [stored] = (await engine.history.read_latency(["a"], NOW - 5 * DAY, NOW + DAY)).values()

    assert np.nansum(stored.counts) == hourly.counts.sum()


async def test_a_source_that_breaks_off_leaves_what_was_whole_and_is_taken_up_there():
    panel = hourly_panel("a", days=20)
    engine = await engine_on(panel, "a")
    engine.source.answers_left = 2

    broken = await engine.use.aggregate_telemetry(CATCH_UP)

    assert broken.error is not None
    assert broken.aggregated_to is not None
    watermark = await engine.history.watermark()
    assert (watermark.aggregated_to, watermark.last_error) == (broken.aggregated_to, broken.error)
    stored = await engine.history.read(["a"], panel.start_at, panel.ends_at)
    assert np.isfinite(stored.total[0, : (broken.aggregated_to - panel.start_at) // HOUR]).all()

    engine.source.answers_left = None
    mended = await engine.use.aggregate_telemetry(CATCH_UP)

    assert mended.error is None
    assert (await engine.history.watermark()).last_error is None
    np.testing.assert_array_equal(
        (await engine.history.read(["a"], panel.start_at, panel.ends_at)).total, panel.total
    )


async def test_identities_that_the_graph_does_not_know_are_reported_and_not_created():
    engine = await engine_on(hourly_panel("a", "stranger", days=2), "a")

    report = await engine.use.aggregate_telemetry(CATCH_UP)

    assert report.unknown == ("stranger",)
    assert "stranger" not in engine.db.services
    assert "stranger" not in engine.db.availability


async def test_calls_between_unknown_services_are_left_out():
    panel = hourly_panel("a", "b", days=2)
    calls = EdgePanel((("a", "b"), ("a", "x")), panel.start_at, HOUR, panel.total, panel.bad)
    engine = await engine_on(panel, "a", "b", edges=calls)

    await engine.use.aggregate_telemetry(CATCH_UP)

    assert list(engine.db.edge_calls) == [("a", "b")]


async def test_series_that_were_refused_are_kept_with_their_reason():
    engine = await engine_on(hourly_panel("a", days=2), "a", refused={"a": "label user looks like an e-mail"})

    report = await engine.use.aggregate_telemetry(CATCH_UP)

    assert report.refused == {"a": "label user looks like an e-mail"}
    assert (await engine.history.watermark()).refused == report.refused


async def test_two_runs_do_not_overlap():
    engine = await engine_on(hourly_panel("a", days=2), "a")
    engine.locks.held.add("telemetry")

    with pytest.raises(Conflict):
        await engine.use.aggregate_telemetry(CATCH_UP)


async def test_without_a_source_there_is_nothing_to_do():
    report = await Engine().use.aggregate_telemetry(CATCH_UP)

    assert (report.source, report.aggregated_to) == (None, None)


async def test_priors_are_learnt_from_all_services():
    engine = await shop(days=30)

    assert set(engine.db.priors) == {"AVAILABILITY", "LATENCY"}
    assert engine.db.priors["AVAILABILITY"][0]["serviceIds"] == ["cart", "db", "front"]


async def test_loading_a_file_registers_what_it_names_and_moves_the_watermark():
    engine = Engine()
    panel = hourly_panel("a", "b", days=3)

    report = await engine.use.load_sli(LoadSliCommand(panel=panel), actor=ADMIN)

    assert report.registered == ("a", "b")
    assert (report.services, report.intervals) == (2, 144)
    assert (report.from_at, report.to_at) == (panel.start_at, panel.ends_at)
    assert (await engine.history.watermark()).aggregated_to == panel.ends_at


@pytest.mark.parametrize("step", [DAY * 2, HOUR / 120])
async def test_a_step_that_no_store_can_hold_is_refused(step):
    panel = replace(hourly_panel("a", days=3), step=step)

    with pytest.raises(Invalid):
        await Engine().use.load_sli(LoadSliCommand(panel=panel), actor=ADMIN)


async def test_only_admins_load():
    with pytest.raises(Forbidden):
        await Engine().use.load_sli(LoadSliCommand(panel=hourly_panel("a", days=3)), actor=OWNER)


async def test_an_sli_is_the_sum_of_its_hours():
    panel = hourly_panel("a", days=30)
    engine = await engine_on(panel, "a")
    await engine.use.aggregate_telemetry(CATCH_UP)

    value = (await engine.use.read_sli.sli(["a", "nobody"], SliType.AVAILABILITY, SliWindow.LAST_7D))["a"]

    assert value.good == panel.good[0, -168:].sum()
    assert value.ratio == panel.good[0, -168:].sum() / panel.total[0, -168:].sum()
    assert value.completeness == 1.0
    interval = value.interval()
    assert interval is not None
    assert interval.low < value.ratio < interval.high


async def test_hours_without_data_are_no_points_of_zero():
    panel = hourly_panel("a", days=2)
    panel.good[0, 3], panel.total[0, 3] = np.nan, np.nan
    engine = await engine_on(panel, "a")
    await engine.use.aggregate_telemetry(CATCH_UP)

    points = await engine.use.read_sli.series(
        "a", SliType.AVAILABILITY, panel.start_at, panel.ends_at, SliStep.HOUR
    )

    assert len(points) == 48
    assert (points[3].total, points[3].ratio) == (None, None)
    assert points[4].total == panel.total[0, 4]


async def test_days_sum_up_hours():
    panel = hourly_panel("a", days=5)
    engine = await engine_on(panel, "a")
    await engine.use.aggregate_telemetry(CATCH_UP)

    points = await engine.use.read_sli.series(
        "a", SliType.AVAILABILITY, panel.start_at, panel.ends_at, SliStep.DAY
    )

    assert sum(point.total or 0 for point in points) == panel.total.sum()
    assert all(point.at.hour == 0 for point in points)


async def test_latency_is_read_as_percentiles_of_summed_counts():
    engine = await shop(days=10)

    value = (await engine.use.read_sli.sli(["front"], SliType.LATENCY, SliWindow.LAST_7D))["front"]
    points = await engine.use.read_sli.series("front", SliType.LATENCY, NOW - 5 * DAY, NOW, SliStep.DAY)

    # Lognormal(ln 40 ms, 0.6), linear inside the buckets 25-50 and 100-250 ms, as worked out by its distribution.
    assert value.p50_ms == pytest.approx(41.5, rel=0.02)
    assert value.p99_ms == pytest.approx(228.6, rel=0.03)
    assert len(points) == 6


async def test_a_year_is_not_read_again_within_the_day():
    engine = await shop()
    await engine.use.learn_priors()
    engine.clock.advance(timedelta(hours=3))
    at_once = await engine.use.learn_priors(only_if_due=True)
    engine.clock.advance(timedelta(hours=18))
    next_day = await engine.use.learn_priors(only_if_due=True)

    assert at_once == ()
    assert SliType.AVAILABILITY in next_day


async def test_throttled_cpu_is_kept_and_an_answer_that_does_not_come_changes_nothing():
    engine = await engine_on(hourly_panel("a", "b", days=2), "a", "b")
    assert engine.source is not None
    engine.source.throttled = {"a": 0.4, "b": 0.004}

    await engine.use.aggregate_telemetry(CATCH_UP)
    kept = (await engine.history.watermark()).throttled
    await engine.use.load_sli(LoadSliCommand(panel=hourly_panel("a", days=2, until=NOW + DAY)), actor=ADMIN)

    assert kept == {"a": 0.4}
    assert (await engine.history.watermark()).throttled == kept
    engine.clock.advance(3 * DAY)
    engine.source.throttling_is_down = True
    report = await engine.use.aggregate_telemetry(CATCH_UP)
    assert (report.error, report.hours > 0) == (None, True)
    assert (await engine.history.watermark()).throttled == kept


async def test_traces_are_asked_about_services_without_a_histogram_only_and_may_be_away():
    panel = hourly_panel("a", "b", days=2)
    engine = await engine_on(panel, "a", "b", hourly_latency={"a": hourly_latency("a", panel)})
    traces = MemoryTraceLatency(dict.fromkeys(("a", "b"), PercentileRange(0.5, 1.0)))
    aggregate = replace(engine.use.aggregate_telemetry, traces=traces)

    await aggregate(CATCH_UP)
    kept = (await engine.history.watermark()).traced_p99
    traces.is_down = True
    engine.clock.advance(DAY)
    report = await aggregate(CATCH_UP)

    assert traces.asked == [("b",)]
    assert kept == {"b": PercentileRange(0.5, 1.0)}
    assert report.error is None
    assert (await engine.history.watermark()).traced_p99 == kept


async def test_the_last_day_of_latency_does_not_move_the_clock_past_the_last_interval():
    engine = Engine()
    panel = hourly_panel("front", days=3)
    day = panel.ends_at.replace(hour=0)
    latency = LatencyHistory("front", day - 2 * DAY, np.array([0.1, np.inf]), np.full((3, 2), 10.0))

    report = await engine.use.load_sli(LoadSliCommand(panel=panel, latency=[latency]), actor=ADMIN)

    assert report.to_at == panel.ends_at
    assert (await engine.history.watermark()).aggregated_to == panel.ends_at


async def test_what_files_teach_is_learnt_before_anybody_is_recommended_to():
    engine = Engine()
    files = Files(None, LoadSliCommand(panel=hourly_panel(*"abcdef", days=20)), ())

    await ingest_files(engine.use, files, lambda _share: None)

    (found,) = await engine.use.recommend(RecommendCommand(["a"], (SliType.AVAILABILITY,)), actor=ADMIN)
    assert isinstance(found, Recommendation)
    assert "5 other services" in found.summary


async def test_a_service_that_joins_later_gets_its_past_with_the_calls_to_it():
    panel = hourly_panel("a", "late", days=12)
    calls = np.full((1, panel.total.shape[1]), 30.0)
    pairs = EdgePanel((("a", "late"),), panel.start_at, HOUR, calls, np.zeros_like(calls))
    slow = {"late": hourly_latency("late", panel)}
    engine = await engine_on(panel, "a", edges=pairs, hourly_latency=slow)
    await engine.use.aggregate_telemetry(CATCH_UP)
    await engine.ingest(services=[{"serviceId": "late"}], dependencies=edges("a>late"))

    report = await engine.use.aggregate_telemetry(CATCH_UP)
    again = await engine.use.aggregate_telemetry(CATCH_UP)

    assert (report.newcomers, again.newcomers, again.query_count) == (("late",), (), 0)
    stored = await engine.history.read(["late"], panel.start_at, panel.ends_at)
    np.testing.assert_array_equal(stored.total, panel.total[1:])
    read = await engine.history.read_edges([("a", "late")], panel.start_at, panel.ends_at)
    assert read is not None
    assert np.nansum(read.calls) == calls.sum()
    assert set(await engine.history.read_latency(["late"], NOW - 20 * DAY, NOW)) == {"late"}


async def test_a_past_that_breaks_off_is_asked_for_again_and_takes_nothing_from_what_is_known():
    panel = hourly_panel("a", "late", days=12)
    engine = await engine_on(panel, "a")
    await engine.use.aggregate_telemetry(CATCH_UP)
    await engine.ingest(services=[{"serviceId": "late"}])
    engine.source.answers_left = 1

    broken = await engine.use.aggregate_telemetry(CATCH_UP)
    assert broken.error is not None
    assert broken.newcomers == ()
    assert (await engine.history.watermark()).last_error is None

    engine.source.answers_left = None
    assert (await engine.use.aggregate_telemetry(CATCH_UP)).newcomers == ("late",)
    stored = await engine.history.read(["late"], panel.start_at, panel.ends_at)
    np.testing.assert_array_equal(stored.total, panel.total[1:])


async def test_a_first_run_that_breaks_off_is_nobodys_past_to_ask_for_twice():
    engine = await engine_on(hourly_panel("a", days=20), "a")
    engine.source.answers_left = 2
    await engine.use.aggregate_telemetry(CATCH_UP)
    engine.source.answers_left = None

    assert (await engine.use.aggregate_telemetry(CATCH_UP)).newcomers == ()
    assert [begin for begin, _ in engine.source.pulls] == sorted({begin for begin, _ in engine.source.pulls})
