from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationUnavailable,
    SliType,
    TierName,
    UnavailableReason,
)
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.recommend import recommend_availability
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.shipped_prior import NAME
from sloengine.domain.recommendation.telemetry_checks import TelemetryFindings, inspect
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from tests.domain.recommendation.organizations import DAY, START, availability_request, organization, with_row

HOUR = timedelta(hours=1)
PANEL = organization()
PRIOR = learn_prior(PANEL, as_of=PANEL.ends_at)
SETTINGS = EngineSettings()


def recommended(request: object, prior: OrganizationPrior = PRIOR) -> Recommendation:
    result = recommend_availability(request, prior, SETTINGS)  # type: ignore[arg-type]
    assert isinstance(result, Recommendation)
    return result


def ratios(result: Recommendation) -> list[float | None]:
    return [tier.targets[0].availability_ratio if tier.targets else None for tier in result.tiers]


def test_the_same_inputs_give_the_same_recommendation() -> None:
    assert recommended(availability_request(PANEL)) == recommended(availability_request(PANEL))


def test_the_digest_moves_with_the_inputs_and_the_seed_does_not() -> None:
    first = recommended(availability_request(PANEL))
    bad, valid = PANEL.bad[0].copy(), PANEL.total[0]
    bad[3] += 1

    second = recommended(availability_request(with_row(PANEL, "service-0", bad, valid)))

    assert first.provenance.inputs_digest != second.provenance.inputs_digest
    assert first.provenance.seed == second.provenance.seed


def test_data_at_or_after_as_of_and_older_than_the_look_back_are_ignored() -> None:
    long = organization(days=150)
    as_of = START + 120 * DAY
    cut = long.between(START + 30 * DAY, as_of)

    whole = recommended(availability_request(long, as_of=as_of, now=as_of))
    only = recommended(availability_request(cut, as_of=as_of, now=as_of))

    assert ratios(whole) == ratios(only)
    assert whole.provenance == only.provenance


def test_as_of_is_floored_to_the_hour() -> None:
    on_time = recommended(availability_request(PANEL))
    later = recommended(availability_request(PANEL, as_of=PANEL.ends_at + timedelta(minutes=59)))

    assert later.provenance == on_time.provenance


@pytest.mark.parametrize("minutes", [60, 240])
def test_finer_steps_give_the_same_targets(minutes: int) -> None:
    parts = 1440 // minutes
    fine = SliPanel(
        PANEL.service_ids,
        START,
        timedelta(minutes=minutes),
        np.repeat(PANEL.good / parts, parts, axis=1),
        np.repeat(PANEL.total / parts, parts, axis=1),
    )

    assert ratios(recommended(availability_request(fine))) == ratios(recommended(availability_request(PANEL)))


@pytest.mark.parametrize("window", list(ComplianceWindow))
def test_every_window_has_its_budget(window: ComplianceWindow) -> None:
    result = recommended(availability_request(PANEL, window=window))

    published = result.tier(TierName.BALANCED).targets[0]
    assert published.availability_ratio is not None
    assert published.error_budget is not None
    minutes = (1 - published.availability_ratio) * (window.length / timedelta(minutes=1))
    assert published.error_budget.minutes == pytest.approx(minutes)


def test_without_requests_there_is_not_enough_data() -> None:
    for panel in (PANEL, with_row(PANEL, "nobody", np.zeros(90), np.zeros(90))):
        result = recommend_availability(availability_request(panel, "nobody"), PRIOR, SETTINGS)

        assert isinstance(result, RecommendationUnavailable)
        assert result.reason is UnavailableReason.NO_DATA
        assert "not enough data" in result.message.lower()


def test_telemetry_that_cannot_be_true_is_refused_with_its_reason() -> None:
    panel = with_row(PANEL, "liar", np.full(90, 1e4), np.full(90, 1e4))
    findings = inspect(panel, None)

    result = recommend_availability(availability_request(panel, "liar", findings=findings), PRIOR, SETTINGS)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.BAD_TELEMETRY
    assert findings.refused["liar"] in result.message
    assert result.since == START


def test_warnings_about_telemetry_lower_confidence_and_are_shown() -> None:
    plain = recommended(availability_request(PANEL))
    findings = TelemetryFindings(PANEL, {}, {"service-0": ("negative counts in 3 of 90 intervals, left out",)})

    warned = recommended(availability_request(PANEL, findings=findings))

    assert warned.confidence < plain.confidence
    assert any("negative counts" in warning for warning in warned.data_quality.warnings)


def test_a_young_service_alone_rests_on_the_shipped_prior_and_says_so() -> None:
    young = PANEL.between(PANEL.ends_at - 2 * DAY, PANEL.ends_at).select(["service-0"])
    prior = learn_prior(young, as_of=young.ends_at)

    result = recommended(availability_request(young), prior)

    assert result.confidence <= 0.3
    assert result.data_quality.archetype == NAME
    assert result.data_quality.cold_start
    assert result.review_at is not None
    assert any("carry little" in warning for warning in result.data_quality.warnings)
    assert "48 hours" in result.summary


