"""Subscriptions over a real WebSocket, on a real Neo4j and a real Redis."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from sloengine.api.app import create_app
from sloengine.application.ports.forecast_store import NotedForecast
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings
from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.embedded import EmbeddedRedis, Neo4jAddress
from sloengine.infrastructure.embedded.free_port import free_port
from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.redis.connection import open_redis
from tests.api.events.served import KEY, Served, connected, served
from tests.contracts.recommendation_samples import availability, slo
from tests.contracts.test_slo_ledger import decide, put
from tests.patience import LONG_SECONDS, until

EVENTS = """subscription($filter: EventFilter, $after: ID) { events(filter: $filter, after: $after) {
  __typename id at service { serviceId team }
  ... on SloChanged { auditEvent { action actor rationale } }
  ... on SloAtRisk { slo { targets { availabilityPercent } } forecast { probabilityBudgetExhausted horizonEnd } }
} }"""
IDS = "subscription($after: ID) { events(after: $after) { id __typename } }"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Organisation:
    """An API on servers of its own, and the stores beside it."""

    def __init__(self, served: Served, stores: Neo4jStores, redis: EmbeddedRedis) -> None:
        self.served, self.stores, self.redis = served, stores, redis
        self.settings: Settings = served.app.state.settings

    @property
    def use_cases(self) -> UseCases:
        return self.served.app.state.use_cases  # type: ignore[no-any-return]

    async def decide(self, *service_ids: str) -> None:
        for service_id in service_ids:
            await decide(self.stores.ledger, put(slo(str(uuid4()), service_id)), service_id=service_id)
        await self.use_cases.relay_outbox()

    async def mutate(self, query: str, **variables: Any) -> Any:
        async with httpx.AsyncClient(headers={"X-API-Key": KEY}, timeout=LONG_SECONDS) as client:
            answer = await client.post(
                f"http://127.0.0.1:{self.served.port}/graphql", json={"query": query, "variables": variables}
            )
        return answer.json()["data"]

    async def restart_redis(self) -> None:
        """On the same port, with nothing left in it."""
        self.redis.launch()
        async with open_redis(self.redis.wait_ready().url) as client:
            await client.flushall()

    async def follows(self, followers: int = 1) -> None:
        await until(lambda: self.use_cases.follow_events.feed.followers == followers)


@pytest.fixture
async def organisation(clean_neo4j: Neo4jAddress, tmp_path: Any) -> AsyncIterator[Organisation]:
    redis = EmbeddedRedis(tmp_path / "redis", port=free_port())
    redis.launch()
    try:
        settings = Settings(
            state_dir=tmp_path,
            neo4j_url=clean_neo4j.url,
            neo4j_user=clean_neo4j.user,
            neo4j_password=SecretStr(clean_neo4j.password),
            redis_url=SecretStr(redis.wait_ready().url),
            dev_api_key=SecretStr(KEY),
        )
        async with open_database(settings) as stores:
            await stores.migrator.up()
            await stores.graph.register([Service(name, team=f"team-{name}") for name in "abcde"], now=NOW)
            await stores.outbox.relayed([event.event_id for event in await stores.outbox.pending(10)])
            async with served(create_app(settings)) as running:
                yield Organisation(running, stores, redis)
    finally:
        redis.stop()


async def test_what_is_decided_and_at_risk_is_told_and_nothing_is_missed(organisation: Organisation):
    port = organisation.served.port
    today = datetime.now(UTC)
    recommended = availability("a", generated_at=today, expires_at=today + timedelta(days=14))
    [stored] = await organisation.stores.recommendations.save([recommended], now=today)
    await organisation.use_cases.relay_outbox()
    async with connected(port) as client:
        await client.subscribe(EVENTS, filter={"serviceIds": ["a"]})
        await organisation.follows()
        accepted = await organisation.mutate(
            """mutation($id: ID!) { acceptRecommendation(input: {
              recommendationId: $id, tier: BALANCED, rationale: "looks right" }) {
              slo { id } auditEvent { sequence } userErrors { message } } }""",
            id=_global_id("Recommendation", stored.recommendation_id),
        )
        assert accepted["acceptRecommendation"]["userErrors"] == []
        await organisation.use_cases.relay_outbox()
        changed = await client.event()
        active = await organisation.stores.ledger.active(["a"], stored.sli_type)
        forecast = Forecast(0.9, None, NOW, "tested")
        await organisation.stores.forecasts.note([NotedForecast(active["a"].slo_id, "a", forecast, True)], now=NOW)
        await organisation.decide("b")
        at_risk = await client.event()

    assert (changed["__typename"], changed["id"]) == ("SloChanged", "3")
    assert changed["service"] == {"serviceId": "a", "team": "team-a"}
    assert changed["auditEvent"] == {
        "action": "ACCEPT",
        "actor": "apikey:development",
        "rationale": "looks right",
    }
    assert at_risk["__typename"] == "SloAtRisk"
    assert at_risk["forecast"] == {"probabilityBudgetExhausted": 0.9, "horizonEnd": "2026-03-02T12:00:00+00:00"}
    assert at_risk["slo"]["targets"][0]["availabilityPercent"] > 90

    # The connection is gone; so are its follower and the reader. What happens meanwhile comes afterwards.
    await organisation.follows(0)
    await organisation.decide("c")
    async with connected(port, header=KEY) as client:
        await client.subscribe(IDS, after=changed["id"])
        told = [await client.event() for _ in range(3)]
        await organisation.follows()
        await organisation.decide("d")
        told.append(await client.event())

        # Redis is restarted and has lost its stream: nobody notices, but that it takes a moment longer.
        organisation.redis.stop()
        await decide(organisation.stores.ledger, put(slo("slo-e", "e")), service_id="e")
        await organisation.stores.outbox.pending(10)
        told.append(await client.event())
        await organisation.restart_redis()
        await organisation.decide("b")
        told.append(await client.event())

    assert [event["id"] for event in told] == ["4", "5", "6", "7", "8", "9"]
    assert {event["__typename"] for event in told} == {"SloChanged", "SloAtRisk"}


async def test_another_process_goes_on_where_this_one_stopped(organisation: Organisation):
    async with connected(organisation.served.port) as client:
        await client.subscribe(IDS)
        await organisation.follows()
        await organisation.decide("a")
        last = await client.event()
        await organisation.served.stop()
        code, _ = await client.closed()

    await decide(organisation.stores.ledger, put(slo("slo-b", "b")), service_id="b")
    async with served(create_app(organisation.settings)) as other, connected(other.port) as client:
        await client.subscribe(IDS, after=last["id"])
        await until(lambda: other.app.state.use_cases.follow_events.feed.followers)
        await other.app.state.use_cases.relay_outbox()
        following = await client.event()

    assert code == 1012
    assert (last["id"], following["id"]) == ("2", "3")


def _global_id(kind: str, stored_id: str | None) -> str:
    return base64.b64encode(f"{kind}:{stored_id}".encode()).decode()
