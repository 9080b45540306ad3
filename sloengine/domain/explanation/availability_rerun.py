"""The availability engine run again in a changed world, on the same random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sloengine.domain.explanation.dependency_parts import Dependencies
from sloengine.domain.recommendation.availability_case import AvailabilityCase, window_predictive
from sloengine.domain.recommendation.predictive import Predictive, predict_with
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.quantile import upper_quantile
from sloengine.domain.reliability.rounding import round_availability_down, tightest_availability


@dataclass(frozen=True)
class AvailabilityRerun:
    """Targets of one tier, as they would be if failures were fewer. ``level``: the tier's, calibrated."""

    case: AvailabilityCase
    level: float
    testable_failures: float
    dependencies: Dependencies | None = None

    def unchanged(self) -> AvailabilityRerun:
        """The engine had nobody told it of a confirmed change of behaviour."""
        case = self.case
        if case.changed is None:
            return self
        limits = {"window_days": case.window_days, "expected_daily_traffic": case.daily_traffic}
        predictive = predict_with(case.history, case.prior, case.numbers, **limits)
        return replace(self, case=replace(case, changed=None, predictive=predictive))

    def before_traffic_limit(self, *, own: float = 1.0, by_source: Sequence[float] | None = None) -> float:
        """The target as unavailability, neither rounded nor held to what traffic lets anybody test.

        Parameters: as of :meth:`windows`.
        """
        predictive, composite = self.windows(own=own, by_source=by_source)
        found = upper_quantile(predictive.unavailability, self.level)
        if composite is not None:
            found = max(found, upper_quantile(composite, self.level))
        return found

    def windows(
        self, *, own: float = 1.0, by_source: Sequence[float] | None = None, added: float = 0.0
    ) -> tuple[Predictive, FloatArray | None]:
        """The next window, as the service's own past lets expect it and as composed with what it calls.

        Parameters:
            own: how much of the service's own failures stays, on every day of its history.
            by_source: the same for each source of what it inherits: on record, and in what reaches it.
            added: hazard that reaches it anew, from services that did not reach it before.
        """
        case, dependencies = self.case, self.dependencies
        changed = own != 1.0 or by_source is not None or added > 0.0
        predictive = case.predictive
        if changed:
            failures = self._failures(own, by_source)
            if added > 0.0:
                failures = np.minimum(case.history.valid[0], failures - np.expm1(-added) * case.history.valid[0])
            history = replace(case.history, bad=failures[None, :])
            predictive = window_predictive(
                history,
                case.prior,
                case.numbers,
                window_days=case.window_days,
                expected_daily_traffic=case.daily_traffic,
                changed=case.changed,
            )
        composite = case.caps.composite
        if dependencies is not None:
            world = dependencies.inherited
            if by_source is not None:
                world = world.scaled(by_source)
            if own != 1.0:
                world = world.with_own(world.own_part * own)
            if added > 0.0:
                world = world.with_more(added)
            composite = dependencies.drawn.composed(predictive.unavailability, world)
        return predictive, composite

    def unavailability(self, *, own: float = 1.0, by_source: Sequence[float] | None = None) -> float:
        """The unrounded target as unavailability."""
        least = 1.0 - tightest_availability(self.case.caps.window_requests, self.testable_failures)
        return max(least, self.before_traffic_limit(own=own, by_source=by_source))

    def published(self, *, own: float = 1.0, by_source: Sequence[float] | None = None) -> float | None:
        """The target as it would be published; None: no figure is left."""
        ratio = 1.0 - self.unavailability(own=own, by_source=by_source)
        return round_availability_down(ratio, self.case.caps.window_requests)

    def _failures(self, own: float, by_source: Sequence[float] | None) -> FloatArray:
        if self.dependencies is None:
            return np.asarray(self.case.history.bad[0] * own)
        failures = self.dependencies.failures.copy()
        failures[0] *= own
        if by_source is not None:
            hazards = self.dependencies.inherited.hazards
            for row, part in enumerate(self.dependencies.parts, start=1):
                whole = sum(hazards[source] for source in part.sources)
                kept = sum(hazards[source] * by_source[source] for source in part.sources)
                failures[row] *= kept / whole if whole > 0.0 else 1.0
        return np.asarray(failures.sum(axis=0))
