"""Learnt priors in Neo4j, one node an SLI type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from sloengine.domain.errors import Conflict
from sloengine.infrastructure.neo4j.node_session import NodeSession, assign
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
        """Replace it, the one that somebody else saves for the first time just now, too."""
        try:
            await self._save(sli_type, prior, learnt_at)
        except Conflict:
            # Both found none and made one: the other's is there now and is found.
            await self._save(sli_type, prior, learnt_at)

    async def _save(self, sli_type: str, prior: Mapping[str, Any], learnt_at: datetime) -> None:
        async with self._nodes.writing():
            node = await PriorNode.nodes.get_or_none(sli_type=sli_type)
            if node is None:
                node = PriorNode(sli_type=sli_type)
            assign(node, learnt_at=learnt_at, document=orjson.dumps(prior).decode())
            await node.save()
