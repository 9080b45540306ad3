from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import pytest

from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.infrastructure.memory.small_stores import MemoryCalibrationStore
from sloengine.infrastructure.neo4j.calibration_store import Neo4jCalibrationStore
from sloengine.infrastructure.neo4j.nodes import CalibrationNode
from tests.contracts.conftest import Stores
from tests.domain.accuracy.test_points import START, levels

SETTINGS = EngineSettings()
LATER = START + timedelta(days=400)
BOTH = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)


def taught(kind: ObjectiveKind, values: np.ndarray) -> CalibrationRecord:
    found = levels(values, kind=kind)
    return CalibrationRecord.empty(kind, LATER).with_windows([one.as_of for one in found], found, SETTINGS, LATER)


async def test_a_record_comes_back_and_is_replaced(stores: Stores):
    empty = CalibrationRecord.empty(ObjectiveKind.AVAILABILITY, LATER)
    full = taught(ObjectiveKind.AVAILABILITY, np.random.default_rng(12).beta(1.5, 0.8, 480))

    absent = await stores.calibrations.load()
    for record in (empty, full, CalibrationRecord.empty(ObjectiveKind.LATENCY_P95, LATER)):
        await stores.calibrations.save(record)

    assert list(absent) == []
    first, second = await stores.calibrations.load()
    assert first == full
    assert first.own is not None
    assert first.own.own_windows > 0
    assert second.kind is ObjectiveKind.LATENCY_P95


async def test_each_percentile_has_a_record_of_its_own(stores: Stores):
    random = np.random.default_rng(17)
    p95, p99 = taught(BOTH[0], random.beta(0.5, 1.0, 480)), taught(BOTH[1], random.beta(1.5, 0.8, 480))

    for record in (p99, p95):
        await stores.calibrations.save(record)

    assert list(await stores.calibrations.load()) == [p95, p99]
    assert p95.own != p99.own


@pytest.mark.parametrize("saved_since", [False, True])
async def test_a_record_of_both_percentiles_is_read_as_one_of_each(stores: Stores, saved_since: bool):
    """As an engine that had one map for latency has left it: of each service and day p95's level, then p99's."""
    random = np.random.default_rng(18)
    parts = [levels(values, kind=kind) for kind, values in zip(BOTH, random.random((2, 480)), strict=True)]
    both = [level for pair in zip(*parts, strict=True) for level in pair]
    await keep(stores, old_document(both))
    newer = CalibrationRecord.empty(BOTH[1], LATER)
    if saved_since:
        await stores.calibrations.save(newer)

    p95, p99 = await stores.calibrations.load()

    assert [p95.kind, p99.kind] == list(BOTH)
    assert list(p95.levels) == parts[0]
    assert p95.looked == tuple(sorted({level.as_of for level in both}))
    assert p95.own is not None
    # The points were of both together: they are drawn anew by the next daily run.
    assert p95.lacks_points
    assert p95.with_windows((), (), SETTINGS, LATER).points
    assert p99 == newer if saved_since else list(p99.levels) == parts[1]


async def test_what_another_version_wrote_is_left_out(stores: Stores):
    await keep(stores, {"schema": 99, "sliType": "LATENCY"})

    assert list(await stores.calibrations.load()) == []


def old_document(both: list) -> Mapping[str, Any]:
    return {
        "schema": 1,
        "sliType": SliType.LATENCY.value,
        "looked": sorted({level.as_of.isoformat() for level in both}),
        "serviceIds": [level.service_id for level in both],
        "asOf": [level.as_of.isoformat() for level in both],
        "endsAt": [level.ends_at.isoformat() for level in both],
        "low": [level.low for level in both],
        "high": [level.high for level in both],
        "calibration": {
            "modelLevels": [0.5],
            "attained": [0.6],
            "source": "83% own windows (worth 480 independent ones); else shipped map",
            "ownWeight": 0.83,
            "ownWindows": 480.0,
        },
        "points": [[0.8, 0.82, 0.7, 0.9, len(both)]],
        "computedAt": LATER.isoformat(),
    }


async def keep(stores: Stores, document: Mapping[str, Any]) -> None:
    """Where each adapter keeps its documents."""
    store = stores.calibrations
    if isinstance(store, MemoryCalibrationStore):
        store._db.calibrations["LATENCY"] = document
        return
    assert isinstance(store, Neo4jCalibrationStore)
    async with store._nodes.writing():
        text = orjson.dumps(document).decode()
        await CalibrationNode(sli_type="LATENCY", computed_at=LATER, document=text).save()
