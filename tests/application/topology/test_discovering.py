from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sloengine.application.topology.discover_dependencies import DiscoverDependenciesCommand
from sloengine.domain.errors import Conflict, Forbidden, Invalid, TooLarge, Unavailable
from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, DiscoveredService
from sloengine.domain.topology.discovery_difference import ChangeKind
from sloengine.domain.topology.name_decisions import RememberedName
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRule, NameRules
from sloengine.domain.topology.service import Criticality
from sloengine.domain.topology.team_authority import ANY_TEAM, TeamAuthority
from sloengine.infrastructure.memory.dependency_discovery import MemoryDependencyDiscovery
from sloengine.infrastructure.memory.discovery_store import MemoryDiscoveryStore
from tests.application.organisation import ADMIN, NOW, OWNER, Engine, edges

OTEL, K8S, MANUAL = DiscoverySource.OTEL, DiscoverySource.K8S, DiscoverySource.MANUAL
MESH, BACKSTAGE = DiscoverySource.MESH, DiscoverySource.BACKSTAGE


def calls(*pairs: str, weight: float | None = None, mode: DependencyMode | None = None) -> Discovered:
    said = EdgeAttributes(mode=mode, call_weight=weight)
    return Discovered(dependencies=tuple(DiscoveredDependency(*pair.split(">"), said, 10.0) for pair in pairs))


def seeing(found: Discovered, source: DiscoverySource = OTEL, name: str = "service-graph") -> Engine:
    engine = Engine(
        discoveries=[MemoryDependencyDiscovery(source, name, found)],
        teams=TeamAuthority({source: ANY_TEAM, MESH: ANY_TEAM}),
    )
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


async def test_a_source_that_was_read_by_a_clock_that_was_a_year_ahead_is_due_again():
    engine = seeing(calls("web>cart"))
    year = timedelta(days=365)

    engine.clock.advance(year)
    await discover(engine)
    assert await engine.use.enqueue_due_discoveries() == []
    engine.clock.advance(-year)

    assert await engine.use.enqueue_due_discoveries() == [OTEL]
    await discover(engine)
    assert await engine.use.enqueue_due_discoveries() == []


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
    await engine.use.save_name_rules(rules, revision=0, actor=ADMIN)

    outcome = await discover(engine, dry_run=True)

    assert told(outcome) == [("ADDED", "checkout>cart")]
    assert outcome.difference.dependencies[0].calls == 20.0
    stored = await engine.use.read_name_rules()
    assert (stored.rules, stored.saved_by, stored.revision) == (rules, ADMIN.subject, 1)


async def test_rules_that_somebody_changed_meanwhile_are_not_replaced_unseen():
    engine = Engine()
    await engine.use.save_name_rules(NameRules((), {"a": "b"}), revision=0, actor=ADMIN)

    with pytest.raises(Conflict, match="revision 0") as refused:
        await engine.use.save_name_rules(NameRules(), revision=0, actor=ADMIN)

    assert refused.value.path == ("input", "revision")
    assert (await engine.use.read_name_rules()).rules.aliases == {"a": "b"}


async def test_only_admins_discover_and_change_rules():
    engine = seeing(calls("web>cart"))

    with pytest.raises(Forbidden):
        await engine.use.discover_dependencies(DiscoverDependenciesCommand(OTEL, dry_run=True), actor=OWNER)
    with pytest.raises(Forbidden):
        await engine.use.save_name_rules(NameRules(), revision=0, actor=OWNER)
    with pytest.raises(Invalid):
        await engine.use.save_name_rules(NameRules((NameRule("", "a", "b"),)), revision=0, actor=ADMIN)


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


async def test_a_namesake_that_another_source_sees_does_not_become_the_same_service():
    traces = MemoryDependencyDiscovery(OTEL, "service-graph", calls("web>shop/search"))
    mesh = MemoryDependencyDiscovery(MESH, "istio", calls("ledger>bank/search"))
    engine = Engine(discoveries=[traces, mesh])

    await discover_and_merge(engine)
    outcome = await discover(engine, MESH, dry_run=True)
    await discover_and_merge(engine, MESH)

    assert pairs(engine) == {"web>search", "ledger>bank/search"}
    [warning] = outcome.difference.warnings
    assert "bank/search would be search, which is shop/search" in warning
    assert "alias bank/search → search" in warning


