from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import (
    NOTHING_REPEATED,
    ClaimCounts,
    GraphStanding,
    PassThroughStanding,
    ServiceFilter,
    ServiceGraph,
    ServiceOrder,
)
from sloengine.domain.errors import Conflict, Invalid
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.dependency import (
    Dependency,
    DependencyClaim,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
    EdgeAttributes,
)
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertChange, AlertStatus, CircularDependencyAlert
from sloengine.domain.topology.pass_through_finding import Verdict
from sloengine.domain.topology.service import Criticality, Service
from tests.contracts.conftest import Stores
from tests.contracts.graph_samples import NOW, claim, draw, merged
from tests.domain.topology.findings import LEARNT_AT, finding

LATER = NOW + timedelta(hours=1)
HARD = DependencyCriticality.HARD


@pytest.fixture
def graph(stores: Stores) -> ServiceGraph:
    return stores.graph


async def written(
    graph: ServiceGraph,
    ingestion_id: str,
    claims: Sequence[DependencyClaim],
    edges: Sequence[Dependency],
    repeated: Mapping[tuple[str, str], datetime] = NOTHING_REPEATED,
) -> ClaimCounts:
    return await graph.write_batch(
        ingestion_id=ingestion_id,
        services=(),
        claims=claims,
        merged=edges,
        withdrawn=(),
        removed=(),
        now=LATER,
        repeated=repeated,
    )


async def test_an_empty_graph_has_version_0_and_nothing_in_it(graph: ServiceGraph):
    snapshot = await graph.snapshot()

    assert await graph.version() == 0
    assert (snapshot.services, snapshot.dependencies, snapshot.supernodes) == ((), (), ())


async def test_a_service_comes_back_as_it_was_registered(graph: ServiceGraph):
    service = Service(
        "checkout",
        name="Checkout",
        team="payments",
        criticality=Criticality.CRITICAL,
        entity_ref="component:default/Checkout",
        external=True,
        published_availability_ratio=0.999,
        metadata={"tier": 1, "links": ["a", {"b": None}]},
    )

    [stored] = await graph.register([service], now=NOW)

    assert stored == replace(service, created_at=NOW, updated_at=NOW)
    assert await graph.services(["checkout", "nobody"]) == {"checkout": stored}
    assert await graph.services_by_entity_ref(["COMPONENT:default/checkout"]) == {
        "COMPONENT:default/checkout": stored
    }


async def test_registering_again_keeps_what_is_not_said_and_moves_the_version_on_a_change(
    graph: ServiceGraph,
):
    await graph.register([Service("a", name="A", team="t", metadata={"k": 1})], now=NOW)
    version = await graph.version()

    [same] = await graph.register([Service("a")], now=LATER)
    unmoved = await graph.version()
    [renamed] = await graph.register([Service("a", name="B")], now=LATER)

    assert (same.name, same.team, same.metadata, same.updated_at) == ("A", "t", {"k": 1}, NOW)
    assert unmoved == version
    assert (renamed.name, renamed.team, renamed.updated_at, renamed.created_at) == ("B", "t", LATER, NOW)
    assert await graph.version() == version + 1


async def test_ends_that_nobody_stated_become_discovered_services(graph: ServiceGraph):
    counts = await draw(graph, "a->b", services=[Service("a", name="A", discovered=True)])

    services = await graph.services(["a", "b"])
    assert counts == ClaimCounts(services_created=2, edges_created=1)
    assert services["b"].discovered
    assert (services["a"].name, services["a"].external) == ("A", False)


async def test_an_ingestion_leaves_a_registered_service_registered(graph: ServiceGraph):
    await graph.register([Service("a", team="payments", external=True)], now=NOW)

    await draw(graph, "a->b", services=[Service("a", name="A", external=True, discovered=True)])

    a = (await graph.services(["a"]))["a"]
    assert (a.discovered, a.team, a.name, a.external) == (False, "payments", "A", True)


