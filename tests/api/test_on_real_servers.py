"""The whole API on a real Neo4j and a real Redis: nothing in between is replaced."""

from __future__ import annotations

import base64
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import pytest
import structlog
from pydantic import SecretStr

from sloengine.api.app import create_app
from sloengine.api.authentication import DEVELOPMENT_ACTOR
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings
from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.embedded import Neo4jAddress, RedisAddress

KEY = "slo_dev_test"
SERVICES = [f"s{n:02}" for n in range(14)]
NESTED = """query($first: Int) { services(first: $first) { nodes {
  name
  supernode { cyclePath members { name } }
  dependencies { nodes { dependency { name team } claims { source } } }
  callers { nodes { caller { name } } }
  availability: recommendation(sliType: AVAILABILITY) { ... on Recommendation { summary service { name } } }
  recommendations(first: 2) { totalCount nodes { id status } }
  activeSlo(sliType: AVAILABILITY) { targets { availabilityPercent } recommendation { summary } }
  auditLog(first: 2) { nodes { sequence recommendation { id } } }
  sli(type: AVAILABILITY, window: LAST_1D) { ratio }
} } }"""


@dataclass
class Running:
    """An application on real servers, with its use cases."""

    client: httpx.AsyncClient
    use_cases: UseCases

    async def ask(self, query: str, request_id: str | None = None, **variables: Any) -> Any:
        headers = {"X-Request-Id": request_id} if request_id else None
        response = await self.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers=headers
        )
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@pytest.fixture
async def running(clean_neo4j: Neo4jAddress, clean_redis: RedisAddress, tmp_path: Any) -> AsyncIterator[Running]:
    settings = Settings(
        state_dir=tmp_path,
        neo4j_url=clean_neo4j.url,
        neo4j_user=clean_neo4j.user,
        neo4j_password=SecretStr(clean_neo4j.password),
        redis_url=SecretStr(clean_redis.url),
        dev_api_key=SecretStr(KEY),
    )
    async with open_database(settings) as stores:
        await stores.migrator.up()
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://engine", headers={"X-API-Key": KEY}) as client,
    ):
        yield Running(client, app.state.use_cases)


async def fill(running: Running) -> None:
    """Services in a row that closes into a cycle at its start, with 40 days of hourly availability."""
    edges = [{"caller": caller, "dependency": dependency} for caller, dependency in pairwise(SERVICES)]
    document = {
        "services": [{"serviceId": one, "name": one.upper(), "team": "shop"} for one in SERVICES],
        "dependencies": [*edges, {"caller": SERVICES[1], "dependency": SERVICES[0]}],
    }
    ingestion = (
        await running.ask(
            """mutation($document: JSON!) { ingestDependencies(input: { source: MANUAL, document: $document }) {
              ingestion { id status } userErrors { code message } } }""",
            document=document,
        )
    )["ingestDependencies"]["ingestion"]
    waiting = await running.use_cases.resume_ingestions()
    for ingestion_id in waiting or [_node_id(ingestion["id"])]:
        await running.use_cases.merge_ingestion(ingestion_id)
    hours = 40 * 24
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    total = np.full((len(SERVICES), hours), 2_000.0)
    good = total.copy()
    good[:, ::97] -= 40.0
    panel = SliPanel(tuple(SERVICES), now - timedelta(hours=hours), timedelta(hours=1), good, total)
    await running.use_cases.load_sli(LoadSliCommand(panel=panel), actor=DEVELOPMENT_ACTOR)


def _node_id(global_id: str) -> str:
    return base64.b64decode(global_id).decode().split(":", 1)[1]


class StatementsByRequest(logging.Handler):
    """Counts the statements that the driver sends for each request. What runs beside the requests (a graph version
    looked at, an impact basis brought up to date) has no id, or that of an earlier request, and is no part of one.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.sent: Counter[str | None] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        if " RUN " in record.getMessage():
            self.sent[structlog.contextvars.get_contextvars().get("request_id")] += 1


@pytest.fixture
def statements() -> Iterator[Counter[str | None]]:
    """Statements sent to the graph by request id."""
    logger = logging.getLogger("neo4j.io")
    counting, level = StatementsByRequest(), logger.level
    logger.addHandler(counting)
    logger.setLevel(logging.DEBUG)
    yield counting.sent
    logger.removeHandler(counting)
    logger.setLevel(level)


async def test_from_ingesting_to_deciding(running: Running, statements: Counter[str | None]):
    await fill(running)
    generated = await running.ask(
        """mutation($ids: [String!]) {
          generateRecommendations(input: { serviceIds: $ids, sliTypes: [AVAILABILITY] }) {
          results { __typename ... on Recommendation { id summary } ... on RecommendationUnavailable { message } }
          userErrors { code message } } }""",
        ids=SERVICES[:12],
    )
    results = generated["generateRecommendations"]["results"]
    assert [result["__typename"] for result in results] == ["Recommendation"] * 12, results

    decided = await running.ask(
        """mutation($id: ID!) {
          acceptRecommendation(input: { recommendationId: $id, tier: BALANCED, rationale: "ok" }) {
          slo { targets { availabilityPercent } } auditEvent { sequence } userErrors { code message } } }""",
        id=results[0]["id"],
    )
    assert decided["acceptRecommendation"]["userErrors"] == []
    assert decided["acceptRecommendation"]["auditEvent"]["sequence"] == 1
    assert 90 < decided["acceptRecommendation"]["slo"]["targets"][0]["availabilityPercent"] < 100
    integrity = await running.ask("{ auditIntegrity { intact checked } }")
    assert integrity["auditIntegrity"] == {"intact": True, "checked": 1}

    # How far the aggregation has come is asked for every few seconds, in whatever request is next: in none here.
    running.use_cases.read_recommendations.freshness.trusted_for = timedelta(hours=1)
    await running.ask(NESTED, first=12)
    few = await running.ask(NESTED, request_id="few", first=2)
    many = await running.ask(NESTED, request_id="many", first=12)
    await running.ask(
        """query($id: String!) { service(by: { serviceId: $id }) { serviceId
          recommendation(sliType: AVAILABILITY) { ... on Recommendation { summary } } } }""",
        request_id="cached",
        id=SERVICES[1],
    )

    assert many["services"]["nodes"][:2] == few["services"]["nodes"]
    assert few["services"]["nodes"][0]["activeSlo"]["recommendation"]["summary"]
    assert few["services"]["nodes"][0]["supernode"]["members"][0]["name"] == "S00"
    # The same service may be read in one batch or in two, as answers of the server happen to come in.
    assert 0 < statements["few"] < 20
    assert statements["many"] <= statements["few"] + 3
    assert statements["cached"] == 0


async def test_ready_while_both_servers_answer(running: Running):
    response = await running.client.get("/health/ready")

    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert [check["name"] for check in response.json()["checks"]] == ["neo4j", "redis"]
