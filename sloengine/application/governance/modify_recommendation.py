"""Make other numbers than the recommended ones the active SLO, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.domain.governance.model import Actor, SloTarget
from sloengine.domain.recommendation.model import TierName


@dataclass(frozen=True, slots=True)
class ModifyRecommendationCommand:
    """``tier`` is the one that the numbers depart from."""

    recommendation_id: str
    tier: TierName
    targets: Sequence[SloTarget]
    rationale: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class ModifyRecommendation:
    """sre_admin; service_owner for own teams."""

    async def __call__(self, command: ModifyRecommendationCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises as accepting does, ``Invalid`` for a bad number and ``RationaleRequired``."""
        raise NotImplementedError
