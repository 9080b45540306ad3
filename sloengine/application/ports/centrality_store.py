"""What services' places in the graph say of them, kept beside the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sloengine.domain.topology.centrality import Centrality


class CentralityStore(Protocol):
    """One analysis of the graph, the newest. Writing it never moves the graph version."""

    async def analysed_version(self) -> int | None:
        """The graph version that the whole stored analysis is of; None: there is none yet."""
        ...

    async def save(self, found: Mapping[str, Centrality], *, graph_version: int, now: datetime) -> bool:
        """Store the analysis of all services of one graph version, in batches, its version last.

        Services that are not in ``found`` keep what they had. False: one of a newer version is stored already,
        and nothing is written. Safe to run twice.
        """
        ...

    async def of(self, service_ids: Sequence[str]) -> Mapping[str, Centrality]:
        """Of these services, each with the graph version it is of; not analysed ones are absent."""
        ...
