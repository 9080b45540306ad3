"""Replay: the adapter on answers recorded from a Backstage backend (``recorded/README.md``). None runs here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.dependency import DependencyMode
from sloengine.domain.topology.discovered import Discovered
from sloengine.infrastructure.backstage.client import BackstageClient
from sloengine.infrastructure.backstage.discovery import BackstageDiscovery
from sloengine.infrastructure.backstage.reading import CatalogueRules
from tests.infrastructure.backstage.record import PAGE_SIZE, RECORDED
from tests.infrastructure.recorded_answers import Exchange, Replaying, load

NOW = datetime(2026, 11, 26, tzinfo=UTC)
CALLS = {
    ("component:default/Storefront", "component:default/cart"),
    ("component:default/Storefront", "resource:default/session-cache"),
    ("component:default/Storefront", "component:default/orders"),
    ("component:default/orders", "component:payments/card"),
    ("component:default/orders", "resource:default/orders"),
    ("component:payments/invoice", "component:default/orders"),
    ("component:payments/invoice", "component:default/cart"),
}


async def read(exchanges: Sequence[Exchange]) -> tuple[Discovered, Replaying]:
    transport = Replaying(exchanges)
    client = BackstageClient("http://backstage.test", "token", PAGE_SIZE, transport=transport)
    rules = CatalogueRules(teams={"group:default/web": "web", "group:payments/core": "payments"})
    return await BackstageDiscovery(client, rules).discover(NOW - timedelta(days=1), NOW), transport


async def test_what_a_catalogue_declares_is_found_whole():
    found, transport = await read(load(RECORDED, "by-cursor"))

    assert {(call.caller, call.dependency) for call in found.dependencies} == CALLS
    assert found.complete
    assert len(transport.asked) == 3
    modes = {(call.caller, call.dependency): call.attributes.mode for call in found.dependencies}
    assert modes["component:payments/invoice", "component:default/cart"] is DependencyMode.ASYNC
    teams = {service.source_name: service.team for service in found.services}
    assert teams == {
        "component:default/Storefront": "web",
        "component:default/cart": "web",
        "component:default/orders": None,
        "component:payments/card": "payments",
        "component:payments/invoice": "payments",
        "resource:default/session-cache": "web",
        "resource:default/orders": "web",
    }
    told = "\n".join(found.warnings)
    for hint in (
        "component:default/moved-away",
        "api:default/postcodes",
        "api:default/order-events",
        "by a person",
    ):
        assert hint in told
    assert [out.source_name for out in found.left_out] == ["component:default/money-library"]


async def test_relations_that_the_catalogue_worked_out_say_what_the_descriptors_say():
    recorded = load(RECORDED, "by-cursor")
    stripped = [
        Exchange(one.path, one.parameters, one.status, one.body | {"items": [plain(e) for e in one.body["items"]]})
        for one in recorded
    ]

    assert (await read(stripped))[0].dependencies != ()
    assert calls((await read(stripped))[0]) == calls((await read(recorded))[0])


async def test_by_offset_the_same_is_found_and_nothing_is_withdrawn():
    refused = Exchange(
        "/api/catalog/entities/by-query",
        load(RECORDED, "by-cursor")[0].parameters,
        404,
        {"error": {"name": "NotFoundError"}},
    )
    by_cursor, _ = await read(load(RECORDED, "by-cursor"))

    by_offset, transport = await read([refused, *load(RECORDED, "by-offset")])

    assert calls(by_offset) == calls(by_cursor)
    assert not by_offset.complete
    assert len(transport.asked) == 4


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unauthorized", r"does not accept the token \(401\)"),
        ("forbidden", r"forbids reading the catalogue \(403\)"),
    ],
)
async def test_a_token_that_may_not_is_told_what_may(name, says):
    with pytest.raises(Unavailable, match=says):
        await read(load(RECORDED, name))


def plain(entity: dict) -> dict:
    return {key: value for key, value in entity.items() if key != "relations"}


def calls(found: Discovered) -> set[tuple[str, str]]:
    return {(call.caller, call.dependency) for call in found.dependencies}
