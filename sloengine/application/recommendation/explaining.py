"""Explanations beside recommendations: of the very inputs that made them, at the same time."""

from __future__ import annotations

import logging
from dataclasses import replace

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.domain.explanation.explain_availability import AvailabilityExplainer
from sloengine.domain.explanation.reference import Reference
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.recommend_availability import AvailabilityCase
from sloengine.domain.recommendation.request import AvailabilityRequest
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
    explainer = AvailabilityExplainer(request, case, prior, settings, shapley, reference)
    try:
        return replace(recommendation, explanation=explainer.explain(recommendation))
    except Exception:
        _log.exception("no explanation for AVAILABILITY of %s", recommendation.service_id)
        return recommendation
