from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.application.ports.paging import PageRequest
from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.application.topology.stated_rows import from_lines, to_lines
from sloengine.application.topology.statement_fingerprint import fingerprint
from sloengine.domain.errors import Conflict, Forbidden, IdempotencyMismatch, Invalid, TooLarge
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import AlertStatus, JobStatus
from sloengine.domain.topology.team_authority import ANY_TEAM, TeamAuthority
from sloengine.infrastructure.memory.service_graph import MemoryServiceGraph
from sloengine.infrastructure.plain_json import dump_json, load_json
from tests.application.organisation import ADMIN, NOW, OWNER, Engine, edges

MANUAL, OTEL, K8S = DiscoverySource.MANUAL, DiscoverySource.OTEL, DiscoverySource.K8S
BACKSTAGE = DiscoverySource.BACKSTAGE
SAID: dict[str, Any] = {"source": "MANUAL", "complete": False, "observedAt": None, "services": []}


def pairs(engine: Engine) -> set[str]:
    return {f"{caller}>{dependency}" for caller, dependency in engine.db.merged}


async def test_what_is_ingested_is_queued_at_once_and_merged_by_the_worker():
    engine = Engine()

    queued = await engine.submit(MANUAL, services=[{"serviceId": "a", "team": "web"}], dependencies=edges("a>b"))

    assert queued.status is JobStatus.QUEUED
    assert not queued.warnings
    assert engine.queue.messages == [("topology.merge_ingestion", {"ingestion_id": queued.ingestion_id})]
    assert pairs(engine) == set()

    merged = await engine.use.merge_ingestion(queued.ingestion_id)

    assert merged.status is JobStatus.SUCCEEDED
    assert (merged.accepted, merged.services_created, merged.edges_created) == (2, 2, 1)
    assert merged.graph_version == 1 == engine.db.version
    assert merged.progress == 1.0
    assert pairs(engine) == {"a>b"}
    assert engine.db.services["a"].team == "web"
    assert not engine.db.services["a"].discovered
    assert engine.db.services["b"].discovered
    assert engine.db.payloads == {}


async def test_a_queue_that_is_away_does_not_refuse_an_ingestion_and_the_sweep_takes_it_up():
    engine = Engine()
    engine.queue.is_away = True

    queued = await engine.submit(MANUAL, dependencies=edges("a>b"))

    assert queued.status is JobStatus.QUEUED
    assert any("later" in warning for warning in queued.warnings)

    engine.queue.is_away = False
    assert await engine.use.resume_ingestions() == []
    engine.clock.advance(timedelta(minutes=1))
    assert await engine.use.resume_ingestions() == [queued.ingestion_id]


async def test_the_same_idempotency_key_gives_the_same_ingestion_and_another_body_is_refused():
    engine = Engine()
    command = IngestDependenciesCommand(MANUAL, dependencies=edges("a>b"), idempotency_key="k")

    first = await engine.use.ingest_dependencies(command, actor=ADMIN)
    engine.clock.advance(timedelta(seconds=3))
    second = await engine.use.ingest_dependencies(command, actor=ADMIN)

    assert second.ingestion_id == first.ingestion_id
    assert len(engine.queue.messages) == 1
    with pytest.raises(IdempotencyMismatch):
        await engine.submit(MANUAL, dependencies=edges("a>c"), idempotency_key="k")


async def test_a_retry_after_an_upgrade_finds_its_ingestion():
    engine = Engine()
    rows = {"services": [{"serviceId": "b", "team": "shop", "name": "Bü"}], "dependencies": edges("a>b")}
    command = IngestDependenciesCommand(BACKSTAGE, **rows, idempotency_key="k")
    asking = engine.use.ingest_dependencies
    first = await asking(command, actor=ADMIN)

    # Stored in another form by the newer version, which lets catalogues give teams as well.
    upgraded = replace(
        asking, dump=lambda value: b" " + asking.dump(value), teams=TeamAuthority({BACKSTAGE: ANY_TEAM})
    )
    again = await upgraded(command, actor=ADMIN)

    assert again.ingestion_id == first.ingestion_id
    with pytest.raises(IdempotencyMismatch):
        await upgraded(replace(command, complete=True), actor=ADMIN)