async def test_an_edge_comes_back_with_all_it_says_and_its_claims(graph: ServiceGraph):
    said = EdgeAttributes(
        mode=DependencyMode.ASYNC,
        criticality=DependencyCriticality.SOFT,
        protocol="amqp",
        timeout_ms=250,
        retry_config={"attempts": 3},
        call_weight=1.5,
        redundancy_group="brokers",
        required=1,
    )
    manual = replace(
        claim("a", "b", DiscoverySource.MANUAL), attributes=said, first_seen_at=NOW - timedelta(days=1)
    )
    otel = claim("a", "b", DiscoverySource.OTEL)
    edge = merged(
        "a",
        "b",
        mode=DependencyMode.ASYNC,
        criticality=DependencyCriticality.SOFT,
        assumed=(),
        protocol="amqp",
        timeout_ms=250,
        retry_config={"attempts": 3},
        call_weight=1.5,
        redundancy_group="brokers",
        required=1,
    )

    await graph.write_batch(
        ingestion_id="i", services=(), claims=[otel, manual], merged=[edge], withdrawn=(), removed=(), now=NOW
    )

    [stored] = (await graph.dependencies_of(["a"]))["a"]
    assert replace(stored, claims=()) == edge
    assert set(map(repr, stored.claims)) == {repr(manual), repr(otel)}
    assert (await graph.callers_of(["b"]))["b"] == [stored]
    assert not (await graph.dependencies_of(["b"])).get("b")
    found = await graph.claims_between([("a", "b"), ("b", "a")])
    assert set(map(repr, found["a", "b"])) == {repr(manual), repr(otel)}
    assert ("b", "a") not in found


async def test_a_claim_that_says_less_than_before_forgets_the_rest(graph: ServiceGraph):
    first = claim("a", "b", protocol="http", timeout_ms=100)
    second = claim("a", "b", timeout_ms=200)

    for one in (first, second):
        await graph.write_batch(
            ingestion_id="i",
            services=(),
            claims=[one],
            merged=[merged("a", "b", protocol=one.attributes.protocol)],
            withdrawn=(),
            removed=(),
            now=NOW,
        )

    assert list((await graph.claims_between([("a", "b")]))["a", "b"]) == [second]
    [edge] = (await graph.dependencies_of(["a"]))["a"]
    assert edge.protocol is None


async def test_a_batch_written_twice_counts_once(graph: ServiceGraph):
    first = await draw(graph, "a->b", "b->c")
    again = await draw(graph, "a->b", "b->c")
    more = await draw(graph, "c->d")

    assert first == ClaimCounts(services_created=3, edges_created=2)
    assert again == first
    assert more == ClaimCounts(services_created=4, edges_created=3)


async def test_another_ingestion_counts_changed_edges_as_updated_and_equal_ones_not(graph: ServiceGraph):
    await draw(graph, "a->b", "b->c", ingestion_id="first")

    changed = await draw(graph, "a->b", ingestion_id="second", protocol="grpc")
    same = await draw(graph, "b->c", ingestion_id="third")

    assert changed == ClaimCounts(edges_updated=1)
    assert same == ClaimCounts()


async def test_an_edge_that_is_seen_again_moves_in_time_and_confidence_and_in_nothing_else(graph: ServiceGraph):
    said = {
        "mode": DependencyMode.ASYNC,
        "protocol": "kafka",
        "retry_config": {"attempts": 3},
        "call_weight": 0.25,
    }
    before = [claim("a", "b", **said), claim("a", "b", DiscoverySource.K8S, criticality=HARD)]
    edge = merged("a", "b", **said, criticality=HARD, assumed=(), confidence=0.8)
    await written(graph, "first", before, [edge])
    learnt = finding(Estimate(0.5, 0.4, 0.6))
    await graph.note_pass_through([("a", "b")], {("a", "b"): learnt})
    version = await graph.write_condensation(supernodes=(), edges=(), alerts=(), changed=True, now=NOW)
    seen = replace(before[0], last_seen_at=LATER)
    seen_edge = replace(edge, confidence=0.95, last_observed_at=LATER)

    counts = await written(graph, "second", [seen], [seen_edge], repeated={("a", "b"): NOW})

    assert counts == ClaimCounts()
    found = await graph.claims_between([("a", "b")])
    assert sorted(found["a", "b"], key=lambda one: one.source) == sorted(
        [seen, before[1]], key=lambda one: one.source
    )
    [stored] = (await graph.dependencies_of(["a"]))["a"]
    assert replace(stored, claims=()) == seen_edge
    assert await graph.pass_through_findings(["a"]) == {("a", "b"): learnt}
    assert await graph.move_version(changed=False, now=LATER) == version
    assert not (await graph.standing()).is_reshaped


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param((), id="gone"),
        pytest.param((claim("a", "b", DiscoverySource.MESH),), id="of another source"),
        pytest.param((replace(claim("a", "b"), last_seen_at=NOW + timedelta(minutes=5)),), id="seen since"),
    ],
)
async def test_what_is_said_to_be_repeated_and_is_not_is_written_whole(
    graph: ServiceGraph, stored: tuple[DependencyClaim, ...]
):
    await written(graph, "first", list(stored), [merged("a", "b")] if stored else [])
    said = claim("a", "b", protocol="grpc")
    said = replace(said, first_seen_at=NOW - timedelta(days=1), last_seen_at=LATER)
    edge = merged("a", "b", protocol="grpc", last_observed_at=LATER)

    counts = await written(graph, "second", [said], [edge], repeated={("a", "b"): NOW})

    assert said in (await graph.claims_between([("a", "b")]))["a", "b"]
    assert [replace(one, claims=()) for one in (await graph.dependencies_of(["a"]))["a"]] == [edge]
    assert counts.edges_created + counts.edges_updated == 1


