from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.application.ports.drift_store import DriftFilter, WatchUpdate
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.slo_ledger import AuditFilter
from sloengine.domain.drift.alarm import DriftEvent, TargetMove
from sloengine.domain.drift.model import Detector, HourlySeries
from sloengine.domain.drift.together import Onset
from sloengine.domain.drift.watch import Watch, advance, begin
from sloengine.domain.errors import Invalid
from sloengine.domain.governance.model import AuditAction
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors
from tests.contracts.conftest import Stores

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = 490_896
AVAILABILITY, P95 = ObjectiveKind.AVAILABILITY, ObjectiveKind.LATENCY_P95


def event(
    event_id: str, service_id: str = "a", at: datetime = AT, kind: ObjectiveKind = AVAILABILITY
) -> DriftEvent:
    return DriftEvent(
        event_id=event_id,
        service_id=service_id,
        sli_type=SliType.AVAILABILITY if kind is AVAILABILITY else SliType.LATENCY,
        kind=kind,
        detected_at=at,
        started_at=at - timedelta(hours=5),
        votes=(Detector.PAGE_HINKLEY, Detector.ADWIN),
        before=0.999,
        after=0.99,
        last_alarm_at=at,
    )


def found(one: DriftEvent, revision: int = 0) -> WatchUpdate:
    return WatchUpdate(one.service_id, one.kind, Watch(FIRST, FIRST - 10), revision, events=(one,))


@pytest.fixture
def learnt() -> tuple[HourlySeries, Watch]:
    values = np.random.default_rng(1).standard_normal(1_200) + 2 * np.sin(2 * np.pi * np.arange(1_200) / 24)
    values[1_000:1_010] = np.nan
    series = HourlySeries(FIRST, values, None, 1e-6)
    watch = begin(series, FIRST + 1_100, judged=300)
    assert watch is not None
    return series, advance(watch, series, FIRST + 1_100, RiverChangeDetectors())[0]


async def test_a_watch_goes_on_from_the_store_as_if_it_had_never_left(stores: Stores, learnt):
    series, watch = learnt
    await stores.drift.save([WatchUpdate("a", AVAILABILITY, watch, 0)])

    [(key, (stored, revision))] = (await stores.drift.watches(["a", "b"])).items()
    there, _ = advance(stored, series, FIRST + 1_200, RiverChangeDetectors())
    here, _ = advance(watch, series, FIRST + 1_200, RiverChangeDetectors())

    assert (key, revision) == (("a", AVAILABILITY), 1)
    np.testing.assert_array_equal(there.scores, here.scores)
    assert (there.reached, there.votes, there.restarts) == (here.reached, here.votes, here.restarts)
    assert await stores.drift.reached(["a", "b"]) == {("a", AVAILABILITY): FIRST + 1_100}


async def test_who_read_an_older_state_stores_nothing(stores: Stores, learnt):
    _, watch = learnt
    await stores.drift.save([WatchUpdate("a", AVAILABILITY, watch, 0)])
    later = replace(watch, reached=watch.reached + 1)

    first = await stores.drift.save([WatchUpdate("a", AVAILABILITY, later, 1, relearnt=False)])
    second = await stores.drift.save([replace(found(event("e")), revision=1)])

    assert list(first) == [("a", AVAILABILITY)]
    assert list(second) == []
    [(stored, revision)] = (await stores.drift.watches(["a"])).values()
    assert (stored.reached, revision) == (later.reached, 2)
    assert stored.baseline is not None
    assert (await stores.drift.page(DriftFilter(), PageRequest())).total_count == 0


async def test_a_baseline_that_was_given_up_is_gone(stores: Stores, learnt):
    _, watch = learnt
    await stores.drift.save([WatchUpdate("a", AVAILABILITY, watch, 0)])

    await stores.drift.save([WatchUpdate("a", AVAILABILITY, Watch(FIRST + 5, FIRST), 1)])

    [(stored, _)] = (await stores.drift.watches(["a"])).values()
    assert stored.baseline is None
    assert len(stored.scores) == 0


