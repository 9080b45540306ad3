from __future__ import annotations

import pytest

from sloengine.domain.errors import ErrorCode
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.divergence import Divergence, DivergenceKind
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.service import Criticality
from tests.api.door import NOW, Door, global_id
from tests.domain.topology.findings import finding

SERVICE = """query($by: ServiceBy!) { service(by: $by) {
  id serviceId name entityRef team criticality external discovered metadata } }"""


async def test_a_service_by_its_id_and_by_its_entity_ref(door: Door):
    await door.add_services(
        "checkout",
        name="Checkout",
        team="shop",
        criticality=Criticality.CRITICAL,
        entity_ref="component:default/checkout",
        metadata={"tier": 1},
    )

    by_id = await door.ask(SERVICE, by={"serviceId": "checkout"})
    by_ref = await door.ask(SERVICE, by={"entityRef": "Component:default/Checkout"})

    assert by_id == by_ref
    assert by_id["service"] == {
        "id": global_id("Service", "checkout"),
        "serviceId": "checkout",
        "name": "Checkout",
        "entityRef": "component:default/checkout",
        "team": "shop",
        "criticality": "CRITICAL",
        "external": False,
        "discovered": False,
        "metadata": {"tier": 1},
    }


async def test_an_unknown_service_is_null(door: Door):
    assert await door.ask(SERVICE, by={"serviceId": "nowhere"}) == {"service": None}


async def test_a_service_is_named_in_one_way_only(door: Door):
    both = await door.errors(SERVICE, by={"serviceId": "a", "entityRef": "b"})
    neither = await door.errors(SERVICE, by={})

    assert both[0]["extensions"]["code"] == neither[0]["extensions"]["code"] == "BAD_INPUT"


