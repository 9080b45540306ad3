"""Why there is no latency recommendation, and what to do about it."""

from __future__ import annotations

import numpy as np

from sloengine.domain.recommendation.latency_replay import LatencySeries
from sloengine.domain.recommendation.model import RecommendationUnavailable, SliType, UnavailableReason
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.reliability.panel import LatencyHistory


def refusal(request: LatencyRequest) -> RecommendationUnavailable | None:
    """Why this history cannot be used, whatever is in the look-back."""
    service_id, history, findings = request.service_id, request.history, request.findings
    if history is None:
        return no_histogram(request)
    if history.percentiles_only:
        message = (
            f"The latency of {service_id} is known as percentiles only, and percentiles of intervals do not make "
            f"the percentile of a window. Record a histogram."
        )
        return unavailable(request, UnavailableReason.NO_HISTOGRAM, message)
    if findings is not None and service_id in findings.refused:
        message = (
            f"The telemetry of {service_id} cannot be true: {findings.refused[service_id]}. "
            f"Latency measured by the same exporter is not used."
        )
        return unavailable(request, UnavailableReason.BAD_TELEMETRY, message)
    impossible = _impossible(history)
    if impossible is not None:
        message = f"The latency histogram of {service_id} cannot be true: {impossible}."
        return unavailable(request, UnavailableReason.BAD_TELEMETRY, message)
    return None


def no_histogram(request: LatencyRequest) -> RecommendationUnavailable:
    """Nothing is on record, or only what traces say."""
    message = f"Not enough data: {request.service_id} has no latency histogram on record."
    if request.traced_p99 is None:
        return unavailable(request, UnavailableReason.NO_DATA, message)
    message = (
        f"No latency histogram of {request.service_id} is on record. Traces of the newest hour put its p99 "
        f"somewhere {request.traced_p99}, for they are counted in powers of two; a percentile alone makes no "
        f"target, least of all one that coarse. Record a histogram."
    )
    return unavailable(request, UnavailableReason.NO_HISTOGRAM, message)


def _impossible(history: LatencyHistory) -> str | None:
    bounds = history.bounds_seconds
    if len(bounds) < 2 or not np.isposinf(bounds[-1]) or not (np.diff(bounds) > 0).all():
        return "its bounds do not ascend to +Inf"
    if bool((history.counts < 0).any()):
        return "negative counts (buckets that are not cumulative, or a counter that goes back)"
    if bool(np.isinf(history.counts).any()):
        return "infinite counts"
    return None


def unavailable(
    request: LatencyRequest, reason: UnavailableReason, message: str, series: LatencySeries | None = None
) -> RecommendationUnavailable:
    """An answer without a target; ``series``: since when there is any data."""
    since = None if series is None else series.first_at
    text = f"{message[:1].upper()}{message[1:]}"
    return RecommendationUnavailable(request.service_id, SliType.LATENCY, reason, text, since=since)
