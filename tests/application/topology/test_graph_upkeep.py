from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sloengine.application.ports.paging import PageRequest
from sloengine.application.topology.register_services import RegisterServicesCommand
from sloengine.application.topology.update_alert import UpdateAlertCommand
from sloengine.domain.errors import (
    Conflict,
    ErrorCode,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    ServiceNotFound,
    TooLarge,
)
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import AlertStatus
from tests.application.organisation import ADMIN, OWNER, VIEWER, Engine, edges

OTEL = DiscoverySource.OTEL


async def test_a_dependency_nobody_has_seen_for_its_time_to_live_turns_stale_and_breaks_its_cycle():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b", "b>a"))
    await engine.ingest(DiscoverySource.MANUAL, dependencies=edges("a>b"))
    version = engine.db.version
    engine.clock.advance(timedelta(days=8))

    assert await engine.use.mark_stale() == 1

    assert engine.db.merged["b", "a"].is_stale
    assert not engine.db.merged["a", "b"].is_stale
    assert engine.db.supernodes == {}
    assert engine.db.version == version + 1
    assert (await engine.graph.alerts(AlertStatus.OPEN, PageRequest())).rows == []


async def test_looking_for_staleness_again_changes_nothing():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b"))
    engine.clock.advance(timedelta(days=8))
    await engine.use.mark_stale()
    version = engine.db.version

    assert await engine.use.mark_stale() == 0
    assert engine.db.version == version


async def test_confidence_fades_without_moving_the_version():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b"))
    before, version = engine.db.merged["a", "b"].confidence, engine.db.version
    engine.clock.advance(timedelta(days=3))

    assert await engine.use.mark_stale() == 0

    assert engine.db.merged["a", "b"].confidence < before
    assert engine.db.version == version


async def test_a_dependency_that_is_seen_again_comes_back():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b"))
    engine.clock.advance(timedelta(days=8))
    await engine.use.mark_stale()

    await engine.ingest(OTEL, dependencies=edges("a>b"))

    assert not engine.db.merged["a", "b"].is_stale


async def test_staleness_waits_for_a_merge():
    engine = Engine()
    engine.locks.held.add("graph")

    with pytest.raises(Conflict):
        await engine.use.mark_stale()


async def test_an_alert_is_acknowledged_by_an_owner_of_its_cycle():
    engine = Engine()
    await engine.ingest(services=[{"serviceId": "a", "team": "payments"}], dependencies=edges("a>b", "b>a"))
    [alert] = engine.db.alerts.values()

    changed = await engine.use.update_alert(
        UpdateAlertCommand(alert.alert_id, AlertStatus.ACKNOWLEDGED, "known since spring"), actor=OWNER
    )

    assert (changed.status, changed.updated_by, changed.note) == (
        AlertStatus.ACKNOWLEDGED,
        OWNER.subject,
        "known since spring",
    )


async def test_an_alert_of_others_or_of_nobody_is_refused():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b", "b>a"))
    [alert] = engine.db.alerts

    with pytest.raises(Forbidden):
        await engine.use.update_alert(UpdateAlertCommand(alert, AlertStatus.RESOLVED), actor=OWNER)
    with pytest.raises(NotFound):
        await engine.use.update_alert(UpdateAlertCommand("none", AlertStatus.RESOLVED), actor=ADMIN)
    with pytest.raises(Invalid):
        await engine.use.update_alert(UpdateAlertCommand(alert, AlertStatus.RESOLVED, "x" * 4001), actor=ADMIN)


async def test_registering_keeps_good_rows_and_refuses_bad_ones_one_by_one():
    engine = Engine()
    rows = [
        {"serviceId": "a", "team": "payments", "criticality": "HIGH"},
        {"serviceId": "bad\u0007id"},
        {"serviceId": "c", "criticality": "HUGE"},
    ]

    done = await engine.use.register_services(RegisterServicesCommand(rows), actor=ADMIN)

    assert [service.service_id for service in done.services] == ["a"]
    assert [item.path for item in done.rejected] == ["services.1.serviceId", "services.2.criticality"]
    assert not done.services[0].discovered


async def test_registering_the_same_again_moves_no_version():
    engine = Engine()
    command = RegisterServicesCommand([{"serviceId": "a", "team": "web"}], idempotency_key="k")
    await engine.use.register_services(command, actor=ADMIN)
    version = engine.db.version

    await engine.use.register_services(command, actor=ADMIN)

    assert engine.db.version == version


async def test_registering_under_a_key_answers_a_retry_and_writes_no_second_time():
    engine = Engine()
    rows = [{"serviceId": "a", "team": "one"}, {"serviceId": ""}]
    command = RegisterServicesCommand(rows, idempotency_key="k")

    first = await engine.use.register_services(command, actor=ADMIN)
    await engine.use.register_services(RegisterServicesCommand([{"serviceId": "a", "team": "two"}]), actor=ADMIN)
    again = await engine.use.register_services(command, actor=ADMIN)

    assert again == first
    assert [item.index for item in first.rejected] == [1]
    assert engine.db.services["a"].team == "two"
    with pytest.raises(IdempotencyMismatch):
        await engine.use.register_services(replace(command, services=rows[:1]), actor=ADMIN)


async def test_an_owner_registers_services_of_own_teams_only():
    engine = Engine()
    await engine.ingest(services=[{"serviceId": "theirs", "team": "web"}])
    rows = [
        {"serviceId": "mine", "team": "payments"},
        {"serviceId": "theirs", "team": "payments"},
        {"serviceId": "nobodys"},
    ]

    done = await engine.use.register_services(RegisterServicesCommand(rows), actor=OWNER)

    assert [service.service_id for service in done.services] == ["mine"]
    assert {item.code for item in done.rejected} == {ErrorCode.FORBIDDEN}
    assert engine.db.services["theirs"].team == "web"


@pytest.mark.parametrize(
    ("rows", "actor", "error"),
    [
        ([], ADMIN, Invalid),
        ([{"serviceId": "a"}] * 2001, ADMIN, TooLarge),
        ([{"serviceId": "a"}], VIEWER, Forbidden),
    ],
)
async def test_registering_nothing_too_much_or_as_a_viewer_is_refused(rows, actor, error):
    with pytest.raises(error):
        await Engine().use.register_services(RegisterServicesCommand(rows), actor=actor)


async def test_the_neighbourhood_of_an_unknown_service_is_an_error_that_names_it():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b", "b>c", "c>b"))

    found = await engine.use.read_graph.neighbourhood(["a"], depth=2)
    assert [service.service_id for service in found.services] == ["a", "b", "c"]
    assert [node.members for node in found.supernodes] == [("b", "c")]

    with pytest.raises(ServiceNotFound) as caught:
        await engine.use.read_graph.neighbourhood(["a", "zz"])
    assert caught.value.path == ("roots", "1")
    with pytest.raises(Invalid):
        await engine.use.read_graph.neighbourhood(["a"], depth=0)
