"""The noise margin of a latency target: wider where neighbours or withheld CPU make the measurement noisier."""

from __future__ import annotations

from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.percent import percent_text


def is_throttled(request: LatencyRequest, settings: EngineSettings) -> bool:
    """Whether CPU is known to be withheld often enough to matter."""
    return request.throttled_ratio is not None and request.throttled_ratio > settings.throttled_above_ratio


def margin_ratio(request: LatencyRequest, settings: EngineSettings) -> float:
    """What is put on every percentile before calibration."""
    noisy = request.shared_infrastructure or is_throttled(request, settings)
    return settings.shared_latency_margin_ratio if noisy else settings.latency_margin_ratio


def margin_notes(request: LatencyRequest, settings: EngineSettings) -> tuple[str, ...]:
    """Why the margin is wider, with the measured share; nothing where nothing was measured."""
    if request.throttled_ratio is None or not is_throttled(request, settings):
        return ()
    wider, usual = (percent_text(r) for r in (settings.shared_latency_margin_ratio, settings.latency_margin_ratio))
    return (
        f"CPU was withheld from {request.service_id} in {percent_text(request.throttled_ratio)} of the last day's "
        f"scheduling periods, more than {percent_text(settings.throttled_above_ratio)}: the noise margin is "
        f"{wider} instead of {usual}; raise its CPU limit to get a tighter target",
    )