async def test_an_edge_that_was_stale_and_is_seen_again_is_alive(graph: ServiceGraph):
    await written(graph, "first", [claim("a", "b")], [merged("a", "b", is_stale=True)])
    said = replace(claim("a", "b"), last_seen_at=LATER)

    await written(graph, "second", [said], [merged("a", "b", last_observed_at=LATER)], repeated={("a", "b"): NOW})

    [stored] = (await graph.dependencies_of(["a"]))["a"]
    assert (stored.is_stale, stored.last_observed_at) == (False, LATER)
    assert (await graph.standing()).is_reshaped


async def test_withdrawing_and_removing_leaves_the_other_source(graph: ServiceGraph):
    await draw(graph, "a->b", "a->c", source=DiscoverySource.OTEL)
    await draw(graph, "a->b", source=DiscoverySource.MANUAL)
    otel = DiscoverySource.OTEL

    counts = await graph.write_batch(
        ingestion_id="withdrawal",
        services=(),
        claims=(),
        merged=[merged("a", "b")],
        withdrawn=[("a", "b", otel), ("a", "c", otel)],
        removed=[("a", "c")],
        now=LATER,
    )

    assert counts.edges_removed == 1
    assert [edge.dependency for edge in (await graph.dependencies_of(["a"]))["a"]] == ["b"]
    assert await graph.pairs_claimed_by(otel, None) == []
    assert await graph.pairs_claimed_by(DiscoverySource.MANUAL, None) == [("a", "b")]


async def test_pairs_claimed_by_a_source_can_be_asked_of_some_callers(graph: ServiceGraph):
    await draw(graph, "a->b", "c->d", "a->c")

    assert await graph.pairs_claimed_by(DiscoverySource.OTEL, ["a"]) == [("a", "b"), ("a", "c")]
    assert await graph.pairs_claimed_by(DiscoverySource.OTEL, []) == []
    assert await graph.pairs_claimed_by(DiscoverySource.K8S, None) == []


async def test_the_snapshot_follows_the_version(graph: ServiceGraph):
    await draw(graph, "a->b")
    before = await graph.snapshot()

    await draw(graph, "b->c")
    after = await graph.snapshot()

    assert [edge.pair for edge in before.dependencies] == [("a", "b")]
    assert [edge.pair for edge in after.dependencies] == [("a", "b"), ("b", "c")]
    assert after.version == await graph.version() > before.version
    assert all(edge.claims == () for edge in after.dependencies)


async def test_stale_edges_are_left_out_unless_asked_for(graph: ServiceGraph):
    await draw(graph, "a->b")
    await draw(graph, "a->c", is_stale=True)

    assert [e.dependency for e in (await graph.dependencies_of(["a"]))["a"]] == ["b"]
    assert [e.dependency for e in (await graph.dependencies_of(["a"], include_stale=True))["a"]] == ["b", "c"]
    assert not (await graph.callers_of(["c"])).get("c")
    assert [e.is_stale for e in (await graph.snapshot()).dependencies] == [False, True]


