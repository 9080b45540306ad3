"""Replay: the adapter on answers recorded from a Tempo 3.1. No Tempo runs here."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.tempo.trace_latency import QUERY, TempoTraceLatency, bucket_of

RECORDED = Path(__file__).parent / "recorded"
UNTIL = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def replaying(*answers: httpx.Response) -> tuple[TempoTraceLatency, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers[min(len(asked), len(answers)) - 1]

    transport = httpx.MockTransport(answer)
    return TempoTraceLatency("http://tempo.test/", backoff_seconds=0.001, transport=transport), asked


def recorded(name: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=(RECORDED / name).read_bytes())


async def test_one_query_answers_for_all_services_and_says_no_more_than_the_bucket():
    tempo, asked = replaying(recorded("quantiles-instant.json"))

    found = await tempo.p99(["checkout", "payment", "nobody"], UNTIL - HOUR, UNTIL)

    assert {name: str(known) for name, known in found.items()} == {
        "checkout": "between 67 and 134 ms",
        "payment": "between 67 and 134 ms",
    }
    assert len(asked) == 1
    assert asked[0].url.path == "/api/metrics/query"
    assert dict(asked[0].url.params) == {
        "q": QUERY,
        "start": str(int(UNTIL.timestamp()) - 3600),
        "end": str(int(UNTIL.timestamp())),
    }


async def test_no_data_is_no_answer_and_nothing_is_asked_for_nobody():
    tempo, asked = replaying(recorded("no-data.json"))

    assert await tempo.p99(["checkout"], UNTIL - HOUR, UNTIL) == {}
    assert await tempo.p99([], UNTIL - HOUR, UNTIL) == {}
    assert len(asked) == 1


async def test_a_refused_query_is_not_asked_again_and_says_why():
    tempo, asked = replaying(recorded("bad-query.txt", 400))

    with pytest.raises(Unavailable, match="invalid TraceQL query"):
        await tempo.p99(["checkout"], UNTIL - HOUR, UNTIL)
    assert len(asked) == 1


async def test_a_server_in_trouble_is_asked_again():
    tempo, asked = replaying(httpx.Response(503, text="starting"), recorded("quantiles-instant.json"))

    assert await tempo.p99(["checkout"], UNTIL - HOUR, UNTIL)
    assert len(asked) == 2


async def test_a_server_that_stays_away_is_unavailable():
    tempo, asked = replaying(httpx.Response(502, text="bad gateway"))

    with pytest.raises(Unavailable, match="after 3 attempts: HTTP 502"):
        await tempo.p99(["checkout"], UNTIL - HOUR, UNTIL)
    assert len(asked) == 3


@given(st.floats(1e-8, 1e4))
def test_the_bucket_holds_the_figure_and_ends_at_a_power_of_two(seconds):
    found = bucket_of(seconds)

    assert found.above_seconds < seconds + 1e-9
    assert seconds <= found.at_most_seconds + 1e-9
    assert math.log2(found.at_most_seconds * 1e9) == pytest.approx(round(math.log2(found.at_most_seconds * 1e9)))
    assert found.at_most_seconds == pytest.approx(2 * found.above_seconds)
