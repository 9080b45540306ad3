"""Set an SLO by hand, audited like the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.domain.governance.model import Actor, SloTarget
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True, slots=True)
class SetSloCommand:
    """The numbers, and why."""

    service_id: str
    sli_type: SliType
    targets: Sequence[SloTarget]
    rationale: str
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class SetSlo:
    """sre_admin; service_owner for own teams."""

    async def __call__(self, command: SetSloCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises ``ServiceNotFound``, ``Forbidden``, ``Invalid``, ``RationaleRequired``."""
        raise NotImplementedError
