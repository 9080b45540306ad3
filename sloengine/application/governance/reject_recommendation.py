"""Turn a recommendation down, with a reason; the active SLO stays."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.domain.governance.model import Actor


@dataclass(frozen=True, slots=True)
class RejectRecommendationCommand:
    """Which one, and why."""

    recommendation_id: str
    rationale: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class RejectRecommendation:
    """sre_admin; service_owner for own teams."""

    async def __call__(self, command: RejectRecommendationCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises as accepting does, and ``RationaleRequired``."""
        raise NotImplementedError
