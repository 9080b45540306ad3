"""A decision tells whose objective it breaks: at once where that is known, else by an event afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sloengine.application.impact.impact_bases import MOST_DECIDED, ImpactBases
from sloengine.application.impact.warn_callers import STILL_OPEN, WarnCallers, _compared, told_of
from sloengine.application.ports.slo_ledger import DecidedSince, SloLedger
from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from tests.application.impact.test_analyse_impact import organisation, promise
from tests.domain.impact.test_availability_impact import basis_of, edge, slo, target


def events(engine, kind="CallersAtRisk"):
    return [event for event in engine.db.outbox.values() if event.kind == kind]


async def test_callers_that_cannot_keep_their_objective_are_named_and_told():
    engine = await organisation()
    await promise(engine, "checkout", 0.999)

    outcome = await promise(engine, "store", 0.99)

    [warning] = [said for said in outcome.warnings if "cannot keep" in said]
    assert "1 caller of store" in warning
    assert "checkout (99.9 %, its dependencies leave 99 %" in warning
    [event] = events(engine)
    assert event.service_id == "store"
    assert event.payload["callers"] == ["checkout"]
    assert event.payload["teams"] == ["team-checkout"]
    assert event.payload["auditEvent"] == outcome.audit_event.audit_id


def test_who_is_broken_by_this_is_named_before_who_was_broken_already():
    """The basis does not know the objective in force yet; the rows are those against it all the same."""
    names = ["tight", "loose", "store"]
    basis = basis_of(
        names,
        [edge("tight", "store"), edge("loose", "store")],
        dict.fromkeys(names, 1e-5),
        {"tight": 0.001, "loose": 0.015},
    )
    basis = replace(basis, slos={**basis.slos, "store": slo("store", 0.99)})

    told = told_of("store", _compared(basis, "store", target(0.98)))

    assert told.event is not None
    assert told.event.service_ids == ("loose", "tight")
    assert "tight (99.9 %, its dependencies leave 98 %, below it before, too)" in told.warnings[0]


async def test_who_keeps_room_is_not_told():
    engine = await organisation()
    await promise(engine, "checkout", 0.9)

    outcome = await promise(engine, "store", 0.99)

    assert not any("cannot keep" in said for said in outcome.warnings)
    assert not events(engine)


async def test_a_tighter_objective_hurts_nobody():
    engine = await organisation()
    await promise(engine, "checkout", 0.999)
    await promise(engine, "store", 0.99)
    told = len(events(engine))

    await promise(engine, "store", 0.995)

    assert len(events(engine)) == told


@pytest.mark.parametrize(("earlier", "ratio"), [({}, 0.9), ({"checkout": 0.999, "store": 0.99}, 0.99)])
async def test_nothing_is_worked_out_where_nobody_can_be_hurt(
    monkeypatch, earlier: dict[str, float], ratio: float
):
    """Nobody above has promised anything; or the objective is no looser than the one in force."""
    engine = await organisation()
    for service, promised in earlier.items():
        await promise(engine, service, promised)
    before = len(events(engine))

    def never(*_):
        raise AssertionError("worked out all the same")

    monkeypatch.setattr("sloengine.application.impact.warn_callers.analyse_availability", never)
    outcome = await promise(engine, "store", ratio)

    assert STILL_OPEN not in outcome.warnings
    assert not any("cannot keep" in said for said in outcome.warnings)
    assert len(events(engine)) == before


async def test_what_is_not_known_in_time_is_told_afterwards(monkeypatch):
    engine = await organisation()
    await promise(engine, "checkout", 0.999)

    async def slow(*_):
        await asyncio.sleep(5)

    monkeypatch.setattr(WarnCallers, "_at_risk", slow)
    engine.use.set_slo.deciding.callers.seconds = 0.01
    outcome = await promise(engine, "store", 0.99)

    assert STILL_OPEN in outcome.warnings
    assert ("governance.tell_callers", {"audit_id": outcome.audit_event.audit_id}) in engine.queue.messages
    assert not events(engine)

    assert await engine.use.tell_callers(outcome.audit_event.audit_id) == 1
    assert await engine.use.tell_callers(outcome.audit_event.audit_id) == 1
    [event] = events(engine)
    assert event.payload["callers"] == ["checkout"]


async def test_a_decision_whose_message_is_lost_is_told_all_the_same(monkeypatch):
    engine = await organisation()
    await promise(engine, "checkout", 0.999)

    async def broken(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(WarnCallers, "_at_risk", broken)
    engine.queue.is_away = True
    outcome = await promise(engine, "store", 0.99)
    audit_id = outcome.audit_event.audit_id
    engine.queue.is_away = False
    engine.queue.messages.clear()

    at_once = list(await engine.use.resume_telling())
    engine.clock.advance(timedelta(minutes=2))
    again, once_more = list(await engine.use.resume_telling()), list(await engine.use.resume_telling())
    await engine.use.tell_callers(audit_id)
    await engine.use.tell_callers(audit_id)

    assert (at_once, again, once_more) == ([], [audit_id], [audit_id])
    assert engine.queue.messages == [("governance.tell_callers", {"audit_id": audit_id})] * 2
    assert list(await engine.use.resume_telling()) == []
    [event] = events(engine)
    assert event.payload["callers"] == ["checkout"]


async def test_who_is_told_with_the_decision_is_not_looked_at_again():
    engine = await organisation()
    await promise(engine, "checkout", 0.999)
    await promise(engine, "store", 0.99)
    engine.clock.advance(timedelta(hours=1))

    assert list(await engine.use.resume_telling()) == []


async def test_a_failure_here_does_not_stop_a_decision(monkeypatch):
    engine = await organisation()

    async def broken(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(WarnCallers, "_at_risk", broken)

    outcome = await promise(engine, "store", 0.99)

    assert outcome.slo is not None
    assert STILL_OPEN in outcome.warnings


async def test_latency_is_told_afterwards():
    engine = await organisation()
    await promise(engine, "store", p95=100)

    outcome = await promise(engine, "store", p95=300)

    assert STILL_OPEN in outcome.warnings
    assert await engine.use.tell_callers(outcome.audit_event.audit_id) == 0  # nobody's latency is known


async def test_present_objectives_are_looked_at_without_reading_all_of_them():
    engine = await organisation()
    bases = engine.use.analyse_impact.bases
    bases.moment = timedelta(seconds=60)
    await bases.current()
    await promise(engine, "checkout", 0.999)

    basis = await bases.for_decision()

    assert basis.slos["checkout"].targets == (SloTarget(ObjectiveKind.AVAILABILITY, 0.999),)
    assert bases._basis is not None
    assert "checkout" not in bases._basis[1].slos


class Counted:
    """A ledger that notes whose objectives are read."""

    def __init__(self, ledger: SloLedger) -> None:
        self._ledger = ledger
        self.read: list[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def active(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, Slo]:
        self.read.append(list(service_ids))
        return await self._ledger.active(service_ids, sli_type)

    async def decided_since(self, sequence: int, limit: int, sli_type: SliType) -> DecidedSince:
        found = await self._ledger.decided_since(sequence, limit, sli_type)
        self.read.append(list(found.service_ids))
        return found


def of_another_process(engine: Any, ledger: Any) -> ImpactBases:
    bases = engine.use.analyse_impact.bases
    return ImpactBases(
        bases.snapshots, bases.history, ledger, bases.findings, bases.clock, moment=timedelta(seconds=60)
    )


async def test_of_several_decisions_each_is_read_once():
    engine = await organisation()
    ledger = Counted(engine.use.analyse_impact.bases.ledger)
    bases = of_another_process(engine, ledger)
    await bases.current()
    ledger.read.clear()

    await promise(engine, "checkout", 0.999)
    await bases.for_decision()
    await promise(engine, "store", 0.99)
    basis = await bases.for_decision()
    await bases.current()

    assert ledger.read == [["checkout"], ["store"], []]
    assert set(basis.slos) == {"checkout", "store"}


class Hurried:
    """A ledger before whose first look at newer decisions a service is registered and promises something."""

    def __init__(self, engine: Any) -> None:
        self._engine, self._ledger = engine, engine.use.analyse_impact.bases.ledger
        self.is_waiting = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def decided_since(self, sequence: int, limit: int, sli_type: SliType) -> DecidedSince:
        if self.is_waiting:
            self.is_waiting = False
            await self._engine.ingest(services=[{"serviceId": "late"}])
            await promise(self._engine, "late", 0.99)
        return await self._ledger.decided_since(sequence, limit, sli_type)


async def test_the_objective_of_a_service_that_came_after_the_graph_was_read_waits_for_the_next_look():
    engine = await organisation()
    ledger = Hurried(engine)
    bases = of_another_process(engine, ledger)
    await bases.current()
    await promise(engine, "store", 0.99)

    ledger.is_waiting = True
    first, second = await bases.current(), await bases.current()

    assert set(first.slos) == {"store"}
    assert set(second.slos) == {"store", "late"}


async def test_a_look_that_was_broken_off_hides_no_objective_from_the_next_one(monkeypatch):
    engine = await organisation()
    ledger = Hurried(engine)
    bases = of_another_process(engine, ledger)
    await bases.current()
    ledger.is_waiting = True
    await bases.for_decision()
    with monkeypatch.context() as broken:
        broken.delattr("sloengine.application.impact.impact_bases.basis_of")
        with pytest.raises(NameError):
            await bases.current()

    basis = await bases.current()

    assert set(basis.slos) == {"late"}


async def test_many_decisions_on_one_service_hide_none_on_another():
    engine = await organisation()
    bases = of_another_process(engine, engine.use.analyse_impact.bases.ledger)
    await bases.current()
    for n in range(MOST_DECIDED):
        await promise(engine, "store", 0.9 + n / 1_000)
    await promise(engine, "checkout", 0.999)

    basis = await bases.for_decision()

    assert basis.slos["checkout"].targets == (SloTarget(ObjectiveKind.AVAILABILITY, 0.999),)


@pytest.mark.parametrize("count", [7])
async def test_a_warning_names_a_few(count):
    engine = await organisation()
    names = [f"front-{i}" for i in range(count)]
    await engine.ingest(
        services=[{"serviceId": name} for name in names],
        dependencies=[{"caller": name, "dependency": "store"} for name in names],
    )
    for name in names:
        await promise(engine, name, 0.999)

    outcome = await promise(engine, "store", 0.99)

    [warning] = [said for said in outcome.warnings if "cannot keep" in said]
    assert f"{count} callers" in warning
    assert "and 2 more" in warning
    assert events(engine)[-1].payload["count"] == count