@pytest.mark.parametrize("warm", [False, True])
async def test_a_neighbourhood_is_the_induced_graph_within_some_calls(graph: ServiceGraph, *, warm: bool):
    await draw(graph, "a->b", "b->c", "c->d", "d->e", "b->a", "c->b", "x->a", "d->c")
    if warm:
        await graph.snapshot()

    found = await graph.neighbourhood(["a"], depth=2, towards_callers=False, include_stale=False, limit=100)

    assert sorted(service.service_id for service in found.services) == ["a", "b", "c"]
    assert sorted(edge.pair for edge in found.dependencies) == [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]
    assert not found.truncated


@pytest.mark.parametrize("warm", [False, True])
async def test_a_neighbourhood_names_the_cycles_that_its_services_are_in_and_its_version(
    graph: ServiceGraph, *, warm: bool
):
    await draw(graph, "a->b", "b->c", "c->b", "x->y", "y->x")
    cycles = [Supernode("scc-1", ("b", "c"), ("b", "c", "b")), Supernode("scc-2", ("x", "y"), ("x", "y", "x"))]
    version = await graph.write_condensation(supernodes=cycles, edges=(), alerts=(), changed=True, now=NOW)
    if warm:
        await graph.snapshot()

    found = await graph.neighbourhood(["a"], depth=2, towards_callers=False, include_stale=False, limit=100)

    assert [node.members for node in found.supernodes] == [("b", "c")]
    assert found.graph_version == version


@pytest.mark.parametrize("warm", [False, True])
async def test_a_neighbourhood_can_look_at_callers_and_skips_stale_edges(graph: ServiceGraph, *, warm: bool):
    await draw(graph, "a->b", "b->c", "z->c")
    await draw(graph, "y->c", is_stale=True)
    if warm:
        await graph.snapshot()

    live = await graph.neighbourhood(["c"], depth=1, towards_callers=True, include_stale=False, limit=100)
    all_of_them = await graph.neighbourhood(["c"], depth=2, towards_callers=True, include_stale=True, limit=100)

    assert sorted(service.service_id for service in live.services) == ["b", "c", "z"]
    assert sorted(edge.pair for edge in live.dependencies) == [("b", "c"), ("z", "c")]
    assert sorted(service.service_id for service in all_of_them.services) == ["a", "b", "c", "y", "z"]


@pytest.mark.parametrize("warm", [False, True])
async def test_a_neighbourhood_says_that_it_was_cut(graph: ServiceGraph, *, warm: bool):
    await draw(graph, "a->b", "a->c", "b->d", "b->e")
    if warm:
        await graph.snapshot()

    part = await graph.neighbourhood(["a"], depth=3, towards_callers=False, include_stale=False, limit=3)
    whole = await graph.neighbourhood(["a"], depth=3, towards_callers=False, include_stale=False, limit=4)

    assert (len(part.dependencies), part.truncated) == (3, True)
    assert {("a", "b"), ("a", "c")} <= {edge.pair for edge in part.dependencies}
    assert (len(whole.dependencies), whole.truncated) == (4, False)


async def test_roots_that_nobody_knows_are_left_out(graph: ServiceGraph):
    await draw(graph, "a->b")

    found = await graph.neighbourhood(["nobody"], depth=3, towards_callers=False, include_stale=True, limit=10)

    assert (list(found.services), list(found.dependencies), list(found.supernodes)) == ([], [], [])


async def test_the_services_list_pages_through_all_in_order(graph: ServiceGraph):
    await graph.register([Service(f"s{number}") for number in range(5)], now=NOW)

    first = await graph.page_of_services(ServiceFilter(), ServiceOrder.SERVICE_ID, PageRequest(2))
    second = await graph.page_of_services(
        ServiceFilter(), ServiceOrder.SERVICE_ID, PageRequest(2, first.cursors[-1])
    )
    third = await graph.page_of_services(
        ServiceFilter(), ServiceOrder.SERVICE_ID, PageRequest(2, second.cursors[-1])
    )

    assert [s.service_id for page in (first, second, third) for s in page.rows] == ["s0", "s1", "s2", "s3", "s4"]
    assert [page.has_next for page in (first, second, third)] == [True, True, False]
    assert {page.total_count for page in (first, second, third)} == {5}


