"""Calibration records in Neo4j, one node an SLI type."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.infrastructure.neo4j.node_session import NodeSession, assign
from sloengine.infrastructure.neo4j.nodes import CalibrationNode


class Neo4jCalibrationStore:
    """Keeps the ``CalibrationStore`` port."""

    def __init__(self, nodes: NodeSession) -> None:
        self._nodes = nodes

    async def load(self) -> Sequence[CalibrationRecord]:
        """All there are, by SLI type."""
        async with self._nodes.reading():
            nodes = await CalibrationNode.nodes.order_by("sli_type")
        found: list[CalibrationRecord] = []
        for node in nodes:
            try:
                found.append(CalibrationRecord.from_dict(orjson.loads(node.document)))
            except ValueError:
                continue  # another version of the engine wrote it; the next refresh learns it anew
        return found

    async def save(self, record: CalibrationRecord) -> None:
        """Replace the record of its SLI type."""
        async with self._nodes.writing():
            node = await CalibrationNode.nodes.get_or_none(sli_type=record.sli_type.value)
            if node is None:
                node = CalibrationNode(sli_type=record.sli_type.value)
            assign(node, computed_at=record.computed_at, document=orjson.dumps(record.to_dict()).decode())
            await node.save()
