"""Recommendations as JSON in the shape of the GraphQL types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sloengine.cli.shapes import Json, global_id, percent, service_reference, time
from sloengine.domain.recommendation.model import (
    BoundContribution,
    CompositeBound,
    Estimate,
    Interval,
    ObjectiveKind,
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
    Tier,
    TierTarget,
)
from sloengine.domain.recommendation.replayed import Backtest, BacktestPoint
from sloengine.domain.reliability.percent import percent_from_ratio

type Refer = Callable[[str], Json]


def output_shape(results: Sequence[RecommendationResult], warnings: Sequence[str] = ()) -> Json:
    """The envelope that every recommending command prints."""
    return {
        "recommendations": [recommendation_shape(r) for r in results if isinstance(r, Recommendation)],
        "unavailable": [unavailable_shape(r) for r in results if isinstance(r, RecommendationUnavailable)],
        "warnings": list(warnings),
    }


def unavailable_shape(result: RecommendationUnavailable) -> Json:
    """``RecommendationUnavailable``."""
    return {
        "serviceId": result.service_id,
        "sliType": result.sli_type,
        "reason": result.reason,
        "message": result.message,
        "since": time(result.since),
    }


def recommendation_shape(recommendation: Recommendation) -> Json:
    """``Recommendation``."""
    quality = recommendation.data_quality

    def refer(service_id: str) -> Json:
        return service_reference(service_id, stored=recommendation.recommendation_id is not None)

    return {
        "id": global_id("Recommendation", recommendation.recommendation_id),
        "service": refer(recommendation.service_id),
        "sliType": recommendation.sli_type,
        "status": recommendation.status,
        "window": recommendation.window,
        "tiers": [_tier(tier, refer) for tier in recommendation.tiers],
        "bound": None if recommendation.bound is None else _bound(recommendation.bound, refer),
        "explanation": _explanation(recommendation, refer),
        "provenance": _provenance(recommendation),
        "dataQuality": {
            "daysOfHistory": quality.days_of_history,
            "completeness": quality.completeness,
            "sampleCount": quality.sample_count,
            "coldStart": quality.cold_start,
            "archetype": quality.archetype,
            "archetypeWeight": quality.archetype_weight,
            "warnings": list(quality.warnings),
        },
        "confidence": recommendation.confidence,
        "summary": recommendation.summary,
        "isStale": recommendation.is_stale,
        "graphVersion": recommendation.graph_version,
        "engineVersion": recommendation.engine_version,
        "generatedAt": time(recommendation.generated_at),
        "expiresAt": time(recommendation.expires_at),
        "reviewAt": time(recommendation.review_at),
    }


def contribution_shape(part: BoundContribution, refer: Refer) -> Json:
    """``BoundContribution``."""
    return {
        "service": refer(part.service_id),
        "sharePercent": percent_from_ratio(part.share_ratio),
        "budgetMinutes": part.budget_minutes,
        "oneMoreNine": part.one_more_nine,
        "promiseGapPercent": percent(part.promise_gap_ratio),
    }


def _explanation(recommendation: Recommendation, refer: Refer) -> Json | None:
    explanation = recommendation.explanation
    if explanation is None:
        return None
    return {
        "tier": explanation.tier,
        "kind": explanation.kind,
        "unit": explanation.unit,
        "reference": explanation.reference,
        "referenceValue": explanation.reference_value,
        "unroundedValue": explanation.unrounded_value,
        "targetValue": explanation.target_value,
        "attributions": [
            {
                "feature": part.feature,
                "service": None if part.service_id is None else refer(part.service_id),
                "contribution": part.contribution,
            }
            for part in explanation.attributions
        ],
        "counterfactuals": [
            {
                "change": found.change,
                "service": None if found.service_id is None else refer(found.service_id),
                "before": found.before,
                "after": found.after,
                "resultingTarget": found.resulting_target,
                "feasible": found.feasible,
            }
            for found in explanation.counterfactuals
        ],
        "summary": explanation.summary,
        "provenance": _provenance(recommendation),
    }


def _provenance(recommendation: Recommendation) -> Json:
    provenance = recommendation.provenance
    return {
        "from": time(provenance.from_at),
        "to": time(provenance.to_at),
        "queries": list(provenance.queries),
        "graphVersion": provenance.graph_version,
        "engineVersion": recommendation.engine_version,
        "seed": provenance.seed,
        "inputsDigest": provenance.inputs_digest,
    }


def _tier(tier: Tier, refer: Refer) -> Json:
    return {
        "name": tier.name,
        "nominalProbability": tier.nominal_probability,
        "targets": [_target(target, refer) for target in tier.targets],
        "missingReason": tier.missing_reason,
    }


def _target(target: TierTarget, refer: Refer) -> Json:
    ratio = target.ratio_objective
    budget = target.error_budget
    return {
        "kind": target.kind,
        "availabilityPercent": percent(target.availability_ratio),
        "thresholdMs": target.threshold_ms,
        "probabilityMet": target.probability_met,
        "interval": _interval(target.interval, in_percent=target.kind is ObjectiveKind.AVAILABILITY),
        "dataOnlyProbability": target.data_only_probability,
        "errorBudget": None if budget is None else {"minutes": budget.minutes, "requests": budget.requests},
        "ratioObjective": None
        if ratio is None
        else {
            "thresholdMs": ratio.threshold_ms,
            "targetPercent": percent_from_ratio(ratio.target_ratio),
            "resolutionErrorPercent": percent_from_ratio(ratio.resolution_error_ratio),
            "warning": ratio.warning,
        },
        "limitedBy": [
            {
                "limit": limited.limit,
                "service": None if limited.service_id is None else refer(limited.service_id),
                "message": limited.message,
            }
            for limited in target.limited_by
        ],
        "backtest": None if target.backtest is None else backtest_shape(target.backtest),
    }


def _interval(interval: Interval, *, in_percent: bool) -> Json:
    low, high = interval.low, interval.high
    if in_percent:
        low, high = percent_from_ratio(low), percent_from_ratio(high)
    return {"low": low, "high": high, "level": interval.level}


def backtest_shape(backtest: Backtest) -> Json:
    """The GraphQL type ``Backtest``."""
    return {
        "windows": backtest.windows,
        "met": backtest.met,
        "worst": None if backtest.worst is None else _point(backtest.worst),
        "series": [_point(point) for point in backtest.series],
        "alerts": [
            {"severity": a.severity, "longWindow": a.long_window, "at": time(a.at), "until": time(a.until)}
            for a in backtest.alerts
        ],
        "worstByLength": [
            {
                "window": w.window,
                "availabilityPercent": percent(w.availability_ratio),
                "thresholdMs": w.threshold_ms,
                "from": time(w.from_at),
            }
            for w in backtest.worst_by_length
        ],
        "notes": list(backtest.notes),
    }


def _point(point: BacktestPoint) -> Json:
    return {
        "from": time(point.from_at),
        "to": time(point.to_at),
        "availabilityPercent": percent(point.availability_ratio),
        "thresholdMs": point.threshold_ms,
        "met": point.met,
        "budgetRemaining": point.budget_remaining,
    }


def _estimate(estimate: Estimate) -> Json:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _bound(bound: CompositeBound, refer: Refer) -> Json:
    return {
        "observedPercent": percent_from_ratio(bound.observed_ratio),
        "independentPercent": percent_from_ratio(bound.independent_ratio),
        "intrinsicPercent": percent_from_ratio(bound.intrinsic_ratio),
        "promisedPercent": percent(bound.promised_ratio),
        "contributions": [contribution_shape(part, refer) for part in bound.contributions],
        "otherContributions": None
        if bound.others is None
        else {
            "services": bound.others.services,
            "sharePercent": percent_from_ratio(bound.others.share_ratio),
            "budgetMinutes": bound.others.budget_minutes,
        },
        "contradictions": [
            {
                "caller": refer(found.caller),
                "dependency": refer(found.dependency),
                "declaredPassThrough": found.declared_pass_through,
                "measuredPassThrough": _estimate(found.measured_pass_through),
                "message": found.message,
            }
            for found in bound.contradictions
        ],
        "moreContradictions": bound.more_contradictions,
        "assumptions": list(bound.assumptions),
    }
