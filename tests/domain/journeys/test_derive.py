from __future__ import annotations

from sloengine.domain.journeys.derive import derive_from_graph
from sloengine.domain.journeys.model import check_journey
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
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
    check_journey(draft.name, draft.entry_points, draft.routes)


def test_cycles_end_and_what_nobody_enters_makes_no_journey():
    graph = graph_of(Dependency("a", "b"), Dependency("b", "a"), Dependency("web", "a"))

    (draft,) = derive_from_graph(graph)

    assert [route.services for route in draft.routes] == [("web", "a", "b")]
    assert derive_from_graph(graph_of(Dependency("a", "b"), Dependency("b", "a"))) == ()
