from __future__ import annotations

from datetime import timedelta

import pytest

from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import Recommendation, SliType, TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import SliPanel
from tests.application.organisation import DAY, Engine, edges, shop
from tests.application.recommendation.test_recommending import one
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
    [record, latency] = await engine.use.read_calibration()
    before = record.computed_at
    engine.clock.advance(timedelta(hours=1))
    again = await engine.use.learn_calibration()

    assert left == sorted(left, reverse=True)
    assert record.sli_type is SliType.AVAILABILITY
    # 30 days of history before and 28 after: weeks of the 62 days in between, four services each.
    assert len(record.levels) == 4 * len({level.as_of for level in record.levels})
    assert {level.as_of.weekday() for level in record.levels} == {0}
    assert 8 <= len({level.as_of for level in record.levels}) <= 9
    assert record.points[0].windows == len(record.levels)
    assert record.calibration.own_weight > 0
    assert latency.levels == ()
    assert again == 0
    assert (await engine.use.read_calibration())[0].computed_at == before


async def test_a_young_organisation_keeps_the_shipped_map():
    engine = await with_history(40)

    while await engine.use.learn_calibration():
        pass

    [record, _] = await engine.use.read_calibration()
    assert record.calibration == EngineSettings().availability_calibration
    assert record.points == ()


async def test_a_history_that_is_loaded_later_is_looked_back_on_as_well():
    engine = await with_history(40)
    await engine.use.learn_calibration()
    [before, _] = await engine.use.read_calibration()
    older = (await with_history(200)).history
    end = engine.clock.now().replace(hour=0, minute=0)
    await engine.history.write(await older.read(None, end - 200 * DAY, end - 40 * DAY))

    while await engine.use.learn_calibration():
        pass

    [after, _] = await engine.use.read_calibration()
    assert before.levels == ()
    assert len({level.as_of for level in after.levels}) > 12


@pytest.mark.parametrize("own_weight", [0.0, 0.6])
async def test_the_map_that_own_windows_taught_decides_the_tiers(own_weight: float):
    engine, plain = await shop(), await one(await shop())
    boastful = CalibrationMap.beta(1.6, 0.6, "own windows")
    taught = CalibrationMap(boastful.model_levels, boastful.attained, "own windows", own_weight, 150.0)
    record = CalibrationRecord(SliType.AVAILABILITY, (), (), taught, (), engine.clock.now())
    await engine.stores.calibrations.save(record)

    answer = await one(engine)

    balanced, before = (made.tier(TierName.BALANCED).targets[0] for made in (answer, plain))
    assert isinstance(answer, Recommendation)
    if own_weight:
        assert balanced.availability_ratio < before.availability_ratio
    else:
        assert balanced == before
