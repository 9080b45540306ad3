from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sloengine.application.topology.discover_dependencies import DiscoverDependenciesCommand
from sloengine.domain.errors import Forbidden, Invalid, Unavailable
from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, DiscoveredService
from sloengine.domain.topology.discovery_difference import ChangeKind
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRule, NameRules
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.memory.dependency_discovery import MemoryDependencyDiscovery
from tests.application.organisation import ADMIN, NOW, OWNER, Engine, edges

OTEL, K8S, MANUAL = DiscoverySource.OTEL, DiscoverySource.K8S, DiscoverySource.MANUAL


def calls(*pairs: str, weight: float | None = None, mode: DependencyMode | None = None) -> Discovered:
    said = EdgeAttributes(mode=mode, call_weight=weight)
    return Discovered(dependencies=tuple(DiscoveredDependency(*pair.split(">"), said, 10.0) for pair in pairs))


def seeing(found: Discovered, source: DiscoverySource = OTEL, name: str = "service-graph") -> Engine:
    engine = Engine(discoveries=[MemoryDependencyDiscovery(source, name, found)])
    engine.clock.advance(timedelta(seconds=17))
    return engine


def see(engine: Engine, found: Discovered) -> None:
    engine.discoveries[0].found = found


async def discover(engine: Engine, source: DiscoverySource = OTEL, **given):
    return await engine.use.discover_dependencies(DiscoverDependenciesCommand(source, **given), actor=ADMIN)


async def discover_and_merge(engine: Engine, source: DiscoverySource = OTEL, **given):
    outcome = await discover(engine, source, **given)
    return await engine.use.merge_ingestion(outcome.ingestion.ingestion_id)


def pairs(engine: Engine) -> set[str]:
    return {f"{caller}>{dependency}" for caller, dependency in engine.db.merged}


def told(outcome) -> list[tuple[str, str]]:
    return [(one.kind.value, f"{one.caller}>{one.dependency}") for one in outcome.difference.dependencies]


async def test_what_is_found_goes_into_the_graph_as_an_ingestion_of_its_source():
    engine = seeing(calls("shop/web>cart", "user>web"))

    merged = await discover_and_merge(engine)

    assert pairs(engine) == {"web>cart"}
    assert merged.source is OTEL
    claim = engine.db.claims["web", "cart", OTEL]
    assert claim.last_seen_at == NOW
    assert engine.discoveries[0].asked == [(NOW - timedelta(days=1), NOW)]


async def test_a_dry_run_tells_and_changes_nothing():
    engine = seeing(calls("shop/web>cart", "web>search"))
    await engine.ingest(OTEL, dependencies=edges("web>old", "web>search"), observed_at=NOW - timedelta(days=2))
    await engine.ingest(MANUAL, dependencies=edges("web>cart"))
    before = (engine.db.version, len(engine.db.ingestions), dict(engine.db.claims))

    outcome = await discover(engine, dry_run=True)

    assert outcome.ingestion is None
    assert told(outcome) == [("ADDED", "web>cart"), ("UNSEEN", "web>old")]
    assert outcome.difference.dependencies_unchanged == 1
    assert outcome.difference.dependencies[0].other_sources == (MANUAL,)
    assert [one.rule for one in outcome.difference.renamed] == ["namespace"]
    assert (engine.db.version, len(engine.db.ingestions), dict(engine.db.claims)) == before
    assert engine.db.discovery_runs == {}


async def test_discovering_twice_is_one_ingestion_and_the_same_graph():
    engine = seeing(calls("web>cart", weight=2.0))

    first = await discover(engine)
    second = await discover(engine)
    await engine.use.merge_ingestion(first.ingestion.ingestion_id)
    engine.clock.advance(timedelta(seconds=20))
    third = await discover(engine)

    assert first.ingestion.ingestion_id == second.ingestion.ingestion_id == third.ingestion.ingestion_id
    assert pairs(engine) == {"web>cart"}
    assert engine.db.version == 1


