from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import yaml

from sloengine.api.app import create_app
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from tests.api.door import global_id, user_errors_counted
from tests.application.organisation import shop

KEY = "slo_dev_test"
SAVE = """mutation ($input: JourneyInput!) { saveJourney(input: $input) {
  journey { id name entryPoints { serviceId } routes { name weight share services { serviceId team } } }
  userErrors { code path message } } }"""
RESULT = """{ __typename ... on Recommendation { id service { serviceId } sliType
    tiers { name targets { availabilityPercent thresholdMs probabilityMet } } bound { observedPercent } summary }
  ... on RecommendationUnavailable { serviceId reason message } }"""


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    engine = await shop()

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncGenerator[UseCases]:
        yield engine.use

    app = create_app(Settings(_env_file=None, env="development", dev_api_key=KEY), opened=opened)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://e", headers={"X-API-Key": KEY}) as opened_client,
    ):
        yield opened_client


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


async def test_a_journey_is_saved_read_recommended_for_and_deleted(client: httpx.AsyncClient):
    routes = [{"name": "all", "weight": 2, "services": ["front", "cart", "db"]}]
    given = {"name": "buy", "entryPoints": ["front"], "routes": routes}

    saved = (await ask(client, SAVE, input=given))["saveJourney"]
    listed = await ask(client, "{ journeys { totalCount nodes { id name } } }")
    links = "weakestLinks { service { serviceId } sharePercent }"
    query = f'{{ journey(name: "buy") {{ id availability {RESULT} latency {RESULT} {links} }} }}'
    shown = (await ask(client, query))["journey"]
    by_id = await ask(client, "query ($id: ID!) { node(id: $id) { ... on Journey { name } } }", id=shown["id"])
    gone = await ask(
        client,
        "mutation ($id: ID!) { deleteJourney(input: {id: $id}) { deletedId userErrors { code } } }",
        id=shown["id"],
    )

    assert saved["userErrors"] == []
    (route,) = saved["journey"]["routes"]
    assert (route["weight"], route["share"]) == (2.0, 1.0)
    assert [one["team"] for one in route["services"]] == ["payments", "web", None]
    assert listed["journeys"]["totalCount"] == 1
    assert shown["availability"]["__typename"] == "Recommendation"
    assert shown["availability"]["service"] == {"serviceId": "front"}
    targets = [tier["targets"][0]["availabilityPercent"] for tier in shown["availability"]["tiers"]]
    assert targets == sorted(targets)
    assert "journey buy" in shown["availability"]["summary"]
    assert shown["latency"]["tiers"][0]["targets"][0]["thresholdMs"] > 0
    assert {link["service"]["serviceId"] for link in shown["weakestLinks"]} == {"front", "cart", "db"}
    assert by_id == {"node": {"name": "buy"}}
    assert gone["deleteJourney"] == {"deletedId": shown["id"], "userErrors": []}
    assert (await ask(client, '{ journey(name: "buy") { id } }'))["journey"] is None


