"""Explanations beside recommendations: of the very inputs that made them, at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.domain.explanation.explain_availability import AvailabilityExplainer
from sloengine.domain.explanation.explain_latency import LatencyExplainer
from sloengine.domain.explanation.reference import Reference
from sloengine.domain.recommendation.availability_case import AvailabilityCase
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_tiers import LatencyCase
from sloengine.domain.recommendation.model import Explanation, Recommendation
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.request import AvailabilityRequest, LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings

_log = logging.getLogger(__name__)


def explained_availability(
    recommendation: Recommendation,
    request: AvailabilityRequest,
    case: AvailabilityCase,
    prior: OrganizationPrior,
    settings: EngineSettings,
    shapley: ShapleyValues,
) -> Recommendation:
    """The recommendation with its explanation. One that cannot be made is logged; the recommendation stands."""
    reference = Reference.of_organization(prior, request.service_id, history_days=float(settings.lookback_days))
    return _explained(recommendation, AvailabilityExplainer(request, case, settings, shapley, reference).explain)


def explained_latency(
    recommendation: Recommendation,
    request: LatencyRequest,
    case: LatencyCase,
    prior: LatencyPrior,
    settings: EngineSettings,
    shapley: ShapleyValues,
) -> Recommendation:
    """As :func:`explained_availability`."""
    return _explained(recommendation, LatencyExplainer(request, case, prior, settings, shapley).explain)


def _explained(
    recommendation: Recommendation, explain: Callable[[Recommendation], Explanation | None]
) -> Recommendation:
    try:
        return replace(recommendation, explanation=explain(recommendation))
    except Exception:
        _log.exception("no explanation for %s of %s", recommendation.sli_type, recommendation.service_id)
        return recommendation
