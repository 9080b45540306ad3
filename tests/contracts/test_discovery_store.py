from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.slo_ledger import AuditFilter
from sloengine.domain.errors import Conflict
from sloengine.domain.governance.model import AuditAction
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_choices import ChosenNames, NameChoice, choose
from sloengine.domain.topology.name_decisions import RememberedName
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRule, NameRules
from tests.contracts.conftest import Stores

AT = datetime(2026, 3, 2, 12, 30, 15, 123456, tzinfo=UTC)


async def test_rules_come_back_as_saved_and_are_replaced_as_a_whole(stores: Stores):
    rules = NameRules(
        (NameRule("team", "{team}.{name}", "{name}", (DiscoverySource.OTEL, DiscoverySource.K8S)),),
        {"loadgen": None, "chëckout 'x'": "checkout"},
    )

    absent = await stores.discovery.name_rules()
    for revision, value in enumerate((DEFAULT_NAME_RULES, rules), start=1):
        await stores.discovery.save_name_rules(StoredNameRules(value, "user:ada", AT, revision))
    found = await stores.discovery.name_rules()

    assert absent is None
    assert found == StoredNameRules(rules, "user:ada", AT, 2)
    assert found.rules.resolve(DiscoverySource.OTEL, "shop.cart").service_id == "cart"


@pytest.mark.parametrize("stale", [0, 1, 3])
async def test_rules_of_a_revision_that_is_not_the_next_are_refused_and_change_nothing(stores: Stores, stale: int):
    with pytest.raises(Conflict):
        await stores.discovery.save_name_rules(StoredNameRules(NameRules(), "user:eve", AT, 2))
    assert await stores.discovery.name_rules() is None
    first = StoredNameRules(DEFAULT_NAME_RULES, "user:ada", AT, 1)
    await stores.discovery.save_name_rules(first)

    with pytest.raises(Conflict):
        await stores.discovery.save_name_rules(StoredNameRules(NameRules(), "user:eve", AT, stale))

    assert await stores.discovery.name_rules() == first


