"""Domain values as JSON in the shape of the GraphQL types: camelCase names, percent, global ids."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sloengine.domain.governance.model import AuditEvent, AuditIntegrity, Slo, SloSnapshot, SloTarget, TargetDelta
from sloengine.domain.recommendation.model import (
    Backtest,
    BacktestPoint,
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
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.ingestion import Ingestion
from sloengine.domain.topology.service import Service

type Json = dict[str, Any]


def global_id(type_name: str, node_id: str | None) -> str | None:
    """The Relay id of a stored object; None where there is no database."""
    return None if node_id is None else base64.b64encode(f"{type_name}:{node_id}".encode()).decode()


def time(at: datetime | None) -> str | None:
    """ISO 8601."""
    return None if at is None else at.isoformat()


def service_reference(service_id: str) -> Json:
    """A service where only its identity is at hand."""
    return {"serviceId": service_id}


def service_shape(service: Service) -> Json:
    """``Service``, its own fields."""
    return {
        "id": global_id("Service", service.service_id),
        "serviceId": service.service_id,
        "name": service.name,
        "entityRef": service.entity_ref,
        "team": service.team,
        "criticality": service.criticality,
        "external": service.external,
        "discovered": service.discovered,
        "metadata": dict(service.metadata),
    }


def dependency_shape(edge: Dependency) -> Json:
    """``Dependency``."""
    return {
        "caller": service_reference(edge.caller),
        "dependency": service_reference(edge.dependency),
        "mode": edge.mode,
        "criticality": edge.criticality,
        "assumed": list(edge.assumed),
        "protocol": edge.protocol,
        "timeoutMs": edge.timeout_ms,
        "retryConfig": edge.retry_config,
        "callWeight": edge.call_weight,
        "redundancyGroup": edge.redundancy_group,
        "required": edge.required,
        "confidence": edge.confidence,
        "isStale": edge.is_stale,
        "lastObservedAt": time(edge.last_observed_at),
    }


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
    return {
        "id": global_id("Recommendation", recommendation.recommendation_id),
        "service": service_reference(recommendation.service_id),
        "sliType": recommendation.sli_type,
        "status": recommendation.status,
        "window": recommendation.window,
        "tiers": [_tier(tier) for tier in recommendation.tiers],
        "bound": None if recommendation.bound is None else _bound(recommendation.bound),
        "explanation": None,
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


def _tier(tier: Tier) -> Json:
    return {
        "name": tier.name,
        "nominalProbability": tier.nominal_probability,
        "targets": [_target(target) for target in tier.targets],
        "missingReason": tier.missing_reason,
    }


def _target(target: TierTarget) -> Json:
    ratio = target.ratio_objective
    budget = target.error_budget
    return {
        "kind": target.kind,
        "availabilityPercent": _percent(target.availability_ratio),
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
                "service": None if limited.service_id is None else service_reference(limited.service_id),
                "message": limited.message,
            }
            for limited in target.limited_by
        ],
        "backtest": None if target.backtest is None else _backtest(target.backtest),
    }


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else percent_from_ratio(ratio)


def _interval(interval: Interval, *, in_percent: bool) -> Json:
    low, high = interval.low, interval.high
    if in_percent:
        low, high = percent_from_ratio(low), percent_from_ratio(high)
    return {"low": low, "high": high, "level": interval.level}


def _backtest(backtest: Backtest) -> Json:
    return {
        "windows": backtest.windows,
        "met": backtest.met,
        "worst": None if backtest.worst is None else _point(backtest.worst),
        "series": [_point(point) for point in backtest.series],
    }


def _point(point: BacktestPoint) -> Json:
    return {
        "from": time(point.from_at),
        "to": time(point.to_at),
        "availabilityPercent": _percent(point.availability_ratio),
        "thresholdMs": point.threshold_ms,
        "met": point.met,
        "budgetRemaining": point.budget_remaining,
    }


def _estimate(estimate: Estimate) -> Json:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _bound(bound: CompositeBound) -> Json:
    return {
        "observedPercent": percent_from_ratio(bound.observed_ratio),
        "independentPercent": percent_from_ratio(bound.independent_ratio),
        "intrinsicPercent": percent_from_ratio(bound.intrinsic_ratio),
        "promisedPercent": _percent(bound.promised_ratio),
        "contributions": [
            {
                "service": service_reference(part.service_id),
                "sharePercent": percent_from_ratio(part.share_ratio),
                "budgetMinutes": part.budget_minutes,
                "oneMoreNine": part.one_more_nine,
                "promiseGapPercent": _percent(part.promise_gap_ratio),
            }
            for part in bound.contributions
        ],
        "contradictions": [
            {
                "caller": service_reference(found.caller),
                "dependency": service_reference(found.dependency),
                "declaredPassThrough": found.declared_pass_through,
                "measuredPassThrough": _estimate(found.measured_pass_through),
                "message": found.message,
            }
            for found in bound.contradictions
        ],
        "assumptions": list(bound.assumptions),
    }


def slo_target_shape(target: SloTarget) -> Json:
    """``SloTarget``."""
    return {
        "kind": target.kind,
        "availabilityPercent": _percent(target.availability_ratio),
        "thresholdMs": target.threshold_ms,
    }


def snapshot_shape(snapshot: SloSnapshot | None) -> Json | None:
    """``SloSnapshot``."""
    if snapshot is None:
        return None
    return {
        "targets": [slo_target_shape(target) for target in snapshot.targets],
        "window": snapshot.window,
        "source": snapshot.source,
    }


def slo_shape(slo: Slo) -> Json:
    """``Slo``."""
    return {
        "id": global_id("Slo", slo.slo_id),
        "service": service_reference(slo.service_id),
        "sliType": slo.sli_type,
        "window": slo.window,
        "targets": [slo_target_shape(target) for target in slo.targets],
        "source": slo.source,
        "activatedAt": time(slo.activated_at),
        "activatedBy": slo.activated_by,
        "reviewAt": time(slo.review_at),
    }


def delta_shape(delta: TargetDelta) -> Json:
    """``TargetDelta``: percent for availability, milliseconds for latency."""
    in_percent = delta.kind is ObjectiveKind.AVAILABILITY
    return {
        "kind": delta.kind,
        "from": _percent(delta.before) if in_percent else delta.before,
        "to": _percent(delta.after) if in_percent else delta.after,
    }


def audit_shape(event: AuditEvent) -> Json:
    """``AuditEvent``."""
    return {
        "id": global_id("AuditEvent", event.audit_id),
        "sequence": event.sequence,
        "action": event.action,
        "actor": event.actor,
        "service": service_reference(event.service_id),
        "previous": snapshot_shape(event.previous),
        "new": snapshot_shape(event.new),
        "delta": [delta_shape(delta) for delta in event.delta],
        "rationale": event.rationale,
        "at": time(event.at),
        "hash": event.hash,
        "previousHash": event.previous_hash,
    }


def integrity_shape(integrity: AuditIntegrity) -> Json:
    """``AuditIntegrity``."""
    return {
        "intact": integrity.intact,
        "checked": integrity.checked,
        "firstBrokenSequence": integrity.first_broken_sequence,
        "headHash": integrity.head_hash,
    }


def ingestion_shape(ingestion: Ingestion) -> Json:
    """``Ingestion``."""
    return {
        "id": global_id("Ingestion", ingestion.ingestion_id),
        "source": ingestion.source,
        "status": ingestion.status,
        "progress": ingestion.progress,
        "accepted": ingestion.accepted,
        "rejected": [
            {"index": item.index, "path": item.path, "code": item.code, "message": item.message}
            for item in ingestion.rejected
        ],
        "warnings": list(ingestion.warnings),
        "servicesCreated": ingestion.services_created,
        "edgesCreated": ingestion.edges_created,
        "edgesUpdated": ingestion.edges_updated,
        "edgesRemoved": ingestion.edges_removed,
        "cycles": ingestion.cycles,
        "graphVersion": ingestion.graph_version,
        "error": ingestion.error,
        "startedAt": time(ingestion.started_at),
        "finishedAt": time(ingestion.finished_at),
    }
