"""Put recorded series (from files) into the graph's aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.domain.governance.model import Actor
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel


@dataclass(frozen=True, slots=True)
class LoadSliCommand:
    """Series as the file readers give them; loading the same interval again replaces it."""

    panel: SliPanel | None = None
    latency: Sequence[LatencyHistory] = ()
    edges: EdgePanel | None = None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was stored. ``registered``: services that the graph did not know and that were created."""

    services: int
    intervals: int
    latency_days: int
    from_at: datetime | None
    to_at: datetime | None
    registered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadSli:
    """Services that the graph does not know are registered: the file states them."""

    async def __call__(self, command: LoadSliCommand, *, actor: Actor) -> LoadReport:
        """What was stored."""
        raise NotImplementedError
