"""The adapter over HTTP, on a replay (``replay.py``). No Backstage runs here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.backstage.client import BackstageClient
from sloengine.infrastructure.backstage.discovery import BackstageDiscovery
from sloengine.infrastructure.patient_http import Patience
from tests.infrastructure.backstage.replay import Replay, serving

NOW = datetime(2026, 11, 26, tzinfo=UTC)
RANGE = (NOW - timedelta(days=1), NOW)
QUICK = Patience(backoff_seconds=0.001)
TOKEN = "static-token"  # noqa: S105 - of the replay


@pytest.fixture
def replay() -> Iterator[Replay]:
    entities = json.loads((Path(__file__).parent / "entities.json").read_text())
    with serving(Replay(entities, token=TOKEN)) as running:
        yield running


@asynccontextmanager
async def asking(
    replay: Replay, token: str | None = TOKEN, page_size: int = 3
) -> AsyncIterator[BackstageDiscovery]:
    client = BackstageClient(replay.url + "/", token, page_size, QUICK)
    try:
        yield BackstageDiscovery(client)
    finally:
        await client.close()


async def test_all_pages_are_read_with_the_static_token(replay):
    async with asking(replay) as backstage:
        found = await backstage.discover(*RANGE)

    assert found.complete
    assert len(found.services) == 6
    assert len(found.dependencies) == 6
    # Eleven entities of three kinds; groups and systems are not asked for.
    asked = [parse_qs(urlsplit(target).query) for target in replay.asked]
    assert len(asked) == 4
    assert asked[0]["filter"] == ["kind=component", "kind=resource", "kind=api"]
    assert all("cursor" in page and "filter" not in page for page in asked[1:])
    assert all("spec.definition" not in page["fields"][0] for page in asked)


async def test_pages_make_no_difference(replay):
    async with asking(replay, page_size=500) as whole, asking(replay, page_size=1) as single:
        assert (await whole.discover(*RANGE)).dependencies == (await single.discover(*RANGE)).dependencies


async def test_a_catalogue_without_by_query_is_read_by_offset_and_never_counts_as_complete(replay):
    async with asking(replay) as backstage:
        by_cursor = await backstage.discover(*RANGE)
    replay.has_by_query = False
    replay.asked.clear()

    async with asking(replay) as backstage:
        by_offset = await backstage.discover(*RANGE)

    assert by_offset.services == by_cursor.services
    assert by_offset.dependencies == by_cursor.dependencies
    assert not by_offset.complete
    assert by_offset.queries == (
        "GET /api/catalog/entities?filter=kind=component&filter=kind=resource&filter=kind=api&limit=3",
    )
    assert [parse_qs(urlsplit(target).query).get("offset") for target in replay.asked] == [
        None,
        ["0"],
        ["3"],
        ["6"],
        ["9"],
    ]


async def test_entities_that_vanish_between_two_pages_make_it_incomplete(replay):
    answer = replay.by_query

    def shrinking(query):
        if "cursor" in query:
            replay.entities = [entity for entity in replay.entities if entity["metadata"]["name"] != "Storefront"]
        status, page = answer(query)
        return status, page | {"totalItems": 11}

    replay.by_query = shrinking  # type: ignore[method-assign]

    async with asking(replay) as backstage:
        found = await backstage.discover(*RANGE)

    assert not found.complete
    assert any("between two pages" in warning for warning in found.warnings)


@pytest.mark.parametrize("token", [None, "another"])
async def test_a_wrong_token_is_answered_with_where_a_right_one_comes_from(replay, token):
    async with asking(replay, token) as backstage:
        with pytest.raises(Unavailable, match=r"401.*SLOENGINE_BACKSTAGE_TOKEN.*externalAccess"):
            await backstage.discover(*RANGE)
    assert len(replay.asked) == 1


async def test_a_backend_in_trouble_is_asked_again_and_then_given_up(replay):
    replay.failures = [503, 429]
    async with asking(replay) as backstage:
        assert (await backstage.discover(*RANGE)).complete
    replay.failures = [503] * 4
    async with asking(replay) as backstage:
        with pytest.raises(Unavailable, match="did not answer after 4 attempts: HTTP 503"):
            await backstage.discover(*RANGE)


async def test_nobody_there_is_unavailable():
    client = BackstageClient("http://127.0.0.1:9", "t", patience=Patience(attempts=2, backoff_seconds=0.001))

    with pytest.raises(Unavailable, match="after 2 attempts"):
        await client.entities()
    await client.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(200, text="<html>Sign in"), "no login page"),
        (httpx.Response(302, headers={"location": "/login"}), "HTTP 302: it leads to /login"),
        (httpx.Response(404, html="<html>\n<body><h1>Nothing</h1> here</body>"), "HTTP 404: Nothing here$"),
        (httpx.Response(200, json={"items": [], "pageInfo": [1]}), "pageInfo that cannot be read"),
        (httpx.Response(403, json={"error": {"name": "NotAllowedError"}}), r"403.*catalog\.entity\.read"),
        (httpx.Response(200, json={"items": [], "pageInfo": {"nextCursor": "again"}}), "same page twice"),
        (httpx.Response(200, json=[]), "without a list of items"),
    ],
)
async def test_strange_answers_are_named(answer, says):
    async def respond(_: httpx.Request) -> httpx.Response:
        return answer

    client = BackstageClient("http://backstage.test", "t", transport=httpx.MockTransport(respond))

    with pytest.raises(Unavailable, match=says):
        await client.entities()
