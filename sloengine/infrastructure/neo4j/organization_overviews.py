"""The organisation's counts, in one query."""

from __future__ import annotations

from sloengine.application.ports.organization_overview import OrganizationOverview
from sloengine.infrastructure.neo4j.connection import Neo4jConnection


class Neo4jOrganizationOverviews:
    """Keeps the ``OrganizationOverviews`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def overview(self, *, top: int) -> OrganizationOverview:
        """As it stands."""
        [row] = await self._connection.read("organization_overview", top=top)
        services, with_slo, recommended, exhausted, at_risk, accepted, modified, rejected, top_risks = row
        return OrganizationOverview(
            services=services,
            with_active_slo=with_slo,
            with_recommendation=recommended,
            budget_exhausted=exhausted,
            budget_at_risk=at_risk,
            accepted=accepted,
            modified=modified,
            rejected=rejected,
            top_risks=tuple(top_risks),
        )
