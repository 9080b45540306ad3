"""Recommend SLOs for services from their own past and their dependencies'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True, slots=True)
class RecommendCommand:
    """``force``: compute again even where a stored answer still holds."""

    service_ids: Sequence[str]
    sli_types: Sequence[SliType] = (SliType.AVAILABILITY, SliType.LATENCY)
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    force: bool = False


@dataclass(frozen=True, slots=True)
class Recommend:
    """Computed, stored (superseding the earlier one) and cached. sre_admin; service_owner for own teams."""

    async def __call__(self, command: RecommendCommand, *, actor: Actor) -> Sequence[RecommendationResult]:
        """One result per service and SLI type, services in the order asked for.

        Raises ``ServiceNotFound``, ``Forbidden``.
        """
        raise NotImplementedError
