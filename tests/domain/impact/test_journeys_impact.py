"""Which journeys a change reaches: those of the entry points that it reaches in the rows, with the same bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.analyse import follow
from sloengine.domain.impact.journeys import impacted_journeys
from sloengine.domain.impact.model import ImpactRow, SloChange
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import DependencyMode
from tests.domain.impact.test_availability_impact import SOFT, analysed, basis_of, cases, edge, target

AT = datetime(2026, 3, 1, tzinfo=UTC)
NEVER = 1e-9


def journey(name, entries, *routes):
    listed = tuple(JourneyRoute(f"r{i}", 1.0, tuple(services)) for i, services in enumerate(routes))
    return Journey(name, name, tuple(entries), listed, "user:ada", AT, "user:ada", AT)


def hurt(basis, changes, *journeys, slow=()):
    proposed = [SloChange(name, target(ratio)) for name, ratio in changes.items()]
    return {one.journey.name: one for one in impacted_journeys(follow(basis, proposed), slow, journeys)}


def chain(*names, promised):
    return basis_of(
        list(names),
        [edge(caller, called) for caller, called in pairwise(names)],
        dict.fromkeys(names, NEVER),
        promised,
    )


def late(service_id, *, violates=True):
    return ImpactRow(
        service_id=service_id,
        kind=ObjectiveKind.LATENCY_P95,
        distance=1,
        before=100.0,
        after=300.0,
        target=SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=200.0),
        violates=violates,
        was_violated=False,
        margin_change=-200.0,
    )


@given(cases())
@settings(max_examples=40, deadline=None)
def test_a_journey_of_one_entry_point_has_the_bounds_of_its_row(case):
    """Rows are held to enumeration in the tests of availability; journeys are held to rows here."""
    size, edges, shown, promised, changed = case
    names = [f"s{i}" for i in range(size)]
    basis = basis_of(
        names,
        [edge(f"s{i}", f"s{j}", c, w) for i, j, c, w in edges],
        {f"s{i}": u for i, u in enumerate(shown)},
        {f"s{i}": u for i, u in promised.items()},
    )
    changes = {f"s{i}": 1.0 - u for i, u in changed.items()}

    rows = analysed(basis, changes)
    found = hurt(basis, changes, *(journey(name, [name]) for name in names))

    assert set(found) == set(rows) | set(changes)
    for name in set(rows) - set(changes):
        assert found[name].before == pytest.approx(rows[name].before, abs=1e-12)
        assert found[name].after == pytest.approx(rows[name].after, abs=1e-12)
        assert found[name].violates == rows[name].violates


def test_a_change_far_below_comes_up_through_promises_without_room():
    """Five calls deep; the service between has promised, has no room left, and so lets the change through."""
    basis = chain("front", "b", "c", "d", "e", "store", promised={"front": 0.002, "c": 0.001, "store": 0.0005})

    one = hurt(basis, {"store": 0.99}, journey("buy", ["front"]))["buy"]

    assert 1 - one.before == pytest.approx(0.001, abs=1e-6)
    assert 1 - one.after == pytest.approx(0.01, abs=1e-6)
    assert one.violates
    assert "front → b → c → d → e → store" in one.reason


def test_a_changed_entry_point_gives_what_it_promises():
    basis = chain("front", "store", promised={"front": 0.001, "store": 0.0005})

    one = hurt(basis, {"front": 0.98}, journey("buy", ["front"]))["buy"]
    too_much = hurt(basis, {"front": 0.9999}, journey("buy", ["front"]))["buy"]

    assert (1 - one.before, 1 - one.after) == (pytest.approx(0.001, abs=1e-6), pytest.approx(0.02, abs=1e-6))
    assert not one.violates
    assert 1 - too_much.after == pytest.approx(0.0005, abs=1e-6)
    assert too_much.violates
    assert "front is changed itself" in one.reason


def test_a_changed_service_need_not_be_listed_on_the_route_where_every_request_passes_it():
    basis = chain("front", "cart", "store", promised={})

    one = hurt(basis, {"store": 0.99}, journey("buy", ["front"], ["front", "cart"]))["buy"]

    assert 1 - one.after == pytest.approx(0.01, abs=1e-6)
    assert "No list names store" in one.reason


def shop(**promised):
    """Front calls the cart always and the payment for one request in ten; both use the store."""
    names = ("front", "cart", "pay", "store")
    calls = [
        edge("front", "cart"),
        edge("front", "pay", weight=0.1),
        edge("cart", "store", SOFT),
        edge("pay", "store"),
    ]
    return basis_of(list(names), calls, dict.fromkeys(names, NEVER), promised)


def test_a_change_counts_on_the_routes_that_pass_it_with_their_weight():
    """One request in ten pays, and each of those calls the payment: 0.1 * 1 %, and nothing on the other route."""
    routes = (JourneyRoute("look", 9.0, ("front", "cart")), JourneyRoute("pay", 1.0, ("front", "cart", "pay")))
    buy = replace(journey("buy", ["front"]), routes=routes)
    look = replace(journey("look", ["front"]), routes=routes[:1])

    found = hurt(shop(), {"pay": 0.99}, buy, look)

    assert set(found) == {"buy"}
    assert found["buy"].before == pytest.approx(1.0, abs=1e-6)
    assert 1 - found["buy"].after == pytest.approx(0.1 * 0.01, abs=1e-6)
    assert "10% of its requests, on 1 of 2 routes, pass pay" in found["buy"].reason


def test_what_two_routes_pass_differently_is_weighed_route_by_route():
    """The store fails every payment, and one look in ten: 0.25 * 2 % + 0.75 * 0.2 %."""
    routes = (
        JourneyRoute("look", 3.0, ("front", "cart", "store")),
        JourneyRoute("pay", 1.0, ("front", "pay", "store")),
    )

    one = hurt(shop(), {"store": 0.98}, replace(journey("buy", ["front"]), routes=routes))["buy"]

    assert 1 - one.after == pytest.approx(0.25 * 0.02 + 0.75 * 0.002, abs=1e-5)
    assert "on 2 of 2 routes" in one.reason
    assert "route pay" in one.reason


def test_a_tighter_objective_is_told_as_a_gain_and_an_equal_one_as_none():
    routes = (JourneyRoute("look", 9.0, ("front", "cart")), JourneyRoute("pay", 1.0, ("front", "cart", "pay")))
    buy = replace(journey("buy", ["front"]), routes=routes)
    basis = chain("front", "cart", "pay", promised={"pay": 0.02})

    tighter, same, looser = (hurt(basis, {"pay": ratio}, buy)["buy"] for ratio in (0.99, 0.98, 0.97))

    assert tighter.after > tighter.before
    assert "most is gained on route pay, whose bound goes from 98 % to 99 %" in tighter.reason
    assert same.after == pytest.approx(same.before, abs=1e-9)
    assert "no route loses by it, and the bound of route pay stays at 98 %" in same.reason
    assert "most is lost on route pay, whose bound goes from 98 % to 97 %" in looser.reason


def test_a_service_that_only_a_stale_call_leads_to_fails_the_route_as_one_that_no_call_leads_to():
    """The route says that its requests pass it; another way to it is taken by few."""
    basis = basis_of(
        ["front", "mid", "pay"],
        [edge("front", "pay", is_stale=True), edge("front", "mid", weight=0.3), edge("mid", "pay")],
        dict.fromkeys(["front", "mid", "pay"], NEVER),
        {},
    )

    one = hurt(basis, {"pay": 0.98}, journey("buy", ["front"], ["front", "pay"]))["buy"]

    assert 1 - one.after == pytest.approx(0.02, rel=1e-3)


def test_a_promise_with_room_on_the_route_absorbs_the_change():
    basis = shop(pay=0.02, store=0.001)
    routes = (JourneyRoute("pay", 1.0, ("front", "pay", "store")),)

    one = hurt(basis, {"store": 0.99}, replace(journey("buy", ["front"]), routes=routes))["buy"]

    assert 1 - one.before == pytest.approx(0.02, abs=1e-6)
    assert one.after == pytest.approx(one.before, abs=1e-9)


def test_a_redundant_service_beside_the_route_goes_on_standing_in():
    calls = [
        edge("front", "a", redundancy_group="pool", required=1),
        edge("front", "b", redundancy_group="pool", required=1),
    ]
    basis = basis_of(["front", "a", "b"], calls, {"front": NEVER, "a": NEVER, "b": 0.01}, {})

    one = hurt(basis, {"a": 0.9}, journey("buy", ["front"], ["front", "a"]))["buy"]

    # Both at once, a tenth of the less failing one's failures in common.
    assert 0.0009 < 1 - one.after < 0.0025


def test_routes_too_long_to_be_told_apart_are_as_no_routes(monkeypatch):
    monkeypatch.setattr("sloengine.domain.impact.route_bounds.MOST_SERVICES", 2)
    routes = (JourneyRoute("pay", 1.0, ("front", "pay", "store")),)

    one = hurt(shop(), {"store": 0.98}, replace(journey("buy", ["front"]), routes=routes))["buy"]

    assert "too much to be told apart" in one.reason
    assert 1 - one.after == pytest.approx(0.9 * 0.002 + 0.1 * 0.02, abs=5e-4)


def test_late_entry_points_concern_routes_that_wait_for_what_slows_down():
    routes = (JourneyRoute("look", 9.0, ("front", "cart")), JourneyRoute("pay", 1.0, ("app", "pay")))
    buy = replace(journey("buy", ["front", "app"]), routes=routes)

    named = impacted_journeys(None, [late("front")], [buy], {"pay"})
    other = impacted_journeys(None, [late("front")], [buy], {"store"})
    mine = impacted_journeys(None, [late("app")], [buy], {"pay"})

    assert named == ()
    assert [one.violates for one in (*other, *mine)] == [True, True]


def test_entry_points_count_by_their_requests():
    basis = basis_of(
        ["shop", "app", "store"], [edge("shop", "store")], dict.fromkeys(("shop", "app", "store"), NEVER), {}
    )
    seen = replace(basis, requests=np.array([300.0, 100.0, 400.0]))
    buy = journey("buy", ["shop", "app"])

    weighted, alike = hurt(seen, {"store": 0.99}, buy)["buy"], hurt(basis, {"store": 0.99}, buy)["buy"]

    assert 1 - weighted.after == pytest.approx(0.75 * 0.01, abs=1e-6)
    assert 1 - alike.after == pytest.approx(0.5 * 0.01, abs=1e-6)
    assert "shop 75%, app 25%" in weighted.reason
    assert "count alike" in alike.reason


def test_what_cannot_be_told_is_null_before_and_after_with_a_reason():
    basis = basis_of(
        ["front", "cart", "mailer"],
        [edge("front", "cart"), edge("front", "mailer", mode=DependencyMode.ASYNC)],
        dict.fromkeys(("front", "cart", "mailer"), NEVER),
        {},
    )

    found = hurt(
        basis,
        {"mailer": 0.9, "cart": 0.99},
        journey("mail", ["front"], ["front", "cart", "mailer"]),
        journey("gone", ["front", "nobody"]),
    )

    assert {(one.before, one.after) for one in found.values()} == {(None, None)}
    assert "passes mailer" in found["mail"].reason
    assert "does not know its entry point nobody" in found["gone"].reason


def test_an_entry_point_that_answers_too_late_is_listed_without_availability():
    basis = chain("front", "store", promised={})
    proposed = [SloChange("store", SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=900.0))]
    buy, other = journey("buy", ["front"]), journey("other", ["store"])

    [one] = impacted_journeys(follow(basis, proposed), [late("front")], [buy, other])
    both = hurt(basis, {"store": 0.99}, buy, slow=[late("front")])["buy"]

    assert (one.journey, one.before, one.after, one.violates) == (buy, None, None, True)
    assert both.violates
    assert 1 - both.after == pytest.approx(0.01, abs=1e-6)
    assert impacted_journeys(None, [late("front", violates=False)], [buy]) == ()


def test_journeys_that_no_change_reaches_are_left_out_and_the_worst_comes_first():
    basis = basis_of(
        ["mild", "broken", "apart", "store"],
        [edge("mild", "store", weight=0.5), edge("broken", "store")],
        dict.fromkeys(("mild", "broken", "apart", "store"), NEVER),
        {"mild": 0.1, "broken": 0.001},
    )

    found = hurt(basis, {"store": 0.99}, *(journey(f"by {name}", [name]) for name in ("apart", "mild", "broken")))

    assert list(found) == ["by broken", "by mild"]