async def test_services_come_page_by_page(door: Door):
    await door.add_services("a", "b", "c", "d", "e")
    query = """query($after: String) { services(first: 2, after: $after) {
      totalCount nodes { serviceId } edges { cursor node { serviceId } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

    seen: list[str] = []
    after, pages = None, 0
    while True:
        page = (await door.ask(query, after=after))["services"]
        pages += 1
        seen += [node["serviceId"] for node in page["nodes"]]
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        assert page["totalCount"] == 5
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert (seen, pages) == (["a", "b", "c", "d", "e"], 3)


async def test_services_are_filtered_and_sorted_by_the_store(door: Door):
    await door.add_services("low", criticality=Criticality.LOW, team="shop")
    await door.add_services("critical", criticality=Criticality.CRITICAL, team="shop")
    await door.add_services("other", criticality=Criticality.CRITICAL, team="pay")

    found = await door.ask("""{ services(filter: { team: "shop", criticality: [LOW, CRITICAL] },
      orderBy: CRITICALITY) {
      nodes { serviceId } } }""")

    assert [node["serviceId"] for node in found["services"]["nodes"]] == ["critical", "low"]


async def test_dependencies_and_callers_with_their_claims(door: Door):
    await door.draw("a->b", "a->c", "d->a")

    found = (
        await door.ask("""{ service(by: { serviceId: "a" }) {
      dependencies { totalCount
      nodes { caller { serviceId } dependency { serviceId discovered } mode criticality assumed
        confidence isStale lastObservedAt claims { source confidence firstSeenAt lastSeenAt } } }
      callers(first: 1) { totalCount nodes { caller { serviceId } } } } }""")
    )["service"]

    edges = found["dependencies"]["nodes"]
    assert [edge["dependency"]["serviceId"] for edge in edges] == ["b", "c"]
    assert edges[0]["claims"][0]["source"] == "OTEL"
    assert edges[0]["assumed"] == ["criticality"]
    assert edges[0]["dependency"]["discovered"] is True
    assert found["callers"]["nodes"] == [{"caller": {"serviceId": "d"}}]


async def test_edges_of_a_service_are_paged_behind_the_cursor(door: Door):
    await door.draw(*(f"a->d{n}" for n in range(5)))
    query = """query($after: String) { service(by: { serviceId: "a" }) { dependencies(first: 2, after: $after) {
      totalCount pageInfo { hasNextPage endCursor } nodes { dependency { serviceId } } } } }"""

    first = (await door.ask(query))["service"]["dependencies"]
    second = (await door.ask(query, after=first["pageInfo"]["endCursor"]))["service"]["dependencies"]
    third = (await door.ask(query, after=second["pageInfo"]["endCursor"]))["service"]["dependencies"]

    ids = [node["dependency"]["serviceId"] for page in (first, second, third) for node in page["nodes"]]
    assert ids == [f"d{n}" for n in range(5)]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second, third)] == [True, True, False]
    assert first["totalCount"] == 5


async def test_the_graph_around_roots_with_claims_that_the_traversal_leaves_out(door: Door):
    await door.draw("a->b", "b->c", "x->a")

    query = """query($direction: GraphDirection) {
      dependencyGraph(roots: ["a", "a"], direction: $direction, depth: 1) {
      graphVersion truncated services { serviceId name }
      dependencies { caller { name serviceId } dependency { serviceId } claims { source } }
      supernodes { cyclePath } } }"""
    down = (await door.ask(query))["dependencyGraph"]
    up = (await door.ask(query, direction="CALLERS"))["dependencyGraph"]

    assert {service["serviceId"] for service in down["services"]} == {"a", "b"}
    assert {service["serviceId"] for service in up["services"]} == {"a", "x"}
    assert down["dependencies"] == [
        {
            "caller": {"name": None, "serviceId": "a"},
            "dependency": {"serviceId": "b"},
            "claims": [{"source": "OTEL"}],
        }
    ]
    assert down["graphVersion"] == 1


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [("roots: []", "roots"), ('roots: ["a"], depth: 0', "depth"), ('roots: ["a"], depth: 11', "depth")],
)
async def test_the_graph_has_limits(door: Door, arguments: str, argument: str):
    await door.add_services("a")

    (error,) = await door.errors(f"{{ dependencyGraph({arguments}) {{ truncated }} }}")

    assert error["extensions"]["argument"][0] == argument


async def test_members_of_a_large_cycle_come_page_by_page_and_are_counted(door: Door):
    names = [f"s{n:03}" for n in range(120)]
    await door.add_services(*names)
    await door.add_cycle(*names)
    query = """query($after: String) { service(by: { serviceId: "s000" }) { supernode { memberCount
      usual: members { serviceId } members(first: 70, after: $after) { serviceId } } } }"""

    first = (await door.ask(query))["service"]["supernode"]
    second = (await door.ask(query, after=first["members"][-1]["serviceId"]))["service"]["supernode"]
    behind = (await door.ask(query, after=names[-1]))["service"]["supernode"]

    assert first["memberCount"] == second["memberCount"] == 120
    assert [one["serviceId"] for one in (*first["members"], *second["members"])] == names
    assert [one["serviceId"] for one in first["usual"]] == names[:20]
    assert behind["members"] == []


@pytest.mark.parametrize("first", [0, 201])
async def test_a_page_of_members_is_one_to_two_hundred(door: Door, first: int):
    await door.add_services("a", "b")
    await door.add_cycle("a", "b")

    (error,) = await door.errors(
        f'{{ service(by: {{ serviceId: "a" }}) {{ supernode {{ members(first: {first}) {{ serviceId }} }} }} }}'
    )

    assert error["extensions"]["argument"][0] == "first"


async def test_an_alert_finds_its_cycle_when_most_of_its_members_have_left(door: Door):
    names = [f"s{n:03}" for n in range(250)]
    await door.add_services(*names)
    await door.add_cycle(*names)
    left = Supernode("cycle-1", tuple(names[-2:]), (names[-2], names[-1], names[-2]))
    await door.graph.write_condensation(supernodes=[left], edges=(), alerts=(), changed=True, now=NOW)

    found = await door.ask("{ circularDependencyAlerts { nodes { supernode { memberCount } } } }")

    assert found["circularDependencyAlerts"]["nodes"] == [{"supernode": {"memberCount": 2}}]


async def test_a_cycle_its_alert_and_what_somebody_says_about_it(door: Door):
    await door.draw("a->b", "b->a")
    await door.add_cycle("a", "b")
    query = """{ circularDependencyAlerts(status: OPEN) { totalCount nodes {
      id status cyclePath detectedAt note
      supernode { cyclePath members { serviceId supernode { cyclePath } } } } } }"""

    (alert,) = (await door.ask(query))["circularDependencyAlerts"]["nodes"]
    updated = (
        await door.ask(
            """mutation($id: ID!) { updateCircularDependencyAlert(input: { id: $id,
      status: ACKNOWLEDGED, note: "known" }) {
          alert { status note updatedBy history { status by text } } userErrors { code } } }""",
            id=alert["id"],
        )
    )["updateCircularDependencyAlert"]

    assert alert["cyclePath"] == alert["supernode"]["cyclePath"] == ["a", "b", "a"]
    assert [member["serviceId"] for member in alert["supernode"]["members"]] == ["a", "b"]
    assert updated == {
        "alert": {
            "status": "ACKNOWLEDGED",
            "note": "known",
            "updatedBy": "apikey:development",
            "history": [{"status": "ACKNOWLEDGED", "by": "apikey:development", "text": "known"}],
        },
        "userErrors": [],
    }
    assert (await door.ask(query))["circularDependencyAlerts"]["totalCount"] == 0


async def test_registering_takes_good_rows_and_names_the_bad_ones(door: Door):
    payload = (
        await door.ask(
            """mutation($rows: [ServiceInput!]!) { registerServices(input: { services: $rows }) {
          services { serviceId team discovered } warnings userErrors { code path message } } }""",
            rows=[{"serviceId": "good", "team": "shop"}, {"serviceId": "bad\u0007"}],
        )
    )["registerServices"]

    assert payload["services"] == [{"serviceId": "good", "team": "shop", "discovered": False}]
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"][:3]) == (ErrorCode.INVALID, ["input", "services", "1"])


INGEST = """mutation($input: IngestDependenciesInput!) { ingestDependencies(input: $input) {
  ingestion { id status source progress accepted rejected { index } warnings }
      userErrors { code path message } } }"""


async def test_an_ingestion_is_queued_and_can_be_asked_for(door: Door):
    payload = await door.ask(
        INGEST,
        input={
            "source": "OTEL",
            "services": [{"serviceId": "a", "criticality": "HIGH", "metadata": {"zone": "x"}}],
            "dependencies": [
                {"caller": "a", "dependency": "b", "mode": "ASYNC", "callWeight": 1.5, "timeoutMs": None}
            ],
            "observedAt": "2026-03-01T10:00:00",
        },
    )
    ingestion = payload["ingestDependencies"]["ingestion"]

    found = await door.ask(
        "query($id: ID!) { node(id: $id) { id ... on Ingestion { status } } }", id=ingestion["id"]
    )

    assert ingestion["status"] == "QUEUED"
    assert found["node"] == {"id": ingestion["id"], "status": "QUEUED"}
    (stored,) = door.db.payloads.values()
    assert b'"callWeight":1.5' in stored.replace(b" ", b"")
    assert b'"mode":"ASYNC"' in stored.replace(b" ", b"")
    assert b"timeoutMs" not in stored
    assert b"2026-03-01T10:00:00" in stored


async def test_the_same_idempotency_key_gives_the_same_ingestion_and_another_body_is_refused(door: Door):
    rows = {"source": "MANUAL", "idempotencyKey": "k", "dependencies": [{"caller": "a", "dependency": "b"}]}

    first = await door.ask(INGEST, input=rows)
    again = await door.ask(INGEST, input=rows)
    other = await door.ask(INGEST, input={**rows, "dependencies": [{"caller": "a", "dependency": "c"}]})

    assert first == again
    assert other["ingestDependencies"]["ingestion"] is None
    assert other["ingestDependencies"]["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"


async def test_more_rows_than_may_be_typed_belong_into_the_document(door: Door):
    rows = [{"caller": "a", "dependency": f"b{n}"} for n in range(2_001)]

    typed = (await door.ask(INGEST, input={"source": "OTEL", "dependencies": rows}))["ingestDependencies"]
    document = await door.ask(INGEST, input={"source": "OTEL", "document": {"dependencies": rows}})

    assert (typed["userErrors"][0]["code"], typed["userErrors"][0]["path"]) == (
        "TOO_LARGE",
        ["input", "dependencies"],
    )
    assert document["ingestDependencies"]["ingestion"]["status"] == "QUEUED"


async def test_a_document_that_is_no_object_is_refused(door: Door):
    payload = (await door.ask(INGEST, input={"source": "OTEL", "document": [1]}))["ingestDependencies"]

    assert payload["userErrors"][0]["path"] == ["input", "document"]


async def test_divergences_are_listed_and_found_by_their_id(door: Door):
    await door.draw("a->b")
    found = Divergence(
        "d1", DivergenceKind.OBSERVED_ONLY, "a", "b", (), (DiscoverySource.OTEL,), NOW, "otel sees it"
    )
    await door.divergences.replace(["a"], [found], now=NOW)

    answer = (
        await door.ask(
            """{ divergences(first: 5) { totalCount nodes { id caller { serviceId } dependency { serviceId }
          declaredBy observedBy since message } } }"""
        )
    )["divergences"]
    (one,) = answer["nodes"]
    again = await door.ask("query($id: ID!) { node(id: $id) { ... on Divergence { message } } }", id=one["id"])

    assert answer["totalCount"] == 1
    assert one == {
        "id": global_id("Divergence", "d1"),
        "caller": {"serviceId": "a"},
        "dependency": {"serviceId": "b"},
        "declaredBy": [],
        "observedBy": ["OTEL"],
        "since": NOW.isoformat(),
        "message": "otel sees it",
    }
    assert again == {"node": {"message": "otel sees it"}}


async def test_what_was_measured_of_edges_is_read_once_for_all(door: Door):
    await door.draw("a->b", "b->c", "a->c")
    measured = {("a", "b"): Estimate(0.25, 0.1, 0.5), ("b", "c"): Estimate(1.0, 0.9, 1.0)}
    findings = {pair: finding(estimate) for pair, estimate in measured.items()}
    await door.graph.note_pass_through(list(findings), findings)

    answer = await door.ask(
        """{ dependencyGraph(roots: ["a"]) { dependencies {
          caller { serviceId } dependency { serviceId } measuredPassThrough { value low high } } } }"""
    )

    found = {
        (edge["caller"]["serviceId"], edge["dependency"]["serviceId"]): edge["measuredPassThrough"]
        for edge in answer["dependencyGraph"]["dependencies"]
    }
    assert found == {
        ("a", "b"): {"value": 0.25, "low": 0.1, "high": 0.5},
        ("b", "c"): {"value": 1.0, "low": 0.9, "high": 1.0},
        ("a", "c"): None,
    }
    assert door.counts["MemoryServiceGraph.measured_pass_through"] == 1
