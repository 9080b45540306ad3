"""Learnt priors in Neo4j, one node an SLI type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from sloengine.infrastructure.neo4j.node_session import NodeSession, put
from sloengine.infrastructure.neo4j.nodes import PriorNode


class Neo4jPriorStore:
    """Keeps the ``PriorStore`` port."""

    def __init__(self, nodes: NodeSession) -> None:
        self._nodes = nodes

    async def load(self, sli_type: str) -> tuple[Mapping[str, Any], datetime] | None:
        """The prior and when it was learnt."""
        async with self._nodes.reading():
            node = await PriorNode.nodes.get_or_none(sli_type=sli_type)
        return None if node is None else (orjson.loads(node.document), node.learnt_at.astimezone(UTC))

    async def save(self, sli_type: str, prior: Mapping[str, Any], *, learnt_at: datetime) -> None:
        """Replace it."""
        document = orjson.dumps(prior).decode()
        async with self._nodes.writing():
            await put(PriorNode, by="sli_type", sli_type=sli_type, learnt_at=learnt_at, document=document)
