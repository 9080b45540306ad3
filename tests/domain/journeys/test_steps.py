from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.journeys.steps import steps_of

AT = datetime(2026, 3, 2, tzinfo=UTC)
CALLS = [("web", "cart"), ("cart", "db"), ("web", "search"), ("search", "db"), ("batch", "db"), ("db", "web")]


def journey(*routes: str, entry: str = "web") -> Journey:
    ways = tuple(JourneyRoute(f"r{n}", 1.0, tuple(route.split())) for n, route in enumerate(routes))
    return Journey("j", "buy", (entry,), ways, "a", AT, "a", AT)


def test_a_call_is_a_step_where_one_route_passes_both_ends():
    found = steps_of(journey("web cart", "web db"), CALLS)

    assert found.services == {"web", "cart", "db"}
    # cart and db are on the way, but no request passes both.
    assert found.calls == {("web", "cart"), ("db", "web")}


def test_without_routes_all_that_entry_points_call_is_on_the_way_cycles_included():
    found = steps_of(journey(), CALLS)

    assert found.services == {"web", "cart", "db", "search"}
    assert ("batch", "db") not in found.calls
    assert len(found.calls) == 5


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=20))
def test_without_routes_no_call_leads_off_the_way(calls: list[tuple[str, str]]):
    found = steps_of(journey(entry="a"), calls)

    assert "a" in found.services
    assert {pair for pair in calls if pair[0] in found.services} == found.calls
    assert {end for pair in found.calls for end in pair} <= found.services
