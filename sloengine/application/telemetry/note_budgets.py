"""Note beside each service what is left of its error budgets, so that the list of services can be sorted by it."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.paging import MAX_PAGE_SIZE, PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceGraph, ServiceOrder
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.application.telemetry.read_budget import ReadBudget
from sloengine.domain.recommendation.model import SliType


@dataclass(frozen=True, slots=True)
class NoteBudgets:
    """The least that is left of a service's active SLOs; nothing where no SLO or no events are known."""

    graph: ServiceGraph
    ledger: SloLedger
    budgets: ReadBudget

    async def __call__(self) -> int:
        """How many services have a budget now."""
        after: str | None = None
        noted = 0
        while True:
            page = await self.graph.page_of_services(
                ServiceFilter(), ServiceOrder.SERVICE_ID, PageRequest(first=MAX_PAGE_SIZE, after=after)
            )
            ids = [service.service_id for service in page.rows]
            slos = [slo for sli_type in SliType for slo in (await self.ledger.active(ids, sli_type)).values()]
            left: dict[str, float | None] = dict.fromkeys(ids)
            for slo, state in (await self.budgets(slos)).items():
                known = left[slo.service_id]
                left[slo.service_id] = min(state.remaining_ratio, 1.0 if known is None else known)
            await self.graph.note_budgets(left)
            noted += sum(value is not None for value in left.values())
            if not page.has_next:
                return noted
            after = page.cursors[-1]