async def test_the_next_reading_moves_the_version_only_when_it_says_something_new():
    engine = seeing(calls("web>cart", weight=2.0))
    await discover_and_merge(engine)
    engine.clock.advance(timedelta(hours=1))

    see(engine, calls("web>cart", weight=2.1))
    steady = await discover_and_merge(engine)
    engine.clock.advance(timedelta(hours=1))
    see(engine, calls("web>cart", weight=3.0))
    outcome = await discover(engine, dry_run=True)
    moved = await discover_and_merge(engine)

    assert steady.edges_updated == 0
    assert moved.edges_updated == 1
    assert [(one.name, one.before, one.after) for one in outcome.difference.dependencies[0].fields] == [
        ("call_weight", "2", "3")
    ]
    assert engine.db.merged["web", "cart"].call_weight == 3.0


async def test_what_a_reading_over_a_range_did_not_see_is_not_withdrawn_and_ages():
    engine = seeing(calls("web>cart", "web>search"))
    await discover_and_merge(engine)
    engine.clock.advance(timedelta(days=8))
    see(engine, calls("web>cart"))

    await discover_and_merge(engine)
    await engine.use.mark_stale()

    assert pairs(engine) == {"web>cart", "web>search"}
    assert engine.db.merged["web", "search"].is_stale
    assert not engine.db.merged["web", "cart"].is_stale


async def test_a_complete_listing_withdraws_also_of_callers_that_are_gone():
    engine = seeing(replace(calls("web>cart", "gone>cart"), complete=True), K8S, "k8s")
    await discover_and_merge(engine, K8S)
    await engine.ingest(OTEL, dependencies=edges("web>mail"))
    engine.clock.advance(timedelta(hours=1))
    see(engine, replace(calls("web>cart"), complete=True, services=(DiscoveredService("web", team="front"),)))

    outcome = await discover(engine, K8S, dry_run=True)
    await discover_and_merge(engine, K8S)

    assert told(outcome) == [("WITHDRAWN", "gone>cart")]
    assert pairs(engine) == {"web>cart", "web>mail"}
    assert engine.db.services["web"].team == "front"


async def test_an_empty_listing_withdraws_nothing():
    engine = seeing(replace(calls("web>cart"), complete=True), K8S, "k8s")
    await discover_and_merge(engine, K8S)
    engine.clock.advance(timedelta(hours=1))
    see(engine, Discovered(complete=True, warnings=("nothing listed: is the role allowed to?",)))

    outcome = await discover(engine, K8S)

    assert outcome.ingestion is None
    assert pairs(engine) == {"web>cart"}
    assert engine.db.discovery_runs[K8S].warnings == ("nothing listed: is the role allowed to?",)


async def test_what_a_person_registered_stands_and_gaps_are_filled():
    found = Discovered(
        (DiscoveredService("web", team="guessed", criticality=Criticality.HIGH, metadata={"runtime": "jvm"}),),
        calls("web>cart").dependencies,
    )
    engine = seeing(found)
    await engine.ingest(MANUAL, services=[{"serviceId": "web", "team": "front"}])

    await discover_and_merge(engine)

    web = engine.db.services["web"]
    assert (web.team, web.criticality, web.metadata) == ("front", Criticality.HIGH, {"runtime": "jvm"})
    assert not web.discovered
    assert engine.db.services["cart"].discovered


async def test_two_readings_of_a_source_are_one_ingestion_and_one_may_be_away():
    metrics = MemoryDependencyDiscovery(OTEL, "service-graph", calls("web>cart"))
    traces = MemoryDependencyDiscovery(OTEL, "tempo", calls("web>mail"))
    engine = Engine(discoveries=[metrics, traces])

    both = await discover(engine, dry_run=True)
    one = await discover(engine, reading="tempo", dry_run=True)
    traces.is_away = True
    rest = await discover(engine, dry_run=True)
    metrics.is_away = True

    assert told(both) == [("ADDED", "web>cart"), ("ADDED", "web>mail")]
    assert told(one) == [("ADDED", "web>mail")]
    assert told(rest) == [("ADDED", "web>cart")]
    assert rest.difference.warnings == ("tempo: tempo does not answer",)
    with pytest.raises(Unavailable):
        await discover(engine)
    assert engine.db.discovery_runs[OTEL].error == "service-graph: service-graph does not answer"


