"""What can be asked about the organisation as a whole."""

from __future__ import annotations

import strawberry

from sloengine.api.accuracy.types import Organization
from sloengine.api.context import Info
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceOrder


@strawberry.type
class AccuracyQueries:
    """Fields of ``Query``."""

    @strawberry.field(description="The organisation as a whole: how many services, how well promises hold.")
    async def organization(self, info: Info) -> Organization:
        """Counted by the store; calibration as the daily look back left it."""
        use_cases = info.context.use_cases

        async def count(wanted: ServiceFilter) -> int:
            page = await use_cases.read_graph.page_of_services(wanted, ServiceOrder.SERVICE_ID, PageRequest(1))
            return page.total_count

        services = await count(ServiceFilter())
        with_active_slo = await count(ServiceFilter(has_active_slo=True))
        return Organization.from_domain(services, with_active_slo, await use_cases.read_calibration())
