"""Name rules, decisions on names and the newest readings of sources in Neo4j."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from neo4j.exceptions import ConstraintError

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules, name_entry
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.errors import Conflict
from sloengine.domain.governance.hash_chain import ChainHead, chained
from sloengine.domain.governance.model import AuditEvent
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_choices import ChosenNames
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.audit_rows import entry_properties, is_written
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.node_session import NodeSession, put
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

        await self._connection.in_write(work, knows_itself=True)

    async def remembered_names(self) -> RememberedNames:
        """The id that each name was given."""
        rows = await self._connection.read("remembered_names")
        return RememberedNames(_name_of(row) for row in rows)

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
            await self._connection.in_write(work, knows_itself=True)
        except ConstraintError as error:
            raise Conflict("a short name was given to another service meanwhile") from error

    async def page_of_names(self, search: str | None, page: PageRequest) -> Page[RememberedName]:
        """By short id, namespace and kind."""
        limit = rows_to_read(page)
        after = key_of(page.after, str, str, str)
        text = None if search is None else search.lower()

        async def work(transaction: Transaction) -> tuple[list[Any], int]:
            rows = await transaction.rows("read/page_of_remembered_names", search=text, after=after, limit=limit)
            return rows, first_of(await transaction.rows("read/count_of_remembered_names", search=text))

        rows, total = await self._connection.in_read(work)
        return page_of(
            [_name_of(row) for row in rows], page, total, lambda one: (one.short_id, *one.told_apart_by)
        )

    async def decide_name(
        self,
        short_id: str,
        decide: Callable[[list[RememberedName]], ChosenNames],
        *,
        actor: str,
        rationale: str,
        now: datetime,
    ) -> tuple[ChosenNames, AuditEvent]:
        """Under the lock of the audit trail's head. Run again, it finds its own entry there."""
        made: tuple[ChosenNames, AuditEvent] | None = None

        async def work(transaction: Transaction) -> tuple[ChosenNames, AuditEvent]:
            nonlocal made
            head = await transaction.row("write/lock_names", now=now)
            if made is not None and await is_written(transaction, made[1]):
                return made
            alike = [_name_of(row) for row in await transaction.rows("read/namesakes", short_id=short_id)]
            chosen = decide(alike)
            entry = chained(name_entry(chosen, actor, rationale, now), ChainHead(*(head or ())))
            given_up = [_parameters(name) for name in chosen.after if not name.owns]
            await transaction.rows("write/give_up_short_id", rows=given_up)
            await transaction.rows(
                "write/decide_name",
                rows=[_parameters(name) for name in chosen.after],
                forgotten=_parameters(chosen.before) if chosen.forgotten else None,
                entry=entry_properties(entry),
            )
            made = chosen, entry
            return made

        try:
            return await self._connection.in_write(work, knows_itself=True)
        except ConstraintError as error:
            raise Conflict(f"{short_id} was given to another service meanwhile; look again") from error

    async def runs(self) -> Mapping[DiscoverySource, DiscoveryRun]:
        """The newest run of each source."""
        async with self._nodes.reading():
            nodes = await DiscoveryRunNode.nodes.order_by("source")
        return {DiscoverySource(node.source): decode(DiscoveryRun, node.document) for node in nodes}

    async def note_run(self, run: DiscoveryRun) -> None:
        """Replace the source's newest run."""
        async with self._nodes.writing():
            await put(
                DiscoveryRunNode,
                by="source",
                source=run.source.value,
                started_at=run.started_at,
                document=encode(run).decode(),
            )


def _name_of(row: Sequence[Any]) -> RememberedName:
    short_id, namespace, kind, service_id, source_name = row
    return RememberedName(short_id, (namespace, kind), service_id, source_name)


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
