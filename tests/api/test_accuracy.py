from __future__ import annotations

from datetime import timedelta

import numpy as np

from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.recommendation.settings import EngineSettings
from tests.api.door import Door
from tests.domain.accuracy.test_points import START, levels

QUERY = """{ organization { services withActiveSlo withRecommendation budgetExhausted budgetAtRisk acceptanceRate
    modificationRate topRisks { serviceId team } calibratedAt computedAt
    calibration { sliType kind promised attained low high windows } } }"""
LATER = START + timedelta(days=400)


async def test_an_organisation_without_finished_windows_has_no_points(door: Door):
    found = (await door.ask(QUERY))["organization"]

    assert found["calibration"] == []
    assert found["calibratedAt"] is None
    assert found["computedAt"] is not None
    assert (found["acceptanceRate"], found["modificationRate"], found["topRisks"]) == (None, None, [])


async def test_points_come_as_they_were_left(door: Door):
    await door.draw("checkout->payments")
    before = (await door.ask(QUERY))["organization"]
    taught = levels(np.random.default_rng(13).beta(1.5, 0.8, 480))
    empty = CalibrationRecord.empty(ObjectiveKind.AVAILABILITY, LATER)
    record = empty.with_windows([one.as_of for one in taught], taught, EngineSettings(), LATER)
    await door.calibrations.save(record)
    await door.decide("checkout")

    found = (await door.ask(QUERY))["organization"]

    assert [point["promised"] for point in found["calibration"]] == [point.promised for point in record.points]
    point = next(one for one in found["calibration"] if one["promised"] == 0.92)
    assert (point["sliType"], point["kind"]) == ("AVAILABILITY", "AVAILABILITY")
    assert point["windows"] == 480
    assert point["low"] < 0.92 < point["high"]
    assert found["calibratedAt"] is not None
    assert found["services"] == 2
    assert (before["withActiveSlo"], found["withActiveSlo"]) == (0, 1)


async def test_services_in_danger_are_named_in_one_query(door: Door):
    await door.draw("checkout->payments", "checkout->search")
    for service in ("checkout", "payments", "search"):
        await door.decide(service)
    door.db.budgets.update({"checkout": -0.2, "payments": 0.4, "search": 0.7})
    door.db.at_risk[door.db.active["payments", SliType.AVAILABILITY]] = LATER
    door.counts.clear()

    found = (await door.ask(QUERY))["organization"]

    assert [one["serviceId"] for one in found["topRisks"]] == ["checkout", "payments"]
    assert (found["budgetExhausted"], found["budgetAtRisk"]) == (1, 1)
    assert door.counts["MemoryOrganizationOverviews.overview"] == 1
    assert door.counts["MemoryServiceGraph.services"] == 1
