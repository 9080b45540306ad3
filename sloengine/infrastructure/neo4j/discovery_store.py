"""Name rules and the newest readings of sources in Neo4j."""

from __future__ import annotations

from collections.abc import Mapping

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.node_session import NodeSession, assign
from sloengine.infrastructure.neo4j.nodes import DiscoveryRunNode, NameRulesNode

_RULES = "name rules"


class Neo4jDiscoveryStore:
    """Keeps the ``DiscoveryStore`` port."""

    def __init__(self, nodes: NodeSession) -> None:
        self._nodes = nodes

    async def name_rules(self) -> StoredNameRules | None:
        """The rules that somebody saved."""
        async with self._nodes.reading():
            node = await NameRulesNode.nodes.get_or_none(name=_RULES)
        return None if node is None else decode(StoredNameRules, node.document)

    async def save_name_rules(self, stored: StoredNameRules) -> None:
        """Replace all rules."""
        async with self._nodes.writing():
            node = await NameRulesNode.nodes.get_or_none(name=_RULES)
            if node is None:
                node = NameRulesNode(name=_RULES)
            assign(node, document=encode(stored).decode())
            await node.save()

    async def runs(self) -> Mapping[DiscoverySource, DiscoveryRun]:
        """The newest run of each source."""
        async with self._nodes.reading():
            nodes = await DiscoveryRunNode.nodes.order_by("source")
        return {DiscoverySource(node.source): decode(DiscoveryRun, node.document) for node in nodes}

    async def note_run(self, run: DiscoveryRun) -> None:
        """Replace the source's newest run."""
        async with self._nodes.writing():
            node = await DiscoveryRunNode.nodes.get_or_none(source=run.source.value)
            if node is None:
                node = DiscoveryRunNode(source=run.source.value)
            assign(node, started_at=run.started_at, document=encode(run).decode())
            await node.save()