async def test_a_name_keeps_its_id_when_a_namesake_comes_goes_and_comes_back():
    engine = seeing(calls("web>shop/search"))
    for found in (
        calls("web>shop/search"),
        calls("web>shop/search", "ledger>bank/search"),
        calls("ledger>bank/search"),
        calls("web>shop/search"),
        calls("ledger>search.bank.svc.cluster.local"),
    ):
        see(engine, found)
        await discover_and_merge(engine)
        engine.clock.advance(timedelta(hours=1))

    assert pairs(engine) == {"web>search", "ledger>bank/search"}


async def test_two_namesakes_that_came_together_keep_their_full_names_when_one_is_idle():
    engine = seeing(calls("web>shop/search", "ledger>bank/search"))
    await discover_and_merge(engine)
    engine.clock.advance(timedelta(hours=1))
    see(engine, calls("web>shop/search"))

    await discover_and_merge(engine)

    assert pairs(engine) == {"web>shop/search", "ledger>bank/search"}


async def test_an_alias_stands_above_what_is_remembered():
    engine = seeing(calls("web>shop/search", "ledger>bank/search"))
    await discover_and_merge(engine)
    rules = NameRules(DEFAULT_NAME_RULES.rules, {"shop/search": "search", "bank/search": "search"})
    await engine.use.save_name_rules(rules, revision=0, actor=ADMIN)

    outcome = await discover(engine, dry_run=True)

    assert told(outcome)[:2] == [("ADDED", "ledger>search"), ("ADDED", "web>search")]
    assert outcome.difference.warnings == ()


async def test_changed_rules_stand_above_what_is_remembered():
    engine = seeing(calls("web>shop/search", "ledger>bank/search"))
    await discover_and_merge(engine)
    await engine.use.save_name_rules(
        NameRules((NameRule("both", "{namespace}/{name}", "{name}-of-{namespace}"),)), revision=0, actor=ADMIN
    )

    outcome = await discover(engine, dry_run=True)

    assert told(outcome)[:2] == [("ADDED", "ledger>search-of-bank"), ("ADDED", "web>search-of-shop")]


async def test_a_dry_run_decides_on_no_name():
    engine = seeing(calls("web>shop/search"))

    await discover(engine, dry_run=True)
    see(engine, calls("ledger>bank/search"))
    await discover_and_merge(engine)

    assert pairs(engine) == {"ledger>search"}
    assert [name.source_name for name in engine.db.remembered_names.values()] == ["bank/search"]


async def test_names_that_another_reading_decides_on_meanwhile_are_looked_at_again():
    class Late(MemoryDiscoveryStore):
        """Another reading is faster, once."""

        async def remember_names(self, names):
            if not engine.db.remembered_names:
                await super().remember_names([RememberedName("search", ("bank", ""), "search", "bank/search")])
            await super().remember_names(names)

    engine = seeing(calls("web>shop/search"))
    racing = replace(engine.use.discover_dependencies, store=Late(engine.db))

    outcome = await racing(DiscoverDependenciesCommand(OTEL), actor=ADMIN)

    assert told(outcome) == [("ADDED", "web>shop/search")]


async def test_a_bare_name_that_could_be_several_is_told_of():
    engine = seeing(calls("web>shop/search", "ledger>bank/search"))
    await discover_and_merge(engine)
    engine.clock.advance(timedelta(hours=1))
    see(engine, calls("mail>search"))

    outcome = await discover(engine, dry_run=True)

    assert ("ADDED", "mail>search") in told(outcome)
    assert "search without a namespace could be any of bank/search, shop/search" in outcome.difference.warnings[0]


async def test_a_catalogues_namespace_is_not_a_clusters():
    traces = MemoryDependencyDiscovery(OTEL, "service-graph", calls("web>shop/search"))
    catalogue = MemoryDependencyDiscovery(
        BACKSTAGE, "backstage", Discovered((DiscoveredService("component:default/search", name="Search"),))
    )
    engine = Engine(discoveries=[traces, catalogue])

    await discover_and_merge(engine)
    await discover_and_merge(engine, BACKSTAGE)

    assert engine.db.services.keys() == {"web", "search"}
    assert engine.db.services["search"].name == "Search"