async def test_of_two_who_save_at_the_same_time_one_wins(stores: Stores):
    saves = [
        stores.discovery.save_name_rules(StoredNameRules(NameRules((), {"a": str(at)}), f"user:{at}", AT, 1))
        for at in range(8)
    ]

    outcomes = await asyncio.gather(*saves, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 7 + ["NoneType"]
    winner = next(at for at, outcome in enumerate(outcomes) if outcome is None)
    assert (await stores.discovery.name_rules()).saved_by == f"user:{winner}"


SHOP = RememberedName("search", ("shop", ""), "search", "shop/search")
BANK = RememberedName("search", ("bank", ""), "bank/search", "bank/search")
CATALOGUE = RememberedName("search", ("default", "component"), "search", "component:default/search")


def listed(names) -> list[RememberedName]:
    return sorted(
        (*names.of("search", SHOP.realm).values(), *names.of("search", CATALOGUE.realm).values()), key=str
    )


async def test_names_keep_the_ids_that_they_were_given(stores: Stores):
    absent = await stores.discovery.remembered_names()
    await stores.discovery.remember_names([])
    await stores.discovery.remember_names([SHOP, BANK])
    await stores.discovery.remember_names([CATALOGUE, SHOP])

    found = await stores.discovery.remembered_names()

    assert listed(absent) == []
    assert listed(found) == sorted([SHOP, BANK, CATALOGUE], key=str)
    assert found.is_owned("search")
    assert not found.is_owned("bank/search")


@pytest.mark.parametrize(
    "late",
    [
        replace(SHOP, service_id="shop/search"),
        replace(BANK, service_id="search"),
        RememberedName("search", ("mail", ""), "search", "mail/search"),
    ],
)
async def test_a_decision_that_contradicts_one_is_refused_with_all_that_came_along(stores: Stores, late):
    other = RememberedName("cart", ("shop", ""), "cart", "shop/cart")
    await stores.discovery.remember_names([SHOP, BANK])

    with pytest.raises(Conflict):
        await stores.discovery.remember_names([other, late])

    found = await stores.discovery.remembered_names()
    assert listed(found) == sorted([SHOP, BANK], key=str)
    assert not found.is_owned("cart")


async def test_of_two_namespaces_that_come_at_once_one_owns_the_short_name(stores: Stores):
    claims = [RememberedName("search", (f"n{at}", ""), "search", f"n{at}/search") for at in range(8)]

    outcomes = await asyncio.gather(
        *(stores.discovery.remember_names([claim]) for claim in claims), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 7 + ["NoneType"]
    assert len(listed(await stores.discovery.remembered_names())) == 1


async def test_the_newest_run_of_each_source_is_kept(stores: Stores):
    first = DiscoveryRun(DiscoverySource.OTEL, AT, AT - timedelta(days=1), AT, error="away")
    second = replace(first, started_at=AT + timedelta(hours=1), dependencies=7, ingestion_id="i", error=None)
    mesh = replace(first, source=DiscoverySource.MESH, warnings=("no labels",))

    absent = await stores.discovery.runs()
    for run in (first, mesh, second):
        await stores.discovery.note_run(run)

    assert absent == {}
    assert await stores.discovery.runs() == {DiscoverySource.OTEL: second, DiscoverySource.MESH: mesh}


SHOP = RememberedName("search", ("shop", ""), "search", "shop/search")
BANK = RememberedName("search", ("bank", ""), "bank/search", "bank/search")
PAY = RememberedName("Pay", ("bank", ""), "Pay", "bank/Pay")


async def test_remembered_names_are_paged_by_short_id_and_found_by_a_part(stores: Stores):
    await stores.discovery.remember_names([SHOP, BANK, PAY])

    first = await stores.discovery.page_of_names(None, PageRequest(first=2))
    rest = await stores.discovery.page_of_names(None, PageRequest(first=2, after=first.cursors[-1]))
    found = await stores.discovery.page_of_names("BANK/s", PageRequest())
    both = await stores.discovery.page_of_names("pay", PageRequest())

    assert (list(first.rows), first.has_next, first.total_count) == ([PAY, BANK], True, 3)
    assert (list(rest.rows), rest.has_next) == ([SHOP], False)
    assert (list(found.rows), found.total_count) == ([BANK], 1)
    assert list(both.rows) == [PAY]


async def test_a_short_id_changes_hands_with_an_audit_entry(stores: Stores):
    await stores.discovery.remember_names([SHOP, BANK, PAY])

    def give(alike: list[RememberedName]) -> ChosenNames:
        assert sorted(alike, key=lambda name: name.source_name) == [BANK, SHOP]
        return choose(alike, ("bank", ""), NameChoice.SHORT_ID, "bank/search")

    chosen, entry = await stores.discovery.decide_name(
        "search", give, actor="user:ada", rationale="it is the bank's", now=AT
    )
    page = await stores.discovery.page_of_names("search", PageRequest())
    trail = await stores.ledger.audit(AuditFilter(), PageRequest())

    assert [(name.source_name, name.service_id) for name in page.rows] == [
        ("bank/search", "search"),
        ("shop/search", "shop/search"),
    ]
    assert list(trail.rows) == [entry]
    assert (entry.action, entry.actor, entry.service_id, entry.sli_type) == (
        AuditAction.NAME_DECIDED,
        "user:ada",
        "bank/search",
        None,
    )
    assert entry.rationale == f"{chosen.in_words}. it is the bank's"
    assert (await stores.ledger.verify()).intact


async def test_a_forgotten_name_is_free_and_a_refused_choice_changes_nothing(stores: Stores):
    await stores.discovery.remember_names([SHOP, BANK])

    with pytest.raises(Conflict):
        await stores.discovery.decide_name(
            "search",
            lambda alike: choose(alike, ("shop", ""), NameChoice.FORGET, "another"),
            actor="user:ada",
            rationale="why",
            now=AT,
        )
    untouched = await stores.discovery.page_of_names(None, PageRequest())
    await stores.discovery.decide_name(
        "search",
        lambda alike: choose(alike, ("shop", ""), NameChoice.FORGET, "search"),
        actor="user:ada",
        rationale="why",
        now=AT,
    )
    left = await stores.discovery.page_of_names(None, PageRequest())
    trail = await stores.ledger.audit(AuditFilter(), PageRequest())
    await stores.discovery.remember_names(
        [replace(PAY, short_id="search", told_apart_by=("x", ""), service_id="search")]
    )

    assert list(untouched.rows) == [BANK, SHOP]
    assert list(left.rows) == [BANK]
    assert trail.total_count == 1
