"""Name rules, decisions on names and the newest readings of sources in Neo4j."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neo4j.exceptions import ConstraintError

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.node_session import NodeSession, assign
from sloengine.infrastructure.neo4j.nodes import DiscoveryRunNode, NameRulesNode

_RULES = "name rules"


class Neo4jDiscoveryStore:
    """Keeps the ``DiscoveryStore`` port."""

    def __init__(self, connection: Neo4jConnection, nodes: NodeSession) -> None:
        self._connection = connection
        self._nodes = nodes

    async def name_rules(self) -> StoredNameRules | None:
        """The rules that somebody saved."""
        async with self._nodes.reading():
            node = await NameRulesNode.nodes.get_or_none(name=_RULES)
        return None if node is None else decode(StoredNameRules, node.document)

    async def save_name_rules(self, stored: StoredNameRules) -> None:
        """Replace all rules."""

        async def work(transaction: Transaction) -> None:
            saved = first_of(
                await transaction.rows(
                    "write/save_name_rules",
                    name=_RULES,
                    revision=stored.revision,
                    document=encode(stored).decode(),
                )
            )
            if not saved:
                raise Conflict("the name rules were changed meanwhile")

        await self._connection.in_write(work)

    async def remembered_names(self) -> RememberedNames:
        """The id that each name was given."""
        rows = await self._connection.read("remembered_names")
        return RememberedNames(
            RememberedName(short_id, (namespace, kind), service_id, source_name)
            for short_id, namespace, kind, service_id, source_name in rows
        )

    async def remember_names(self, names: Sequence[RememberedName]) -> None:
        """Keep these for good, in one transaction."""
        if not names:
            return
        rows = [_parameters(name) for name in sorted(names, key=lambda one: (one.short_id, one.told_apart_by))]

        async def work(transaction: Transaction) -> None:
            other = [row[0] for row in await transaction.rows("write/remember_names", rows=rows)]
            if other:
                raise Conflict(f"{', '.join(other[:5])}: decided on meanwhile")

        try:
            await self._connection.in_write(work)
        except ConstraintError as error:
            raise Conflict("a short name was given to another service meanwhile") from error

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


def _parameters(name: RememberedName) -> dict[str, str | None]:
    namespace, kind = name.told_apart_by
    realm = "".join("+" if has else "-" for has in name.realm)
    return {
        "short_id": name.short_id,
        "namespace": namespace,
        "kind": kind,
        "service_id": name.service_id,
        "source_name": name.source_name,
        # Unique, and absent where the short id is another's: one owner each.
        "owned": f"{realm} {name.short_id}" if name.owns else None,
    }
