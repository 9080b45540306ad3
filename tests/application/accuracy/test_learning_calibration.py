from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.reliability.panel import SliPanel
from tests.application.organisation import DAY, Engine, edges, shop
from tests.application.recommendation.test_recommending import one
from tests.domain.accuracy.test_points import levels
from tests.domain.recommendation.organizations import organization


async def with_history(days: int) -> Engine:
    """Four services with a daily history of so many days."""
    engine = Engine()
    made = organization(services=4, days=days)
    end = engine.clock.now().replace(hour=0, minute=0)
    panel = SliPanel(made.service_ids, end - DAY * days, made.step, made.good, made.total)
    await engine.ingest(dependencies=edges("service-0>service-1", "service-2>service-3"))
    await engine.history.write(panel)
    await engine.history.set_watermark(Watermark(end, end))
    return engine


async def test_finished_weeks_are_looked_back_from_once_each():
    engine = await with_history(120)

    left = [await engine.use.learn_calibration()]
    while left[-1]:
        left.append(await engine.use.learn_calibration())
    [record, *latency] = await engine.use.read_calibration()
    before = record.computed_at
    engine.clock.advance(timedelta(hours=1))
    again = await engine.use.learn_calibration()

    assert left == sorted(left, reverse=True)
    assert record.kind is ObjectiveKind.AVAILABILITY
    assert [one.kind for one in latency] == [ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99]
    # 30 days of history before and 28 after: weeks of the 62 days in between, four services each.
    assert len(record.levels) == 4 * len({level.as_of for level in record.levels})
    assert {level.as_of.weekday() for level in record.levels} == {0}
    # No week is looked back from before its window is over: what is still open teaches nothing.
    watermark = await engine.history.watermark()
    assert watermark.aggregated_to is not None
    assert max(record.looked) + 28 * DAY <= watermark.aggregated_to
    assert 8 <= len({level.as_of for level in record.levels}) <= 9
    assert record.points[0].windows == len(record.levels)
    assert record.own is not None
    assert all(one.levels == () for one in latency)
    assert again == 0
    assert (await engine.use.read_calibration())[0].computed_at == before


async def test_a_young_organisation_keeps_the_shipped_map():
    engine = await with_history(40)

    while await engine.use.learn_calibration():
        pass

    [record, *_] = await engine.use.read_calibration()
    assert record.own is None
    assert record.points == ()


async def test_a_history_that_is_loaded_later_is_looked_back_on_as_well():
    engine = await with_history(40)
    await engine.use.learn_calibration()
    [before, *_] = await engine.use.read_calibration()
    older = (await with_history(200)).history
    end = engine.clock.now().replace(hour=0, minute=0)
    await engine.history.write(await older.read(None, end - 200 * DAY, end - 40 * DAY))

    while await engine.use.learn_calibration():
        pass

    [after, *_] = await engine.use.read_calibration()
    assert before.levels == ()
    assert len({level.as_of for level in after.levels}) > 12


@pytest.mark.parametrize("own_windows", [0.0, 150.0])
async def test_the_map_that_own_windows_taught_decides_the_tiers(own_windows: float):
    engine, plain = await shop(), await one(await shop())
    taught = replace(CalibrationMap.beta(1.6, 0.6, "own windows"), own_windows=own_windows)
    record = CalibrationRecord(ObjectiveKind.AVAILABILITY, (), (), taught, (), engine.clock.now())
    await engine.stores.calibrations.save(record)

    answer = await one(engine)

    balanced, before = (made.tier(TierName.BALANCED).targets[0] for made in (answer, plain))
    assert isinstance(answer, Recommendation)
    if own_windows:
        assert balanced.availability_ratio < before.availability_ratio
    else:
        assert balanced == before


async def test_windows_that_another_version_left_without_points_have_them_after_a_day():
    engine = await with_history(40)
    kind = ObjectiveKind.LATENCY_P99
    left = CalibrationRecord.empty(kind, engine.clock.now())
    found = levels(np.random.default_rng(16).random(480), kind=kind)
    await engine.stores.calibrations.save(replace(left, levels=tuple(found)))

    await engine.use.learn_calibration()

    [p99] = [one for one in await engine.use.read_calibration() if one.kind is kind]
    assert p99.levels == tuple(found)
    assert {point.kind for point in p99.points} == {kind}
    assert p99.own is not None
