"""Make a recommended tier the active SLO of its service."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import TierName


@dataclass(frozen=True, slots=True)
class AcceptRecommendationCommand:
    """``recommendation_id`` is the stored id, not the API's global one."""

    recommendation_id: str
    tier: TierName
    rationale: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptRecommendation:
    """sre_admin; service_owner for own teams."""

    async def __call__(self, command: AcceptRecommendationCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises ``RecommendationNotFound``, ``Forbidden``, ``NotActive``, ``Conflict``.

        ``IdempotencyMismatch`` when the key was used with another body.
        """
        raise NotImplementedError
