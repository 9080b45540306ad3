"""Pages of services, filtered and ordered, from dicts."""

from __future__ import annotations

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceOrder
from sloengine.domain.topology.service import Criticality, Service
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.paging import SortKey, cut

_CRITICALITIES = list(Criticality)
_UNKNOWN_RANK = 1e9


def page_of_services(
    database: MemoryDatabase, wanted: ServiceFilter, order: ServiceOrder, page: PageRequest
) -> Page[Service]:
    """One page; services for which the order's number is not known come last."""

    def key(service: Service) -> SortKey:
        if order is ServiceOrder.CRITICALITY:
            given = service.criticality
            rank = len(_CRITICALITIES) if given is None else _CRITICALITIES.index(given)
            return rank, service.service_id
        if order is ServiceOrder.BLAST_RADIUS:
            known = database.centrality.get(service.service_id)
            return 1 if known is None else -known.blast_radius, service.service_id
        if order is ServiceOrder.BUDGET_REMAINING:
            return database.budgets.get(service.service_id, _UNKNOWN_RANK), service.service_id
        return (service.service_id,)

    return cut(
        [service for service in database.services.values() if _matches(database, service, wanted)], key, page
    )


def _matches(database: MemoryDatabase, service: Service, wanted: ServiceFilter) -> bool:
    text = f"{service.service_id}\n{service.name or ''}".lower()
    has_slo = any(service_id == service.service_id for service_id, _ in database.active)
    in_cycle = any(service.service_id in node.members for node in database.supernodes.values())
    return (
        (wanted.search is None or wanted.search.lower() in text)
        and (wanted.team is None or service.team == wanted.team)
        and (wanted.criticality is None or service.criticality in wanted.criticality)
        and (wanted.external is None or service.external == wanted.external)
        and (wanted.has_active_slo is None or has_slo == wanted.has_active_slo)
        and (wanted.in_cycle is None or in_cycle == wanted.in_cycle)
    )
