"""Any Cypher, for people: read mode unless told otherwise, bounded in time and rows, answers as JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from neo4j import READ_ACCESS, WRITE_ACCESS, Query
from neo4j.exceptions import ClientError, Neo4jError
from neo4j.graph import Node, Path, Relationship
from neo4j.spatial import Point
from neo4j.time import Date, DateTime, Duration, Time

from sloengine.domain.errors import Forbidden, Invalid
from sloengine.infrastructure.neo4j.connection import Neo4jConnection

TIMEOUT = timedelta(seconds=60)
_WRITE_REFUSED = "Neo.ClientError.Statement.AccessMode"


@dataclass(frozen=True, slots=True)
class CypherAnswer:
    """``rows``: JSON values, one list a row in the order of ``columns``. ``truncated``: cut at the limit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool


async def run_cypher(
    connection: Neo4jConnection,
    text: str,
    *,
    write: bool = False,
    limit: int = 1_000,
    parameters: Mapping[str, Any] | None = None,
) -> CypherAnswer:
    """Run one query of a person.

    In read mode it is the server that refuses writes. Raises ``Forbidden`` for a write without ``write``,
    ``Invalid`` for what the server does not understand, ``Unavailable``.
    """
    try:
        with connection.errors():
            async with connection.session(WRITE_ACCESS if write else READ_ACCESS) as session:
                result = await session.run(
                    # What a person types is the query; parameters stay parameters.
                    Query(text, timeout=TIMEOUT.total_seconds()),
                    dict(parameters or {}),
                )
                records = await result.fetch(limit + 1)
                columns = tuple(result.keys())
                await result.consume()
    except ClientError as error:
        if error.code == _WRITE_REFUSED:
            raise Forbidden("this query writes, and the prompt is in read mode: repeat it with --write") from error
        raise Invalid(f"Neo4j does not accept the query: {error.message}") from error
    except Neo4jError as error:
        raise Invalid(f"Neo4j could not answer: {error.message}") from error
    rows = tuple(tuple(plain(value) for value in record.values()) for record in records[:limit])
    return CypherAnswer(columns, rows, truncated=len(records) > limit)


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line a kind of value
    """The value in JSON's types; nodes and relationships as their labels or type and properties."""
    if isinstance(value, Node):
        return {"labels": sorted(value.labels), "properties": {k: plain(v) for k, v in value.items()}}
    if isinstance(value, Relationship):
        return {"type": value.type, "properties": {k: plain(v) for k, v in value.items()}}
    if isinstance(value, Path):
        return {"nodes": [plain(n) for n in value.nodes], "relationships": [plain(r) for r in value.relationships]}
    if isinstance(value, DateTime | Date | Time | Duration):
        return value.iso_format()
    if isinstance(value, Point):
        return list(value)
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