async def test_the_services_list_filters_and_sorts_by_criticality(graph: ServiceGraph):
    await graph.register(
        [
            Service("a", name="Alpha", team="x", criticality=Criticality.LOW),
            Service("b", name="Beta", team="x", criticality=Criticality.CRITICAL),
            Service("c", name="Gamma", team="y", external=True),
        ],
        now=NOW,
    )
    page = PageRequest(10)

    async def ids(wanted: ServiceFilter) -> list[str]:
        return [s.service_id for s in (await graph.page_of_services(wanted, ServiceOrder.CRITICALITY, page)).rows]

    assert await ids(ServiceFilter()) == ["b", "a", "c"]
    assert await ids(ServiceFilter(team="x")) == ["b", "a"]
    assert await ids(ServiceFilter(search="GAM")) == ["c"]
    assert await ids(ServiceFilter(criticality=(Criticality.LOW,))) == ["a"]
    assert await ids(ServiceFilter(external=True)) == ["c"]
    assert await ids(ServiceFilter(has_active_slo=True)) == []
    assert await ids(ServiceFilter(in_cycle=False)) == ["b", "a", "c"]


@pytest.mark.parametrize("page", [PageRequest(0), PageRequest(201), PageRequest(5, "no cursor")])
async def test_a_page_that_cannot_be_is_refused(graph: ServiceGraph, page: PageRequest):
    with pytest.raises(Invalid):
        await graph.page_of_services(ServiceFilter(), ServiceOrder.SERVICE_ID, page)


def an_alert(alert_id: str, **what: object) -> CircularDependencyAlert:
    alert = CircularDependencyAlert(
        alert_id=alert_id,
        status=AlertStatus.OPEN,
        cycle_path=("a", "b", "a"),
        members=("a", "b"),
        detected_at=NOW,
        supernode_id="scc-1",
    )
    return replace(alert, **what)


async def test_the_condensation_is_replaced_as_a_whole(graph: ServiceGraph):
    await draw(graph, "a->b", "b->a", "b->c")
    one = Supernode("scc-1", ("a", "b"), ("a", "b", "a"))

    with_cycle = await graph.write_condensation(
        supernodes=[one], edges=[("scc-1", "c")], alerts=[an_alert("1")], changed=True, now=NOW
    )
    in_cycle = await graph.page_of_services(ServiceFilter(in_cycle=True), ServiceOrder.SERVICE_ID, PageRequest(10))
    during = await graph.supernodes_of(["a", "b", "c"])
    without = await graph.write_condensation(
        supernodes=[],
        edges=[("a", "b"), ("b", "c")],
        alerts=[an_alert("1", status=AlertStatus.RESOLVED, resolved_at=LATER, revision=1)],
        changed=False,
        now=LATER,
    )

    assert [s.service_id for s in in_cycle.rows] == ["a", "b"]
    assert during == {"a": one, "b": one}
    assert await graph.supernodes_of(["a", "b", "c"]) == {}
    assert with_cycle == without
    assert (await graph.alerts_by_id(["1"]))["1"].resolved_at == LATER


async def test_the_snapshot_carries_the_supernodes(graph: ServiceGraph):
    await draw(graph, "a->b", "b->a")
    one = Supernode("scc-1", ("a", "b"), ("a", "b", "a"))

    await graph.write_condensation(supernodes=[one], edges=(), alerts=(), changed=True, now=NOW)

    assert (await graph.snapshot()).supernodes == (one,)


async def test_a_snapshot_read_anew_has_what_was_written_since_the_version_moved(graph: ServiceGraph):
    await draw(graph, "a->b")
    await graph.snapshot()
    await graph.write_batch(
        ingestion_id="later",
        services=(),
        claims=(),
        merged=[merged("b", "a")],
        withdrawn=(),
        removed=(),
        now=LATER,
    )

    found = await graph.snapshot(anew=True)

    assert [edge.pair for edge in found.dependencies] == [("a", "b"), ("b", "a")]
    await graph.move_version(changed=True, now=LATER)
    assert len((await graph.snapshot()).dependencies) == 2


