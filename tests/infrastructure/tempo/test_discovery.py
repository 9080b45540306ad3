"""Replay: calls and requests as recorded from a Tempo 3.1; failures and messages in the same form by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from sloengine.domain.errors import TooLarge, Unavailable
from sloengine.domain.topology.dependency import DependencyMode
from sloengine.domain.topology.discovered import DiscoveredDependency
from sloengine.domain.topology.name_reconciliation import reconcile
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES
from sloengine.infrastructure.tempo.client import TempoClient
from sloengine.infrastructure.tempo.discovery import CALLS, FAILED, MESSAGES, REQUESTS, TempoDiscovery

RECORDED = Path(__file__).parent / "recorded"
UNTIL = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def series(service: str, other: str, peer: str | None, *values: float | None) -> dict:
    labels = [{"key": "resource.service.name", "value": {"stringValue": service}}]
    if peer is not None:
        labels.append({"key": other, "value": {"stringValue": peer}})
    samples = [{"timestampMs": "0"} if value is None else {"timestampMs": "0", "value": value} for value in values]
    return {"labels": labels, "samples": samples}


def replaying(**said: bytes) -> tuple[TempoDiscovery, list[httpx.Request]]:
    answers = {
        CALLS: (RECORDED / "edges-client.json").read_bytes(),
        REQUESTS: (RECORDED / "rate-by-service.json").read_bytes(),
        FAILED: json.dumps({"series": [series("checkout", "span.peer.service", "payment", None, 0.1)]}).encode(),
        MESSAGES: json.dumps(
            {"series": [series("payment", "span.messaging.destination.name", "receipts", 0.5, 0.5)]}
        ).encode(),
    } | {{"calls": CALLS}[name]: answer for name, answer in said.items()}
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = answers[request.url.params["q"]]
        return httpx.Response(400, content=body) if body.startswith(b"bad") else httpx.Response(200, content=body)

    transport = httpx.MockTransport(answer)
    return TempoDiscovery(TempoClient("http://tempo.test", backoff_seconds=0.001, transport=transport)), asked


async def test_calls_failures_and_messages_of_traces_become_edges():
    tempo, _ = replaying()

    found = await tempo.discover(UNTIL - HOUR, UNTIL)

    edges = {f"{one.caller}>{one.dependency}": one for one in found.dependencies}
    assert edges.keys() == {"frontend>checkout", "checkout>payment", "payment>postgres", "payment>receipts"}
    assert edges["checkout>payment"].calls == pytest.approx(68)
    assert edges["checkout>payment"].failed_calls == pytest.approx(6)
    assert edges["frontend>checkout"].attributes.mode is DependencyMode.SYNC
    assert edges["payment>receipts"].attributes.mode is DependencyMode.ASYNC
    assert edges["payment>receipts"].calls == pytest.approx(60)
    assert not found.complete


async def test_weights_are_of_spans_on_both_sides_so_that_sampling_cancels_out():
    tempo, _ = replaying()

    found = await tempo.discover(UNTIL - HOUR, UNTIL)
    edges = reconcile(tempo.source, found, DEFAULT_NAME_RULES).dependencies

    weights = {one.caller: one.attributes.call_weight for one in edges if one.dependency != "receipts"}
    assert weights == pytest.approx({"frontend": 0.856, "checkout": 0.932, "payment": 1.0})


async def test_a_day_is_asked_for_in_pieces_that_tempo_allows_with_few_points_each():
    tempo, asked = replaying()

    await tempo.discover(UNTIL - timedelta(days=1), UNTIL)

    assert len(asked) == 4 * 8
    for request in asked:
        start, end = int(request.url.params["start"]), int(request.url.params["end"])
        assert end - start <= 3 * 3600
        assert (end - start) / int(request.url.params["step"].removesuffix("s")) <= 11_000
    pieces = sorted({(int(one.url.params["start"]), int(one.url.params["end"])) for one in asked})
    assert all(before[1] == after[0] for before, after in pairwise(pieces))


async def test_a_range_of_hundreds_of_queries_is_refused_before_the_first():
    tempo, asked = replaying()

    await tempo.discover(UNTIL - timedelta(days=2), UNTIL)
    most = len(asked)
    with pytest.raises(TooLarge, match="at most 2 days"):
        await tempo.discover(UNTIL - timedelta(days=31), UNTIL)

    assert len(asked) == most == 64


async def test_calls_that_do_not_name_their_peer_are_told_of_and_not_guessed():
    calls = [
        series("a", "span.peer.service", "b", 1.0),
        series("a", "span.peer.service", "nil", 2.0),
        series("a", "span.peer.service", None, 1.0),
    ]
    tempo, _ = replaying(calls=json.dumps({"series": calls}).encode())

    found = await tempo.discover(UNTIL - HOUR, UNTIL)

    assert [one for one in found.dependencies if one.caller == "a"] == [
        DiscoveredDependency("a", "b", found.dependencies[0].attributes, 60.0, 0.0)
    ]
    assert found.warnings[0].startswith("75% of the client spans")


async def test_no_data_is_an_empty_reading_with_what_to_look_at():
    tempo, asked = replaying(calls=(RECORDED / "no-data.json").read_bytes())

    found = await tempo.discover(UNTIL - HOUR, UNTIL)

    assert found.dependencies == ()
    assert "no client spans" in found.warnings[0]
    assert len(asked) == 1


async def test_a_refusal_is_said_and_not_taken_for_an_empty_answer():
    tempo, _ = replaying(calls=b"bad: metrics queries are disabled")

    with pytest.raises(Unavailable, match="disabled"):
        await tempo.discover(UNTIL - HOUR, UNTIL)
