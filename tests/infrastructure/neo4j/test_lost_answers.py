"""A write that was done, its answer lost with the connection, is neither done twice nor said to have failed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from sloengine.application.ports.discovery_store import StoredNameRules
from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.recommendation_store import Answering
from sloengine.application.ports.service_graph import RegisteredServices
from sloengine.application.ports.slo_ledger import AuditFilter
from sloengine.domain.errors import Unavailable
from sloengine.domain.journeys.model import Journey
from sloengine.domain.recommendation.model import RecommendationStatus, SliType
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert, Ingestion, JobStatus
from sloengine.domain.topology.name_choices import NameChoice, choose
from sloengine.domain.topology.name_decisions import RememberedName
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j import Neo4jStores, stores_on
from sloengine.infrastructure.neo4j.alerts import set_status
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction
from sloengine.infrastructure.neo4j.graph_writes import move_version
from sloengine.infrastructure.neo4j.recommendation_store import Neo4jRecommendationStore
from tests.contracts.recommendation_samples import availability, slo
from tests.contracts.test_slo_ledger import accept, decide, put, recommended
from tests.infrastructure.neo4j.wire import Wire, between, open_through

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
BANK = RememberedName("search", ("bank", ""), "bank/search", "bank/search")
JOURNEY = Journey("j1", "buy", ("a",), (), "user:ada", NOW, "user:ada", NOW)


@pytest.fixture
async def wire(clean_neo4j: Neo4jAddress) -> AsyncIterator[Wire]:
    async with between(clean_neo4j) as opened:
        yield opened


@pytest.fixture
async def stores(wire: Wire, clean_neo4j: Neo4jAddress) -> AsyncIterator[Neo4jStores]:
    async with open_through(wire, clean_neo4j) as connection:
        opened = stores_on(connection)
        await opened.migrator.up()
        yield opened


async def decide_name(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    await stores.discovery.remember_names([BANK])
    lose()

    chosen, entry = await stores.discovery.decide_name(
        "search",
        lambda alike: choose(alike, BANK.told_apart_by, NameChoice.SHORT_ID, "bank/search"),
        actor="user:ada",
        rationale="it is the bank's",
        now=NOW,
    )

    assert [name.service_id for name in chosen.after] == ["search"]
    trail = await stores.ledger.audit(AuditFilter(), PageRequest())
    assert list(trail.rows) == [entry]
    assert (await stores.ledger.verify()).intact


async def save_rules(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    rules = StoredNameRules(DEFAULT_NAME_RULES, "user:ada", NOW, 1)
    lose()

    await stores.discovery.save_name_rules(rules)

    assert await stores.discovery.name_rules() == rules


async def accept_recommendation(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    recommendation_id = await recommended(stores)
    new = slo("slo-1", recommendation_id=recommendation_id)
    lose()

    recorded = await decide(stores.ledger, accept(new), recommendation_id=recommendation_id)

    assert not recorded.replayed
    assert list((await stores.ledger.audit(AuditFilter(), PageRequest())).rows) == [recorded.audit_event]


async def set_slo_under_a_key(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    lose()

    recorded = await decide(stores.ledger, put(slo("slo-1")), idempotency_key="k")
    again = await decide(stores.ledger, put(slo("slo-2")), idempotency_key="k")

    assert not recorded.replayed  # what follows a decision follows this one
    assert again == replace(recorded, replayed=True)


async def save_journey(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    lose()

    first = await stores.journeys.save(JOURNEY)
    lose()
    second = await stores.journeys.save(replace(JOURNEY, entry_points=("b",)), replacing=first)

    assert (first.entry_points, second.entry_points) == (("a",), ("b",))
    assert await stores.journeys.by_name(["buy"]) == {"buy": second}


async def delete_journey(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    saved = await stores.journeys.save(JOURNEY)
    lose()

    assert await stores.journeys.delete("j1") == saved
    assert await stores.journeys.delete("j1") is None


async def change_alert(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    alert = CircularDependencyAlert("1", AlertStatus.OPEN, ("a", "b", "a"), ("a", "b"), NOW)
    await stores.graph.write_condensation(supernodes=(), edges=(), alerts=[alert], changed=False, now=NOW)
    lose()

    changed = await stores.graph.set_alert_status(
        "1", AlertStatus.ACKNOWLEDGED, note="known", actor="user:ada", now=NOW
    )

    assert changed is not None
    assert len(changed.history) == 1
    assert await stores.graph.alerts_by_id(["1"]) == {"1": changed}


async def submit_ingestion(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    queued = Ingestion("i1", DiscoverySource.MANUAL, JobStatus.QUEUED, submitted_at=NOW)
    lose()

    assert await stores.ingestions.submit(queued, b"{}", actor="user:ada", request=None) == queued
    assert await stores.ingestions.payload("i1") == b"{}"


async def submit_ingestion_under_a_key(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    queued = Ingestion("i1", DiscoverySource.MANUAL, JobStatus.QUEUED, submitted_at=NOW)
    request = KeyedRequest("user:ada", "ingestDependencies", "k", "body")
    lose()

    # Its own, not an earlier one's: so it is merged.
    assert await stores.ingestions.submit(queued, b"{}", actor="user:ada", request=request) == queued
    later = replace(queued, ingestion_id="i2")
    assert await stores.ingestions.submit(later, b"{}", actor="user:ada", request=request) == queued


async def remember_names(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    lose()

    await stores.discovery.remember_names([BANK])

    page = await stores.discovery.page_of_names(None, PageRequest())
    assert list(page.rows) == [BANK]


async def start_job(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    request = KeyedRequest("user:ada", "generateRecommendations", "k", "body")
    lose()

    assert await stores.recommendation_jobs.create_job("j1", ["a"], {}, request=request) == "j1"
    assert await stores.recommendation_jobs.create_job("j2", ["a"], {}, request=request) == "j1"


async def recommend(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    request = KeyedRequest("user:ada", "generateRecommendations", "k", "body")
    lose()

    [kept] = await stores.recommendations.save_once(
        [availability("a")], Answering(request, (), is_stale=False), now=NOW
    )

    newest = await stores.recommendations.newest(["a"], SliType.AVAILABILITY)
    assert newest == {"a": kept}
    assert (await stores.recommendations.page("a", None, None, PageRequest())).total_count == 1


async def save_recommendations(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    store = Neo4jRecommendationStore(stores.connection, portion_bytes=1)  # a portion each
    [before] = await store.save([availability("b")], now=NOW)
    lose()

    saved = await store.save([availability("a"), availability("b")], now=NOW)

    assert await store.newest(["a", "b"], SliType.AVAILABILITY) == {one.service_id: one for one in saved}
    pages = await store.pages(["a", "b"], None, None, PageRequest())
    assert [page.total_count for page in pages.values()] == [1, 2]
    [superseded] = (await store.by_id([getattr(before, "recommendation_id", "")])).values()
    assert superseded.status is RecommendationStatus.SUPERSEDED


async def register_services(stores: Neo4jStores, lose: Callable[[], None]) -> None:
    request = KeyedRequest("user:ada", "registerServices", "k", "body")
    lose()

    answer = await stores.graph.register_once(RegisteredServices((Service("a"),)), request, now=NOW)

    assert [service.service_id for service in answer.services] == ["a"]


@pytest.mark.parametrize(
    "mutation",
    [
        decide_name,
        save_rules,
        accept_recommendation,
        set_slo_under_a_key,
        save_journey,
        delete_journey,
        change_alert,
        submit_ingestion,
        submit_ingestion_under_a_key,
        remember_names,
        start_job,
        recommend,
        save_recommendations,
        register_services,
    ],
)
async def test_a_mutation_whose_answer_was_lost_was_done_once(
    stores: Neo4jStores, wire: Wire, mutation: Callable[[Neo4jStores, Callable[[], None]], Awaitable[None]]
):
    lost = 0

    def lose() -> None:
        nonlocal lost
        lost += 1
        wire.commits_to_lose = 1

    await mutation(stores, lose)

    assert lost >= 1
    assert wire.commits_to_lose == 0


async def test_what_somebody_does_to_an_alert_after_a_change_whose_answer_was_lost_stands(stores: Neo4jStores):
    """Between the commit whose answer is lost and the next attempt."""
    alert = CircularDependencyAlert("1", AlertStatus.OPEN, ("a", "b", "a"), ("a", "b"), NOW)
    await stores.graph.write_condensation(supernodes=(), edges=(), alerts=[alert], changed=False, now=NOW)
    connection = stores.graph._connection

    class Interrupted:
        async def in_write(self, work: Callable[..., Awaitable[object]], **how: bool) -> object:
            await connection.in_write(work, **how)
            await stores.graph.set_alert_status("1", AlertStatus.RESOLVED, note="cut", actor="user:bob", now=LATER)
            return await connection.in_write(work, **how)

    changed = await set_status(
        cast(Neo4jConnection, Interrupted()),
        "1",
        AlertStatus.ACKNOWLEDGED,
        note="known",
        actor="user:ada",
        now=NOW,
    )

    stands = (await stores.graph.alerts_by_id(["1"]))["1"]
    assert changed == stands
    assert [(line.by, line.text) for line in stands.history] == [("user:ada", "known"), ("user:bob", "cut")]
    assert (stands.status, stands.note) == (AlertStatus.RESOLVED, "cut")


async def test_what_cannot_know_itself_is_not_done_again_and_says_that_it_may_have_been(
    stores: Neo4jStores, wire: Wire
):
    runs = 0

    async def work(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        await move_version(transaction, changed=True, now=NOW)

    before = await stores.graph.version()
    wire.commits_to_lose = 1

    with pytest.raises(Unavailable, match="look whether that was done"):
        await stores.connection.in_write(work)

    assert runs == 1
    assert await stores.graph.version() == before + 1