@pytest.mark.parametrize("source", [BACKSTAGE, K8S, OTEL])
@pytest.mark.parametrize("registered", [True, False])
async def test_discovery_moves_no_service_to_another_team(source: DiscoverySource, registered: bool):
    engine = seeing(Discovered((DiscoveredService("web", team="attackers"),)), source)
    await engine.ingest(MANUAL if registered else MESH, services=[{"serviceId": "web", "team": "front"}])

    outcome = await discover(engine, source, dry_run=True)
    await discover_and_merge(engine, source)

    assert engine.db.services["web"].team == "front"
    assert outcome.difference.services == ()
    [warning] = outcome.difference.warnings
    assert "web stays with team front" in warning
    assert "attackers" in warning


async def test_what_a_person_registered_stands_before_the_catalogue_and_its_own_words_it_may_change():
    def entity(name: str, service_id: str, criticality: Criticality) -> DiscoveredService:
        said = {"name": name, "criticality": criticality.value}
        return DiscoveredService(service_id, name, None, criticality, metadata={"backstage": said})

    both = (entity("Web", "web", Criticality.LOW), entity("Cart", "cart", Criticality.LOW))
    engine = seeing(Discovered(both), BACKSTAGE, "backstage")
    await engine.ingest(MANUAL, services=[{"serviceId": "web", "name": "Shop", "criticality": "CRITICAL"}])
    await discover_and_merge(engine, BACKSTAGE)
    engine.clock.advance(timedelta(hours=1))
    both = (entity("Web 2", "web", Criticality.HIGH), entity("Basket", "cart", Criticality.HIGH))
    see(engine, Discovered(both))

    await discover_and_merge(engine, BACKSTAGE)

    web, cart = (engine.db.services[service_id] for service_id in ("web", "cart"))
    assert (web.name, web.criticality) == ("Shop", Criticality.CRITICAL)
    assert (cart.name, cart.criticality) == ("Basket", Criticality.HIGH)
    assert web.metadata["backstage"]["name"] == "Web 2"


async def test_what_a_source_keeps_of_its_own_is_refreshed_also_where_a_person_registered_the_service():
    def running(*workloads: str) -> Discovered:
        facts = {"kubernetes": {"workloads": list(workloads)}, "tier": "guessed"}
        return Discovered((DiscoveredService("web", metadata=facts),))

    engine = seeing(running("Deployment/web"), K8S, "k8s")
    await engine.ingest(MANUAL, services=[{"serviceId": "web", "metadata": {"tier": "gold"}}])
    await discover_and_merge(engine, K8S)
    engine.clock.advance(timedelta(hours=1))
    see(engine, running("StatefulSet/web"))

    await discover_and_merge(engine, K8S)

    assert engine.db.services["web"].metadata == {
        "kubernetes": {"workloads": ["StatefulSet/web"]},
        "tier": "gold",
    }


class Slow(MemoryDependencyDiscovery):
    """Does not come to an end."""

    async def discover(self, since, until):
        await asyncio.Event().wait()


class Refusing(MemoryDependencyDiscovery):
    """Not over such a range."""

    async def discover(self, since, until):
        raise TooLarge("two days at most")


async def test_a_reading_that_takes_too_long_is_given_up_and_the_others_count():
    slow, metrics = Slow(OTEL, "tempo"), MemoryDependencyDiscovery(OTEL, "service-graph", calls("web>cart"))
    engine = Engine(discoveries=[slow, metrics])
    hurried = replace(engine.use.discover_dependencies, longest_reading=timedelta(milliseconds=20))

    both = await hurried(DiscoverDependenciesCommand(OTEL, dry_run=True), actor=ADMIN)

    assert told(both) == [("ADDED", "web>cart")]
    assert "tempo: not read within 0.02 seconds" in both.difference.warnings[0]
    with pytest.raises(Unavailable, match="not read within"):
        await hurried(DiscoverDependenciesCommand(OTEL, "tempo"), actor=ADMIN)


async def test_a_range_that_is_too_long_for_one_reading_is_read_by_the_other():
    refusing, metrics = (
        Refusing(OTEL, "tempo"),
        MemoryDependencyDiscovery(OTEL, "service-graph", calls("web>cart")),
    )
    engine = Engine(discoveries=[refusing, metrics])

    both = await discover(engine, dry_run=True)

    assert told(both) == [("ADDED", "web>cart")]
    assert both.difference.warnings == ("tempo: two days at most",)
    with pytest.raises(TooLarge, match="two days"):
        await discover(engine, reading="tempo")