async def test_the_shape_has_services_and_live_dependencies_as_they_are_now(graph: ServiceGraph):
    await draw(graph, "a->b", "b->a", "b->c")
    node = Supernode("scc-1", ("a", "b"), ("a", "b", "a"))
    await graph.write_condensation(supernodes=[node], edges=(("scc-1", "c"),), alerts=(), changed=True, now=NOW)
    await graph.write_batch(
        ingestion_id="later",
        services=(),
        claims=(),
        merged=[merged("c", "a"), merged("b", "c", is_stale=True)],
        withdrawn=(),
        removed=(),
        now=LATER,
    )

    shape = await graph.shape()

    assert list(shape.service_ids) == ["a", "b", "c"]
    assert list(shape.pairs) == [("a", "b"), ("b", "a"), ("c", "a")]
    assert list(shape.supernodes) == [node]


async def test_a_supernode_can_change_its_members(graph: ServiceGraph):
    await draw(graph, "a->b", "b->a", "b->c", "c->b")
    small = Supernode("scc-1", ("a", "b"), ("a", "b", "a"))
    large = Supernode("scc-1", ("a", "b", "c"), ("a", "b", "a"))
    other = Supernode("scc-1", ("b", "c"), ("b", "c", "b"))

    for node, edges in ((small, [("scc-1", "c")]), (large, []), (other, [("a", "scc-1")])):
        await graph.write_condensation(supernodes=[node], edges=edges, alerts=(), changed=True, now=NOW)
        assert await graph.supernodes_of(["a", "b", "c"]) == dict.fromkeys(node.members, node)


async def test_a_new_alert_is_told_of_once_and_not_at_all_when_it_was_not_written(stores: Stores):
    async def told() -> list[object]:
        events = await stores.outbox.pending(100)
        assert all(event.service_id is None for event in events)
        return [event.payload["alert"] for event in events if event.kind == "CircularDependencyDetected"]

    async def write(*alerts: CircularDependencyAlert) -> None:
        await stores.graph.write_condensation(supernodes=(), edges=(), alerts=alerts, changed=False, now=NOW)

    await write(an_alert("2", revision=1), an_alert("1", revision=1))
    await write(an_alert("1", status=AlertStatus.RESOLVED, resolved_at=LATER, revision=2))
    await stores.graph.set_alert_status("2", AlertStatus.ACKNOWLEDGED, note=None, actor="user:a", now=LATER)
    after_changes = await told()
    with pytest.raises(Conflict):
        await write(an_alert("3", revision=1), an_alert("1", revision=2))

    assert after_changes == ["1", "2"]
    assert await told() == after_changes
    assert await stores.graph.alerts_by_id(["3"]) == {}


async def test_alerts_are_listed_newest_first_and_change_status(graph: ServiceGraph):
    alerts = [an_alert(str(n), detected_at=NOW + timedelta(minutes=n)) for n in range(3)]
    await graph.write_condensation(supernodes=(), edges=(), alerts=alerts, changed=False, now=NOW)

    changed = await graph.set_alert_status("1", AlertStatus.ACKNOWLEDGED, note="seen", actor="user:a", now=LATER)
    resolved = await graph.set_alert_status("1", AlertStatus.RESOLVED, note=None, actor="user:b", now=LATER)
    unknown = await graph.set_alert_status("9", AlertStatus.RESOLVED, note=None, actor="user:a", now=LATER)
    first = await graph.alerts(None, PageRequest(2))
    rest = await graph.alerts(None, PageRequest(2, first.cursors[-1]))
    still_open = await graph.alerts(AlertStatus.OPEN, PageRequest(10))

    assert changed == replace(
        alerts[1],
        status=AlertStatus.ACKNOWLEDGED,
        note="seen",
        updated_by="user:a",
        history=(AlertChange(LATER, AlertStatus.ACKNOWLEDGED, "user:a", "seen"),),
        revision=1,
        acknowledged_members=("a", "b"),
    )
    assert resolved is not None
    assert [(line.by, line.text) for line in resolved.history] == [("user:a", "seen"), ("user:b", "resolved")]
    assert (resolved.note, resolved.updated_by, resolved.resolved_at) == ("seen", "user:b", LATER)
    assert unknown is None
    assert [alert.alert_id for alert in (*first.rows, *rest.rows)] == ["2", "1", "0"]
    assert [alert.alert_id for alert in still_open.rows] == ["2", "0"]
    assert still_open.total_count == 2
    assert await graph.alerts_by_id(["1", "nine"]) == {"1": resolved}


