"""Centrality in a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sloengine.domain.topology.centrality import Centrality
from sloengine.infrastructure.memory.database import MemoryDatabase


class MemoryCentralityStore:
    """Keeps the ``CentralityStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def analysed_version(self) -> int | None:
        """The graph version of the stored analysis."""
        return self._db.analysed_version

    async def save(self, found: Mapping[str, Centrality], *, graph_version: int, now: datetime) -> bool:
        """Store the analysis."""
        if self._db.analysed_version is not None and self._db.analysed_version > graph_version:
            return False
        for service_id, one in found.items():
            if service_id in self._db.services:
                self._db.centrality[service_id] = replace(one, graph_version=graph_version)
        self._db.analysed_version = graph_version
        return True

    async def of(self, service_ids: Sequence[str]) -> Mapping[str, Centrality]:
        """Of these services."""
        return {key: self._db.centrality[key] for key in service_ids if key in self._db.centrality}
