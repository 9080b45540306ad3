"""Declared and observed disagree only where somebody looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.divergence import DECLARING, OBSERVING, DivergenceKind, Sighting, find_divergences

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
S = DiscoverySource
DECLARED, OBSERVED = DivergenceKind.DECLARED_ONLY, DivergenceKind.OBSERVED_ONLY


def seen(dependency: str, source: DiscoverySource, first: float = 20, last: float = 0) -> Sighting:
    """A claim first and last made so many days ago."""
    return Sighting(dependency, source, NOW - first * DAY, NOW - last * DAY)


def found(*sightings: Sighting) -> dict[str, tuple[DivergenceKind, float]]:
    """Kind and age in days by dependency."""
    return {one.dependency: (one.kind, (NOW - one.since) / DAY) for one in find_divergences("a", sightings, NOW)}


def test_what_is_declared_and_observed_is_no_divergence():
    assert found(seen("b", S.MANUAL), seen("b", S.OTEL)) == {}


@pytest.mark.parametrize("declaring", sorted(DECLARING))
@pytest.mark.parametrize("observing", sorted(OBSERVING))
def test_declared_and_not_observed_of_a_caller_that_is_watched(declaring, observing):
    assert found(seen("b", declaring), seen("c", declaring), seen("c", observing, first=12)) == {
        "b": (DECLARED, 12.0)
    }


def test_absence_means_nothing_where_nobody_watches_the_caller():
    assert found(seen("b", S.MANUAL, first=400), seen("c", S.K8S, first=400)) == {}


def test_absence_means_nothing_where_the_watch_has_ended():
    assert found(seen("b", S.MANUAL, first=400), seen("c", S.OTEL, first=400, last=8)) == {}


@pytest.mark.parametrize(("declared_days", "watched_days"), [(6.9, 100), (100, 6.9)])
def test_silence_means_nothing_until_both_have_been_there_for_a_week(declared_days, watched_days):
    assert found(seen("b", S.MANUAL, first=declared_days), seen("c", S.OTEL, first=watched_days)).get("b") is None
    assert "b" in found(seen("b", S.MANUAL, first=7.1), seen("c", S.OTEL, first=7.1))


def test_observed_and_not_declared_of_a_caller_whose_dependencies_are_declared():
    assert found(seen("b", S.OTEL, first=3), seen("c", S.BACKSTAGE), seen("c", S.OTEL)) == {"b": (OBSERVED, 3.0)}


def test_nobody_declares_anything_of_the_caller():
    assert found(seen("b", S.OTEL), seen("c", S.MESH)) == {}


def test_what_fell_silent_is_a_divergence_since_its_word_no_longer_holds():
    sightings = (seen("b", S.MANUAL, first=90), seen("b", S.OTEL, first=90, last=9), seen("c", S.OTEL, first=90))

    assert found(*sightings)["b"] == (DECLARED, 2.0)
    (message,) = [one.message for one in find_divergences("a", sightings, NOW) if one.dependency == "b"]
    assert "has seen no such call since 2026-02-20" in message


def test_what_a_catalogue_no_longer_says_is_observed_only_since_then():
    assert found(seen("b", S.K8S, first=90, last=35), seen("b", S.OTEL, first=90), seen("c", S.MANUAL)) == {
        "b": (OBSERVED, 5.0),
        "c": (DECLARED, 20.0),
    }


def test_the_message_says_who_declares_who_watches_and_what_to_do():
    (one,) = find_divergences("a", [seen("b", S.MANUAL), seen("b", S.BACKSTAGE), seen("c", S.MESH)], NOW)[:1]

    assert one.declared_by == (S.BACKSTAGE, S.MANUAL)
    assert one.observed_by == ()
    assert one.message == (
        "a → b is declared by backstage and manual, but mesh, which has watched a since 2026-02-09, has seen no"
        " such call. Withdraw it if the call is gone; if it is made, see that it is traced."
    )


sightings = st.lists(
    st.builds(
        lambda dependency, source, last, before: seen(dependency, source, first=last + before, last=last),
        st.sampled_from("bcd"),
        st.sampled_from(list(S)),
        st.sampled_from([0.0, 3.0, 6.9, 8.0, 29.0, 31.0]),
        st.sampled_from([0.0, 1.0, 8.0, 50.0]),
    ),
    max_size=8,
    unique_by=lambda one: (one.dependency, one.source),
)


@settings(max_examples=200)
@given(claims=sightings, random=...)
def test_divergences_are_one_sided_old_enough_and_the_same_in_any_order(claims: list[Sighting], random: Random):
    shuffled = list(claims)
    random.shuffle(shuffled)

    every = find_divergences("a", claims, NOW)

    assert find_divergences("a", shuffled, NOW) == every
    live = {(one.dependency, one.source) for one in claims if one.holds(NOW)}
    for one in every:
        sources = {source for dependency, source in live if dependency == one.dependency}
        assert set(one.declared_by) == sources & DECLARING
        assert set(one.observed_by) == sources & OBSERVING
        assert bool(one.declared_by) != bool(one.observed_by)
        assert one.since <= NOW
    # Brute force over the definition: who is there, who is silent, who covers the caller.
    watched = [min(s.first_seen_at for s in claims if s.source is o) for o in {o for _, o in live} & OBSERVING]
    declares = {source for _, source in live} & DECLARING
    expected = set()
    for dependency in "bcd":
        sources = {source for name, source in live if name == dependency}
        if sources & OBSERVING and not sources & DECLARING and declares:
            expected.add((dependency, OBSERVED))
        if sources & DECLARING and not sources & OBSERVING and watched:
            stated = [
                s.first_seen_at for s in claims if s.dependency == dependency and s.source in sources & DECLARING
            ]
            if NOW - max(min(stated), min(watched)) >= 7 * DAY:
                expected.add((dependency, DECLARED))
    assert {(one.dependency, one.kind) for one in every} == expected
