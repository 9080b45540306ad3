"""Targets that a service could achieve in the edited world, by the same functions that recommend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sloengine.domain.explanation.availability_rerun import AvailabilityRerun
from sloengine.domain.explanation.dependency_parts import Dependencies
from sloengine.domain.recommendation.availability_case import AvailabilityCase
from sloengine.domain.recommendation.latency_tiers import LatencyCase, latency_tiers
from sloengine.domain.recommendation.model import Backtest, ObjectiveKind, Tier, TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import availability_tiers
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.intrinsic import hazard
from sloengine.domain.what_if.inheritance import ChangedInheritance

_NO_REPLAY = Backtest(windows=0, met=0, worst=None)


@dataclass(frozen=True)
class AvailabilityFocus:
    """One service in focus: what its recommendation was made from, and what reaches it."""

    case: AvailabilityCase
    settings: EngineSettings
    window: ComplianceWindow
    dependencies: Dependencies | None

    def tiers(self, change: ChangedInheritance, promised: float | None) -> tuple[Tier, ...]:
        """Tiers in the changed world. ``promised``: the bound on promises there."""
        rerun = AvailabilityRerun(self.case, 0.5, self.settings.testable_failures, self.dependencies)
        by_source = None if all(factor == 1.0 for factor in change.by_source) else change.by_source
        if self.dependencies is None:
            by_source = None
        predictive, composite = rerun.windows(own=change.own, by_source=by_source, added=change.added)
        return availability_tiers(
            predictive,
            replace(self.case.caps, composite=composite, promised_ratio=promised),
            self.settings,
            window=self.window,
            data_only_probability=0.0,
            replay=lambda _: _NO_REPLAY,
        )

    def expected_unavailability(self, change: ChangedInheritance) -> float | None:
        """Mean unavailability as observed, in the changed world; None: nothing is known of the service."""
        if self.dependencies is None:
            history = self.case.history
            seen = float(history.bad[0].sum() / max(1.0, history.valid[0].sum()))
            return float(-np.expm1(-(change.own * hazard(seen) + change.added)))
        world = self.dependencies.inherited.scaled(change.by_source)
        if change.own != 1.0:
            world = world.with_own(-float(np.expm1(-change.own * hazard(world.own_part))))
        return (world.with_more(change.added) if change.added > 0.0 else world).observed


def latency_after(
    case: LatencyCase, settings: EngineSettings, window: ComplianceWindow, less_ms: dict[ObjectiveKind, float]
) -> tuple[Tier, ...]:
    """Latency tiers when every window's percentiles are so many milliseconds lower (negative: higher)."""
    predictive = case.predictive

    def moved(seconds: np.ndarray, kind: ObjectiveKind) -> np.ndarray:
        return np.maximum(0.0, seconds - less_ms.get(kind, 0.0) / 1000.0)

    changed = replace(
        predictive,
        p95_seconds=moved(predictive.p95_seconds, ObjectiveKind.LATENCY_P95),
        p99_seconds=moved(predictive.p99_seconds, ObjectiveKind.LATENCY_P99),
    )
    return latency_tiers(replace(case, predictive=changed), settings, window)[0]


def targets_by_tier(tiers: Sequence[Tier]) -> dict[tuple[ObjectiveKind, TierName], float]:
    """Each tier's number: ratio of availability, milliseconds of latency."""
    return {
        (target.kind, tier.name): number
        for tier in tiers
        for target in tier.targets
        if (number := target.availability_ratio or target.threshold_ms) is not None
    }
