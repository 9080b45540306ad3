"""Decisions in words."""

from __future__ import annotations

from sloengine.domain.governance.model import TargetDelta
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio

_NAMES = {
    ObjectiveKind.AVAILABILITY: "availability",
    ObjectiveKind.LATENCY_P95: "p95",
    ObjectiveKind.LATENCY_P99: "p99",
}


def delta_text(delta: TargetDelta) -> str:
    """Such as "availability: 99.9 % → 99.95 %", "p95: none → 250 ms"."""
    before, after = (_figure(delta.kind, value) for value in (delta.before, delta.after))
    return f"{_NAMES[delta.kind]}: {before} → {after}"


def _figure(kind: ObjectiveKind, value: float | None) -> str:
    if value is None:
        return "none"
    if kind is ObjectiveKind.AVAILABILITY:
        return f"{percent_from_ratio(value)} %"
    return f"{figure_text(value, 6)} ms"
