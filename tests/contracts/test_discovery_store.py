from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRule, NameRules
from tests.contracts.conftest import Stores

AT = datetime(2026, 3, 2, 12, 30, 15, 123456, tzinfo=UTC)


async def test_rules_come_back_as_saved_and_are_replaced_as_a_whole(stores: Stores):
    rules = NameRules(
        (NameRule("team", "{team}.{name}", "{name}", (DiscoverySource.OTEL, DiscoverySource.K8S)),),
        {"loadgen": None, "chëckout 'x'": "checkout"},
    )

    absent = await stores.discovery.name_rules()
    for value in (DEFAULT_NAME_RULES, rules):
        await stores.discovery.save_name_rules(StoredNameRules(value, "user:ada", AT))
    found = await stores.discovery.name_rules()

    assert absent is None
    assert found == StoredNameRules(rules, "user:ada", AT)
    assert found.rules.resolve(DiscoverySource.OTEL, "shop.cart").service_id == "cart"


async def test_the_newest_run_of_each_source_is_kept(stores: Stores):
    first = DiscoveryRun(DiscoverySource.OTEL, AT, AT - timedelta(days=1), AT, error="away")
    second = replace(first, started_at=AT + timedelta(hours=1), dependencies=7, ingestion_id="i", error=None)
    mesh = replace(first, source=DiscoverySource.MESH, warnings=("no labels",))

    absent = await stores.discovery.runs()
    for run in (first, mesh, second):
        await stores.discovery.note_run(run)

    assert absent == {}
    assert await stores.discovery.runs() == {DiscoverySource.OTEL: second, DiscoverySource.MESH: mesh}
