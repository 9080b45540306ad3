"""What the measured distributions make of edits that change how long services wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sloengine.domain.recommendation.latency_tiers import LatencyCase
from sloengine.domain.recommendation.measured_latency import LEVELS
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.recommendation.recommend import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.composed_latency import (
    ComposedChange,
    ComposedLatency,
    LatencyChange,
    rests_on,
)
from sloengine.domain.what_if.achievable import latency_after, targets_by_tier
from sloengine.domain.what_if.edits import AddCache, Cut, GraphEdit, Improve, MakeAsync
from sloengine.domain.what_if.waiting import MovedLatency


def latency_change(edits: Sequence[GraphEdit]) -> LatencyChange | None:
    """What the edits change of waiting; None: nothing."""
    scales: dict[str, float] = {}
    calls: dict[tuple[str, str], float] = {}
    for edit in edits:
        match edit:
            case Improve(latency_scale=float(scale)):
                scales[edit.service_id] = scales.get(edit.service_id, 1.0) * scale
            case MakeAsync() | Cut():
                calls[edit.caller, edit.dependency] = 0.0
            case AddCache():
                pair = edit.caller, edit.dependency
                calls[pair] = calls.get(pair, 1.0) * (1.0 - edit.hit_ratio)
            case _:
                pass
    return LatencyChange(scales=scales, calls=calls) if scales or calls else None


def composed_tiers(
    change: ComposedChange,
    service_id: str,
    case: LatencyCase,
    settings: EngineSettings,
    window: ComplianceWindow,
) -> Mapping[tuple[ObjectiveKind, TierName], ComposedLatency]:
    """Targets after the edits: every window's percentile moves by the ratio that was composed.

    Margin, calibration and bucket bounds as for a recommendation. Empty: nothing that it waits for changes.
    """
    if service_id not in change.affected:
        return {}
    found = {kind: change.of(service_id, level) for kind, level in LEVELS.items()}
    ends: list[Mapping[tuple[ObjectiveKind, TierName], float]] = []
    for after in ({kind: one.low for kind, one in found.items()}, {kind: one.high for kind, one in found.items()}):
        moved = {kind: _moved(one.measured, after[kind]) for kind, one in found.items()}
        ends.append(targets_by_tier(latency_after(case, settings, window, moved)))
    answers: dict[tuple[ObjectiveKind, TierName], ComposedLatency] = {}
    for kind, one in found.items():
        for tier in TierName:
            low, high = (end.get((kind, tier)) for end in ends)
            if one.reason is not None:
                answers[kind, tier] = ComposedLatency(None, None, one.reason)
            elif low is None or high is None:
                answers[kind, tier] = ComposedLatency(None, None, "the data do not carry this tier")
            else:
                answers[kind, tier] = ComposedLatency(min(low, high), max(low, high), rests_on(one))
    return answers


def _moved(before: float | None, after: float | None) -> MovedLatency:
    if before is None or after is None:
        return MovedLatency(missing=("",))
    return MovedLatency(scale=after / before)
