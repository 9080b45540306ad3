"""Replay: the adapter on an answer recorded from a Tempo 3.1. No Tempo runs here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sloengine.domain.errors import Unavailable
from sloengine.domain.journeys.derive import TracedRequest, derive_from_traces
from sloengine.infrastructure.tempo.journey_traces import (
    ONLY_CALLERS,
    PLAIN_QUERY,
    QUERY,
    TempoJourneyTraces,
)

RECORDED = Path(__file__).parent / "recorded"
UNTIL = datetime(2026, 11, 23, 12, tzinfo=UTC)


def replaying(answer: httpx.Response) -> tuple[TempoJourneyTraces, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    async def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    tempo = TempoJourneyTraces("http://tempo.test/", backoff_seconds=0.001, transport=httpx.MockTransport(reply))
    return tempo, asked


async def test_a_search_says_which_services_requests_passed_databases_without_spans_among_them():
    answer = httpx.Response(200, content=(RECORDED / "search-select.json").read_bytes())
    tempo, asked = replaying(answer)

    found = (await tempo.sample(20, UNTIL - timedelta(hours=1), UNTIL)).requests

    assert len(found) == 20
    assert {(one.root, one.operation) for one in found} == {("frontend", "GET /frontend")}
    assert {frozenset(one.services) for one in found} == {
        frozenset({"frontend", "checkout", "payment", "postgres"})
    }
    assert asked[0].url.path == "/api/search"
    assert asked[0].url.params["q"] == QUERY
    (draft,) = derive_from_traces(found, {"frontend", "checkout", "payment", "postgres"}).drafts
    assert draft.routes[0].weight == 1.0
    assert draft.routes[0].services[0] == "frontend"


def a_trace(*, calls: bool) -> dict[str, Any]:
    """A request to front, answered from its cache or by asking db."""
    attribute = {"key": "peer.service", "value": {"stringValue": "db"}}
    spans = [{"nestedSetParent": -1, "kind": "server", "attributes": []}]
    if calls:
        spans.append({"nestedSetParent": 1, "kind": "client", "attributes": [attribute]})
    stats = {"front": {"spanCount": len(spans)}}
    return {
        "rootServiceName": "front",
        "rootTraceName": "GET /",
        "serviceStats": stats,
        "spanSets": [{"spans": spans}],
    }


def answered_by(query: str, traces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Tempo finds: traces with a span for which one of the alternatives in braces holds."""
    condition = query[query.index("{") + 1 : query.index("}")]
    holds = {
        "kind = client": lambda span: span["kind"] == "client",
        "nestedSetParent < 0": lambda span: span["nestedSetParent"] < 0,
    }
    alternatives = [holds[one.strip()] for one in condition.split("||")]
    found = []
    for trace in traces:
        spans = [one for one in trace["spanSets"][0]["spans"] if any(holds(one) for holds in alternatives)]
        if spans:
            found.append({**trace, "spanSets": [{"spans": spans}]})
    return found


async def test_requests_that_called_nobody_are_found_too_so_that_shares_are_of_all_requests():
    traces = [a_trace(calls=number % 5 == 0) for number in range(50)]

    async def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"traces": answered_by(request.url.params["q"], traces)})

    tempo = TempoJourneyTraces("http://tempo.test/", transport=httpx.MockTransport(reply))

    (draft,) = derive_from_traces((await tempo.sample(100, UNTIL, UNTIL)).requests, {"front", "db"}).drafts

    assert [(route.weight, route.services) for route in draft.routes] == [
        (0.8, ("front",)),
        (0.2, ("front", "db")),
    ]


async def test_traces_without_their_first_span_are_left_out():
    traces = [
        {"rootServiceName": "<root span not yet received>", "serviceStats": {"a": {}}},
        {"rootServiceName": "a", "serviceStats": {"a": {}, "b": {}}},
        {"traceID": "1"},
    ]
    tempo, _ = replaying(httpx.Response(200, json={"traces": traces}))

    assert (await tempo.sample(10, UNTIL, UNTIL)).requests == (TracedRequest("a", "", ("a", "b")),)


async def test_a_tempo_that_does_not_know_first_spans_is_asked_what_was_recorded():
    asked: list[str] = []

    async def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["q"])
        if "nestedSetParent" in asked[-1]:
            return httpx.Response(400, content=(RECORDED / "bad-query.txt").read_bytes())
        return httpx.Response(200, content=(RECORDED / "search-select.json").read_bytes())

    tempo = TempoJourneyTraces("http://tempo.test/", transport=httpx.MockTransport(reply))

    sample = await tempo.sample(20, UNTIL - timedelta(hours=1), UNTIL)

    assert asked == [QUERY, PLAIN_QUERY]
    assert len(sample.requests) == 20
    assert sample.warnings == (ONLY_CALLERS,)


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_another_refusal_is_no_reason_to_ask_otherwise(status: int):
    tempo, asked = replaying(httpx.Response(status, text="no"))

    with pytest.raises(Unavailable, match=str(status)):
        await tempo.sample(10, UNTIL, UNTIL)
    assert len(asked) == 1


async def test_a_query_that_is_refused_in_both_forms_is_told():
    tempo, _ = replaying(httpx.Response(400, text="parse error"))

    with pytest.raises(Unavailable, match="parse error"):
        await tempo.sample(10, UNTIL, UNTIL)
