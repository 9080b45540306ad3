from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.drift.together import Onset, shared_causes
from tests.processor_time import processor_seconds

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def onset(service_id: str, hours: float = 0.0) -> Onset:
    return Onset(f"{service_id} {hours}", service_id, AT + hours * HOUR)


def test_a_dependency_and_its_callers_are_one_cause_that_began_where_all_lead_to():
    calls = {"front": ["shop"], "shop": ["db"], "other": ["db"]}

    [cause] = shared_causes([onset("front", 1), onset("shop", 0), onset("db", 0), onset("other", 2)], calls)

    assert cause.origin == "db"
    assert cause.service_ids == ("db", "front", "other", "shop")
    assert cause.started_at == AT


def test_what_began_at_another_time_or_in_a_stranger_stays_alone():
    calls = {"shop": ["db"]}

    assert shared_causes([onset("shop", 3), onset("db", 0), onset("stranger", 0)], calls) == []


def test_two_events_of_one_service_are_no_shared_cause():
    assert shared_causes([onset("a", 0), onset("a", 1)], {}) == []


def test_many_strangers_at_once_are_a_burst_without_an_origin():
    quiet = [onset(f"q{day}", -24 * day) for day in range(1, 28)]
    zone = [onset(f"z{number}", number % 2) for number in range(12)]

    [cause] = shared_causes([*quiet, *zone], {})

    assert len(cause.service_ids) == 12
    assert cause.origin is None


def test_where_changes_begin_all_the_time_as_many_are_chance():
    random = np.random.default_rng(1)
    often = [onset(f"s{number}", float(-hours)) for number, hours in enumerate(random.uniform(0, 672, 2_000))]

    causes = shared_causes(often, {})

    assert sum(len(cause.event_ids) for cause in causes) < 40  # of 2,000 that have nothing in common


def test_a_cycle_has_no_origin():
    [cause] = shared_causes([onset("a"), onset("b")], {"a": ["b"], "b": ["a"]})

    assert cause.origin is None


def test_an_outage_of_thousands_is_put_together_in_no_time():
    zone = [onset(f"s{number}", number % 100 / 60) for number in range(6_000)]
    calls = {f"s{number}": [f"s{(7 * number) % 6_000}", f"s{number // 2}"] for number in range(6_000)}

    spent, [cause] = processor_seconds(lambda: shared_causes(zone, calls), 1.5)

    assert len(cause.service_ids) == 6_000
    assert spent < 1.5  # two at a time it took five seconds


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12)), max_size=15, unique=True),
    st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3)),
)
def test_all_that_two_at_a_time_would_link_is_linked(some, calls):
    onsets = [onset(service_id, hours) for service_id, hours in some]
    group = {one.event_id: {one.event_id} for one in onsets}
    for one in onsets:
        for other in onsets:
            near = abs(one.started_at - other.started_at) <= 2 * HOUR
            if near and (one.service_id == other.service_id or other.service_id in calls.get(one.service_id, ())):
                both = group[one.event_id] | group[other.event_id]
                group.update(dict.fromkeys(both, both))
    linked = {frozenset(ids) for ids in group.values() if len({key.split()[0] for key in ids}) > 1}

    found = {frozenset(cause.event_ids) for cause in shared_causes(onsets, calls)}

    assert all(any(ids <= other for other in found) for ids in linked)
    if len({frozenset(ids) for ids in group.values()}) < 3:  # too few for a burst
        assert found == linked


def test_a_stranger_among_cycles_of_one_burst_is_not_where_it_began():
    """It alone calls none of the others, and none of them calls it."""
    cycles = {"a": ["b"], "b": ["a"], "m": ["n"], "n": ["m"], "x": ["y"], "y": ["x"]}
    quiet = [onset(f"q{day}", -24 * day) for day in range(1, 28)]

    [cause] = shared_causes([*quiet, *map(onset, [*cycles, "stranger"])], cycles)
    below = {name: [*called, "db"] if name in "amx" else called for name, called in cycles.items()}
    [led] = shared_causes([*quiet, *map(onset, [*cycles, "db"])], below)

    assert len(cause.service_ids) == len(led.service_ids) == 7
    assert cause.origin is None
    assert led.origin == "db"


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 30)), max_size=25, unique=True),
    st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3)),
    st.randoms(),
)
def test_no_event_has_two_causes_and_the_order_does_not_matter(some, calls, random):
    onsets = [onset(service_id, hours) for service_id, hours in some]
    shuffled = list(onsets)
    random.shuffle(shuffled)

    causes = shared_causes(onsets, calls)

    keys = [key for cause in causes for key in cause.event_ids]
    assert len(keys) == len(set(keys))
    assert shared_causes(shuffled, calls) == causes
    assert all(len(cause.service_ids) > 1 for cause in causes)
