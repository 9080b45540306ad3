"""Name rules, decisions on names and the newest readings of sources, in dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules, name_entry
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.errors import Conflict
from sloengine.domain.governance.hash_chain import ChainHead, chained
from sloengine.domain.governance.model import AuditEvent
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_choices import ChosenNames
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.paging import cut


class MemoryDiscoveryStore:
    """Keeps the ``DiscoveryStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def name_rules(self) -> StoredNameRules | None:
        """The rules that somebody saved."""
        return self._db.name_rules

    async def save_name_rules(self, stored: StoredNameRules) -> None:
        """Replace all rules."""
        before = 0 if self._db.name_rules is None else self._db.name_rules.revision
        if stored.revision != before + 1:
            raise Conflict("the name rules were changed meanwhile")
        self._db.name_rules = stored

    async def remembered_names(self) -> RememberedNames:
        """The id that each name was given."""
        return RememberedNames(self._db.remembered_names.values())

    async def remember_names(self, names: Sequence[RememberedName]) -> None:
        """Keep these for good."""
        kept = dict(self._db.remembered_names)
        for name in names:
            known = kept.setdefault((name.short_id, name.told_apart_by), name)
            if known.service_id != name.service_id:
                raise Conflict(f"{name.source_name} was decided on meanwhile")
        owned = [(name.short_id, name.realm) for name in kept.values() if name.owns]
        if len(set(owned)) < len(owned):
            raise Conflict("a short name was given to another service meanwhile")
        self._db.remembered_names = kept

    async def page_of_names(self, search: str | None, page: PageRequest) -> Page[RememberedName]:
        """By short id, namespace and kind."""
        text = "" if search is None else search.lower()
        found = [
            name
            for name in self._db.remembered_names.values()
            if any(text in one.lower() for one in (name.short_id, name.service_id, name.source_name))
        ]
        return cut(found, lambda one: (one.short_id, *one.told_apart_by), page)

    async def decide_name(
        self,
        short_id: str,
        decide: Callable[[list[RememberedName]], ChosenNames],
        *,
        actor: str,
        rationale: str,
        now: datetime,
    ) -> tuple[ChosenNames, AuditEvent]:
        """At once, with its audit entry."""
        chosen = decide([name for name in self._db.remembered_names.values() if name.short_id == short_id])
        last = self._db.trail[-1] if self._db.trail else None
        head = ChainHead() if last is None else ChainHead(last.sequence, last.hash)
        entry = chained(name_entry(chosen, actor, rationale, now), head)
        if chosen.forgotten:
            del self._db.remembered_names[short_id, chosen.before.told_apart_by]
        self._db.remembered_names.update({(short_id, name.told_apart_by): name for name in chosen.after})
        self._db.trail.append(entry)
        return chosen, entry

    async def runs(self) -> Mapping[DiscoverySource, DiscoveryRun]:
        """The newest run of each source."""
        return dict(self._db.discovery_runs)

    async def note_run(self, run: DiscoveryRun) -> None:
        """Replace the source's newest run."""
        self._db.discovery_runs[run.source] = run