@pytest.mark.parametrize("in_lines", [True, False])
async def test_an_ingestion_under_a_key_of_a_version_that_kept_the_digest_of_the_payload_is_found(in_lines: bool):
    engine = Engine()
    command = IngestDependenciesCommand(MANUAL, dependencies=edges("a>b"), idempotency_key="k")
    asking = engine.use.ingest_dependencies
    first = await asking(command, actor=ADMIN)
    stated = {**SAID, "dependencies": edges("a>b")}
    payload = to_lines(stated, asking.dump) if in_lines else asking.dump(stated)
    key = (ADMIN.subject, "ingestDependencies", "k")
    at, _, answer = engine.db.answered[key]
    engine.db.answered[key] = (at, hashlib.sha256(payload).hexdigest(), answer)

    assert (await asking(command, actor=ADMIN)).ingestion_id == first.ingestion_id


def test_the_fingerprint_of_a_statement_is_the_same_in_every_version():
    said = {**SAID, "services": [{"serviceId": "b", "name": "Bü"}], "dependencies": edges("a>b", callWeight=0.1)}

    assert fingerprint(said) == ("said-1:90f87d5310f1b5b9b99ffaf7addf15945aa63cda6d90fd4da14a93eb151c1fa2")


async def test_bad_rows_are_refused_one_by_one_and_good_ones_land():
    engine = Engine()
    rows = [
        *edges("a>b", "a>a"),
        {"caller": "a"},
        *edges("b>c", mode="NEVER"),
        *edges("c>d", callWeight="x"),
        "no row",
    ]

    merged = await engine.ingest(dependencies=rows)

    assert merged.status is JobStatus.SUCCEEDED
    assert pairs(engine) == {"a>b"}
    assert [item.index for item in merged.rejected] == [1, 2, 3, 4, 5]
    assert merged.rejected[2].path == "dependencies.3.mode"


async def test_only_admins_ingest():
    with pytest.raises(Forbidden):
        await Engine().use.ingest_dependencies(
            IngestDependenciesCommand(MANUAL, dependencies=edges("a>b")), actor=OWNER
        )


@pytest.mark.parametrize(
    ("given_command", "error", "path"),
    [
        ({"dependencies": edges("a>b") * 2001}, TooLarge, ("input", "dependencies")),
        ({}, Invalid, ("input", "dependencies")),
        ({"document": {"edges": []}}, Invalid, ("input", "document")),
        ({"document": {"dependencies": 3}}, Invalid, ("input", "document", "dependencies")),
        ({"document": {}, "dependencies": edges("a>b")}, Invalid, ("input", "document")),
        (
            {"dependencies": edges("a>b"), "observed_at": NOW + timedelta(hours=1)},
            Invalid,
            ("input", "observedAt"),
        ),
        ({"dependencies": edges("a>b"), "idempotency_key": ""}, Invalid, ("input", "idempotencyKey")),
        (
            {"document": {"dependencies": [{"caller": "x" * 200, "dependency": "y", "pad": "z" * 900}] * 11_000}},
            TooLarge,
            ("input", "document"),
        ),
    ],
)
async def test_what_is_over_a_limit_or_makes_no_sense_is_refused_at_once(given_command, error, path):
    engine = Engine()

    with pytest.raises(error) as caught:
        await engine.submit(MANUAL, **given_command)

    assert caught.value.path == path
    assert engine.db.ingestions == {}


async def test_ingesting_again_changes_nothing_and_leaves_the_graph_version():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b", "b>c"))

    again = await engine.ingest(dependencies=edges("a>b", "b>c"))

    assert again.status is JobStatus.SUCCEEDED
    assert (again.edges_created, again.edges_removed) == (0, 0)
    assert len(engine.db.merged) == 2


async def test_the_version_stays_when_the_same_is_said_at_the_same_time():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b"), observed_at=NOW)

    again = await engine.ingest(dependencies=edges("a>b"), observed_at=NOW)

    assert again.graph_version == 1 == engine.db.version


async def test_a_changed_service_moves_the_version():
    engine = Engine()
    await engine.ingest(services=[{"serviceId": "a"}])

    again = await engine.ingest(services=[{"serviceId": "a", "criticality": "HIGH"}])

    assert again.graph_version == 2


