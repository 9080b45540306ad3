"""GraphiQL's example operations, as they stand, against the sample organisation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from sloengine.api.app import create_app
from sloengine.api.authentication import DEVELOPMENT_ACTOR
from sloengine.api.context import Context
from sloengine.api.graphiql.examples import Example, load_examples
from sloengine.api.schema import schema
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.infrastructure.memory.small_stores import SetClock
from sloengine.infrastructure.sample.organisation import sample_document
from sloengine.infrastructure.sample.telemetry_source import SampleTelemetrySource
from tests.application.organisation import NOW, Engine

KEY = "slo_dev_test"
EXAMPLES = {example.name: example for example in load_examples()}
AGAIN = "generate_recommendations"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The API on memory adapters that hold the sample organisation; ingestions are merged when enqueued."""
    clock = SetClock(NOW)
    engine = Engine(SampleTelemetrySource(clock, seed=7), clock)
    await engine.ingest(document=sample_document())
    enqueue = engine.queue.enqueue

    async def work_at_once(actor: str, **ids: str) -> None:
        await enqueue(actor, **ids)
        if actor == "topology.merge_ingestion":
            await engine.use.merge_ingestion(**ids)

    engine.queue.enqueue = work_at_once  # type: ignore[method-assign]

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncGenerator[UseCases]:
        yield engine.use

    app = create_app(Settings(_env_file=None, env="development", dev_api_key=KEY), opened=opened)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://engine", headers={"X-API-Key": KEY}
        ) as opened_client,
    ):
        yield opened_client


async def run(client: httpx.AsyncClient, example: Example) -> dict[str, Any]:
    """All operations of a file one after another; ids that one answers fill the variables of the next."""
    filled: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    for operation in parse(example.query).definitions:
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name
        if operation.operation is OperationType.SUBSCRIPTION:
            answers.update(await oldest_event(client, example.query))
            continue
        needed = {
            one.variable.name.value for one in operation.variable_definitions or () if one.default_value is None
        }
        variables = {name: filled[name] for name in needed & filled.keys()}
        response = await client.post(
            "/graphql",
            json={"query": example.query, "operationName": operation.name.value, "variables": variables},
        )
        answer = response.json()
        assert "errors" not in answer, (example.name, answer["errors"])
        filled.update(ids_of(answer["data"]))
        answers.update(answer["data"])
    return answers


async def oldest_event(client: httpx.AsyncClient, query: str) -> dict[str, Any]:
    """What a subscription answers first, from the oldest event on."""
    use_cases = client._transport.app.state.use_cases  # type: ignore[attr-defined]
    await use_cases.relay_outbox()
    results = await schema.subscribe(query, {"after": "0"}, Context(use_cases, DEVELOPMENT_ACTOR, "test"))
    async with aclosing(results):
        result = await anext(results)
    assert result.errors is None
    return result.data


def ids_of(value: Any) -> dict[str, str]:
    """What the page takes from an answer: fields that are named as an id."""
    return {name: found for name, found in walk(value) if name.endswith("Id") and isinstance(found, str)}


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


async def test_every_example_runs_as_it_stands(client: httpx.AsyncClient):
    ran = {AGAIN: await run(client, EXAMPLES[AGAIN])}
    for name, example in EXAMPLES.items():
        if name == "modify_recommendation":  # the one before was accepted
            ran[AGAIN] = await run(client, EXAMPLES[AGAIN])
        if name != AGAIN:
            ran[name] = await run(client, example)
    # The sample organisation has no real system to discover from, and the answer says what to set.
    [nowhere] = ran["discover"]["discoverDependencies"].pop("userErrors")
    assert nowhere["code"] == "UNAVAILABLE"
    assert "SLOENGINE_PROMETHEUS_URL" in nowhere["message"]
    assert ran["discover"]["nameRules"]["isShipped"]
    assert all(found == [] for field, found in walk(ran) if field == "userErrors"), ran

    assert ran.keys() == EXAMPLES.keys()
    assert ran["services"]["services"]["totalCount"] >= 50
    assert ran["recommendation"]["service"]["recommendation"]["tiers"]
    assert ran["dependency_graph"]["dependencyGraph"]["dependencies"]
    assert ran["ingest_dependencies"]["node"]["status"] == "SUCCEEDED"
    assert ran["ingest_dependencies"]["node"]["edgesCreated"] == 2
    assert {one["sliType"] for one in ran[AGAIN]["generateRecommendations"]["results"]} == {
        "AVAILABILITY",
        "LATENCY",
    }
    assert ran["accept_recommendation"]["acceptRecommendation"]["slo"]["source"] == "ACCEPTED"
    assert ran["modify_recommendation"]["modifyRecommendation"]["delta"]
    assert ran["reject_recommendation"]["rejectRecommendation"]["recommendation"]["status"] == "REJECTED"
    assert ran["set_slo"]["setSlo"]["previous"]["source"] == "MODIFIED"
    assert ran["circular_dependencies"]["circularDependencyAlerts"]["totalCount"] >= 1
    assert ran["impact_analysis"]["impactAnalysis"]["rows"]["totalCount"] >= 3
    assert ran["what_if"]["whatIf"]["budgetMinutesGained"] > 0
    assert ran["events"]["events"]["__typename"] == "IngestionProgressed"
    assert ran["audit_log"]["auditLog"]["totalCount"] == 4
    assert ran["audit_integrity"]["auditIntegrity"] == {
        "intact": True,
        "checked": 4,
        "firstBrokenSequence": None,
        "headHash": ran["audit_log"]["auditLog"]["nodes"][0]["hash"],
    }
