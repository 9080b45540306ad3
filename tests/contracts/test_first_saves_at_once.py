"""What there is one of: several processes may save the first at the same moment, as ``up`` and its worker do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from sloengine.application.ports.discovery_store import DiscoveryRun
from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import DiscoverySource
from tests.contracts.conftest import Stores

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAVERS = 8


async def priors(stores: Stores, turn: int) -> None:
    await stores.priors.save("AVAILABILITY", {"turn": turn}, learnt_at=AT)


async def calibrations(stores: Stores, turn: int) -> None:
    kind = ObjectiveKind.AVAILABILITY
    await stores.calibrations.save(CalibrationRecord.empty(kind, AT + timedelta(hours=turn)))


async def discovery_runs(stores: Stores, turn: int) -> None:
    await stores.discovery.note_run(DiscoveryRun(DiscoverySource.OTEL, AT, AT, AT + timedelta(hours=turn)))


async def watermarks(stores: Stores, turn: int) -> None:
    await stores.sli_history.set_watermark(Watermark(AT + timedelta(hours=turn), AT))


@pytest.mark.parametrize("save", [priors, calibrations, discovery_runs, watermarks])
async def test_all_who_save_the_first_at_once_have_saved(
    stores: Stores, save: Callable[[Stores, int], Awaitable[None]]
):
    await asyncio.gather(*(stores.sli_history.watermark() for _ in range(SAVERS)))  # each has a connection open

    await asyncio.gather(*(save(stores, turn) for turn in range(SAVERS)))

    await save(stores, SAVERS)
    last = AT + timedelta(hours=SAVERS)
    assert [
        await stores.priors.load("AVAILABILITY"),
        [one.computed_at for one in await stores.calibrations.load()],
        [one.started_at for one in (await stores.discovery.runs()).values()],
        (await stores.sli_history.watermark()).aggregated_to,
    ] == [
        ({"turn": SAVERS}, AT) if save is priors else None,
        [last] if save is calibrations else [],
        [AT] if save is discovery_runs else [],
        last if save is watermarks else None,
    ]


async def test_what_is_saved_as_absent_is_not_kept_from_before(stores: Stores):
    await stores.sli_history.set_watermark(Watermark(AT, AT, last_error="away"))

    await stores.sli_history.set_watermark(Watermark(None, AT))

    assert await stores.sli_history.watermark() == Watermark(None, AT)
