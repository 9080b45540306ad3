from __future__ import annotations

import numpy as np
import pytest

from sloengine.application.recommendation.backtest_objective import BacktestCommand
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.domain.errors import Invalid, ServiceNotFound
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType, TierName
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from tests.application.organisation import ADMIN, Engine, hourly_panel, shop


def availability(ratio: float) -> SloTarget:
    return SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=ratio)


def p95(threshold_ms: float) -> SloTarget:
    return SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=threshold_ms)


async def test_a_backtest_is_the_replay_that_the_recommendation_shows():
    engine = await shop(days=80)
    recommendations = await engine.use.recommend(
        RecommendCommand(["front"], (SliType.AVAILABILITY, SliType.LATENCY)), actor=ADMIN
    )

    compared = 0
    for recommendation in recommendations:
        assert isinstance(recommendation, Recommendation)
        for target in recommendation.tier(TierName.BALANCED).targets:
            if target.kind is ObjectiveKind.LATENCY_P99:
                continue
            asked = SloTarget(target.kind, target.availability_ratio, target.threshold_ms)
            (found,) = await engine.use.backtest_objective(BacktestCommand("front", [asked]))
            assert found is not None
            assert target.backtest is not None
            assert (found.windows, found.met, found.worst) == (
                target.backtest.windows,
                target.backtest.met,
                target.backtest.worst,
            )
            assert found.series == target.backtest.series
            compared += 1
    assert compared == 2


async def test_looser_objectives_are_met_more_often_and_alert_less():
    engine = await shop(days=80)
    ratios = [0.9, 0.99, 0.999, 0.9999]

    found = await engine.use.backtest_objective(BacktestCommand("front", [availability(r) for r in ratios]))

    met = [one.met for one in found if one is not None]
    alerts = [len(one.alerts) for one in found if one is not None]
    assert met == sorted(met, reverse=True)
    assert (met[0], met[-1]) == (2, 0)
    assert alerts == sorted(alerts)
    assert alerts[0] < alerts[-1]
    worst = [one.worst_by_length for one in found if one is not None]
    assert all(one == worst[0] for one in worst)
    assert [w.window for w in worst[0]] == ["1h", "6h", "1d", "3d", "7d", "28d"]


async def test_shorter_windows_have_more_of_them():
    engine = await shop(days=80)

    (found,) = await engine.use.backtest_objective(
        BacktestCommand("front", [availability(0.999)], ComplianceWindow.ROLLING_7D)
    )

    assert found is not None
    assert found.windows == 11


async def test_a_service_without_data_has_no_backtest_and_an_unknown_one_is_named():
    engine = await shop()
    await engine.ingest(services=[{"serviceId": "new"}])

    nothing = await engine.use.backtest_objective(BacktestCommand("new", [availability(0.99), p95(100)]))

    assert nothing == [None, None]
    with pytest.raises(ServiceNotFound, match="nobody"):
        await engine.use.backtest_objective(BacktestCommand("nobody", [availability(0.99)]))


async def test_an_objective_that_nothing_can_meet_is_refused_by_field():
    engine = await shop()

    with pytest.raises(Invalid) as refused:
        await engine.use.backtest_objective(BacktestCommand("front", [availability(1.0)]))

    assert refused.value.path == ("objective", "availabilityPercent")


async def test_telemetry_that_cannot_be_true_is_said_to_say_nothing():
    panel = hourly_panel("a", days=60)
    panel.good[:] = 0.0
    engine = Engine(MemoryTelemetrySource(panel))
    await engine.ingest(services=[{"serviceId": "a"}])
    await engine.aggregate()

    (found,) = await engine.use.backtest_objective(BacktestCommand("a", [availability(0.99)]))

    assert found is not None
    assert found.met == 0
    assert "cannot be true" in found.notes[0]


async def test_a_threshold_between_buckets_is_judged_by_the_lower_one_and_that_is_said():
    engine = await shop()

    bound, between = await engine.use.backtest_objective(BacktestCommand("front", [p95(100), p95(140)]))

    assert bound is not None
    assert between is not None
    assert (bound.met, bound.series) == (between.met, between.series)
    assert "140 ms is no bucket bound" in between.notes[0]
    assert not any("bucket" in note for note in bound.notes)


async def test_of_latency_alerts_only_those_over_days_can_be_told():
    engine = await shop(days=80)

    (found,) = await engine.use.backtest_objective(BacktestCommand("front", [p95(25)]))

    assert found is not None
    assert {alert.long_window for alert in found.alerts} <= {"1d", "3d"}
    assert found.alerts
    assert any("no alerts over 1h and 6h" in note for note in found.notes)


async def test_missing_hours_are_no_failures():
    panel = hourly_panel("a", days=60, rate=0.0)
    panel.good[:] = panel.total
    panel.good[0, 100:600], panel.total[0, 100:600] = np.nan, np.nan
    engine = Engine(MemoryTelemetrySource(panel))
    await engine.ingest(services=[{"serviceId": "a"}])
    await engine.aggregate()

    (found,) = await engine.use.backtest_objective(BacktestCommand("a", [availability(0.9999)]))

    assert found is not None
    assert (found.met, found.windows) == (2, 2)
    assert found.alerts == ()