def test_confidence_grows_with_history_and_with_peers() -> None:
    def confidence(days: int, prior: OrganizationPrior) -> float:
        panel = PANEL.between(PANEL.ends_at - days * DAY, PANEL.ends_at)
        return recommended(availability_request(panel), prior).confidence

    grown = [confidence(days, PRIOR) for days in (3, 20, 35, 90)]
    assert grown == sorted(grown)
    assert grown[-1] > 0.8
    assert confidence(90, OrganizationPrior.shipped()) < grown[-1]


def test_a_target_on_record_stays_while_it_still_holds() -> None:
    first = recommended(availability_request(PANEL))
    balanced = first.tier(TierName.BALANCED).targets[0]
    assert balanced.availability_ratio is not None
    tighter = replace(balanced, availability_ratio=balanced.availability_ratio + 1e-4)
    recorded = replace(
        first,
        tiers=tuple(replace(t, targets=(tighter,)) if t.name is TierName.BALANCED else t for t in first.tiers),
    )

    again = recommended(availability_request(PANEL, previous=recorded))

    kept = again.tier(TierName.BALANCED).targets[0]
    assert 0.87 <= kept.probability_met <= 0.95
    assert kept.availability_ratio == tighter.availability_ratio
    assert kept.probability_met != balanced.probability_met  # computed anew, not carried over


def test_a_target_on_record_goes_when_it_no_longer_holds_or_the_window_changed() -> None:
    first = recommended(availability_request(PANEL))
    bold = tuple(replace(t, targets=(replace(t.targets[0], availability_ratio=0.99999),)) for t in first.tiers)
    fresh = ratios(first)

    assert ratios(recommended(availability_request(PANEL, previous=replace(first, tiers=bold)))) == fresh
    week = availability_request(PANEL, window=ComplianceWindow.ROLLING_7D)
    assert ratios(recommended(replace(week, previous=first))) == ratios(recommended(week))


def test_more_failures_never_raise_a_target() -> None:
    bad, valid = PANEL.bad[1].copy(), PANEL.total[1]
    before = ratios(recommended(availability_request(PANEL, "service-1")))
    for extra in (0.001, 0.01, 0.1):
        worse = np.minimum(valid, bad + extra * valid * (np.arange(90) % 30 == 7))
        after = ratios(recommended(availability_request(with_row(PANEL, "service-1", worse, valid), "service-1")))
        assert all(b is None or (a is not None and b <= a) for a, b in zip(before, after, strict=True))
        before = after


def test_the_recommendation_says_what_it_is() -> None:
    result = recommended(availability_request(PANEL, graph_version=7, queries=("sum(rate(x[1h]))",)))

    assert result.sli_type is SliType.AVAILABILITY
    assert result.expires_at - result.generated_at == timedelta(days=14)
    assert result.graph_version == result.provenance.graph_version == 7
    assert result.provenance.queries == ("sum(rate(x[1h]))",)
    assert result.explanation is None  # asked for by another function
    assert {t.kind for tier in result.tiers for t in tier.targets} == {ObjectiveKind.AVAILABILITY}
    assert result.data_quality.days_of_history == 90
    assert result.data_quality.completeness == 1.0
    assert result.data_quality.sample_count == PANEL.total[0].sum()


def _alone(total: np.ndarray, bad: np.ndarray) -> AvailabilityRequest:
    panel = SliPanel(("alone",), START, HOUR, (total - bad)[None], total[None])
    return AvailabilityRequest("alone", ComplianceWindow.ROLLING_28D, panel.ends_at, panel, panel.ends_at)


def test_forty_requests_a_window_are_not_taken_for_shares_of_time() -> None:
    # As Prometheus counts them: extrapolated, so that each hour's count has a fraction.
    rng = np.random.default_rng(1)
    counts = rng.poisson(1.5 / 24, 90 * 24)
    stretched = 1.004 + 0.008 * (rng.random(90 * 24) < 0.3)

    answer = recommend_availability(
        _alone(counts * stretched, rng.binomial(counts, 0.03) * stretched), PRIOR, SETTINGS
    )

    assert isinstance(answer, RecommendationUnavailable)
    assert answer.reason is UnavailableReason.NOT_TESTABLE


def test_shares_of_time_have_a_budget_in_minutes_and_none_in_requests() -> None:
    total = np.full(90 * 24, 1 / 24)
    bad = np.zeros(90 * 24)
    bad[500] = 1 / 48

    result = recommended(_alone(total, bad))

    budget = result.tier(TierName.BALANCED).targets[0].error_budget
    assert budget is not None
    assert budget.minutes > 0
    assert budget.requests is None
    assert "failed request" not in result.summary