async def test_what_can_be_mended_comes_back_with_its_place(client: httpx.AsyncClient):
    bad = await ask(client, SAVE, input={"name": "x", "entryPoints": ["nobody"]})
    wrong = await ask(
        client,
        "mutation ($id: ID!) { deleteJourney(input: {id: $id}) { deletedId userErrors { code path } } }",
        id=global_id("Journey", "nothing"),
    )

    (error,) = bad["saveJourney"]["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "entryPoints", "0"])
    assert bad["saveJourney"]["journey"] is None
    assert wrong["deleteJourney"]["userErrors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]


async def test_a_changed_objective_says_which_journeys_it_reaches(client: httpx.AsyncClient):
    routes = [{"name": "all", "weight": 1, "services": ["front", "cart"]}]
    await ask(client, SAVE, input={"name": "buy", "entryPoints": ["front"], "routes": routes})
    await ask(
        client,
        SAVE,
        input={"name": "stay", "entryPoints": ["front"], "routes": [{**routes[0], "services": ["front"]}]},
    )
    query = """{ impactAnalysis(changes: [{serviceId: "cart", kind: AVAILABILITY, availabilityPercent: 90}]) {
      rows { nodes { service { serviceId } boundBeforePercent boundAfterPercent } }
      journeys { journey { name } boundBeforePercent boundAfterPercent violates reason } } }"""

    found = (await ask(client, query))["impactAnalysis"]

    [row] = found["rows"]["nodes"]
    assert row["service"] == {"serviceId": "front"}
    assert row["boundAfterPercent"] <= 90.0
    told = {hurt["journey"]["name"]: hurt for hurt in found["journeys"]}
    assert set(told) == {"buy", "stay"}
    for hurt in told.values():
        assert hurt["boundBeforePercent"] == row["boundBeforePercent"]
        assert hurt["boundAfterPercent"] == row["boundAfterPercent"]
        assert hurt["violates"] is False  # front has no objective of its own
    assert "No list names cart" in told["stay"]["reason"]
    assert "routes do not name" not in told["buy"]["reason"]


@pytest.mark.parametrize(
    ("mutation", "rest"),
    [
        ("acceptRecommendation", {"tier": "BALANCED"}),
        ("rejectRecommendation", {"rationale": "so"}),
        (
            "modifyRecommendation",
            {
                "tier": "BALANCED",
                "targets": [{"kind": "AVAILABILITY", "availabilityPercent": 99}],
                "rationale": "so",
            },
        ),
    ],
)
async def test_nobody_decides_on_what_is_recommended_for_a_journey_and_no_node_has_its_id(
    client: httpx.AsyncClient, mutation: str, rest: dict[str, Any]
):
    await ask(client, SAVE, input={"name": "buy", "entryPoints": ["front"]})
    shown = await ask(client, f'{{ journey(name: "buy") {{ availability {RESULT} latency {RESULT} }} }}')
    ids = [shown["journey"][kind]["id"] for kind in ("availability", "latency")]
    kind = mutation[0].upper() + mutation[1:]
    decide = f"""mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{
      slo {{ id }} userErrors {{ code path message }} }} }}"""

    decided = [await ask(client, decide, input={"recommendationId": one, **rest}) for one in ids]
    nodes = [await ask(client, "query ($id: ID!) { node(id: $id) { id } }", id=one) for one in ids]

    assert len(set(ids)) == 2
    for answer in decided:
        (error,) = answer[mutation]["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID", ["input", "recommendationId"])
        assert "journeys are not decided on" in error["message"]
        assert answer[mutation]["slo"] is None
    assert nodes == [{"node": None}, {"node": None}]


async def test_several_journeys_are_saved_together_exported_and_marked_in_a_drawing(client: httpx.AsyncClient):
    save = """mutation ($journeys: [JourneyInput!]!) { saveJourneys(input: {journeys: $journeys}) {
      journeys { name } userErrors { code path } } }"""
    buy = {"name": "buy", "entryPoints": ["front"]}
    odd = {"name": "odd", "entryPoints": ["no-such"]}
    counted = user_errors_counted("NOT_FOUND")

    refused = (await ask(client, save, journeys=[buy, odd]))["saveJourneys"]
    none = (await ask(client, save, journeys=[]))["saveJourneys"]
    saved = (await ask(client, save, journeys=[buy]))["saveJourneys"]
    found = await ask(
        client,
        """{ file: exportJourneys(format: FILE) { format files { path content } losses { message } }
          openslo: exportJourneys(format: OPENSLO_V1, names: ["buy"]) { files { path content } losses { journey } }
          graphDrawing(roots: ["front"], format: DOT, journeys: ["buy"]) { content } }""",
    )

    assert refused == {
        "journeys": [],
        "userErrors": [{"code": "NOT_FOUND", "path": ["input", "journeys", "1", "entryPoints", "0"]}],
    }
    assert user_errors_counted("NOT_FOUND") == counted + 1
    assert none["userErrors"][0]["path"] == ["input", "journeys"]
    assert saved == {"journeys": [{"name": "buy"}], "userErrors": []}
    assert yaml.safe_load(found["file"]["files"][0]["content"]) == {"journeys": [buy]}
    (openslo,) = found["openslo"]["files"]
    assert openslo["path"] == "journeys/buy.openslo.yaml"
    assert "kind: SLO" in openslo["content"]
    assert "journeys: buy" in found["graphDrawing"]["content"]
