from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from sloengine.api.limits import OperationMeasure
from sloengine.domain import errors
from sloengine.domain.errors import DomainError, ErrorCode
from tests.api.door import Door, global_id, user_errors_counted

ACCEPT = """mutation($id: ID!) { acceptRecommendation(input: { recommendationId: $id, tier: BALANCED }) {
  slo { id } warnings delta { kind } userErrors { code message path } } }"""
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DomainError)]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_error_that_a_caller_can_mend_comes_back_in_the_payload(door: Door, kind: type[DomainError]):
    door.accept.answer = kind("do this instead", path=("input", "tier"))

    payload = (await door.ask(ACCEPT, id=global_id("Recommendation", "r1")))["acceptRecommendation"]

    assert payload["slo"] is None
    assert payload["userErrors"] == [
        {"code": kind.code.value, "message": "do this instead", "path": ["input", "tier"]}
    ]


def test_every_code_of_the_domain_has_an_error_that_carries_it():
    assert {kind.code for kind in KINDS} == set(ErrorCode)


async def test_a_path_always_starts_at_the_argument_of_the_mutation(door: Door):
    door.accept.answer = errors.Invalid("no", path=("tier",))

    payload = (await door.ask(ACCEPT, id=global_id("Recommendation", "r1")))["acceptRecommendation"]

    assert payload["userErrors"][0]["path"] == ["input", "tier"]


async def test_the_same_errors_of_a_query_carry_code_and_argument(door: Door):
    (error,) = await door.errors('{ dependencyGraph(roots: ["nowhere"]) { truncated } }')

    assert error["extensions"] == {"code": "NOT_FOUND", "argument": ["roots", "0"]}
    assert "nowhere" in error["message"]
    assert error["path"] == ["dependencyGraph"]


async def test_what_nobody_expected_is_hidden_and_logged_with_the_request_id(door: Door):
    door.accept.answer = RuntimeError("password=hunter2")

    with capture_logs() as logs:
        response = await door.client.post(
            "/graphql",
            json={"query": ACCEPT, "variables": {"id": global_id("Recommendation", "r1")}},
            headers={"X-Request-Id": "trace-7"},
        )

    assert "hunter2" not in response.text
    assert response.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "trace-7"}
    (entry,) = [log for log in logs if log["log_level"] == "error" and log.get("request_id") == "trace-7"]
    assert "hunter2" in str(entry["exc_info"])


async def test_what_breaks_before_any_resolver_is_hidden_and_logged_too(door: Door, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(OperationMeasure, "problem", broken)

    with capture_logs() as logs:
        response = await door.client.post(
            "/graphql", json={"query": "{ services { totalCount } }"}, headers={"X-Request-Id": "trace-9"}
        )

    assert "hunter2" not in response.text
    assert response.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "trace-9"}
    (entry,) = [log for log in logs if log["log_level"] == "error"]
    assert "hunter2" in str(entry["exc_info"])


@pytest.mark.parametrize("bad", ["", "r1", "Recommendation:r1", global_id("Slo", "r1"), "%%%"])
async def test_an_id_of_something_else_is_a_mistake_of_the_caller(door: Door, bad: str):
    payload = (await door.ask(ACCEPT, id=bad))["acceptRecommendation"]

    assert [(e["code"], e["path"]) for e in payload["userErrors"]] == [("INVALID", ["input", "recommendationId"])]
    assert door.accept.commands == []


async def test_a_cursor_that_nobody_gave_out_is_a_mistake_of_the_caller(door: Door):
    await door.draw("a->b")

    query = (
        'query($after: String) { service(by: {serviceId: "a"}) { dependencies(after: $after) { totalCount } } }'
    )
    (error,) = await door.errors(query, after="%%%")

    assert error["extensions"] == {"code": "INVALID", "argument": ["after"]}


async def test_a_request_that_breaks_outside_graphql_is_a_problem_with_the_request_id(door: Door):
    door.readiness = None  # type: ignore[assignment]

    response = await door.client.get("/health/ready", headers={"X-Request-Id": "trace-8"})

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "trace-8" in response.json()["detail"]


async def test_errors_are_counted_by_code(door: Door):
    door.accept.answer = errors.Conflict("somebody else was faster")
    await door.ask(ACCEPT, id=global_id("Recommendation", "r1"))
    await door.errors("{ nowhere }")

    text = (await door.client.get("/metrics")).text

    assert 'sloengine_user_errors_total{code="CONFLICT"}' in text
    assert 'sloengine_graphql_errors_total{code="VALIDATION_FAILED"}' in text


@pytest.mark.parametrize(
    "query",
    [
        '{ dependencyGraph(roots: ["nowhere"]) { truncated } }',
        "{ services(first: -1) { totalCount } }",
        "{ nonsense }",
        "{ services(",
    ],
)
async def test_what_a_client_got_wrong_is_no_error_in_our_log(
    door: Door, query: str, caplog: pytest.LogCaptureFixture
):
    with capture_logs() as logs:
        await door.errors(query)

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    assert [log for log in logs if log["log_level"] == "error"] == []


async def test_errors_of_single_rows_are_counted_too(door: Door):
    rows = '[{serviceId: "a"}, {serviceId: ""}, {serviceId: " "}]'
    asked = "{ services { name } userErrors { code } }"
    query = f"mutation {{ registerServices(input: {{services: {rows}}}) {asked} }}"
    before = user_errors_counted("INVALID")

    answer = (await door.ask(query))["registerServices"]

    assert answer["services"]
    assert [one["code"] for one in answer["userErrors"]] == ["INVALID", "INVALID"]
    assert user_errors_counted("INVALID") == before + 2
