"""What a journey's requests get: closed forms, enumeration, and an organisation that was played."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.journeys.composite import compose_journey
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.journeys.route_system import solve_route
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = timedelta(days=28)
HOURS = 240


def journey(*entries: str, routes: dict[str, tuple[float, list[str]]] | None = None) -> Journey:
    made = tuple(
        JourneyRoute(name, weight, tuple(services)) for name, (weight, services) in (routes or {}).items()
    )
    return Journey("j", "buy", entries, made, "ada", START, "ada", START)


def call(caller: str, dependency: str, **attributes) -> Dependency:
    return Dependency(caller, dependency, **{"call_weight": 1.0, **attributes})


def graph_of(*edges: Dependency) -> DependencyGraph:
    ids = sorted({end for edge in edges for end in edge.pair})
    return DependencyGraph(tuple(Service(one) for one in ids), edges)


def panel_of(bad: dict[str, np.ndarray], requests: float = 10_000.0) -> SliPanel:
    failed = np.array(list(bad.values()), float)
    total = np.full(failed.shape, requests)
    return SliPanel(tuple(bad), START, HOUR, total - failed, total)


def outage(*hours: int, ratio: float = 0.5, requests: float = 10_000.0) -> np.ndarray:
    series = np.zeros(HOURS)
    series[list(hours)] = ratio * requests
    return series


def composed(graph, panel, made, **asked):
    model = learn_reliability(graph, panel)
    return compose_journey(model, panel, made, window=WINDOW, **asked)


def test_without_routes_it_is_what_the_entry_points_requests_got():
    graph = graph_of(call("front", "cart"))
    panel = panel_of({"front": outage(3, 50), "cart": outage(3)})

    found = composed(graph, panel, journey("front"))

    assert found.series is not None
    np.testing.assert_allclose(found.series.bad[0], panel.bad[0])
    assert found.bound.observed_ratio == pytest.approx(1 - 2 * 0.5 / HOURS)
    shares = {link.service_id: link.share_ratio for link in found.weakest_links}
    assert shares == pytest.approx({"front": 0.5, "cart": 0.5}, abs=0.01)


def test_two_entry_points_count_by_the_requests_of_each_interval():
    graph = graph_of(call("web", "cart"), call("app", "cart"))
    total = np.full((3, HOURS), 100.0)
    total[1, :10] = 300.0
    bad = np.zeros((3, HOURS))
    bad[1, 5] = 150.0
    panel = SliPanel(("web", "app", "cart"), START, HOUR, total - bad, total)

    found = composed(graph, panel, journey("web", "app"))

    assert found.series is not None
    assert found.series.total[0, 5] == pytest.approx(400.0)
    assert found.series.bad[0, 5] == pytest.approx(150.0)
    assert found.series.bad[0].sum() == pytest.approx(150.0)


def test_failures_in_the_same_hour_cost_that_hour_once():
    graph = graph_of(call("front", "cart", call_weight=0.5), call("front", "pay", call_weight=0.5))
    same = panel_of({"front": outage(), "cart": outage(7), "pay": outage(7)})
    apart = panel_of({"front": outage(), "cart": outage(7), "pay": outage(90)})
    made = journey("front", routes={"order": (1.0, ["front", "cart", "pay"])})

    together, separate = composed(graph, same, made), composed(graph, apart, made)

    assert 1 - separate.bound.observed_ratio == pytest.approx(2 * 0.5 / HOURS, rel=0.01)
    assert 1 - together.bound.observed_ratio == pytest.approx(0.75 / HOURS, rel=0.01)


def test_a_route_uses_every_call_on_it_and_routes_count_by_their_weight():
    graph = graph_of(call("front", "cart", call_weight=0.1), call("front", "search", call_weight=0.9))
    panel = panel_of({"front": outage(), "cart": outage(7), "search": outage(40)})
    made = journey("front", routes={"buy": (1.0, ["front", "cart"]), "look": (3.0, ["front", "search"])})

    found = composed(graph, panel, made)

    assert [route.share for route in found.routes] == [0.25, 0.75]
    assert 1 - found.routes[0].availability_ratio == pytest.approx(0.5 / HOURS, rel=0.01)
    assert found.series is not None
    assert found.series.bad[0, 7] == pytest.approx(0.25 * 5_000.0, rel=0.01)
    assert found.series.bad[0, 40] == pytest.approx(0.75 * 5_000.0, rel=0.01)
    assert [link.service_id for link in found.weakest_links] == ["search", "cart"]


def test_what_two_ways_lead_to_counts_once_and_a_cycle_is_one():
    graph = graph_of(
        call("front", "a"), call("front", "b"), call("a", "store"), call("b", "store"), call("store", "b")
    )
    failed = outage(7)
    panel = panel_of({"front": failed, "a": failed, "b": failed, "store": failed})
    made = journey("front", routes={"all": (1.0, ["front", "a", "b", "store"])})

    found = composed(graph, panel, made)

    assert 1 - found.bound.observed_ratio == pytest.approx(0.5 / HOURS, rel=0.02)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"criticality": DependencyCriticality.SOFT}, 0.1),
        ({"criticality": DependencyCriticality.DEGRADED}, 0.5),
        ({"mode": DependencyMode.ASYNC}, 0.0),
    ],
)
def test_a_call_passes_on_what_its_kind_does(attributes, expected):
    graph = graph_of(call("front", "mail", **attributes))
    panel = panel_of({"front": outage(), "mail": outage(7, ratio=0.2)})
    model = learn_reliability(graph, panel)
    made = journey("front", routes={"all": (1.0, ["front", "mail"])})

    found = compose_journey(model, panel, made, window=WINDOW)

    passes = model.pass_through.in_use[0] if expected else 0.0
    assert passes <= expected + 1e-12
    assert 1 - found.bound.observed_ratio == pytest.approx(passes * 0.2 / HOURS, rel=0.01, abs=1e-12)
    assert not [note for note in found.notes if "knows no call" in note]


def test_a_service_that_no_call_leads_to_fails_the_route_and_that_is_said():
    graph = DependencyGraph((Service("front"), Service("fraud")), ())
    panel = panel_of({"front": outage(), "fraud": outage(7)})

    found = composed(graph, panel, journey("front", routes={"pay": (1.0, ["front", "fraud"])}))

    assert 1 - found.bound.observed_ratio == pytest.approx(0.5 / HOURS, rel=0.01)
    assert any("knows no call that leads to fraud" in note for note in found.notes)


def test_nothing_on_record_makes_no_series():
    graph = graph_of(call("front", "cart"))
    panel = SliPanel(("front", "cart"), START, HOUR, np.full((2, 24), np.nan), np.full((2, 24), np.nan))

    assert composed(graph, panel, journey("front")).series is None


def test_promises_stand_in_for_what_they_cover():
    graph = graph_of(call("front", "pay"), call("pay", "bank"))
    panel = panel_of({"front": outage(), "pay": outage(), "bank": outage()})
    made = journey("front", routes={"pay": (1.0, ["front", "pay", "bank"])})

    def promised(promises):
        return composed(graph, panel, made, promises=promises).bound.promised_ratio

    assert promised({}) is None
    assert promised({"pay": 0.999}) == pytest.approx(0.999, abs=1e-9)
    assert promised({"pay": 0.999, "bank": 0.9}) == pytest.approx(0.999, abs=1e-9)
    assert promised({"bank": 0.99}) == pytest.approx(0.99, abs=1e-9)
    assert promised({"front": 0.9}) is None


@settings(max_examples=25, deadline=None)
@given(
    own=st.lists(st.floats(0.0, 0.05), min_size=4, max_size=4),
    edges=st.sets(st.sampled_from([("a", "b"), ("a", "c"), ("b", "c"), ("b", "d"), ("c", "d")]), min_size=2),
)
def test_independent_failures_of_a_route_are_enumerated_right(own, edges):
    """All sets of failed services, each hard call passing on: an independent count of the same world."""
    names = "abcd"
    graph = graph_of(*(call(*pair) for pair in sorted(edges)))
    known = [service.service_id for service in graph.services]
    model = learn_reliability(graph, panel_of({name: np.zeros(HOURS) for name in known}))
    route = ("a", *(name for name in known if name != "a")) if "a" in known else tuple(known)
    by_name = dict(zip(names, own, strict=True))
    labels = model.contracted.labels
    given_own = [0.0] * len(model.contracted.calls)
    for name in known:
        given_own[labels[graph.index[name]]] = by_name[name]
    found = solve_route(model, [route[0]], route, own=given_own)

    expected = 1.0 - np.prod([1.0 - by_name[name] for name in known])
    # All calls are hard, and what no call leads to fails the request as well: any failure is fatal.
    assert found.answer.probability == pytest.approx(expected, abs=1e-12)


def test_making_a_service_better_never_makes_a_journey_worse():
    graph = graph_of(call("front", "cart", criticality=DependencyCriticality.DEGRADED), call("cart", "db"))
    made = journey("front", routes={"all": (1.0, ["front", "cart", "db"])})
    found = []
    for ratio in (0.4, 0.2, 0.05, 0.0):
        panel = panel_of({"front": outage(), "cart": outage(4), "db": outage(9, ratio=ratio)})
        promises = {"db": 1.0 - ratio / HOURS}
        found.append(composed(graph, panel, made, promises=promises).bound.promised_ratio)

    assert found == sorted(found)


def test_what_no_route_lists_though_every_request_calls_it_is_said_with_what_it_would_cost():
    graph = graph_of(
        call("front", "cart"),
        call("front", "auth"),
        call("auth", "db"),
        call("front", "ads", call_weight=0.2),
        call("front", "mail", mode=DependencyMode.ASYNC),
    )
    panel = panel_of(
        {
            "front": outage(4, 9, 20),
            "cart": outage(4),
            "auth": outage(9),
            "db": outage(9),
            "ads": outage(20),
            "mail": outage(20),
        }
    )
    short = composed(graph, panel, journey("front", routes={"buy": (1.0, ["front", "cart"])}))
    full = composed(graph, panel, journey("front", routes={"buy": (1.0, ["front", "cart", "auth", "db"])}))
    apart = composed(
        graph,
        panel,
        journey("front", routes={"buy": (1.0, ["front", "cart"]), "enter": (1.0, ["front", "auth", "db"])}),
    )

    (said,) = [note for note in short.notes if "No route lists" in note]
    assert "No route lists auth, db, but services on route buy call it" in said
    told = [float(number) / 100 for number in re.findall(r"(\d+\.\d+) %", said)]
    mean = [found.routes[0].availability_ratio for found in (full, short)]
    assert told == pytest.approx(mean, abs=2e-5)
    assert mean[1] - mean[0] > 2e-3
    # Routes that list it tell it apart; what is called now and then, or not waited for, is left out on purpose.
    for found in (full, apart):
        assert not [note for note in found.notes if "No route lists" in note]
