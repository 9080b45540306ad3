from __future__ import annotations

import json

import pytest

from tests.api.door import KEY, Door, open_door

TYPENAME = {"query": "{ __typename }"}


async def test_an_operation_with_the_key_is_answered(door: Door):
    response = await door.client.post("/graphql", json=TYPENAME)

    assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize("key", [None, "", "slo_dev_tes", KEY + "t", "schlüssel"])
async def test_without_the_right_key_nobody_gets_in_and_the_answer_says_what_to_do(door: Door, key: str | None):
    headers = {} if key is None else {"X-API-Key": key.encode()}
    del door.client.headers["X-API-Key"]

    response = await door.client.post("/graphql", json=TYPENAME, headers=headers)

    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "UNAUTHENTICATED"
    assert "X-API-Key" in response.json()["detail"]


async def test_the_development_key_is_worth_nothing_in_production():
    async with open_door(env="production", dev_api_key=None) as door:
        response = await door.client.post("/graphql", json=TYPENAME)

    assert response.status_code == 401
    assert "SLOENGINE_ENV=development" in response.json()["detail"]


async def test_in_development_without_a_key_set_nobody_gets_in():
    async with open_door(dev_api_key=None) as door:
        response = await door.client.post("/graphql", json=TYPENAME)

    assert response.status_code == 401
    assert "SLOENGINE_DEV_API_KEY" in response.json()["detail"]


async def test_the_viewer_is_the_development_admin(door: Door):
    await door.add_services("checkout")

    query = (
        '{ viewer { subject role teams yes: mayDecideOn(serviceId: "checkout") no: mayDecideOn(serviceId: "x") } }'
    )
    found = await door.ask(query)

    assert found["viewer"] == {
        "subject": "apikey:development",
        "role": "sre_admin",
        "teams": [],
        "yes": True,
        "no": False,
    }


async def test_a_body_above_ten_megabytes_is_refused_before_it_is_read(door: Door):
    response = await door.client.post(
        "/graphql", content=b"x", headers={"Content-Type": "application/json", "Content-Length": str(11 * 1024**2)}
    )

    assert (response.status_code, response.json()["code"]) == (413, "TOO_LARGE")


async def test_a_body_that_does_not_say_how_long_it_is_is_refused_where_the_limit_is(door: Door):
    async def body():
        for _ in range(11):
            yield b" " * 1024**2

    response = await door.client.post("/graphql", content=body(), headers={"Content-Type": "application/json"})

    assert response.status_code == 413


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "one JSON object"),
        (b"{}", "query"),
        (b'{"query": 7}', "query"),
        (b'{"query": "{ __typename }", "variables": []}', "variables"),
        (b'{"query": "{ __typename }", "operationName": 3}', "operationName"),
        (b'{"query": "query A { __typename }", "operationName": "B"}', "'B'"),
        (b'{"query": "fragment F on Query { __typename }"}', "one operation"),
    ],
)
async def test_a_malformed_request_is_told_what_is_wrong(door: Door, body: bytes, says: str):
    response = await door.client.post("/graphql", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert says in response.json()["detail"]


async def test_one_of_several_operations_must_be_named(door: Door):
    document = {"query": "query A { a: __typename } query B { b: __typename }"}

    unnamed = (await door.client.post("/graphql", json=document)).json()
    named = (await door.client.post("/graphql", json={**document, "operationName": "B"})).json()

    assert unnamed["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert named["data"] == {"b": "Query"}


async def test_other_content_types_are_refused(door: Door):
    response = await door.client.post(
        "/graphql", content=json.dumps(TYPENAME), headers={"Content-Type": "text/plain"}
    )

    assert response.status_code == 415


async def test_the_request_id_of_the_caller_comes_back(door: Door):
    response = await door.client.post("/graphql", json=TYPENAME, headers={"X-Request-Id": "trace-1"})

    assert response.headers["x-request-id"] == "trace-1"


async def test_a_request_id_that_could_spoil_a_log_is_replaced(door: Door):
    response = await door.client.post("/graphql", json=TYPENAME, headers={"X-Request-Id": "a b\tc"})

    assert len(response.headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/nowhere", "/graphql"])
async def test_every_answer_carries_safe_headers(door: Door, path: str):
    response = await door.client.get(path)

    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"]
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_browsers_get_graphiql_without_a_key_with_its_own_content_policy(door: Door):
    del door.client.headers["X-API-Key"]

    response = await door.client.get("/graphql", headers={"Accept": "text/html"})

    assert response.status_code == 200
    assert "graphiql" in response.text.lower()
    assert "script-src 'self'" in response.headers["content-security-policy"]


async def test_the_root_leads_to_graphql(door: Door):
    response = await door.client.get("/")

    assert (response.status_code, response.headers["location"]) == (307, "/graphql")


async def test_an_unknown_path_is_a_problem_that_names_the_api(door: Door):
    response = await door.client.get("/v1/services")

    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert "/graphql" in response.json()["detail"]


async def test_other_methods_are_refused(door: Door):
    response = await door.client.put("/graphql", json=TYPENAME)

    assert (response.status_code, response.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_subscriptions_and_batches_have_no_way_in(door: Door):
    response = await door.client.post("/graphql", json=[TYPENAME, TYPENAME])

    assert response.status_code == 400


async def test_alive_says_no_more_than_that(door: Door):
    assert (await door.client.get("/health/live")).json() == {"status": "alive"}


async def test_ready_when_neo4j_and_redis_answer_even_without_telemetry(door: Door):
    door.readiness["telemetry"] = "connection refused"

    response = await door.client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert {"name": "telemetry", "ok": False, "needed": False, "problem": "connection refused"} in response.json()[
        "checks"
    ]


@pytest.mark.parametrize("away", ["neo4j", "redis"])
async def test_not_ready_says_what_is_away(door: Door, away: str):
    door.readiness[away] = "connection refused"

    response = await door.client.get("/health/ready")

    assert response.status_code == 503
    assert [check["name"] for check in response.json()["checks"] if not check["ok"]] == [away]


async def test_metrics_count_requests_by_route_and_status(door: Door):
    await door.client.get("/health/live")

    text = (await door.client.get("/metrics")).text

    assert 'sloengine_http_request_duration_seconds_count{method="GET",route="/health/live",status="200"}' in text
    assert "sloengine_http_requests_in_flight" in text


async def test_paths_and_methods_that_anybody_can_invent_do_not_become_labels(door: Door):
    await door.client.request("BREW", "/coffee/1234")

    text = (await door.client.get("/metrics")).text

    assert "coffee" not in text
    assert "BREW" not in text
