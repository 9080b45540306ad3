"""The organisation's counts, from dicts."""

from __future__ import annotations

from collections import Counter

from sloengine.application.ports.organization_overview import OrganizationOverview
from sloengine.domain.governance.model import AuditAction
from sloengine.domain.recommendation.model import Recommendation
from sloengine.infrastructure.memory.database import MemoryDatabase


class MemoryOrganizationOverviews:
    """Keeps the ``OrganizationOverviews`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def overview(self, *, top: int) -> OrganizationOverview:
        """As it stands."""
        db = self._db
        newest = {(result.service_id, result.sli_type): result for _, _, result in db.results}
        holders = {service_id for service_id, _ in db.active}
        exhausted = {one for one in holders if db.budgets.get(one, 1.0) <= 0.0}
        at_risk = {one for (one, _), slo_id in db.active.items() if slo_id in db.at_risk} - exhausted
        worst = sorted(exhausted | at_risk, key=lambda one: (db.budgets.get(one, 1.0), one))
        decided = Counter(entry.action for entry in db.trail)
        return OrganizationOverview(
            services=len(db.services),
            with_active_slo=len(holders),
            with_recommendation=len(
                {one.service_id for one in newest.values() if isinstance(one, Recommendation)}
            ),
            budget_exhausted=len(exhausted),
            budget_at_risk=len(at_risk),
            accepted=decided[AuditAction.ACCEPT] + decided[AuditAction.AUTO_APPROVE],
            modified=decided[AuditAction.MODIFY],
            rejected=decided[AuditAction.REJECT],
            top_risks=tuple(worst[:top]),
        )
