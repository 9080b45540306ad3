"""Name rules, decisions on names and the newest readings of sources, in dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.infrastructure.memory.database import MemoryDatabase


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

    async def runs(self) -> Mapping[DiscoverySource, DiscoveryRun]:
        """The newest run of each source."""
        return dict(self._db.discovery_runs)

    async def note_run(self, run: DiscoveryRun) -> None:
        """Replace the source's newest run."""
        self._db.discovery_runs[run.source] = run
