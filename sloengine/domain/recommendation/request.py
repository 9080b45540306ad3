"""What a recommendation is computed from: plain values, the same offline and online."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np

from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.model import CompositeBound, Recommendation
from sloengine.domain.recommendation.telemetry_checks import TelemetryFindings
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory, SliPanel
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.domain.reliability.window import ComplianceWindow


class BoundForTiers(Protocol):
    """The composite bound, as far as the tiers need it."""

    @property
    def bound(self) -> CompositeBound:
        """What is shown."""
        ...

    @property
    def promised_ratio(self) -> float | None:
        """Availability when every hard dependency does no better than its own SLO; None: nobody promised."""
        ...

    def joint_draws(self, n: int, rng: np.random.Generator) -> FloatArray | None:
        """Unavailability of the composite in ``n`` future windows, shape (n,); None: too little is known."""
        ...


@dataclass(frozen=True)
class AvailabilityRequest:
    """One service's availability.

    ``panel``: at least the service's own row, any step up to a day; data at or after ``as_of`` and older than
    the look-back are ignored. ``findings``: what was wrong with the telemetry. ``previous``: the recommendation
    on record, whose targets stay while they still hold. ``now``: the clock, for the record only. ``changed``: the
    newest confirmed change of its behaviour, if one lies in the look-back. ``on_predicted``: told the draws of the
    window, where there is no such change, before the bound is asked for its own, which rest on them, too.
    """

    service_id: str
    window: ComplianceWindow
    as_of: datetime
    panel: SliPanel
    now: datetime
    bound: BoundForTiers | None = None
    graph_version: int | None = None
    findings: TelemetryFindings | None = None
    queries: tuple[str, ...] = ()
    previous: Recommendation | None = None
    changed: BehaviourChange | None = None
    on_predicted: Callable[[FloatArray], None] | None = None


@dataclass(frozen=True)
class LatencyRequest:
    """One service's latency, measured at its own end.

    ``history`` None: there is no histogram at all; ``traced_p99``: what traces of the newest hour say then.
    ``shared_infrastructure``: neighbours or CPU throttling make the measured latency noisier. ``throttled_ratio``:
    share of the last day's scheduling periods in which CPU was withheld; None: not known, or hardly any.
    ``changed``: as for availability. ``waits_for``: histograms of services that its requests wait for; the target
    rests on none of them, its explanation does.
    """

    service_id: str
    window: ComplianceWindow
    as_of: datetime
    history: LatencyHistory | None
    now: datetime
    shared_infrastructure: bool = False
    throttled_ratio: float | None = None
    traced_p99: PercentileRange | None = None
    graph_version: int | None = None
    findings: TelemetryFindings | None = None
    queries: tuple[str, ...] = ()
    previous: Recommendation | None = None
    changed: BehaviourChange | None = None
    waits_for: Mapping[str, LatencyHistory] = field(default_factory=dict)
