from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.journeys.derive import TracedRequest, derive_from_graph, derive_from_traces
from sloengine.domain.journeys.model import MOST_NAME_CHARACTERS, problems_of
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRules
from sloengine.domain.topology.service import Service


def graph_of(*edges: Dependency) -> DependencyGraph:
    ids = sorted({end for edge in edges for end in edge.pair})
    return DependencyGraph(tuple(Service(one) for one in ids), edges)


def test_rare_calls_of_an_entry_point_make_routes_and_usual_ones_are_on_all():
    graph = graph_of(
        Dependency("user", "web", call_weight=1.0),
        Dependency("web", "login", call_weight=1.0),
        Dependency("web", "buy", call_weight=0.2),
        Dependency("web", "look", call_weight=0.3),
        Dependency("buy", "bank"),
        Dependency("look", "ads", call_weight=0.1),
        Dependency("buy", "mail", mode=DependencyMode.ASYNC),
        Dependency("web", "old", is_stale=True),
    )

    (draft,) = derive_from_graph(graph)

    assert draft.entry_points == ("web",)
    assert [(route.name, round(route.weight, 6), route.services) for route in draft.routes] == [
        ("every request", 0.5, ("web", "login")),
        ("look", 0.3, ("web", "login", "look")),
        ("buy", 0.2, ("web", "login", "buy", "bank")),
    ]
    assert list(problems_of(draft.name, draft.entry_points, draft.routes)) == []


def test_cycles_end_and_what_nobody_enters_makes_no_journey():
    graph = graph_of(Dependency("a", "b"), Dependency("b", "a"), Dependency("web", "a"))

    (draft,) = derive_from_graph(graph)

    assert [route.services for route in draft.routes] == [("web", "a", "b")]
    assert derive_from_graph(graph_of(Dependency("a", "b"), Dependency("b", "a"))) == ()


def test_weights_are_over_all_requests_those_that_called_nobody_among_them():
    cached = [TracedRequest("web", "GET /", ("web",))] * 80
    called = [TracedRequest("web", "GET /", ("web", "db"))] * 20

    found = derive_from_traces([*called, *cached], {"web", "db"})

    (draft,) = found.drafts
    assert [(route.weight, route.services) for route in draft.routes] == [(0.8, ("web",)), (0.2, ("web", "db"))]
    assert found.warnings == ()


def test_an_operation_that_called_no_other_service_makes_no_journey_and_is_counted():
    requests = [
        TracedRequest("web", "GET /health", ("web",)),
        TracedRequest("web", "GET /", ("web", "db")),
        TracedRequest("web", "PUT /", ("web", "not-there")),
    ]

    found = derive_from_traces(requests, {"web", "db"})

    assert [draft.name for draft in found.drafts] == ["web: GET /", "web: PUT /"]
    assert "not in the graph, so left out: not-there" in found.drafts[1].notes
    (warning,) = found.warnings
    assert warning.endswith(": 1")


def test_names_of_traces_become_service_ids_by_the_rules_of_discovery():
    rules = NameRules(DEFAULT_NAME_RULES.rules, {"frontend-v2": "web", "sidecar": None})
    requests = [
        TracedRequest("frontend-v2", "GET /", ("frontend-v2", "shop/cart", "sidecar")),
        TracedRequest("web", "GET /", ("web", "db.shop.svc.cluster.local:5432")),
        TracedRequest("kept/as-is", "GET /", ("kept/as-is", "db")),
    ]

    found = derive_from_traces(requests, {"web", "cart", "db", "kept/as-is"}, rules)

    kept, web = found.drafts
    assert (kept.name, kept.entry_points) == ("kept/as-is: GET /", ("kept/as-is",))
    assert (web.name, web.entry_points) == ("web: GET /", ("web",))
    assert [(route.weight, route.services) for route in web.routes] == [
        (0.5, ("web", "cart")),
        (0.5, ("web", "db")),
    ]
    assert "not in the graph, so left out: sidecar" in web.notes
    assert found.warnings == ()


def test_requests_that_begin_at_what_is_not_in_the_graph_are_warned_of_with_what_it_was_taken_for():
    rules = NameRules(DEFAULT_NAME_RULES.rules, {"probe": None})
    requests = [
        *[TracedRequest("nobody", "GET /", ("nobody", "db"))] * 3,
        *[TracedRequest("shop/gone", "GET /", ("shop/gone", "db"))] * 2,
        TracedRequest("probe", "GET /", ("probe", "db")),
    ]

    found = derive_from_traces(requests, {"db"}, rules)

    assert found.drafts == ()
    first, second, third = found.warnings
    assert first.startswith("nobody is not in the graph, so 3 of the traces")
    assert second.startswith("shop/gone means gone, by rule namespace, which is not in the graph, so 2 of the")
    assert third.startswith("probe is no service, by rule alias, so 1 of the traces")


def test_many_names_that_are_not_in_the_graph_are_counted():
    requests = [TracedRequest(f"n{number}", "", (f"n{number}", "db")) for number in range(30)]

    warnings = derive_from_traces(requests, {"db"}).warnings

    assert len(warnings) == 21
    assert warnings[-1].startswith("10 more names")


@given(
    st.lists(st.text(alphabet="ab \n\x07", max_size=6), min_size=1, max_size=8, unique=True),
    st.sampled_from([0, 250]),
)
def test_no_two_journeys_have_one_name_and_every_name_can_be_saved(operations: list[str], length: int):
    requests = [TracedRequest("web", "a" * length + one, ("web", "db")) for one in operations]

    drafts = derive_from_traces(requests, {"web", "db"}).drafts

    assert len({draft.name for draft in drafts}) == len(drafts) == len(operations)
    for draft in drafts:
        assert list(problems_of(draft.name, draft.entry_points, draft.routes)) == []


def test_operations_that_are_cut_to_the_same_characters_keep_apart_whatever_else_was_found():
    first = TracedRequest("web", "x" * 300 + "1", ("web", "db"))
    second = TracedRequest("web", "x" * 300 + "2", ("web", "db"))

    alone = derive_from_traces([first], {"web", "db"}).drafts
    both = derive_from_traces([first, second], {"web", "db"}).drafts

    assert len({draft.name for draft in both}) == 2
    assert alone[0].name == both[0].name
    assert all(len(draft.name) == MOST_NAME_CHARACTERS for draft in both)


def test_names_that_discovery_has_decided_on_are_those_services():
    shop = RememberedName("search", ("shop", ""), "search", "shop/search")
    bank = RememberedName("search", ("bank", ""), "bank/search", "bank/search")
    requests = [TracedRequest("web", "GET /", ("bank/search",))]

    found = derive_from_traces(
        requests, {"web", "search", "bank/search"}, remembered=RememberedNames((shop, bank))
    )

    assert found.drafts[0].routes[0].services == ("web", "bank/search")