async def test_an_event_is_finished_once_with_audit_entry_and_message(stores: Stores):
    await stores.drift.save([found(event("e"))])
    move = TargetMove(TierName.BALANCED, AVAILABILITY, 0.999, 0.99)
    judged = replace(event("e"), recommendation_id="r", targets=(move,))

    [waiting] = await stores.drift.unfinished(10)
    done = [await stores.drift.finish(judged, actor="engine", rationale="why", now=AT) for _ in range(2)]

    assert waiting == event("e")
    assert done == [True, False]
    assert await stores.drift.unfinished(10) == []
    assert (await stores.drift.by_id(["e", "x"])) == {"e": replace(judged, reevaluated_at=AT)}
    [entry] = (await stores.ledger.audit(AuditFilter(), PageRequest())).rows
    assert (entry.action, entry.actor, entry.service_id, entry.recommendation_id, entry.rationale) == (
        AuditAction.DRIFT_TRIGGERED,
        "engine",
        "a",
        "r",
        "why",
    )
    assert (await stores.ledger.verify()).intact
    [told] = await stores.outbox.pending(10)
    assert (told.kind, told.service_id) == ("DriftConfirmed", "a")
    assert told.payload == {"drift": "e", "auditEvent": entry.audit_id, "recommendation": "r"}


async def test_another_alarm_of_a_finished_event_opens_nothing_again(stores: Stores):
    await stores.drift.save([found(event("e"))])
    await stores.drift.finish(replace(event("e"), recommendation_id="r"), actor="engine", rationale="why", now=AT)
    again = replace(event("e"), alarms=2, last_alarm_at=AT + timedelta(days=3))

    await stores.drift.save([found(again, revision=1)])

    assert await stores.drift.unfinished(10) == []
    assert (await stores.drift.by_id(["e"]))["e"] == replace(again, recommendation_id="r", reevaluated_at=AT)


async def test_lists_are_newest_first_and_go_on_behind_the_cursor(stores: Stores):
    await stores.graph.register([Service("a"), Service("b")], now=AT)
    events = [
        event(f"e{n}", "ab"[n % 2], AT + timedelta(hours=n // 2), (AVAILABILITY, P95)[n % 2]) for n in range(6)
    ]
    for number, one in enumerate(events):
        await stores.drift.save([found(one, revision=number // 2)])

    first = await stores.drift.page(DriftFilter(), PageRequest(first=4))
    rest = await stores.drift.page(DriftFilter(), PageRequest(first=4, after=first.cursors[-1]))
    latency = await stores.drift.page(DriftFilter(sli_type=SliType.LATENCY), PageRequest())
    late = await stores.drift.page(DriftFilter(service_id="a", from_at=AT + timedelta(hours=1)), PageRequest())
    pages = await stores.drift.pages(["a", "b", "c"], PageRequest(first=2))

    assert [one.event_id for one in (*first.rows, *rest.rows)] == ["e4", "e5", "e2", "e3", "e0", "e1"]
    assert (first.total_count, first.has_next, rest.has_next) == (6, True, False)
    assert [one.event_id for one in latency.rows] == ["e5", "e3", "e1"]
    assert [one.event_id for one in late.rows] == ["e4", "e2"]
    assert {key: [one.event_id for one in page.rows] for key, page in pages.items()} == {
        "a": ["e4", "e2"],
        "b": ["e5", "e3"],
        "c": [],
    }
    assert pages["a"].total_count == 3
    with pytest.raises(Invalid):
        await stores.drift.page(DriftFilter(), PageRequest(after="nonsense"))


async def test_the_newest_event_counts_by_its_last_alarm(stores: Stores):
    old = replace(event("e0"), last_alarm_at=AT + timedelta(days=9))
    for number, one in enumerate([old, event("e1", "a", AT + timedelta(days=1))]):
        await stores.drift.save([found(one, revision=number)])

    asked = [AT, AT + timedelta(days=5), AT + timedelta(days=10)]
    newest = [await stores.drift.newest(["a", "b"], SliType.AVAILABILITY, since) for since in asked]

    assert [{key: one.event_id for key, one in some.items()} for some in newest] == [
        {"a": "e1"},
        {"a": "e0"},
        {},
    ]
    assert await stores.drift.newest(["a"], SliType.LATENCY, AT) == {}
    await stores.drift.save([found(event("e2", "b"))])
    everybody = await stores.drift.newest(None, SliType.AVAILABILITY, AT)
    assert {key: one.event_id for key, one in everybody.items()} == {"a": "e1", "b": "e2"}


async def test_when_changes_began_is_read_by_when_they_were_detected(stores: Stores):
    hour = timedelta(hours=1)
    for name, at in (("a", AT), ("b", AT + hour), ("c", AT + 2 * hour)):
        await stores.drift.save([found(event(f"{name}-1", name, at))])

    seen = await stores.drift.onsets(AT, AT + 2 * hour)

    assert list(seen) == [Onset("a-1", "a", AT - 5 * hour), Onset("b-1", "b", AT - 4 * hour)]
