"""Hours are pulled while the rest is read and stored while the answer is computed; the answer is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.application.recommendation.evidence_reader import WHOLE_UP_TO_SERVICES
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.domain.errors import Unavailable
from sloengine.domain.recommendation.model import Recommendation, RecommendationUnavailable, SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from tests.application.organisation import ADMIN, NOW, Engine, edges, hourly_latency, hourly_panel
from tests.patience import until

HOUR = timedelta(hours=1)
GAP = 15 * HOUR  # over midnight, so that a day of latency is among what is pulled
ASKED = RecommendCommand(["front"], force=True)


async def behind(panel: SliPanel | None = None) -> Engine:
    """A graph too large to be kept whole, of which three services have telemetry; fifteen hours are missing."""
    panel = panel or hourly_panel("front", "cart", "db", until=NOW + GAP)
    engine = Engine(MemoryTelemetrySource(panel, {"front": hourly_latency("front", panel)}))
    others = [{"serviceId": f"other-{n:03d}"} for n in range(WHOLE_UP_TO_SERVICES)]
    await engine.ingest(services=others, dependencies=edges("front>cart", "cart>db"))
    await engine.aggregate()
    engine.clock.advance(GAP)
    return engine


def plain(results) -> list[object]:
    """Without what is drawn anew for each answer."""
    return [replace(one, recommendation_id=None) if isinstance(one, Recommendation) else one for one in results]


async def test_the_answer_is_that_of_hours_that_were_stored_before():
    first, here = await behind(), await behind()
    scope = await first.use.recommend.evidence.scope(["front"])
    await first.use.recommend.missing_hours(scope.service_ids, scope.asked)
    pulls = len(first.source.pulls)

    there, meanwhile = [await engine.use.recommend(ASKED, actor=ADMIN) for engine in (first, here)]

    assert len(first.source.pulls) == pulls
    assert plain(meanwhile) == plain(there)
    availability = meanwhile[0]
    assert isinstance(availability, Recommendation)
    assert availability.explanation is not None
    assert availability.bound is not None
    assert availability.provenance.to_at == NOW.replace(minute=0) + GAP
    assert (here.db.availability, here.db.latency) == (first.db.availability, first.db.latency)


async def test_what_was_stored_is_not_pulled_again():
    engine = await behind()
    await engine.use.recommend(ASKED, actor=ADMIN)
    pulls = len(engine.source.pulls)

    await engine.use.recommend(ASKED, actor=ADMIN)

    assert len(engine.source.pulls) == pulls


async def test_series_that_only_the_store_can_join_are_stored_first():
    first, here = await behind(), await behind()
    start = NOW.replace(hour=0, minute=0) - timedelta(days=70)
    total = np.full((1, 4), 9_000.0)
    daily = SliPanel(("db",), start, timedelta(days=1), total - 3.0, total)
    for engine in (first, here):
        await engine.use.load_sli(LoadSliCommand(daily), actor=ADMIN)
    scope = await first.use.recommend.evidence.scope(["front"])
    await first.use.recommend.missing_hours(scope.service_ids, scope.asked)

    there, meanwhile = [await engine.use.recommend(ASKED, actor=ADMIN) for engine in (first, here)]

    assert plain(meanwhile) == plain(there)
    assert here.db.availability == first.db.availability


async def test_a_source_that_is_down_leaves_nothing_running_and_gives_what_was_aggregated():
    engine = await behind()
    engine.source.is_down = True
    running = asyncio.all_tasks()  # servers of other tests share this loop

    answer = (await engine.use.recommend(ASKED, actor=ADMIN))[0]

    assert isinstance(answer, Recommendation)
    assert answer.is_stale
    assert answer.provenance.to_at == NOW.replace(minute=0)
    assert asyncio.all_tasks() <= running


class _Failing:
    """A history that does not take panels until it is mended."""

    def __init__(self, history) -> None:
        self._history, self.is_broken = history, True

    def __getattr__(self, name: str):
        return getattr(self._history, name)

    async def write(self, panel: SliPanel) -> None:
        if self.is_broken:
            raise Unavailable("the store does not answer")
        await self._history.write(panel)


async def test_hours_that_could_not_be_stored_carry_no_answer_and_are_pulled_again():
    engine = await behind()
    missing = engine.use.recommend.missing_hours
    missing.history = failing = _Failing(missing.history)

    broken = (await engine.use.recommend(ASKED, actor=ADMIN))[0]
    pulls = len(engine.source.pulls)
    failing.is_broken = False
    mended = (await engine.use.recommend(ASKED, actor=ADMIN))[0]

    assert isinstance(broken, Recommendation)
    assert broken.is_stale
    assert broken.provenance.to_at == NOW.replace(minute=0)
    assert len(engine.source.pulls) == pulls + 1
    assert isinstance(mended, Recommendation)
    assert mended.provenance.to_at == NOW.replace(minute=0) + GAP


class _Unreadable:
    """A history that cannot be read so many times."""

    def __init__(self, history, times: int) -> None:
        self._history, self.times = history, times

    def __getattr__(self, name: str):
        return getattr(self._history, name)

    async def read(self, *asked) -> SliPanel:
        self.times -= 1
        if self.times >= 0:
            raise Unavailable("the store does not answer")
        return await self._history.read(*asked)


async def test_a_store_that_cannot_be_read_is_not_told_as_a_source_that_is_down():
    engine = await behind()
    recommend = engine.use.recommend
    recommend.evidence.history = _Unreadable(engine.history, 2)

    with pytest.raises(Unavailable, match="the store does not answer"):
        await recommend(ASKED, actor=ADMIN)
    recommend.missing_hours.forget()
    recommend.evidence.history = _Unreadable(engine.history, 1)
    again = (await recommend(ASKED, actor=ADMIN))[0]

    assert isinstance(again, Recommendation)
    assert again.provenance.to_at == NOW.replace(minute=0) + GAP


@pytest.mark.parametrize("sli_types", [(SliType.LATENCY,), (SliType.AVAILABILITY, SliType.LATENCY)])
async def test_latency_alone_is_answered_too(sli_types: Sequence[SliType]):
    engine = await behind()

    results = await engine.use.recommend(replace(ASKED, sli_types=sli_types), actor=ADMIN)

    assert [result.sli_type for result in results] == list(sli_types)
    assert not any(isinstance(result, RecommendationUnavailable) for result in results)


class _Watched:
    """A history that says when panels are read, and holds writes back until it is told to."""

    def __init__(self, history) -> None:
        self._history, self.reads, self.writes = history, 0, 0
        self.may_write = asyncio.Event()
        self.may_write.set()

    def __getattr__(self, name: str):
        return getattr(self._history, name)

    async def read(self, *asked) -> SliPanel:
        panel = await self._history.read(*asked)
        self.reads += 1
        return panel

    async def write(self, panel: SliPanel) -> None:
        self.writes += 1
        await self.may_write.wait()
        await self._history.write(panel)


class _Slow:
    """A source that answers when something else has happened."""

    def __init__(self, source: MemoryTelemetrySource, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._source, self._meanwhile, self.asked = source, meanwhile, 0

    def __getattr__(self, name: str):
        return getattr(self._source, name)

    async def pull(self, *asked, **limits):
        self.asked += 1
        await self._meanwhile()
        return await self._source.pull(*asked, **limits)


async def test_what_was_corrected_after_it_was_read_is_answered_anew():
    engine = await behind()
    recommend = engine.use.recommend
    recommend.evidence.history = watched = _Watched(engine.history)
    reads = watched.reads
    total = np.full((1, 48), 5_000.0)
    corrected = SliPanel(("front",), NOW.replace(hour=0, minute=0) - timedelta(days=20), HOUR, 0.8 * total, total)

    async def corrects() -> None:
        await until(lambda: watched.reads > reads)
        engine.clock.advance(timedelta(minutes=1))
        await engine.use.load_sli(LoadSliCommand(corrected), actor=ADMIN)
        engine.clock.advance(timedelta(minutes=1))

    recommend.missing_hours.source = _Slow(engine.source, corrects)
    before = (await recommend(ASKED, actor=ADMIN))[0]
    recommend.missing_hours.source = engine.source

    after = (await recommend(RecommendCommand(["front"]), actor=ADMIN))[0]
    whole = (await recommend(ASKED, actor=ADMIN))[0]

    assert isinstance(before, Recommendation)
    assert isinstance(after, Recommendation)
    assert after.recommendation_id != before.recommendation_id
    assert before.tiers != after.tiers == whole.tiers


@pytest.mark.parametrize("while_pulling", [True, False])
async def test_who_asks_and_goes_away_leaves_nothing_running_and_nothing_half_known(while_pulling: bool):
    engine = await behind()
    recommend, never = engine.use.recommend, asyncio.Event()
    missing = recommend.missing_hours
    missing.history = watched = _Watched(engine.history)
    pulls, others, watermark = len(engine.source.pulls), asyncio.all_tasks(), await engine.history.watermark()
    slow = _Slow(engine.source, never.wait)
    if while_pulling:
        missing.source = slow
    else:
        watched.may_write.clear()
    asking = asyncio.create_task(recommend(ASKED, actor=ADMIN))
    await until(lambda: slow.asked or watched.writes)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert asyncio.all_tasks() <= others
    assert await engine.history.watermark() == watermark
    assert not await engine.stores.recommendations.newest(["front"], SliType.AVAILABILITY)
    missing.source = engine.source
    watched.may_write.set()
    again = (await recommend(ASKED, actor=ADMIN))[0]
    assert isinstance(again, Recommendation)
    assert again.provenance.to_at == NOW.replace(minute=0) + GAP
    assert len(engine.source.pulls) == pulls + (1 if while_pulling else 2)