async def test_an_alert_that_was_changed_since_it_was_read_is_not_overwritten(graph: ServiceGraph):
    await draw(graph, "a->b", "b->a")
    one = Supernode("scc-1", ("a", "b"), ("a", "b", "a"))
    read = an_alert("1", revision=1)
    await graph.write_condensation(supernodes=[one], edges=(), alerts=[read], changed=True, now=NOW)
    await graph.set_alert_status("1", AlertStatus.ACKNOWLEDGED, note="known", actor="user:a", now=LATER)

    with pytest.raises(Conflict):
        await graph.write_condensation(
            supernodes=[], edges=(), alerts=[replace(read, revision=2)], changed=True, now=LATER
        )

    stored = (await graph.alerts_by_id(["1"]))["1"]
    assert (stored.status, stored.note, stored.revision) == (AlertStatus.ACKNOWLEDGED, "known", 2)
    assert await graph.supernodes_of(["a"]) == {"a": one}


async def test_five_people_at_once_all_stand_in_an_alerts_history(graph: ServiceGraph):
    await graph.write_condensation(supernodes=(), edges=(), alerts=[an_alert("1")], changed=False, now=NOW)

    await asyncio.gather(
        *(
            graph.set_alert_status("1", AlertStatus.ACKNOWLEDGED, note=f"n{n}", actor=f"user:{n}", now=LATER)
            for n in range(5)
        )
    )

    stored = (await graph.alerts_by_id(["1"]))["1"]
    assert sorted(line.by or "" for line in stored.history) == [f"user:{n}" for n in range(5)]
    assert stored.revision == 5


async def test_the_graph_knows_whether_its_condensation_is_behind(graph: ServiceGraph):
    async def write(
        ingestion_id: str, *, removed: tuple[tuple[str, str], ...] = (), **what: object
    ) -> GraphStanding:
        edges = () if removed else (merged("a", "b", **what),)
        await graph.write_batch(
            ingestion_id=ingestion_id,
            services=(),
            claims=(),
            merged=edges,
            withdrawn=(),
            removed=removed,
            now=NOW,
        )
        return await graph.standing()

    async def condensed() -> int:
        return await graph.write_condensation(supernodes=(), edges=(), alerts=(), changed=False, now=NOW)

    empty = await graph.standing()
    new = await write("1")
    first = await condensed()
    same, other_words = await write("2"), await write("3", protocol="grpc")
    moved = await graph.move_version(changed=False, now=NOW)
    unmoved = await graph.move_version(changed=False, now=NOW)
    stale = await write("4", is_stale=True)
    second = await condensed()
    gone = await write("5", removed=(("a", "b"),))
    third = await condensed()

    assert empty == GraphStanding(0, 0, is_reshaped=False)
    assert [one.is_reshaped for one in (new, same, other_words, stale, gone)] == [True, False, False, True, True]
    assert (first, moved, unmoved, second, third) == (1, 2, 2, 3, 4)
    assert (await graph.standing()).is_reshaped is False


async def test_the_later_of_two_complete_lists_stands(graph: ServiceGraph):
    otel, mesh = DiscoverySource.OTEL, DiscoverySource.MESH
    await graph.note_listing(otel, ["a", "b"], at=LATER)
    await graph.note_listing(otel, ["a"], at=NOW)
    named = await graph.listed_at(otel, ["a", "b", "c"])

    await graph.note_listing(otel, None, at=LATER + timedelta(hours=1))
    await graph.note_listing(otel, ["c"], at=LATER + timedelta(hours=2))
    of_all = await graph.listed_at(otel, ["a", "c"])

    assert named == {"a": LATER, "b": LATER}
    assert of_all == {"a": LATER + timedelta(hours=1), "c": LATER + timedelta(hours=2)}
    assert await graph.listed_at(mesh, ["a"]) == {}


