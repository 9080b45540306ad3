"""The organisation in a few counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OrganizationOverview:
    """Counts of services, and of decisions on recommendations since the beginning of the audit trail.

    ``with_recommendation``: services whose newest answer is a recommendation, of any SLI type.
    ``budget_exhausted``: services that have spent the budget of an active SLO, as last noted. ``budget_at_risk``:
    others with an active SLO that the forecast calls at risk. ``top_risks``: of both, least budget left first.
    """

    services: int
    with_active_slo: int
    with_recommendation: int
    budget_exhausted: int
    budget_at_risk: int
    accepted: int
    modified: int
    rejected: int
    top_risks: tuple[str, ...]

    @property
    def acceptance_rate(self) -> float | None:
        """Share of decided recommendations that were taken as they were; None: none was decided."""
        return self._share(self.accepted)

    @property
    def modification_rate(self) -> float | None:
        """Share of decided recommendations that were taken with other numbers; None: none was decided."""
        return self._share(self.modified)

    def _share(self, part: int) -> float | None:
        decided = self.accepted + self.modified + self.rejected
        return part / decided if decided else None


class OrganizationOverviews(Protocol):
    """Counts over everything that is stored."""

    async def overview(self, *, top: int) -> OrganizationOverview:
        """As it stands; at most ``top`` of the services that are in danger are named."""
        ...
