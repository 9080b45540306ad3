"""A real system for tests: says what it was told to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovered import Discovered


@dataclass
class MemoryDependencyDiscovery:
    """Keeps the ``DependencyDiscovery`` port; ``is_away`` makes it behave as a system that does not answer."""

    source: DiscoverySource = DiscoverySource.OTEL
    name: str = "service-graph"
    found: Discovered = field(default_factory=Discovered)
    is_away: bool = False
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """What it was told."""
        self.asked.append((since, until))
        if self.is_away:
            raise Unavailable(f"{self.name} does not answer")
        return self.found
