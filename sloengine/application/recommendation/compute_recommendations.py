"""Recommendations from values alone: the same computation offline, online and in bulk."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.recommendation.explaining import explained_availability, explained_latency
from sloengine.application.recommendation.prepared import Prepared
from sloengine.application.recommendation.service_requests import availability_request, latency_request
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, RecommendationResult, SliType
from sloengine.domain.recommendation.recommend import (
    EngineSettings,
    availability_probability,
    latency_probability,
    recommend_latency_with_case,
    recommend_with_case,
)
from sloengine.domain.reliability.window import ComplianceWindow

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One answer that is asked for."""

    service_id: str
    sli_type: SliType


def compute_recommendations(
    prepared: Prepared,
    wanted: Sequence[Wanted],
    *,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    previous: Mapping[Wanted, Recommendation] | None = None,
    shapley: ShapleyValues | None = None,
) -> dict[Wanted, RecommendationResult]:
    """An answer per service and SLI type.

    ``shapley`` None: without explanations.
    ``previous``: recommendations on record, whose targets stay while they still hold. One service that cannot be
    computed takes none of the others with it: it is logged and left out.
    """
    settings = prepared.evidence.priors.calibrated(settings)
    answers: dict[Wanted, RecommendationResult] = {}
    for one in wanted:
        before = (previous or {}).get(one)
        try:
            answers[one] = _recommend(prepared, one, window, now, settings, before, shapley)
        except Exception:
            _log.exception("no answer for %s of %s", one.sli_type, one.service_id)
    return answers


def probabilities_met(
    prepared: Prepared,
    service_id: str,
    targets: Sequence[SloTarget],
    *,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
) -> list[float | None]:
    """P(met over the next window) of any targets of one service, None where the data do not carry an answer."""
    settings = prepared.evidence.priors.calibrated(settings)
    answers: list[float | None] = []
    for target in targets:
        if target.kind is ObjectiveKind.AVAILABILITY and target.availability_ratio is not None:
            request = availability_request(prepared, service_id, window, now, settings)
            prior = prepared.evidence.priors.availability
            answers.append(availability_probability(request, prior, settings, target.availability_ratio))
        elif target.threshold_ms is not None:
            asked = latency_request(prepared, service_id, window, now)
            slow = prepared.evidence.priors.latency
            answers.append(latency_probability(asked, slow, settings, target.kind, target.threshold_ms))
        else:
            answers.append(None)
    return answers


def _recommend(
    prepared: Prepared,
    one: Wanted,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    previous: Recommendation | None,
    shapley: ShapleyValues | None,
) -> RecommendationResult:
    priors = prepared.evidence.priors
    if one.sli_type is SliType.AVAILABILITY:
        request = availability_request(prepared, one.service_id, window, now, settings, previous)
        result, case = recommend_with_case(request, priors.availability, settings)
        if shapley is None or case is None or not isinstance(result, Recommendation):
            return result
        return explained_availability(result, request, case, priors.availability, settings, shapley)
    asked = latency_request(prepared, one.service_id, window, now, previous)
    slow, made_from = recommend_latency_with_case(asked, priors.latency, settings)
    if shapley is None or made_from is None or not isinstance(slow, Recommendation):
        return slow
    return explained_latency(slow, asked, made_from, priors.latency, settings, shapley)
