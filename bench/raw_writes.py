"""What writing a graph costs at least: services, claims and edges by plain ``UNWIND``, nothing read or checked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import neo4j

ROWS_AT_ONCE = 10_000

_SERVICES = """
UNWIND $rows AS row
MERGE (service:Service {service_id: row.service_id})
SET service += row.properties, service.created_at = $now, service.updated_at = $now
"""
_CLAIMS = """
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
MATCH (dependency:Service {service_id: row.dependency})
CREATE (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency)
SET claim = row.properties, claim.first_seen_at = $now, claim.last_seen_at = $now
"""
_EDGES = """
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
MATCH (dependency:Service {service_id: row.dependency})
CREATE (caller)-[edge:DEPENDS_ON]->(dependency)
SET edge = row.properties, edge.last_observed_at = $now
"""


def write_raw(driver: neo4j.Driver, document: Mapping[str, Any]) -> float:
    """Seconds of writing the document's graph with the properties the product stores, one transaction a batch.

    Parameters are built beforehand, the time is sent once for all rows, and relationships are created without
    looking whether they are there: the database is empty.
    """
    now = datetime.now(UTC)
    work: list[tuple[LiteralString, list[dict[str, Any]]]] = [
        (_SERVICES, [_service(row) for row in document["services"]]),
        (_CLAIMS, [_claim(row) for row in document["dependencies"]]),
        (_EDGES, [_edge(row) for row in document["dependencies"]]),
    ]
    with driver.session() as session:
        began = time.perf_counter()
        for query, rows in work:
            for batch in _batches(rows):
                session.execute_write(_written, query, batch, now)
        return time.perf_counter() - began


def _written(
    transaction: neo4j.ManagedTransaction, query: LiteralString, rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    transaction.run(query, rows=rows, now=now).consume()


def _service(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "service_id": row["serviceId"],
        "properties": {
            "team": row["team"],
            "criticality": row["criticality"],
            "entity_ref": row["entityRef"],
            "entity_ref_key": row["entityRef"].lower(),
            "external": False,
            "discovered": False,
        },
    }


def _claim(row: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"source": "MANUAL", "confidence": 0.95}
    return {**_ends(row), "properties": {**properties, **_stated(row)}}


def _edge(row: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "assumed": [],
        "confidence": 0.95,
        "is_stale": False,
        "created_by_ingestion": "raw",
    }
    return {**_ends(row), "properties": {**properties, **_stated(row)}}


def _ends(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"caller": row["caller"], "dependency": row["dependency"]}


def _stated(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mode": row["mode"],
        "criticality": row["criticality"],
        "protocol": row["protocol"],
        "call_weight": row["callWeight"],
    }


def _batches(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]
