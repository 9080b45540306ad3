"""Tiers of journeys as OpenSLO v1 documents.

Source: OpenSLO, README of v1 (SLO, Service, "SLI: ratioMetric"), and the validation of its Go SDK, pkg/openslo/v1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.recommend_journey import JourneyAnswer
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    SliType,
    Tier,
    TierTarget,
)
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.exports.files import ExportedFile, yaml_documents

API_VERSION = "openslo/v1"
SOURCE_TYPE = "sloengine"
"""Type of the metric source. OpenSLO leaves types open: a program that reads the document must know this one."""
_DISPLAY_NAME, _DESCRIPTION, _SLUG = 63, 1050, 20
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_ROLLING = {
    ComplianceWindow.ROLLING_7D: "7d",
    ComplianceWindow.ROLLING_28D: "28d",
    ComplianceWindow.ROLLING_30D: "30d",
}
_PERCENTILE = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}
COMPOSED = (
    "no single query measures a journey: its events are composed from those of its services, so the indicator "
    "names sloengine as its source"
)


@dataclass(frozen=True, slots=True)
class JourneyLoss:
    """What the documents do not say, in words. ``journey``: its name."""

    journey: str
    message: str


def openslo_journeys(
    answers: Sequence[JourneyAnswer],
) -> tuple[tuple[ExportedFile, ...], tuple[JourneyLoss, ...]]:
    """One file a journey: it as a Service, and an SLO for each tier and target that there is."""
    files: list[ExportedFile] = []
    losses: list[JourneyLoss] = []
    for answer in sorted(answers, key=lambda one: one.journey.name):
        journey = answer.journey
        documents: list[dict[str, Any]] = [_service(journey)]
        for result in (answer.availability, answer.latency):
            if not isinstance(result, Recommendation):
                losses.append(JourneyLoss(journey.name, f"no {result.sli_type.lower()} SLO: {result.message}"))
                continue
            for tier in result.tiers:
                documents += _slos(journey, result, tier)
                if tier.missing_reason:
                    losses.append(JourneyLoss(journey.name, f"no {tier.name.lower()} SLO: {tier.missing_reason}"))
        if len(documents) > 1:
            losses.append(JourneyLoss(journey.name, COMPOSED))
        files.append(ExportedFile(f"journeys/{_slug(journey.name)}.openslo.yaml", yaml_documents(documents)))
    return tuple(files), tuple(losses)


def _service(journey: Journey) -> dict[str, Any]:
    routes = f"{len(journey.routes)} routes" if journey.routes else "all that they call"
    return {
        "apiVersion": API_VERSION,
        "kind": "Service",
        "metadata": {"name": _service_name(journey), "displayName": journey.name[:_DISPLAY_NAME]},
        "spec": {
            "description": f"Journey {journey.name}, entered by {', '.join(journey.entry_points)}; {routes}."[
                :_DESCRIPTION
            ]
        },
    }


def _slos(journey: Journey, result: Recommendation, tier: Tier) -> Iterator[dict[str, Any]]:
    for target in tier.targets:
        sli = target.kind.lower().replace("_", "-")
        name = f"{_service_name(journey)}-{sli}-{tier.name.lower()}"
        yield {
            "apiVersion": API_VERSION,
            "kind": "SLO",
            "metadata": {
                "name": name,
                "displayName": f"{sli}, {tier.name.lower()}: {journey.name}"[:_DISPLAY_NAME],
                "labels": {"sloengine-tier": [tier.name.lower()], "sloengine-sli": [result.sli_type.lower()]},
                "annotations": {
                    "sloengine.dev/journey": journey.name,
                    "sloengine.dev/probability-met": f"{target.probability_met:.4f}",
                    "sloengine.dev/generated-at": result.generated_at.isoformat(),
                    "sloengine.dev/engine-version": result.engine_version,
                },
            },
            "spec": {
                "description": _description(journey, result, tier, target)[:_DESCRIPTION],
                "service": _service_name(journey),
                "indicator": _indicator(journey, result.sli_type, target, f"{_service_name(journey)}-{sli}"),
                "timeWindow": [_window(result.window, result.generated_at)],
                "budgetingMethod": "Occurrences",
                "objectives": [{"displayName": tier.name.lower(), "targetPercent": _percent(target)}],
            },
        }


def _description(journey: Journey, result: Recommendation, tier: Tier, target: TierTarget) -> str:
    good = "succeed" if target.threshold_ms is None else f"take {_threshold_ms(target):g} ms at most"
    promise = f"{_percent(target):.10g} % of the requests of journey {journey.name} {good}"
    return (
        f"{promise}. Recommended by sloengine, {tier.name.lower()} tier: met over the next window with a "
        f"probability of {target.probability_met:.0%}. {result.summary}"
    )


def _indicator(journey: Journey, sli_type: SliType, target: TierTarget, name: str) -> dict[str, Any]:
    """A ratio of events: a latency SLO counts the requests that are fast enough, too."""
    asked: dict[str, Any] = {
        "journey": journey.name,
        "sliType": sli_type.value,
        "entryPoints": list(journey.entry_points),
    }
    if target.threshold_ms is not None:
        asked["thresholdMs"] = _threshold_ms(target)

    def source(events: str) -> dict[str, Any]:
        return {"metricSource": {"type": SOURCE_TYPE, "spec": {**asked, "events": events}}}

    return {
        "metadata": {"name": name},
        "spec": {"ratioMetric": {"counter": False, "good": source("good"), "total": source("total")}},
    }


def _percent(target: TierTarget) -> float:
    if target.availability_ratio is not None:
        return round(100.0 * target.availability_ratio, 10)
    ratio = _PERCENTILE[target.kind] if target.ratio_objective is None else target.ratio_objective.target_ratio
    return round(100.0 * ratio, 10)


def _threshold_ms(target: TierTarget) -> float:
    """As it is alerted on: a bound of the histogram where one is near."""
    if target.ratio_objective is not None:
        return target.ratio_objective.threshold_ms
    if target.threshold_ms is None:
        raise ValueError(f"a target of {target.kind} without a threshold")
    return target.threshold_ms


def _window(window: ComplianceWindow, at: datetime) -> dict[str, Any]:
    rolling = _ROLLING.get(window)
    if rolling is not None:
        return {"duration": rolling, "isRolling": True}
    is_month = window is ComplianceWindow.CALENDAR_MONTH
    month = at.month if is_month else 3 * ((at.month - 1) // 3) + 1
    return {
        "duration": "1M" if is_month else "1Q",
        "isRolling": False,
        "calendar": {"startTime": f"{at.year:04d}-{month:02d}-01 00:00:00", "timeZone": "UTC"},
    }


def _service_name(journey: Journey) -> str:
    return f"journey-{_slug(journey.name)}"


def _slug(name: str) -> str:
    """A part of an RFC 1123 label: the name where it is one, else what is left of it and a digest of the whole."""
    if _LABEL.fullmatch(name) and len(name) <= _SLUG:
        return name
    left = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_SLUG].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{left}-{digest}" if left else digest
