"""Why there is no availability recommendation, and what to do about it."""

from __future__ import annotations

import numpy as np

from sloengine.domain.recommendation.availability_case import AvailabilityCase, own_intervals
from sloengine.domain.recommendation.model import RecommendationUnavailable, SliType, UnavailableReason
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.percent import percent_text


def refusal(request: AvailabilityRequest, settings: EngineSettings) -> RecommendationUnavailable | None:
    """Why there is no recommendation whatever the draws would be; None: there is no such reason."""
    series = own_intervals(request, settings)
    findings = request.findings
    if findings is not None and request.service_id in findings.refused:
        return RecommendationUnavailable(
            request.service_id,
            SliType.AVAILABILITY,
            UnavailableReason.BAD_TELEMETRY,
            f"The telemetry of {request.service_id} cannot be true: {findings.refused[request.service_id]}. "
            f"Mend its exporter or the query, then ask again; as evidence on its callers' edges it is kept.",
            since=series.first_at,
        )
    if not float(np.nansum(series.total)) > 0:
        return RecommendationUnavailable(
            request.service_id,
            SliType.AVAILABILITY,
            UnavailableReason.NO_DATA,
            f"Not enough data: {request.service_id} has no request on record in the {settings.lookback_days} days "
            f"before {series.ends_at:%Y-%m-%d %H:%M} UTC. Check that its telemetry is collected under this name.",
        )
    return None


def not_testable(
    request: AvailabilityRequest, prepared: AvailabilityCase, settings: EngineSettings
) -> RecommendationUnavailable:
    """Too few requests to tell whether any target was met."""
    requests = prepared.caps.window_requests
    return RecommendationUnavailable(
        request.service_id,
        SliType.AVAILABILITY,
        UnavailableReason.NOT_TESTABLE,
        f"About {requests:,.1f} requests in a window cannot test a target: a single failure would cost more than "
        f"{percent_text(1 / settings.testable_failures)} of the budget of any target of at least "
        f"{percent_text(settings.lowest_target_ratio)}. Use a longer window, or add synthetic probes.",
        since=prepared.series.first_at,
    )
