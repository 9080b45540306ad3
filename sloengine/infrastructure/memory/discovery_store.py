"""Name rules and the newest readings of sources, in dicts."""

from __future__ import annotations

from collections.abc import Mapping

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules
from sloengine.domain.topology.dependency import DiscoverySource
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
        self._db.name_rules = stored

    async def runs(self) -> Mapping[DiscoverySource, DiscoveryRun]:
        """The newest run of each source."""
        return dict(self._db.discovery_runs)

    async def note_run(self, run: DiscoveryRun) -> None:
        """Replace the source's newest run."""
        self._db.discovery_runs[run.source] = run
