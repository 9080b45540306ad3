"""Pages of services, filtered and ordered in the database."""

from __future__ import annotations

from typing import Any

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceOrder
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.service_rows import service_of


async def page_of_services(
    connection: Neo4jConnection, wanted: ServiceFilter, order: ServiceOrder, page: PageRequest
) -> Page[Service]:
    """One page; services for which the order's number is not known come last."""
    limit = rows_to_read(page)
    rank, after_id = key_of(page.after, (int, float), str) or (None, None)
    filters = _filter_parameters(wanted)

    async def work(transaction: Transaction) -> tuple[list[Any], int]:
        rows = await transaction.rows(
            "read/page_of_services",
            **filters,
            order=order.value,
            after_rank=rank,
            after_id=after_id,
            limit=limit,
        )
        return rows, first_of(await transaction.rows("read/count_of_services", **filters))

    rows, total = await connection.in_read(work)
    ranks = {row[1]: row[0] for row in rows}
    return page_of(
        [service_of(row[1:]) for row in rows],
        page,
        total,
        lambda service: (ranks[service.service_id], service.service_id),
    )


def _filter_parameters(wanted: ServiceFilter) -> dict[str, Any]:
    return {
        "search": wanted.search.lower() if wanted.search else None,
        "team": wanted.team,
        "criticality": None if wanted.criticality is None else [c.value for c in wanted.criticality],
        "external": wanted.external,
        "has_active_slo": wanted.has_active_slo,
        "in_cycle": wanted.in_cycle,
    }