async def test_services_that_are_stated_as_they_are_are_not_written_again():
    engine = Engine()
    stated = [{"serviceId": "a", "team": "web"}, {"serviceId": "b", "team": "web", "metadata": {"tier": 1}}]
    await engine.ingest(MANUAL, services=stated)
    before = engine.db.services.copy()
    written: list[str] = []

    class Watched(MemoryServiceGraph):
        async def write_batch(self, **batch: Any) -> Any:
            written.extend(service.service_id for service in batch["services"])
            return await super().write_batch(**batch)

    merge = engine.merge_on(Watched(engine.db))
    same = await merge((await engine.submit(MANUAL, services=stated)).ingestion_id)
    untouched = (written.copy(), engine.db.services.copy())
    engine.clock.advance(timedelta(hours=1))
    moved = await merge(
        (await engine.submit(MANUAL, services=[stated[0], {**stated[1], "team": "shop"}])).ingestion_id
    )

    assert untouched == ([], before)
    assert written == ["b"]
    assert (engine.db.services["a"], engine.db.services["b"].team) == (before["a"], "shop")
    assert moved.graph_version == (same.graph_version or 0) + 1


async def test_a_complete_list_withdraws_what_its_source_no_longer_names():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b", "a>c", "b>c"))
    await engine.ingest(MANUAL, dependencies=edges("a>c"))
    engine.clock.advance(timedelta(minutes=1))

    merged = await engine.ingest(OTEL, dependencies=edges("a>b"), complete=True)

    # a>c is still claimed by a person; b>c by nobody.
    assert pairs(engine) == {"a>b", "a>c"}
    assert merged.edges_removed == 1
    assert ("a", "c", OTEL) not in engine.db.claims


async def test_a_complete_list_of_named_callers_leaves_the_others_alone():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b", "b>c"))
    engine.clock.advance(timedelta(minutes=1))

    await engine.ingest(services=[{"serviceId": "a"}], dependencies=[], complete=True)

    assert pairs(engine) == {"b>c"}


async def test_a_row_with_a_typing_mistake_does_not_withdraw_its_dependency():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b", "a>c"))
    engine.clock.advance(timedelta(minutes=1))

    await engine.ingest(dependencies=[*edges("a>b"), *edges("a>c", mode="SINK")], complete=True)

    assert pairs(engine) == {"a>b", "a>c"}


async def test_an_older_complete_list_withdraws_nothing_that_was_seen_since():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b"), observed_at=NOW)

    await engine.ingest(dependencies=edges("x>y"), observed_at=NOW - timedelta(hours=1), complete=True)

    assert pairs(engine) == {"a>b", "x>y"}


async def test_a_cycle_becomes_a_supernode_with_an_alert_that_resolves_itself():
    engine = Engine()

    merged = await engine.ingest(dependencies=edges("a>b", "b>c", "c>a", "c>d"))

    assert merged.cycles == 1
    [alert] = (await engine.graph.alerts(AlertStatus.OPEN, PageRequest())).rows
    assert alert.members == ("a", "b", "c")
    assert len(engine.db.condensation) == 1

    engine.clock.advance(timedelta(minutes=1))
    await engine.ingest(dependencies=edges("a>b", "b>c", "c>d"), complete=True)

    assert (await engine.graph.alerts(AlertStatus.OPEN, PageRequest())).rows == []
    assert engine.db.supernodes == {}


async def test_two_merges_do_not_run_at_once():
    engine = Engine()
    queued = await engine.submit(MANUAL, dependencies=edges("a>b"))
    engine.locks.held.add("graph")

    with pytest.raises(Conflict):
        await engine.use.merge_ingestion(queued.ingestion_id)


async def test_what_breaks_inside_is_said_and_ends_the_ingestion():
    engine = Engine()
    queued = await engine.submit(MANUAL, dependencies=edges("a>b"))
    engine.db.payloads[queued.ingestion_id] = b"not json"

    ended = await engine.use.merge_ingestion(queued.ingestion_id)

    assert ended.status is JobStatus.FAILED
    assert ended.error is not None
    assert await engine.use.merge_ingestion(queued.ingestion_id) == ended


class PowerCut(BaseException):
    """A process that dies."""


