from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from sloengine.application.ports.drift_store import DriftFilter, WatchUpdate
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.sli_history import Watermark
from sloengine.application.ports.slo_ledger import AuditFilter
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.model import Detector
from sloengine.domain.drift.watch import Watch
from sloengine.domain.errors import Conflict, Unavailable
from sloengine.domain.governance.model import AuditAction
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType
from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.topology.service import Service
from tests.application.organisation import ADMIN, DAY, HOUR, NOW, Engine
from tests.contracts.graph_samples import draw

WEEKS = 10
HOURS = WEEKS * 168
END = NOW.replace(minute=0)
START = END - HOURS * HOUR
IDS = ("moved", "steady")
FALL_AT = HOURS - 60


class Telemetry:
    """Ten weeks of two services; one loses a nine sixty hours before the end, and gets slower with it."""

    def __init__(self, fall_at: int = FALL_AT) -> None:
        random = np.random.default_rng(7)
        self.total = random.poisson(20_000, (2, HOURS)).astype(float)
        ratio = np.full((2, HOURS), 0.0005)
        ratio[0, fall_at:] = 0.005
        self.bad = random.binomial(self.total.astype(int), ratio).astype(float)
        self.p95 = 100 * np.exp(0.05 * random.standard_normal((2, HOURS)))
        self.p95[0, fall_at:] *= 2

    async def load(self, engine: Engine, hours: int) -> None:
        """Everything up to this hour, as the aggregation leaves it."""
        good = self.total - self.bad
        await engine.history.write(SliPanel(IDS, START, HOUR, good[:, :hours], self.total[:, :hours]))
        bounds = np.array([0.1, 0.25, 0.5, np.inf])
        first = START.replace(hour=0)
        days = np.tile(np.array([5e5, 4e5, 1e4, 0.0]), (WEEKS * 7 + 1, 1))
        await engine.history.write_latency([LatencyHistory(key, first, bounds, days) for key in IDS])
        some = self.p95[:, :hours]
        await engine.history.write_latency_hours(
            LatencyHours(IDS, START, some / 2, some, some * 2, self.total[:, :hours])
        )
        await engine.history.set_watermark(Watermark(START + hours * HOUR, START + hours * HOUR))


@pytest.fixture
async def engine() -> Engine:
    made = Engine()
    await made.graph.register([Service(key) for key in IDS], now=NOW)
    return made


async def events(engine: Engine) -> Sequence[DriftEvent]:
    return (await engine.use.read_drift.page(DriftFilter(), PageRequest())).rows


def moment(hours: int) -> datetime:
    return START + hours * HOUR


async def test_a_service_that_lost_a_nine_is_found_within_two_hours_of_it(engine: Engine):
    telemetry = Telemetry()
    await telemetry.load(engine, FALL_AT - 1)
    first = await engine.use.detect_drift()

    found = []
    for hours in range(FALL_AT, FALL_AT + 8):
        await telemetry.load(engine, hours)
        found.append((hours, [event.sli_type for event in (await engine.use.detect_drift()).events]))

    assert (first.services, first.series, first.events) == (2, 6, ())
    [when] = [hours for hours, types in found if SliType.AVAILABILITY in types]
    assert when <= FALL_AT + 2
    by_type = {event.sli_type: event for event in await events(engine)}
    availability, latency = by_type[SliType.AVAILABILITY], by_type[SliType.LATENCY]
    assert {availability.service_id, latency.service_id} == {"moved"}
    assert availability.before == pytest.approx(0.9995, abs=5e-5)
    assert availability.after == pytest.approx(0.995, abs=1e-3)
    assert availability.started_at == moment(FALL_AT)
    assert latency.after == pytest.approx(2 * (latency.before or 0), rel=0.1)


async def test_what_is_not_judged_yet_is_told_with_its_reason(engine: Engine):
    telemetry = Telemetry()
    await telemetry.load(engine, 72)
    await engine.use.detect_drift()
    young = (await engine.use.read_drift.unjudged(["moved"]))["moved"]
    await telemetry.load(engine, FALL_AT)
    await engine.use.detect_drift()

    assert young.keys() == set(ObjectiveKind)
    assert {reason.split(":")[0] for reason in young.values()} == {"72 hours are too few"}
    assert await engine.use.read_drift.unjudged(["moved", "unheard"]) == {
        "moved": {},
        "unheard": {ObjectiveKind.AVAILABILITY: "not a single hour has a value"},
    }


