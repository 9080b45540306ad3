"""Targets that a service could achieve in the edited world, by the same functions that recommend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sloengine.domain.explanation.availability_rerun import AvailabilityRerun
from sloengine.domain.explanation.dependency_parts import Dependencies
from sloengine.domain.recommendation.availability_case import AvailabilityCase
from sloengine.domain.recommendation.latency_tiers import LatencyCase, latency_tiers
from sloengine.domain.recommendation.model import ObjectiveKind, Tier, TierName
from sloengine.domain.recommendation.replayed import Backtest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import availability_tiers
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.intrinsic import hazard
from sloengine.domain.what_if.inheritance import ChangedInheritance
from sloengine.domain.what_if.waiting import MovedLatency

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
        predictive, composite = rerun.windows(own=change.own, by_source=by_source, added=change.anew)
        return availability_tiers(
            predictive,
            replace(self.case.caps, composite=composite, promised_ratio=promised),
            self.settings,
            window=self.window,
            data_only_probability=0.0,
            replay=lambda _: _NO_REPLAY,
        )

    def expected_unavailability(self, change: ChangedInheritance) -> float:
        """Mean unavailability as observed, in the changed world."""
        own, inherited = self.own_hazard, self.inherited_hazard(change)
        return float(-np.expm1(-(change.own * own + change.grown + inherited)))

    @property
    def own_hazard(self) -> float:
        """What it fails by itself, as observed; without known dependencies all that it shows."""
        if self.dependencies is not None:
            return hazard(self.dependencies.inherited.own_part)
        history = self.case.history
        return hazard(float(history.bad[0].sum() / max(1.0, history.valid[0].sum())))

    def inherited_hazard(self, change: ChangedInheritance) -> float:
        """What reaches it from others in the changed world, as observed."""
        if self.dependencies is None:
            return change.added
        world = self.dependencies.inherited.scaled(change.by_source)
        return max(0.0, hazard(world.observed) - hazard(world.own_part)) + change.added


def latency_after(
    case: LatencyCase,
    settings: EngineSettings,
    window: ComplianceWindow,
    moved: Mapping[ObjectiveKind, MovedLatency],
) -> tuple[Tier, ...]:
    """Latency tiers when every window's percentiles move like that; a p99 stays at or above the p95."""
    predictive = case.predictive
    p95 = moved[ObjectiveKind.LATENCY_P95].after(1000.0 * predictive.p95_seconds)
    p99 = moved[ObjectiveKind.LATENCY_P99].after(1000.0 * predictive.p99_seconds)
    if not moved[ObjectiveKind.LATENCY_P95].missing:
        p99 = np.maximum(p99, p95)
    changed = replace(predictive, p95_seconds=p95 / 1000.0, p99_seconds=p99 / 1000.0)
    return latency_tiers(replace(case, predictive=changed), settings, window)[0]


def targets_by_tier(tiers: Sequence[Tier]) -> dict[tuple[ObjectiveKind, TierName], float]:
    """Each tier's number: ratio of availability, milliseconds of latency."""
    return {
        (target.kind, tier.name): number
        for tier in tiers
        for target in tier.targets
        if (number := target.availability_ratio or target.threshold_ms) is not None
    }
