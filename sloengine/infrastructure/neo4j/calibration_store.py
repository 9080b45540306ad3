"""Calibration records in Neo4j, one node a kind of objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from sloengine.domain.accuracy.record import CalibrationRecord, newest_by_kind
from sloengine.infrastructure.neo4j.node_session import NodeSession, put
from sloengine.infrastructure.neo4j.nodes import CalibrationNode


class Neo4jCalibrationStore:
    """Keeps the ``CalibrationStore`` port."""

    def __init__(self, nodes: NodeSession) -> None:
        self._nodes = nodes

    async def load(self) -> Sequence[CalibrationRecord]:
        """All there are, by kind; those of another version of the engine are learnt anew by the next refresh."""
        async with self._nodes.reading():
            nodes = await CalibrationNode.nodes.order_by("sli_type")
        return newest_by_kind([_document(node.document) for node in nodes])

    async def save(self, record: CalibrationRecord) -> None:
        """Replace the record of its kind."""
        document = orjson.dumps(record.to_dict()).decode()
        async with self._nodes.writing():
            await put(
                CalibrationNode,
                by="sli_type",
                sli_type=record.kind.value,
                computed_at=record.computed_at,
                document=document,
            )


def _document(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(text)
    return found
