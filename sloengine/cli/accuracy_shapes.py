"""Accuracy as JSON: camelCase, availability in percent, latency in milliseconds, probabilities in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.application.accuracy.measure_accuracy import AccuracyReport
from sloengine.cli.shapes import Json, percent, time
from sloengine.domain.accuracy.clustered import ClusteredMean
from sloengine.domain.accuracy.points import CalibrationPoint
from sloengine.domain.accuracy.record import CalibrationRecord, maps_in_force
from sloengine.domain.accuracy.report import Comparison, ConfidenceAccuracy, TierAccuracy
from sloengine.domain.recommendation.model import ObjectiveKind


def accuracy_shape(report: AccuracyReport, warnings: Sequence[str]) -> Json:
    """The whole report."""
    return {
        "trainDays": list(report.train_days),
        "horizonDays": report.horizon_days,
        "everyDays": report.every_days,
        "services": report.services,
        "clusters": report.clusters,
        "looks": report.looks,
        "from": time(report.from_at),
        "to": time(report.to_at),
        "tiers": [_tier(row) for row in report.tiers],
        "comparisons": [_comparison(row) for row in report.comparisons],
        "calibration": [calibration_point_shape(point) for point in report.calibration],
        "confidence": [_confidence(row) for row in report.confidence],
        "maps": {kind: found.to_dict() for kind, found in report.maps.items()},
        "warnings": list(warnings),
    }


def stored_shape(records: Sequence[CalibrationRecord]) -> Json:
    """What the running engine has on record: ``Organization`` as far as it is about calibration, and the maps."""
    return {
        "calibration": [calibration_point_shape(point) for record in records for point in record.points],
        "computedAt": time(max((record.computed_at for record in records), default=None)),
        "maps": {kind: found.to_dict() for kind, found in maps_in_force(records).items()},
    }


def calibration_point_shape(point: CalibrationPoint) -> Json:
    """``CalibrationPoint``."""
    return {
        "sliType": point.sli_type,
        "kind": point.kind,
        "promised": point.promised,
        "attained": point.attained,
        "low": point.low,
        "high": point.high,
        "windows": point.windows,
    }


def _tier(row: TierAccuracy) -> Json:
    return {
        "sliType": row.sli_type,
        "kind": row.kind,
        "tier": row.tier,
        "estimator": row.estimator,
        "trainDays": row.train_days,
        "trafficClass": row.traffic,
        "windows": row.windows,
        "withoutTarget": row.without_target,
        "promised": row.promised,
        "attained": _mean(row.attained),
        "overPromise": None if row.over_promise is None else _mean(row.over_promise),
        "overPromises": row.over_promises,
        "medianAvailability": percent(row.median_target) if row.kind is ObjectiveKind.AVAILABILITY else None,
        "medianThresholdMs": None if row.kind is ObjectiveKind.AVAILABILITY else row.median_target,
    }


def _comparison(row: Comparison) -> Json:
    is_ratio = row.kind is ObjectiveKind.AVAILABILITY
    return {
        "kind": row.kind,
        "tier": row.tier,
        "trainDays": row.train_days,
        "rule": row.rule,
        "windows": row.windows,
        "engineAttained": row.engine_attained,
        "ruleAttained": row.rule_attained,
        "engineMedian": percent(row.engine_target) if is_ratio else None,
        "ruleMedian": percent(row.rule_target) if is_ratio else None,
        "engineMedianThresholdMs": None if is_ratio else row.engine_target,
        "ruleMedianThresholdMs": None if is_ratio else row.rule_target,
        "ruleIsBetter": row.rule_is_better,
    }


def _confidence(row: ConfidenceAccuracy) -> Json:
    return {
        "sliType": row.sli_type,
        "windows": row.windows,
        "attained": None if row.attained is None else _mean(row.attained),
    }


def _mean(mean: ClusteredMean) -> Json:
    return {
        "value": mean.value,
        "low": mean.low,
        "high": mean.high,
        "effectiveWindows": mean.effective,
        "clusters": mean.clusters,
    }
