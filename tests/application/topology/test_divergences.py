"""Divergences from ingestion to the outbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sloengine.application.ports.paging import PageRequest
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.divergence import DivergenceKind
from tests.application.organisation import NOW, Engine, edges

MANUAL, OTEL = DiscoverySource.MANUAL, DiscoverySource.OTEL
LONG_AGO = NOW - timedelta(days=10)


async def disagreeing() -> Engine:
    """a→b is declared, a→c is both, a→d is observed; since ten days."""
    engine = Engine()
    for observed_at in (LONG_AGO, NOW):
        await engine.ingest(MANUAL, dependencies=edges("a>b", "a>c"), observed_at=observed_at)
        await engine.ingest(OTEL, dependencies=edges("a>c", "a>d"), observed_at=observed_at)
    return engine


async def listed(engine: Engine) -> dict[str, DivergenceKind]:
    page = await engine.use.read_divergences.page(PageRequest())
    return {one.dependency: one.kind for one in page.rows}


async def test_a_merge_asks_for_its_callers_to_be_looked_at():
    engine = Engine()

    await engine.ingest(MANUAL, dependencies=edges("a>b", "c>b"))
    engine.clock.advance(timedelta(minutes=1))
    await engine.ingest(MANUAL, services=[{"serviceId": "c"}], complete=True)

    asked = [ids for actor, ids in engine.queue.messages if actor == "topology.detect_divergences"]
    assert asked == [{"callers": ["a", "c"]}, {"callers": ["c"]}]


async def test_a_merge_of_very_many_callers_asks_for_all():
    engine = Engine()

    await engine.ingest(MANUAL, dependencies=edges(*(f"s{number}>b" for number in range(501))))

    assert ("topology.detect_divergences", {"callers": None}) in engine.queue.messages


async def test_a_merge_ends_well_when_nobody_can_be_asked():
    engine = Engine()
    queued = await engine.submit(MANUAL, dependencies=edges("a>b"))
    engine.queue.is_away = True

    ended = await engine.use.merge_ingestion(queued.ingestion_id)

    assert ended.error is None
    assert ("a", "b") in engine.db.merged


async def test_both_directions_are_found_told_once_and_resolve_themselves():
    engine = await disagreeing()

    first = await engine.use.detect_divergences()
    again = await engine.use.detect_divergences(["a"])
    both = await listed(engine)
    engine.clock.advance(timedelta(minutes=1))
    await engine.ingest(MANUAL, dependencies=edges("a>c", "a>d"), complete=True)
    mended = await engine.use.detect_divergences(["a"])

    assert both == {"b": DivergenceKind.DECLARED_ONLY, "d": DivergenceKind.OBSERVED_ONLY}
    assert (first.found, len(first.new), again.new) == (2, 2, ())
    assert (mended.found, await listed(engine)) == (0, {})
    told = [event for event in engine.db.outbox.values() if event.kind == "DivergenceDetected"]
    assert sorted(event.payload["divergence"] for event in told) == sorted(first.new)
    assert {event.service_id for event in told} == {"a"}


async def test_time_alone_makes_and_ends_a_divergence():
    engine = Engine()
    await engine.ingest(MANUAL, dependencies=edges("a>b", "a>c"))
    await engine.ingest(OTEL, dependencies=edges("a>c"))
    at_once = await engine.use.detect_divergences()

    engine.clock.advance(timedelta(days=6.5))
    await engine.ingest(OTEL, dependencies=edges("a>c"))
    early = await engine.use.detect_divergences()
    engine.clock.advance(timedelta(days=1))
    in_time = await engine.use.detect_divergences()
    engine.clock.advance(timedelta(days=7))  # nobody watches a any more
    late = await engine.use.detect_divergences()

    assert [report.found for report in (at_once, early, in_time, late)] == [0, 0, 1, 0]


async def test_two_do_not_look_at_once():
    engine = Engine()
    engine.locks.held.add("divergences")

    with pytest.raises(Conflict):
        await engine.use.detect_divergences()
