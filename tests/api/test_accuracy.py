from __future__ import annotations

from datetime import timedelta

import numpy as np

from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import SliType
from tests.api.door import Door
from tests.domain.accuracy.test_points import START, levels

QUERY = """{ organization { services withActiveSlo computedAt
    calibration { sliType promised attained low high windows } } }"""
LATER = START + timedelta(days=400)


async def test_an_organisation_without_finished_windows_has_no_points(door: Door):
    found = (await door.ask(QUERY))["organization"]

    assert found["calibration"] == []
    assert found["computedAt"] is None


async def test_points_come_as_they_were_left(door: Door):
    await door.draw("checkout->payments")
    before = (await door.ask(QUERY))["organization"]
    taught = levels(np.random.default_rng(13).beta(1.5, 0.8, 480))
    empty = CalibrationRecord.empty(SliType.AVAILABILITY, CalibrationMap(), LATER)
    record = empty.with_windows([one.as_of for one in taught], taught, CalibrationMap(), LATER)
    await door.calibrations.save(record)
    await door.decide("checkout")

    found = (await door.ask(QUERY))["organization"]

    assert [point["promised"] for point in found["calibration"]] == [point.promised for point in record.points]
    point = next(one for one in found["calibration"] if one["promised"] == 0.92)
    assert point["sliType"] == "AVAILABILITY"
    assert point["windows"] == 480
    assert point["low"] < 0.92 < point["high"]
    assert found["computedAt"] is not None
    assert found["services"] == 2
    assert (before["withActiveSlo"], found["withActiveSlo"]) == (0, 1)
