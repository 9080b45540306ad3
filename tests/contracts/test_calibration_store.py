from __future__ import annotations

from datetime import timedelta

import numpy as np

from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import SliType
from tests.contracts.conftest import Stores
from tests.domain.accuracy.test_points import START, levels

SHIPPED = CalibrationMap.beta(1.1, 0.9, "shipped")
LATER = START + timedelta(days=400)


async def test_a_record_comes_back_and_is_replaced(stores: Stores):
    empty = CalibrationRecord.empty(SliType.AVAILABILITY, SHIPPED, LATER)
    taught = levels(np.random.default_rng(12).beta(1.5, 0.8, 480))
    full = empty.with_windows([one.as_of for one in taught], taught, SHIPPED, LATER)

    absent = await stores.calibrations.load()
    for record in (empty, full, CalibrationRecord.empty(SliType.LATENCY, SHIPPED, LATER)):
        await stores.calibrations.save(record)

    assert list(absent) == []
    first, second = await stores.calibrations.load()
    assert first == full
    assert first.calibration.own_weight > 0
    assert second.sli_type is SliType.LATENCY
