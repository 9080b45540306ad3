"""Claims become a dependency, whatever order they come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sloengine.domain.topology.dependency import (
    DependencyClaim,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
    EdgeAttributes,
)
from sloengine.domain.topology.merging import all_fresh, join_claims, merge_claims, says_the_same
from sloengine.domain.topology.rows import DependencyRow, ServiceRow, combine_rows, hardest_attributes
from sloengine.domain.topology.service import Criticality, Service

NOW = datetime(2025, 6, 1, tzinfo=UTC)
S = DiscoverySource


def claim(source, *, age=timedelta(0), confidence=0.9, **attributes):
    seen = NOW - age
    return DependencyClaim("a", "b", source, confidence, seen, seen, EdgeAttributes(**attributes))


attributes = st.builds(
    EdgeAttributes,
    mode=st.sampled_from([None, *DependencyMode]),
    criticality=st.sampled_from([None, *DependencyCriticality]),
    protocol=st.sampled_from([None, "grpc", "http"]),
    timeout_ms=st.sampled_from([None, 100, 500]),
    retry_config=st.sampled_from([None, {"max": 1}, {"max": 3}]),
    call_weight=st.sampled_from([None, 0.5, 2.0]),
    redundancy_group=st.sampled_from([None, "g", "h"]),
    required=st.sampled_from([None, 1, 2]),
)
claims = st.builds(
    lambda source, days, confidence, said: claim(
        source,
        age=timedelta(days=days),
        confidence=confidence,
        **{name: getattr(said, name) for name in EdgeAttributes.__dataclass_fields__},
    ),
    st.sampled_from(list(S)),
    st.integers(-1, 40),
    st.floats(0.0, 1.0),
    attributes,
)


@given(st.lists(claims, min_size=1, max_size=8), st.randoms())
@settings(max_examples=300)
def test_order_and_repetition_change_nothing(some, random):
    shuffled = [*some, *random.sample(some, random.randint(0, len(some)))]
    random.shuffle(shuffled)

    assert merge_claims(shuffled, NOW) == merge_claims(some, NOW)


@given(st.lists(claims, min_size=1, max_size=6))
@settings(max_examples=200)
def test_merging_what_was_merged_changes_nothing(some):
    merged = merge_claims(some, NOW)

    assert merged is not None
    assert merge_claims(merged.claims, NOW) == merged


@given(attributes, attributes, attributes)
def test_the_hardest_reading_is_a_semilattice(a, b, c):
    assert hardest_attributes(a, a) == a
    assert hardest_attributes(a, b) == hardest_attributes(b, a)
    assert hardest_attributes(hardest_attributes(a, b), c) == hardest_attributes(a, hardest_attributes(b, c))


@given(st.lists(claims, min_size=1, max_size=6), claims)
def test_another_claim_never_lowers_confidence(some, more):
    others = [c for c in some if c.source is not more.source]
    before = merge_claims(others, NOW)

    after = merge_claims([*others, more], NOW)

    assert after is not None
    assert after.confidence >= (before.confidence if before else 0.0) - 1e-12


@given(
    st.lists(claims, min_size=1, max_size=4, unique_by=lambda one: one.source),
    st.integers(0, 40),
    st.integers(0, 60),
)
@settings(max_examples=300)
def test_while_all_sources_are_fresh_a_repetition_moves_times_and_confidence_only(
    known, hours_later, hours_before
):
    assume(all_fresh(known, NOW))
    own, *others = known
    again = join_claims(own, replace(own, last_seen_at=own.last_seen_at + timedelta(hours=hours_later)))

    before = merge_claims(known, NOW - timedelta(hours=hours_before))
    after = merge_claims([again, *others], NOW)

    assert says_the_same(own, again)
    assert meaning(before) == meaning(after)


def test_a_source_that_was_forgotten_and_speaks_again_may_change_what_the_edge_says():
    forgotten, other = claim(S.MESH, age=timedelta(days=8), protocol="grpc"), claim(S.K8S, protocol="http")
    again = replace(forgotten, last_seen_at=NOW)

    assert says_the_same(forgotten, again)
    assert not all_fresh([forgotten, other], NOW)
    assert merge_claims([forgotten, other], NOW).protocol == "http"
    assert merge_claims([again, other], NOW).protocol == "grpc"


@pytest.mark.parametrize(
    "change",
    [{"confidence": 0.5}, {"first_seen_at": NOW - timedelta(1)}, {"attributes": EdgeAttributes(timeout_ms=1)}],
)
def test_another_statement_is_no_repetition(change):
    assert not says_the_same(claim(S.OTEL), replace(claim(S.OTEL), **change))


def meaning(edge):
    return replace(edge, confidence=0.0, last_observed_at=None, claims=())


def test_no_claim_is_no_dependency():
    assert merge_claims([], NOW) is None


@pytest.mark.parametrize(
    ("stronger", "weaker"), [(S.MANUAL, S.MESH), (S.MESH, S.OTEL), (S.OTEL, S.K8S), (S.K8S, S.BACKSTAGE)]
)
def test_stated_attributes_follow_the_sources_precedence(stronger, weaker):
    merged = merge_claims(
        [
            claim(
                weaker,
                mode=DependencyMode.SYNC,
                criticality=DependencyCriticality.HARD,
                timeout_ms=9,
                protocol="http",
            ),
            claim(stronger, mode=DependencyMode.ASYNC, criticality=DependencyCriticality.SOFT, timeout_ms=1),
        ],
        NOW,
    )

    assert merged is not None
    assert (merged.mode, merged.criticality, merged.timeout_ms) == (
        DependencyMode.ASYNC,
        DependencyCriticality.SOFT,
        1,
    )
    assert merged.protocol == "http"  # the stronger source did not say
    assert merged.assumed == ()


def test_a_measured_call_weight_beats_a_declared_one():
    merged = merge_claims([claim(S.MANUAL, call_weight=1.0), claim(S.OTEL, call_weight=0.3)], NOW)

    assert merged is not None
    assert merged.call_weight == 0.3


def test_group_and_required_come_from_one_source():
    merged = merge_claims(
        [claim(S.MANUAL, redundancy_group="g"), claim(S.OTEL, redundancy_group="h", required=2)], NOW
    )

    assert merged is not None
    assert (merged.redundancy_group, merged.required) == ("g", None)


def test_what_nobody_said_is_assumed_and_listed():
    merged = merge_claims([claim(S.K8S)], NOW)

    assert merged is not None
    assert (merged.mode, merged.criticality) == (DependencyMode.SYNC, DependencyCriticality.HARD)
    assert merged.assumed == ("mode", "criticality")


def test_confidence_combines_by_freshness():
    merged = merge_claims(
        [claim(S.OTEL, age=timedelta(days=3.5), confidence=0.9), claim(S.MANUAL, confidence=0.5)], NOW
    )

    assert merged is not None
    assert merged.confidence == pytest.approx(1 - (1 - 0.9 * 0.5) * (1 - 0.5))


@pytest.mark.parametrize(
    ("source", "days", "stale"),
    [
        (S.OTEL, 6.9, False),
        (S.OTEL, 7, True),
        (S.MESH, 7.1, True),
        (S.K8S, 29, False),
        (S.K8S, 30, True),
        (S.BACKSTAGE, 31, True),
        (S.MANUAL, 4000, False),
    ],
)
def test_a_dependency_is_stale_after_its_sources_time_to_live(source, days, stale):
    merged = merge_claims([claim(source, age=timedelta(days=days))], NOW)

    assert merged is not None
    assert merged.is_stale is stale
    assert (merged.confidence == 0.0) is stale


def test_an_expired_source_speaks_only_where_no_fresh_one_does():
    merged = merge_claims(
        [
            claim(S.MESH, age=timedelta(days=9), criticality=DependencyCriticality.SOFT, protocol="grpc"),
            claim(S.OTEL, criticality=DependencyCriticality.HARD),
        ],
        NOW,
    )

    assert merged is not None
    assert merged.criticality is DependencyCriticality.HARD
    assert merged.protocol == "grpc"


def test_an_older_observation_never_overwrites_a_newer_one():
    newer, older = claim(S.OTEL, call_weight=2.0), claim(S.OTEL, age=timedelta(days=2), call_weight=1.0)

    joined = join_claims(newer, older)

    assert joined.attributes.call_weight == 2.0
    assert joined.last_seen_at == NOW
    assert joined.first_seen_at == NOW - timedelta(days=2)


def test_claims_of_different_pairs_do_not_mix():
    other = DependencyClaim("a", "c", S.OTEL, 0.9, NOW, NOW)

    with pytest.raises(ValueError, match="pair"):
        merge_claims([claim(S.MANUAL), other], NOW)
    with pytest.raises(ValueError, match="same source"):
        join_claims(claim(S.MANUAL), claim(S.OTEL))


def test_identical_rows_collapse_without_a_word():
    row = DependencyRow("a", "b", EdgeAttributes(timeout_ms=5))

    assert combine_rows([row, row]) == ((row,), ())


def test_rows_that_differ_merge_the_hardest_wins_with_a_warning():
    soft = DependencyRow(
        "a", "b", EdgeAttributes(criticality=DependencyCriticality.SOFT, mode=DependencyMode.SYNC)
    )
    hard = DependencyRow(
        "a", "b", EdgeAttributes(criticality=DependencyCriticality.HARD, mode=DependencyMode.ASYNC)
    )

    (merged,), (warning,) = combine_rows([soft, hard])

    assert merged.attributes.criticality is DependencyCriticality.HARD
    assert merged.attributes.mode is DependencyMode.SYNC
    assert "a → b" in warning


def test_a_row_that_does_not_say_is_not_softened_by_one_that_does():
    said = DependencyRow("a", "b", EdgeAttributes(mode=DependencyMode.ASYNC))

    (merged,), warnings = combine_rows([DependencyRow("a", "b"), said])

    assert merged.attributes.mode is None
    assert len(warnings) == 1


def test_a_claim_takes_its_sources_confidence_where_the_row_has_none():
    assert DependencyRow("a", "b").claim(S.K8S, NOW).confidence == 0.6
    assert DependencyRow("a", "b", confidence=0.1).claim(S.K8S, NOW).confidence == 0.1


def test_a_service_row_changes_only_what_it_states():
    known = Service("a", name="A", external=True, criticality=Criticality.HIGH, metadata={"x": 1})

    changed = ServiceRow("a", team="t", metadata={"y": 2}).onto(known, NOW)

    assert (changed.name, changed.external, changed.criticality, changed.team) == (
        "A",
        True,
        Criticality.HIGH,
        "t",
    )
    assert changed.metadata == {"x": 1, "y": 2}
    assert changed.updated_at == NOW