async def test_hours_of_very_many_services_are_read_in_parts(engine: Engine):
    await Telemetry().load(engine, 72)
    asked: list[int] = []
    read = engine.history.read

    async def counted(service_ids: Sequence[str], from_at: datetime, to_at: datetime) -> SliPanel:
        asked.append(len(service_ids))
        return await read(service_ids, from_at, to_at)

    engine.history.read = counted  # type: ignore[method-assign,assignment]

    found = await engine.use.read_drift.unjudged([*(f"unheard-{number}" for number in range(250)), "moved"])

    assert asked == [250, 1]
    assert found["moved"].keys() == set(ObjectiveKind)
    assert found["unheard-0"] == {ObjectiveKind.AVAILABILITY: "not a single hour has a value"}


async def test_a_pass_without_new_hours_reads_no_history(engine: Engine):
    await Telemetry().load(engine, FALL_AT)
    await engine.use.detect_drift()
    asked: list[str] = []
    engine.history.read = lambda *_: asked.append("read")  # type: ignore[method-assign,assignment,return-value]

    report = await engine.use.detect_drift()

    assert (report.series, asked) == (0, [])


async def test_hour_by_hour_or_all_at_once_finds_the_same(engine: Engine):
    telemetry, other = Telemetry(), Engine()
    await other.graph.register([Service(key) for key in IDS], now=NOW)
    for each, steps in ((engine, range(FALL_AT - 20, HOURS + 1, 5)), (other, [FALL_AT - 20, HOURS])):
        for hours in steps:
            await telemetry.load(each, hours)
            await each.use.detect_drift()

    ours, theirs = await events(engine), await events(other)
    assert len(ours) == 2
    assert [(one.event_id, one.alarms) for one in ours] == [(one.event_id, one.alarms) for one in theirs]


async def test_two_passes_at_once_do_the_work_once(engine: Engine):
    await Telemetry().load(engine, HOURS)

    done = await asyncio.gather(*(engine.use.detect_drift() for _ in range(2)), return_exceptions=True)

    assert sum(isinstance(one, Conflict) for one in done) == 1
    found = {event.sli_type: event.alarms for event in await events(engine)}
    assert found == {SliType.AVAILABILITY: 1, SliType.LATENCY: 2}  # p95 and p99 of one shift


async def test_a_pass_that_dies_before_it_has_stored_loses_and_doubles_nothing(engine: Engine):
    await Telemetry().load(engine, HOURS)
    save = engine.stores.drift.save

    async def dies(_: object) -> None:
        raise Unavailable("killed")

    engine.stores.drift.save = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await engine.use.detect_drift()
    engine.stores.drift.save = save  # type: ignore[method-assign]

    first = await engine.use.detect_drift()
    second = await engine.use.detect_drift()

    assert len(first.events) == 2
    assert second.events == ()


async def test_a_confirmed_change_is_recommended_for_again_and_put_on_record(engine: Engine):
    telemetry = Telemetry()
    await telemetry.load(engine, FALL_AT)
    [before] = await engine.use.recommend(RecommendCommand(["moved"], [SliType.AVAILABILITY]), actor=ADMIN)
    await telemetry.load(engine, HOURS)
    await engine.use.detect_drift()

    finished = await engine.use.reevaluate_drifted()
    again = await engine.use.reevaluate_drifted()

    assert len(finished) == 2
    assert again == []
    event = next(one for one in finished if one.sli_type is SliType.AVAILABILITY)
    after = (await engine.stores.recommendations.by_id([event.recommendation_id or ""]))[
        event.recommendation_id or ""
    ]
    assert isinstance(before, Recommendation)
    for move, old, new in zip(event.targets, before.tiers, after.tiers, strict=True):
        assert move.before == old.targets[0].availability_ratio
        assert move.after == (new.targets[0].availability_ratio if new.targets else None)
        assert (move.after or 0) < (move.before or 0)
    assert any("behaviour changed on" in warning for warning in after.data_quality.warnings)
    assert "Behaviour changed on" in after.summary
    trail = (await engine.use.read_ledger.audit(AuditFilter(), PageRequest())).rows
    assert {(entry.action, entry.actor) for entry in trail} == {(AuditAction.DRIFT_TRIGGERED, "engine")}
    assert (await engine.use.read_ledger.verify()).intact
    told = [one for one in await engine.stores.outbox.pending(1_000) if one.kind == "DriftConfirmed"]
    assert {one.payload["drift"] for one in told} == {one.event_id for one in finished}


