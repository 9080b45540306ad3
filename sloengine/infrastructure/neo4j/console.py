"""Any Cypher query by hand: read mode unless told otherwise, bounded in time and rows, answers as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neo4j import READ_ACCESS, WRITE_ACCESS, AsyncResult, Query
from neo4j.exceptions import ClientError, DatabaseError, TransientError
from neo4j.graph import Node, Path, Relationship
from neo4j.spatial import Point
from neo4j.time import Date, DateTime, Duration, Time

from sloengine.domain.errors import Invalid, Unavailable
from sloengine.infrastructure.neo4j.connection import Neo4jConnection

DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_ROW_LIMIT = 1_000

_WRITE_REFUSED = "Neo.ClientError.Statement.AccessMode"
_TIMED_OUT = ("Neo.ClientError.Transaction.TransactionTimedOut", "Neo.TransientError.Transaction.Terminated")


@dataclass(frozen=True, slots=True)
class CypherAnswer:
    """Columns and rows of JSON-able values. ``truncated``: there were more rows than the limit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool


async def run_cypher(
    connection: Neo4jConnection,
    text: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    write: bool = False,
    limit: int = DEFAULT_ROW_LIMIT,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
) -> CypherAnswer:
    """Run one query in a transaction of its own.

    Without ``write`` the session is in read mode, and the server itself refuses to write. Rows beyond ``limit``
    are not fetched. Raises ``Invalid`` (a mistake in the query, a refused write, out of time) and ``Unavailable``.
    """
    query = text.strip().rstrip(";")
    if not query:
        raise Invalid("there is no query")
    try:
        with connection.errors():
            return await _run(connection, query, dict(parameters or {}), write, limit, timeout_seconds)
    except ClientError as error:
        raise Invalid(_explained(error)) from error
    except DatabaseError as error:
        raise Invalid(error.message or str(error)) from error
    except Unavailable as error:
        if isinstance(error.__cause__, TransientError) and _has_timed_out(error.__cause__):
            raise Invalid(f"stopped after {timeout_seconds:g} s; ask for less") from error
        raise


async def _run(
    connection: Neo4jConnection, text: str, parameters: dict[str, Any], write: bool, limit: int, seconds: float
) -> CypherAnswer:
    async with connection.session(WRITE_ACCESS if write else READ_ACCESS) as session:
        if write and _must_run_outside(text):
            return await _fetched(await session.run(Query(text, timeout=seconds), parameters), limit)
        async with await session.begin_transaction(timeout=seconds) as transaction:
            answer = await _fetched(await transaction.run(text, parameters), limit)
            if write:
                await transaction.commit()
            return answer


async def _fetched(result: AsyncResult, limit: int) -> CypherAnswer:
    columns = tuple(result.keys())
    records = await result.fetch(limit + 1)
    await result.consume()
    rows = tuple(tuple(plain(value) for value in record.values()) for record in records[:limit])
    return CypherAnswer(columns, rows, len(records) > limit)


def plain(value: Any) -> Any:
    """A value of the graph as JSON can carry it; NaN and infinities as text, since JSON has none."""
    if isinstance(value, Node | Relationship | Path):
        return _plain_entity(value)
    if isinstance(value, DateTime | Date | Time | Duration):
        return value.iso_format()
    if isinstance(value, Point):
        return {"srid": value.srid, "coordinates": [plain(number) for number in value]}
    if isinstance(value, Mapping):
        return _plain_map(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _plain_entity(value: Node | Relationship | Path) -> dict[str, Any]:
    if isinstance(value, Node):
        return {"labels": sorted(value.labels), "properties": _plain_map(value)}
    if isinstance(value, Path):
        return {
            "nodes": [plain(node) for node in value.nodes],
            "relationships": [plain(relationship) for relationship in value.relationships],
        }
    ends = {"start": _name(value.start_node), "end": _name(value.end_node)}
    return {"type": value.type, **ends, "properties": _plain_map(value)}


def _plain_map(value: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): plain(item) for name, item in value.items()}


def _name(node: Node | None) -> Any:
    """What a relationship calls its end: its service id where it has one."""
    if node is None:
        return None
    return node.get("service_id") or node.get("component_id") or node.element_id


def _must_run_outside(text: str) -> bool:
    return " in transactions" in " ".join(text.lower().split())


def _has_timed_out(error: ClientError | TransientError) -> bool:
    return (error.code or "").startswith(_TIMED_OUT)


def _explained(error: ClientError) -> str:
    if error.code == _WRITE_REFUSED:
        return "read mode: the server refused to write. Repeat it with --write if you mean it"
    if _has_timed_out(error):
        return "the query ran out of time; ask for less"
    return error.message or str(error)
