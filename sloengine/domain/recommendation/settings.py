"""What an operator may set about recommendations; plain values, handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sloengine.domain.recommendation.availability_calibration import AvailabilityCalibration
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.latency_calibration import LatencyCalibration
from sloengine.domain.recommendation.model import ObjectiveKind, TierName

_AVAILABILITY_MAPS = AvailabilityCalibration.shipped()
_LATENCY_MAPS = LatencyCalibration.shipped()
_NOMINAL = {TierName.CONSERVATIVE: 0.98, TierName.BALANCED: 0.92, TierName.AGGRESSIVE: 0.80}


@dataclass(frozen=True)
class EngineSettings:
    """Settings of the recommendation mathematics.

    ``nominal_probability``: how often each tier's target should hold. ``highest_level``: no target is said to
    hold more often than this, because nothing could check it. ``lowest_target_ratio``: an availability below it
    is no promise, and the tier is left out. ``testable_failures``: the budget holds at least so many failures,
    so that one costs at most 20 % of it. ``lookback_days``: own history that is looked at;
    ``prior_lookback_days``: what services have in common is learnt from a year, because incidents that many share
    are rare. ``explanation_draws``: windows that stand, in an explanation, for all those that decide nothing.
    ``latency_margin_ratio`` and ``shared_latency_margin_ratio``: noise put on latency before calibration, on own
    and on shared or throttled infrastructure. ``throttled_above_ratio``: share of scheduling periods with CPU
    withheld above which a service counts as throttled (where kubernetes-mixin's alert CPUThrottlingHigh fires).
    ``anti_flap``: how far below and above the nominal probability an earlier
    target's P(met) may lie before it is replaced.
    """

    nominal_probability: Mapping[TierName, float] = field(default_factory=lambda: dict(_NOMINAL))
    highest_level: float = 0.995
    lowest_target_ratio: float = 0.9
    testable_failures: float = 5.0
    lookback_days: int = 90
    prior_lookback_days: int = 365
    cold_start_days: float = 30.0
    n_draws: int = 4096
    n_latency_draws: int = 2048
    explanation_draws: int = 256
    latency_margin_ratio: float = 0.05
    shared_latency_margin_ratio: float = 0.10
    throttled_above_ratio: float = 0.25
    expires_after_days: float = 14.0
    anti_flap: tuple[float, float] = (0.05, 0.03)
    availability_calibration: AvailabilityCalibration = _AVAILABILITY_MAPS
    latency_calibration: LatencyCalibration = _LATENCY_MAPS

    @cached_property
    def text(self) -> str:
        """All of them as one text, for digests."""
        return repr({name: getattr(self, name) for name in sorted(self.__dataclass_fields__)})

    def calibration_of(
        self,
        kind: ObjectiveKind,
        *,
        history_days: float,
        window_days: float,
        spells_per_day: float | None = None,
    ) -> CalibrationMap:
        """The map in force for one kind of objective, of a service with so many days of own history.

        ``window_days``: length of the window that is promised. ``spells_per_day``: slow spells as they are
        believed to come, in spells of usual length (latency only); None: not on record, so the map of the middle.
        """
        if kind is ObjectiveKind.AVAILABILITY:
            return self.availability_calibration.of(history_days=history_days, window_days=window_days)
        return self.latency_calibration.of(
            kind, history_days=history_days, window_days=window_days, spells_per_day=spells_per_day
        )

    def with_own_maps(self, own: Mapping[ObjectiveKind, CalibrationMap]) -> EngineSettings:
        """The same with shipped maps giving way to what the organisation's own finished windows have taught."""
        return replace(
            self,
            availability_calibration=self.availability_calibration.with_own(own.get(ObjectiveKind.AVAILABILITY)),
            latency_calibration=self.latency_calibration.with_own(own),
        )

    def __post_init__(self) -> None:
        """Refuse what would make nonsense of the tiers.

        Raises: ValueError, naming the setting.
        """
        levels = [self.nominal_probability[name] for name in TierName]
        if not all(0 < level < 1 for level in levels) or sorted(levels, reverse=True) != levels:
            raise ValueError("nominal_probability must fall from conservative to aggressive, within (0, 1)")
        if not 0.5 <= self.highest_level < 1:
            raise ValueError("highest_level must lie in [0.5, 1)")
        if self.lookback_days < 1 or self.n_draws < 200 or self.n_latency_draws < 200:
            raise ValueError("lookback_days must be at least 1, n_draws and n_latency_draws at least 200")
