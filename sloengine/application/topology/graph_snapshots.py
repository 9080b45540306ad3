"""The merged graph as this process has it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.topology.graph import DependencyGraph


@dataclass(slots=True)
class GraphSnapshots:
    """The merged graph as this process has it, checked against the version at each use."""

    graph: ServiceGraph
    _known: DependencyGraph | None = field(default=None, init=False)
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def current(self) -> DependencyGraph:
        """The graph at the version in force."""
        version = await self.graph.version()
        if self._known is None or self._known.version != version:
            async with self._loading:
                if self._known is None or self._known.version != version:
                    self._known = await self.graph.snapshot()
        return self._known