async def test_saved_rules_are_those_that_are_applied():
    engine = seeing(calls("checkout-v1>cart", "checkout-v2>cart"))
    rules = NameRules((*DEFAULT_NAME_RULES.rules, NameRule("versions", "{name}-v{number}", "{name}")))
    await engine.use.save_name_rules(rules, actor=ADMIN)

    outcome = await discover(engine, dry_run=True)

    assert told(outcome) == [("ADDED", "checkout>cart")]
    assert outcome.difference.dependencies[0].calls == 20.0
    stored = await engine.use.read_name_rules()
    assert (stored.rules, stored.saved_by) == (rules, ADMIN.subject)


async def test_only_admins_discover_and_change_rules():
    engine = seeing(calls("web>cart"))

    with pytest.raises(Forbidden):
        await engine.use.discover_dependencies(DiscoverDependenciesCommand(OTEL, dry_run=True), actor=OWNER)
    with pytest.raises(Forbidden):
        await engine.use.save_name_rules(NameRules(), actor=OWNER)
    with pytest.raises(Invalid):
        await engine.use.save_name_rules(NameRules((NameRule("", "a", "b"),)), actor=ADMIN)


@pytest.mark.parametrize(
    ("source", "given", "error", "words"),
    [
        (K8S, {}, Unavailable, "configured for K8S: none"),
        (OTEL, {"reading": "tempo"}, Unavailable, "Set SLOENGINE_TEMPO_URL"),
        (OTEL, {"since": NOW}, Invalid, "before"),
        (OTEL, {"since": NOW - timedelta(days=40)}, Invalid, "31 days"),
    ],
)
async def test_what_cannot_be_read_is_said_with_what_to_do(source, given, error, words):
    with pytest.raises(error, match=words):
        await discover(seeing(calls("web>cart")), source, **given)


async def test_another_entity_of_the_same_id_is_told_of():
    engine = seeing(Discovered((DiscoveredService("web", entity_ref="component:bank/web"),)))
    await engine.ingest(MANUAL, services=[{"serviceId": "web", "entityRef": "component:default/web"}])

    outcome = await discover(engine, dry_run=True)

    assert "component:default/web" in outcome.difference.warnings[0]


def test_kinds_sort_as_they_are_listed():
    assert list(ChangeKind) == ["ADDED", "CHANGED", "WITHDRAWN", "UNSEEN"]


async def test_what_would_have_to_be_switched_on_is_told_only_where_nothing_else_knows():
    istio = MemoryDependencyDiscovery(DiscoverySource.MESH, "istio", Discovered(warnings=("no istio here",)))
    hubble = MemoryDependencyDiscovery(DiscoverySource.MESH, "hubble", calls("web>cart"))
    engine = Engine(discoveries=[istio, hubble])

    one_knows = await discover(engine, DiscoverySource.MESH, dry_run=True)
    hubble.found = Discovered()
    nobody_knows = await discover(engine, DiscoverySource.MESH, dry_run=True)

    assert one_knows.difference.warnings == ()
    assert nobody_knows.difference.warnings == ("no istio here",)


async def test_a_listing_of_some_callers_withdraws_of_those_and_of_nobody_else():
    some = replace(calls("web>cart", "pay>bank"), complete_for_named=True, services=(DiscoveredService("web"),))
    engine = seeing(some, K8S, "k8s")
    await discover_and_merge(engine, K8S)

    see(engine, replace(calls("web>search"), complete_for_named=True, services=(DiscoveredService("web"),)))
    engine.clock.advance(timedelta(seconds=1))
    planned = await discover(engine, K8S, dry_run=True)
    await discover_and_merge(engine, K8S)

    assert told(planned) == [("ADDED", "web>search"), ("WITHDRAWN", "web>cart"), ("UNSEEN", "pay>bank")]
    assert pairs(engine) == {"web>search", "pay>bank"}


async def test_two_listings_of_one_minute_both_count():
    whole = replace(calls("web>cart", "web>search"), complete=True)
    engine = seeing(whole, K8S, "k8s")
    await discover_and_merge(engine, K8S)

    see(engine, replace(calls("web>cart"), complete=True))
    engine.clock.advance(timedelta(seconds=1))
    await discover_and_merge(engine, K8S)

    assert pairs(engine) == {"web>cart"}