async def test_a_crash_between_recommending_and_recording_still_tells_what_was_before(engine: Engine):
    telemetry = Telemetry()
    await telemetry.load(engine, FALL_AT)
    [before] = await engine.use.recommend(RecommendCommand(["moved"], [SliType.AVAILABILITY]), actor=ADMIN)
    await telemetry.load(engine, HOURS)
    await engine.use.detect_drift()

    async def dies(*_: object, **__: object) -> bool:
        raise Unavailable("killed")

    engine.stores.drift.finish = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await engine.use.reevaluate_drifted()
    del engine.stores.drift.finish
    engine.clock.advance(timedelta(minutes=15))
    finished = await engine.use.reevaluate_drifted()

    event = next(one for one in finished if one.sli_type is SliType.AVAILABILITY)
    assert isinstance(before, Recommendation)
    assert event.targets[0].before == before.tiers[0].targets[0].availability_ratio
    assert (event.targets[0].after or 0) < (event.targets[0].before or 0)


async def test_a_stored_target_stays_again_once_the_change_has_been_named(engine: Engine):
    telemetry = Telemetry()
    await telemetry.load(engine, HOURS - 24)
    await engine.use.detect_drift()
    await engine.use.reevaluate_drifted()
    named = await engine.stores.recommendations.newest(["moved"], SliType.AVAILABILITY)
    await telemetry.load(engine, HOURS)

    [later] = await engine.use.recommend(RecommendCommand(["moved"], [SliType.AVAILABILITY]), actor=ADMIN)

    first = named["moved"]
    assert isinstance(first, Recommendation)
    assert isinstance(later, Recommendation)
    assert [t.targets[0].availability_ratio for t in later.tiers] == [
        t.targets[0].availability_ratio for t in first.tiers
    ]


async def test_coarse_values_of_one_service_do_not_blind_the_others(engine: Engine):
    telemetry = Telemetry()
    await telemetry.load(engine, HOURS)
    await engine.graph.register([Service("daily")], now=NOW)
    days = np.full((1, 30), 1e6)
    await engine.history.write(SliPanel(("daily",), END.replace(hour=0) - 31 * DAY, DAY, days * 0.999, days))

    report = await engine.use.detect_drift()

    assert {event.service_id for event in report.events} == {"moved"}
    assert report.series == 6


async def test_a_service_that_falls_silent_is_not_read_over_and_over(engine: Engine):
    telemetry = Telemetry()
    await telemetry.load(engine, HOURS - 100)
    await engine.use.detect_drift()
    await engine.history.set_watermark(Watermark(END, END))

    report = await engine.use.detect_drift()

    reached = await engine.stores.drift.reached(IDS)
    assert report.events == ()
    assert len(reached) == 6
    assert {START + (hour - min(reached.values())) * HOUR for hour in reached.values()} == {START}


async def test_events_of_one_cause_say_so_in_the_audit_trail(engine: Engine):
    await draw(engine.stores.graph, "moved->steady")
    for service_id, after in (("moved", 0.99), ("steady", 0.98)):
        event = DriftEvent(
            event_id=service_id,
            service_id=service_id,
            sli_type=SliType.AVAILABILITY,
            kind=ObjectiveKind.AVAILABILITY,
            detected_at=END,
            started_at=END - 2 * HOUR,
            votes=(Detector.ADWIN, Detector.PAGE_HINKLEY),
            before=0.999,
            after=after,
            last_alarm_at=END,
        )
        await engine.stores.drift.save([WatchUpdate(service_id, event.kind, Watch(0, 0), 0, events=(event,))])

    await engine.use.reevaluate_drifted()

    trail = (await engine.stores.ledger.audit(AuditFilter(), PageRequest())).rows
    said = {entry.service_id: entry.rationale or "" for entry in trail}
    assert said["moved"].endswith("; with 1 other service, likely from steady")
    assert said["steady"].endswith("; with 1 other service, which calls it")
