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
SET service += row.properties
"""
_CLAIMS = """
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
MATCH (dependency:Service {service_id: row.dependency})
CREATE (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency)
SET claim = row.properties
"""
_EDGES = """
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
MATCH (dependency:Service {service_id: row.dependency})
CREATE (caller)-[edge:DEPENDS_ON]->(dependency)
SET edge = row.properties
"""


def write_raw(driver: neo4j.Driver, document: Mapping[str, Any]) -> float:
    """Seconds of writing the document's graph with the properties the product stores, one transaction a batch.

    Parameters are built beforehand, and relationships are created without looking whether they are there: the
    database is empty.
    """
    now = datetime.now(UTC)
    work: list[tuple[LiteralString, list[dict[str, Any]]]] = [
        (_SERVICES, [_service(row, now) for row in document["services"]]),
        (_CLAIMS, [_claim(row, now) for row in document["dependencies"]]),
        (_EDGES, [_edge(row, now) for row in document["dependencies"]]),
    ]
    with driver.session() as session:
        began = time.perf_counter()
        for query, rows in work:
            for batch in _batches(rows):
                session.execute_write(_written, query, batch)
        return time.perf_counter() - began


def _written(transaction: neo4j.ManagedTransaction, query: LiteralString, rows: Sequence[dict[str, Any]]) -> None:
    transaction.run(query, rows=rows).consume()


def _service(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "service_id": row["serviceId"],
        "properties": {
            "team": row["team"],
            "criticality": row["criticality"],
            "entity_ref": row["entityRef"],
            "entity_ref_key": row["entityRef"].lower(),
            "external": False,
            "discovered": False,
            "created_at": now,
            "updated_at": now,
        },
    }


def _claim(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    properties = {"source": "MANUAL", "confidence": 0.95, "first_seen_at": now, "last_seen_at": now}
    return {**_ends(row), "properties": {**properties, **_stated(row)}}


def _edge(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    properties = {
        "assumed": [],
        "confidence": 0.95,
        "is_stale": False,
        "last_observed_at": now,
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
