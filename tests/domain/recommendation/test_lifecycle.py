from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from sloengine.domain.errors import NotActive
from sloengine.domain.recommendation import lifecycle
from sloengine.domain.recommendation.model import (
    Interval,
    ObjectiveKind,
    Recommendation,
    RecommendationStatus,
    TierTarget,
)
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.recommend import recommend_availability
from sloengine.domain.recommendation.settings import EngineSettings
from tests.domain.recommendation.organizations import availability_request, organization

PANEL = organization(services=2)


def recommendation() -> Recommendation:
    result = recommend_availability(availability_request(PANEL), OrganizationPrior.shipped(), EngineSettings())
    assert isinstance(result, Recommendation)
    return result


def a_target(ratio: float) -> TierTarget:
    return TierTarget(ObjectiveKind.AVAILABILITY, 0.9, Interval(0.99, 0.9999), 0.75, availability_ratio=ratio)


DECIDED = [RecommendationStatus.ACCEPTED, RecommendationStatus.REJECTED, RecommendationStatus.SUPERSEDED]


@pytest.mark.parametrize("to", [*DECIDED, RecommendationStatus.EXPIRED])
def test_an_active_recommendation_moves_once_and_never_back(to: RecommendationStatus) -> None:
    now = PANEL.ends_at

    moved = lifecycle.move(recommendation(), to, now)

    assert moved.status is to
    for again in RecommendationStatus:
        if again is not to or to is not RecommendationStatus.EXPIRED:
            with pytest.raises(NotActive):
                lifecycle.move(moved, again, now)


def test_after_fourteen_days_it_can_only_expire() -> None:
    later = PANEL.ends_at + timedelta(days=14)
    old = recommendation()

    assert lifecycle.status_at(old, later - timedelta(seconds=1)) is RecommendationStatus.ACTIVE
    assert lifecycle.status_at(old, later) is RecommendationStatus.EXPIRED
    with pytest.raises(NotActive, match="EXPIRED"):
        lifecycle.move(old, RecommendationStatus.ACCEPTED, later)
    assert lifecycle.move(old, RecommendationStatus.EXPIRED, later).status is RecommendationStatus.EXPIRED


@pytest.mark.parametrize(
    ("probability", "replaced"), [(0.879, True), (0.881, False), (0.92, False), (0.949, False), (0.951, True)]
)
def test_a_target_stays_while_its_probability_is_near_the_tiers(probability: float, replaced: bool) -> None:
    answer = lifecycle.should_replace(
        a_target(0.999), a_target(0.9995), probability, nominal_probability=0.92, kind_changed=False
    )

    assert answer is replaced


@pytest.mark.parametrize("nominal", [0.98, 0.92, 0.80])
def test_no_target_stays_that_is_missed_half_as_often_again_as_its_tier_says(nominal: float) -> None:
    """Four years to a miss may become two years and eight months, and never one year."""
    for probability in np.arange(0.5, nominal, 0.001):
        stays = not lifecycle.should_replace(
            a_target(0.999), a_target(0.9985), float(probability), nominal_probability=nominal, kind_changed=False
        )
        assert not stays or (
            1.0 - probability <= 1.5 * (1.0 - nominal) + 1e-9 and nominal - probability <= 0.05 + 1e-9
        )


def test_a_change_in_kind_or_a_target_that_comes_or_goes_always_replaces() -> None:
    old, new = a_target(0.999), a_target(0.9995)

    assert lifecycle.should_replace(old, new, 0.92, nominal_probability=0.92, kind_changed=True)
    assert lifecycle.should_replace(None, new, None, nominal_probability=0.92, kind_changed=False)
    assert lifecycle.should_replace(old, None, 0.92, nominal_probability=0.92, kind_changed=False)


def test_the_same_figure_is_never_replaced_by_itself() -> None:
    same = a_target(0.999)

    assert not lifecycle.should_replace(same, same, 0.5, nominal_probability=0.92, kind_changed=False)


@pytest.mark.parametrize(
    ("probability", "much_tighter", "replaced"),
    [(0.995, True, True), (0.995, False, False), (0.994, True, False), (0.969, True, True), (0.971, True, False)],
)
def test_a_conservative_target_leaves_the_band_at_the_highest_probability_that_is_ever_said(
    probability: float, much_tighter: bool, replaced: bool
) -> None:
    answer = lifecycle.should_replace(
        a_target(0.99),
        a_target(0.997),
        probability,
        nominal_probability=0.98,
        kind_changed=False,
        highest_level=0.995,
        much_tighter=much_tighter,
    )

    assert answer is replaced