class DyingGraph(MemoryServiceGraph):
    """Dies at the n-th write, before or after it is done."""

    def __init__(self, engine: Engine, at: int, *, after: bool) -> None:
        super().__init__(engine.db)
        self._left, self._after = at, after

    async def write_batch(self, **batch: Any) -> Any:
        return await self._maybe_die(super().write_batch, batch)

    async def write_condensation(self, **batch: Any) -> Any:
        return await self._maybe_die(super().write_condensation, batch)

    async def _maybe_die(self, write: Any, batch: Any) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise PowerCut
        done = await write(**batch)
        if self._left == 0:
            raise PowerCut
        return done


@settings(max_examples=25, deadline=None)
@given(at=st.integers(1, 6), after=st.booleans())
async def test_a_merge_that_dies_anywhere_and_runs_again_loses_and_doubles_nothing(at: int, after: bool):
    rows = {
        "services": [{"serviceId": "s0", "team": "web"}],
        "dependencies": edges(*(f"s{i}>s{i + 1}" for i in range(45)), "s9>s3"),
    }
    before = {"dependencies": edges("s0>old", "s1>s2")}
    straight, broken = Engine(), Engine()
    for engine in (straight, broken):
        await engine.ingest(document=before, observed_at=NOW - timedelta(days=1))
    expected = await straight.ingest(document=rows, complete=True)

    queued = await broken.submit(MANUAL, document=rows, complete=True)
    with pytest.raises(PowerCut):
        await broken.merge_on(DyingGraph(broken, at, after=after))(queued.ingestion_id)
    broken.locks.held.clear()
    got = await broken.use.merge_ingestion(queued.ingestion_id)

    assert broken.db.merged == straight.db.merged
    assert broken.db.claims == straight.db.claims
    assert broken.db.supernodes == straight.db.supernodes
    assert len(broken.db.alerts) == 1
    counted = (
        "status",
        "accepted",
        "services_created",
        "edges_created",
        "edges_updated",
        "edges_removed",
        "cycles",
    )
    assert [getattr(got, name) for name in counted] == [getattr(expected, name) for name in counted]
    assert broken.db.version > 1


@pytest.mark.parametrize("source", [one for one in DiscoverySource if one is not MANUAL])
@pytest.mark.parametrize("in_document", [True, False])
async def test_a_source_gives_no_team_unless_a_setting_says_so(source: DiscoverySource, in_document: bool):
    rows = [{"serviceId": "a", "name": "A", "team": "attackers"}, {"serviceId": "b", "team": "web"}]
    given: dict[str, Any] = {"document": {"services": rows}} if in_document else {"services": rows}
    engine = Engine(teams=TeamAuthority({source: frozenset({"web"})}, {source: "SLOENGINE_TEAMS"}))

    queued = await engine.submit(source, **given)
    merged = await engine.use.merge_ingestion(queued.ingestion_id)

    assert [(engine.db.services[one].team, engine.db.services[one].name) for one in "ab"] == [
        (None, "A"),
        ("web", None),
    ]
    assert merged.warnings == queued.warnings
    [warning] = queued.warnings
    assert warning.startswith("services.0.team: team 'attackers' was not taken")
    assert "SLOENGINE_TEAMS" in warning


async def test_a_source_that_may_give_teams_moves_no_service_and_a_person_does():
    engine = Engine(teams=TeamAuthority({K8S: ANY_TEAM}))
    await engine.ingest(MANUAL, services=[{"serviceId": "a", "team": "front"}])

    by_source = await engine.ingest(K8S, services=[{"serviceId": "a", "team": "attackers"}])
    team_then = engine.db.services["a"].team
    by_person = await engine.ingest(MANUAL, services=[{"serviceId": "a", "team": "back"}])

    assert team_then == "front"
    assert [("front" in one, "attackers" in one) for one in by_source.warnings] == [(True, True)]
    assert engine.db.services["a"].team == "back"
    assert by_person.warnings == ()


@pytest.mark.parametrize(("services", "dependencies"), [(0, 0), (0, 1), (500, 501), (3, 1_203)])
def test_what_is_stored_line_by_line_is_read_back_as_it_was(services: int, dependencies: int):
    statement = {
        "source": "OTEL",
        "complete": False,
        "observedAt": None,
        "services": [{"serviceId": f"s{number}", "name": "two\nlines"} for number in range(services)],
        "dependencies": [{"caller": "a", "dependency": f"s{number}"} for number in range(dependencies)],
    }

    assert from_lines(to_lines(statement, dump_json), load_json) == statement
    assert from_lines(dump_json(statement), load_json) == statement
