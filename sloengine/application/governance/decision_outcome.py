"""What a decision came to."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.domain.governance.model import AuditEvent, Slo, SloSnapshot, TargetDelta
from sloengine.domain.recommendation.model import Recommendation


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """``delta``: from the previous SLO's targets to the new ones; a modification's is from the recommended target.

    ``probability_met``: of the accepted or modified number (the least of several); None: not known.
    """

    slo: Slo | None
    recommendation: Recommendation | None
    previous: SloSnapshot | None
    delta: tuple[TargetDelta, ...]
    probability_met: float | None
    audit_event: AuditEvent
    warnings: tuple[str, ...] = ()
