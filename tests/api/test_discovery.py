from __future__ import annotations

from sloengine.domain.topology.dependency import EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency
from tests.api.door import Door

DISCOVER = """mutation($input: DiscoverDependenciesInput!) { discoverDependencies(input: $input) {
  ingestion { id status source }
  difference { source readings from to complete added changed unseen unchanged
    dependencies { change caller dependency calls failedCalls otherSources fields { name before after } }
    services { change serviceId } renamed { sourceName serviceId rule } leftOut { sourceName reason }
    warnings queries }
  userErrors { code message path } } }"""


def calls(*pairs: str) -> Discovered:
    return Discovered(
        dependencies=tuple(
            DiscoveredDependency(*pair.split(">"), EdgeAttributes(call_weight=2.0), 10.0, 1.0) for pair in pairs
        ),
        queries=("sum by (client, server) (…)",),
    )


async def test_a_dry_run_answers_with_the_difference_alone(door: Door):
    door.discovered.found = calls("shop/web>cart", "user>web")

    found = (await door.ask(DISCOVER, input={"source": "OTEL", "dryRun": True}))["discoverDependencies"]

    assert (found["ingestion"], found["userErrors"]) == (None, [])
    difference = found["difference"]
    assert (difference["added"], difference["unchanged"], difference["complete"]) == (1, 0, False)
    assert (difference["from"], difference["to"]) == ("2026-03-01T12:00:00+00:00", "2026-03-02T12:00:00+00:00")
    assert difference["dependencies"] == [
        {
            "change": "ADDED",
            "caller": "web",
            "dependency": "cart",
            "calls": 10.0,
            "failedCalls": 1.0,
            "otherSources": [],
            "fields": [{"name": "call_weight", "before": None, "after": "2"}],
        }
    ]
    assert difference["renamed"] == [{"sourceName": "shop/web", "serviceId": "web", "rule": "namespace"}]
    assert difference["leftOut"][0]["sourceName"] == "user"
    assert difference["queries"]
    assert door.db.ingestions == {}


async def test_without_it_the_findings_are_a_queued_ingestion(door: Door):
    door.discovered.found = calls("web>cart")

    found = await door.ask(DISCOVER, input={"source": "OTEL", "from": "2026-03-02T00:00:00Z"})

    found = found["discoverDependencies"]
    assert (found["ingestion"]["status"], found["ingestion"]["source"]) == ("QUEUED", "OTEL")
    states = await door.ask("{ discoveryStates { source readings everyMinutes lastRun { dependencies error } } }")
    assert states["discoveryStates"] == [
        {
            "source": "OTEL",
            "readings": ["service-graph"],
            "everyMinutes": None,
            "lastRun": {"dependencies": 1, "error": None},
        }
    ]


async def test_what_is_not_configured_is_a_user_error(door: Door):
    found = (await door.ask(DISCOVER, input={"source": "K8S"}))["discoverDependencies"]

    assert found["difference"] is None
    assert found["userErrors"][0]["code"] == "UNAVAILABLE"


async def test_rules_are_read_and_replaced(door: Door):
    query = """{ nameRules { revision isShipped savedBy rules { name pattern serviceId sources }
      aliases { sourceName serviceId } } }"""
    save = """mutation($input: SaveNameRulesInput!) { saveNameRules(input: $input) {
      nameRules { revision isShipped rules { name } } userErrors { code path } } }"""
    shipped = (await door.ask(query))["nameRules"]
    rules = [{"name": "versions", "pattern": "{name}-v{number}", "serviceId": "{name}", "sources": ["K8S"]}]

    wrong = [{"name": "x", "pattern": "{name}", "serviceId": "{nome}"}]
    bad = await door.ask(save, input={"revision": 0, "rules": wrong})
    aliases = [{"sourceName": "load-generator"}]
    saved = await door.ask(save, input={"revision": shipped["revision"], "rules": rules, "aliases": aliases})
    stale = await door.ask(save, input={"revision": shipped["revision"], "rules": []})
    found = (await door.ask(query))["nameRules"]

    assert shipped["isShipped"]
    assert {"name": "namespace", "pattern": "{namespace}/{name}", "serviceId": "{name}"}.items() <= (
        shipped["rules"][-1].items()
    )
    assert bad["saveNameRules"]["userErrors"] == [
        {"code": "INVALID", "path": ["input", "rules", "0", "serviceId"]}
    ]
    assert saved["saveNameRules"]["userErrors"] == []
    assert saved["saveNameRules"]["nameRules"]["revision"] == 1
    assert stale["saveNameRules"] == {
        "nameRules": None,
        "userErrors": [{"code": "CONFLICT", "path": ["input", "revision"]}],
    }
    assert found == {
        "revision": 1,
        "isShipped": False,
        "savedBy": "apikey:development",
        "rules": rules,
        "aliases": [{"sourceName": "load-generator", "serviceId": None}],
    }


async def test_names_are_shown_and_decided_on(door: Door):
    door.discovered.found = calls("shop/web>cart")
    await door.ask(DISCOVER, input={"source": "OTEL"})
    door.discovered.found = calls("bank/web>cart")
    await door.ask(DISCOVER, input={"source": "OTEL"})
    decide = """mutation($input: DecideNameInput!) { decideName(input: $input) {
      names { sourceName serviceId ownsShortId } auditEvent { action service { serviceId } rationale }
      warnings userErrors { code path } } }"""
    given = {"shortId": "web", "namespace": "bank", "choice": "SHORT_ID", "rationale": "the bank's is the one"}

    before = await door.ask('{ rememberedNames(search: "WEB") { nodes { sourceName serviceId } totalCount } }')
    stale = (await door.ask(decide, input={**given, "expectedServiceId": "web"}))["decideName"]
    mute = (await door.ask(decide, input={**given, "expectedServiceId": "bank/web", "rationale": " "}))[
        "decideName"
    ]
    wordy = (await door.ask(decide, input={**given, "expectedServiceId": "bank/web", "rationale": "x" * 20_000}))[
        "decideName"
    ]
    done = (await door.ask(decide, input={**given, "expectedServiceId": "bank/web"}))["decideName"]

    assert before["rememberedNames"] == {
        "nodes": [
            {"sourceName": "bank/web", "serviceId": "bank/web"},
            {"sourceName": "shop/web", "serviceId": "web"},
        ],
        "totalCount": 2,
    }
    assert stale["userErrors"] == [{"code": "CONFLICT", "path": ["input", "expectedServiceId"]}]
    assert mute["userErrors"] == [{"code": "RATIONALE_REQUIRED", "path": ["input", "rationale"]}]
    assert wordy["userErrors"] == [{"code": "INVALID", "path": ["input", "rationale"]}]
    assert done["userErrors"] == []
    assert done["names"] == [
        {"sourceName": "bank/web", "serviceId": "web", "ownsShortId": True},
        {"sourceName": "shop/web", "serviceId": "shop/web", "ownsShortId": False},
    ]
    assert done["auditEvent"]["action"] == "NAME_DECIDED"
    assert done["auditEvent"]["service"] == {"serviceId": "bank/web"}
    assert done["auditEvent"]["rationale"].endswith("the bank's is the one")
    assert len(done["warnings"]) == 2
