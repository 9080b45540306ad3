from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import Conflict, Invalid, NotActive, RationaleRequired
from sloengine.domain.governance.decisions import (
    check_targets,
    require_active,
    require_rationale,
    require_undecided,
    target_deltas,
    targets_of_tier,
    warnings_about,
)
from sloengine.domain.governance.model import SloTarget, TargetDelta
from sloengine.domain.recommendation.model import (
    CompositeBound,
    ObjectiveKind,
    RecommendationStatus,
    SliType,
    Tier,
    TierName,
)
from tests.infrastructure.redis.samples import NOW, recommendation

AVAILABILITY = ObjectiveKind.AVAILABILITY
RATIO = st.floats(0.001, 0.999999)
THRESHOLD = st.floats(0.1, 1e6)


def availability(ratio: float) -> SloTarget:
    return SloTarget(AVAILABILITY, availability_ratio=ratio)


@pytest.mark.parametrize("status", [s for s in RecommendationStatus if s is not RecommendationStatus.ACTIVE])
def test_only_an_active_recommendation_can_be_decided_on(status: RecommendationStatus):
    active = recommendation("a")

    require_active(active, NOW)
    with pytest.raises(NotActive):
        require_active(replace(active, status=status), NOW)
    with pytest.raises(NotActive):
        require_active(active, NOW + timedelta(days=14))


@pytest.mark.parametrize("status", [RecommendationStatus.ACCEPTED, RecommendationStatus.REJECTED])
def test_who_was_beaten_since_looking_is_told_of_a_conflict_and_a_later_one_that_it_is_over(
    status: RecommendationStatus,
):
    seen = recommendation("a")
    decided = replace(seen, status=status)

    require_undecided(seen, seen, NOW)
    require_undecided(seen, None, NOW)
    with pytest.raises(Conflict):
        require_undecided(seen, decided, NOW)
    with pytest.raises(NotActive):
        require_undecided(decided, decided, NOW)
    with pytest.raises(NotActive):
        require_undecided(seen, replace(seen, status=RecommendationStatus.EXPIRED), NOW)


@given(before=st.none() | RATIO, after=st.none() | RATIO)
def test_deltas_name_what_was_and_what_is(before: float | None, after: float | None):
    old = () if before is None else (availability(before),)
    new = () if after is None else (availability(after),)

    found = target_deltas(old, new)

    assert found == (() if before is None and after is None else (TargetDelta(AVAILABILITY, before, after),))


@given(p95=THRESHOLD, p99=THRESHOLD)
def test_latency_targets_are_put_in_order_and_must_not_contradict(p95: float, p99: float):
    targets = [
        SloTarget(ObjectiveKind.LATENCY_P99, threshold_ms=p99),
        SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=p95),
    ]

    if p95 > p99:
        with pytest.raises(Invalid):
            check_targets(SliType.LATENCY, targets)
    else:
        assert [t.threshold_ms for t in check_targets(SliType.LATENCY, targets)] == [p95, p99]


@given(ratio=st.floats(allow_nan=True, allow_infinity=True))
def test_an_availability_is_promised_strictly_between_0_and_100_percent(ratio: float):
    if 0 < ratio < 1:
        assert check_targets(SliType.AVAILABILITY, [availability(ratio)])
    else:
        with pytest.raises(Invalid):
            check_targets(SliType.AVAILABILITY, [availability(ratio)])


def test_a_reason_of_blanks_is_none():
    assert require_rationale("  because ") == "because"
    for nothing in (None, "", " \n"):
        with pytest.raises(RationaleRequired):
            require_rationale(nothing)
    with pytest.raises(Invalid):
        require_rationale("x" * 4001)


def test_a_tier_the_data_do_not_carry_cannot_be_accepted():
    made = recommendation("a")
    missing = Tier(TierName.CONSERVATIVE, 0.98, (), "no Conservative target: too little history")
    without = replace(made, tiers=(missing, *made.tiers[1:]))

    assert targets_of_tier(without, TierName.BALANCED)
    with pytest.raises(Invalid, match="too little history"):
        targets_of_tier(without, TierName.CONSERVATIVE)


def test_warnings_say_what_stands_against_a_number():
    bound = CompositeBound(0.999, 0.999, 0.9995, 0.998)
    bounded = replace(recommendation("a"), bound=bound)

    assert warnings_about([availability(0.99)], bounded, [0.99], 0.92) == ()
    said = warnings_about([availability(0.9995)], bounded, [0.4], 0.92)
    assert len(said) == 3
    assert "99.9 %" in said[0]
    assert "99.8 %" in said[1]
    assert "40%" in said[2]
    assert "not known" in warnings_about([availability(0.9)], None, [None], None)[0]