async def test_two_batches_at_once_both_land(graph: ServiceGraph):
    hub = [f"s{number}->hub" for number in range(30)]

    await asyncio.gather(*(draw(graph, *hub, ingestion_id=f"i{n}", protocol=f"p{n}") for n in range(4)))

    edges = (await graph.callers_of(["hub"]))["hub"]
    assert len(edges) == 30
    assert all(len(edge.claims) == 1 for edge in edges)


async def test_services_are_sorted_by_what_is_left_of_their_budgets(graph: ServiceGraph):
    await graph.register([Service(service_id) for service_id in "abcde"], now=NOW)
    version = await graph.version()

    await graph.note_budgets({"a": 0.5, "b": -1.25, "c": None, "d": 0.5, "nobody": 0.1})
    first = await graph.page_of_services(ServiceFilter(), ServiceOrder.BUDGET_REMAINING, PageRequest(first=2))
    rest = await graph.page_of_services(
        ServiceFilter(), ServiceOrder.BUDGET_REMAINING, PageRequest(first=9, after=first.cursors[-1])
    )
    await graph.note_budgets({"b": None})
    forgotten = await graph.page_of_services(ServiceFilter(), ServiceOrder.BUDGET_REMAINING, PageRequest(first=9))

    assert [service.service_id for service in (*first.rows, *rest.rows)] == ["b", "a", "d", "c", "e"]
    assert [service.service_id for service in forgotten.rows] == ["a", "d", "b", "c", "e"]
    assert await graph.version() == version


async def test_what_was_found_of_an_edge_stays_beside_it_when_that_is_merged_again(graph: ServiceGraph):
    await draw(graph, "a->b", "a->c", "b->c")
    version = await graph.version()
    first = finding(Estimate(0.25, 0.1, 0.5), in_use=0.25, verdict=Verdict.CONTRADICTED)
    second = finding(Estimate(1.0, 0.9, 1.0), learnt_at=LEARNT_AT + timedelta(microseconds=1))
    silent = finding(None)

    await graph.note_pass_through(
        [("a", "b"), ("a", "c"), ("x", "y")], {("a", "b"): first, ("a", "c"): silent, ("x", "y"): second}
    )
    await draw(graph, "a->b", protocol="grpc", ingestion_id="again")
    kept = await graph.pass_through_findings(["a", "b", "x"])
    measured = await graph.measured_pass_through([("a", "b"), ("a", "c"), ("b", "c"), ("x", "y")])
    await graph.note_pass_through([("a", "b"), ("a", "c")], {("a", "c"): second})
    replaced = await graph.pass_through_findings(["a"])

    assert kept == {("a", "b"): first, ("a", "c"): silent}
    assert measured == {("a", "b"): Estimate(0.25, 0.1, 0.5)}
    assert replaced == {("a", "c"): second}
    assert await graph.measured_pass_through([("a", "b"), ("a", "c")]) == {("a", "c"): second.measured}
    assert await graph.version() == version + 1  # that of the second drawing


async def test_the_standing_of_findings_moves_with_everything_that_is_noted(graph: ServiceGraph):
    await draw(graph, "a->b")
    before = await graph.pass_through_standing()
    await graph.note_pass_through([("a", "b")], {("a", "b"): finding(None)})
    noted = await graph.pass_through_standing()
    same = await graph.pass_through_standing()
    await graph.void_pass_through(at=LATER)
    void = await graph.pass_through_standing()
    await graph.note_pass_through([("a", "b")], {})
    gone = await graph.pass_through_standing()

    assert before == PassThroughStanding(None, None)
    assert noted == same
    assert len({one.revision for one in (before, noted, void, gone)}) == 4
    assert (noted.void_before, void.void_before, gone.void_before) == (None, LATER, LATER)
    assert await graph.pass_through_findings(["a"]) == {}


async def test_an_edge_that_goes_takes_what_was_found_of_it_along(graph: ServiceGraph):
    await draw(graph, "a->b")
    await graph.note_pass_through([("a", "b")], {("a", "b"): finding(Estimate(0.5, 0.4, 0.6))})

    await graph.write_batch(
        ingestion_id="gone", services=(), claims=(), merged=(), withdrawn=(), removed=[("a", "b")], now=NOW
    )
    await draw(graph, "a->b", ingestion_id="back")

    assert await graph.measured_pass_through([("a", "b")]) == {}
    assert await graph.pass_through_findings(["a"]) == {}
