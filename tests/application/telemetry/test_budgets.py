from __future__ import annotations

from dataclasses import replace

import pytest

from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.application.telemetry.read_sli import SliStep, SliWindow
from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.window import ComplianceWindow
from tests.application.organisation import ADMIN, DAY, NOW, Engine, shop


async def slo(engine: Engine, sli_type: SliType, *targets: SloTarget) -> Slo:
    command = SetSloCommand("front", sli_type, targets, "so", ComplianceWindow.ROLLING_28D, None)
    found = (await engine.use.set_slo(command, actor=ADMIN)).slo
    assert found is not None
    return found


async def test_the_budget_of_availability_is_that_of_the_stored_events():
    engine = await shop()
    chosen = await slo(engine, SliType.AVAILABILITY, SloTarget(ObjectiveKind.AVAILABILITY, 0.99))
    end = NOW.replace(minute=0)
    panel = await engine.history.read(["front"], end - 28 * DAY, end)

    state = (await engine.use.read_budget([chosen]))[chosen]

    assert state.as_of == end
    assert state.consumed_ratio == pytest.approx(panel.bad.sum() / panel.total.sum() / 0.01)
    assert [burn.window for burn in state.burn_rates] == ["1h", "6h", "1d", "3d"]


async def test_more_good_than_valid_events_make_up_for_no_failure():
    engine = await shop()
    chosen = await slo(engine, SliType.AVAILABILITY, SloTarget(ObjectiveKind.AVAILABILITY, 0.99))
    end = NOW.replace(minute=0)
    panel = await engine.history.read(["front"], end - 28 * DAY, end)
    good = panel.good.copy()
    good[0, :10] = 3 * panel.total[0, :10]
    await engine.history.write(replace(panel, good=good))

    state = (await engine.use.read_budget([chosen]))[chosen]
    sli = (await engine.use.read_sli.sli(["front"], SliType.AVAILABILITY, SliWindow.LAST_28D))["front"]
    points = await engine.use.read_sli.series("front", SliType.AVAILABILITY, end - 28 * DAY, end, SliStep.HOUR)

    bad_ratio = panel.bad[0, 10:].sum() / panel.total[0, 10:].sum()
    assert state.consumed_ratio == pytest.approx(bad_ratio / 0.01)
    assert sli.ratio == pytest.approx(1 - bad_ratio)
    assert sli.completeness == pytest.approx(1 - 10 / 672)
    assert [point.ratio for point in points[:10]] == [None] * 10


async def test_slow_requests_are_counted_where_the_target_is_a_bucket_bound():
    engine = await shop()
    targets = [
        SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=100),
        SloTarget(ObjectiveKind.LATENCY_P99, threshold_ms=250),
    ]
    chosen = await slo(engine, SliType.LATENCY, *targets)
    between = replace(chosen, slo_id="between", targets=(replace(targets[0], threshold_ms=120), targets[1]))
    midnight = NOW.replace(hour=0, minute=0)
    history = (await engine.history.read_latency(["front"], midnight - 28 * DAY, midnight))["front"]
    counts = history.counts.sum(axis=0)
    slow = [1 - counts[history.bounds_seconds <= bound].sum() / counts.sum() for bound in (0.1, 0.25)]

    found = await engine.use.read_budget([chosen, between])

    assert found[chosen].as_of == midnight
    assert found[chosen].consumed_ratio == pytest.approx(max(slow[0] / 0.05, slow[1] / 0.01))
    assert [burn.window for burn in found[chosen].burn_rates] == ["1d", "3d"]
    assert between not in found


async def test_without_data_there_is_no_budget():
    engine = Engine()
    chosen = await slo_of_nothing(engine)

    assert await engine.use.read_budget([chosen]) == {}
    assert await engine.use.read_budget([]) == {}


async def slo_of_nothing(engine: Engine) -> Slo:
    await engine.ingest(services=[{"serviceId": "front"}])
    return await slo(engine, SliType.AVAILABILITY, SloTarget(ObjectiveKind.AVAILABILITY, 0.99))


async def test_the_least_that_is_left_is_noted_beside_each_service():
    engine = await shop()
    loose = await slo(engine, SliType.AVAILABILITY, SloTarget(ObjectiveKind.AVAILABILITY, 0.9))
    tight = await slo(engine, SliType.LATENCY, SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=50))
    states = await engine.use.read_budget([loose, tight])

    assert await engine.use.note_budgets() == 1

    assert engine.db.budgets == {"front": pytest.approx(states[tight].remaining_ratio)}
    assert states[tight].remaining_ratio < states[loose].remaining_ratio
