"""Put recorded series (from files) into the graph's aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.domain.errors import Invalid
from sloengine.domain.governance.authorization import require_admin
from sloengine.domain.governance.model import Actor
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.topology.service import Service

MIN_STEP, MAX_STEP = timedelta(minutes=1), timedelta(days=1)
_CLOCK_SKEW = timedelta(minutes=5)


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
    """Services that the graph does not know are registered: the file states them. Who may: sre_admin.

    ``is_beside_source``: a telemetry source is pulled, too. How far that has come, for all services, is no matter
    of a file about some of them: hours up to the file's end would never be pulled.
    """

    graph: ServiceGraph
    history: SliHistory
    cache: RecommendationCache
    clock: Clock
    is_beside_source: bool = False

    async def __call__(self, command: LoadSliCommand, *, actor: Actor) -> LoadReport:
        """What was stored. Raises ``Forbidden``, ``Invalid``."""
        require_admin(actor, "load series")
        now = self.clock.now()
        panel, edges = command.panel, command.edges
        if panel is None and not command.latency and edges is None:
            raise Invalid("nothing to load: no series in the files")
        counted = [_span(one, now) for one in (panel, edges) if one is not None]
        days = [(h.start_at, h.start_at + timedelta(days=len(h.counts))) for h in command.latency]
        spans = counted + days
        named = _named(command)
        known = await self.graph.services(named)
        missing = [service_id for service_id in named if service_id not in known]
        if missing:
            await self.graph.register([Service(service_id) for service_id in missing], now=now)
        if panel is not None:
            await self.history.write(panel)
        if command.latency:
            await self.history.write_latency(command.latency)
        if edges is not None:
            await self.history.write_edges(edges)
        to_at = _newest(counted, days)
        if not self.is_beside_source:
            await self._move_watermark(to_at, now)
        # Whatever was learnt of series that are now others no longer counts; it is learnt anew.
        await self.graph.void_pass_through(at=self.clock.now())
        await self.cache.invalidate(None)
        return LoadReport(
            services=len(named),
            intervals=0 if panel is None else int(np.count_nonzero(~np.isnan(panel.total))),
            latency_days=sum(int((~np.isnan(h.counts).any(axis=1)).sum()) for h in command.latency),
            from_at=min(start for start, _ in spans),
            to_at=to_at,
            registered=tuple(missing),
        )

    async def _move_watermark(self, to_at: datetime, now: datetime) -> None:
        watermark = await self.history.watermark()
        if watermark.aggregated_to is None or to_at > watermark.aggregated_to:
            await self.history.set_watermark(replace(watermark, aggregated_to=to_at, pulled_at=now))


def _newest(counted: Sequence[tuple[datetime, datetime]], days: Sequence[tuple[datetime, datetime]]) -> datetime:
    """End of the newest interval. Of latency only the day is known: its last one has begun by then, not ended."""
    end = max((end for _, end in counted), default=None)
    last_day = max((end for _, end in days), default=None)
    if end is None or (last_day is not None and last_day - end >= timedelta(days=1)):
        end = last_day
    if end is None:
        raise Invalid("nothing to load: no series in the files")
    return end


def _span(panel: SliPanel | EdgePanel, now: datetime) -> tuple[datetime, datetime]:
    if not MIN_STEP <= panel.step <= MAX_STEP:
        raise Invalid(f"the step must be 1 min to 1 d, not {panel.step}")
    intervals = (panel.total if isinstance(panel, SliPanel) else panel.calls).shape[1]
    end = panel.start_at + panel.step * int(intervals)
    if panel.start_at > now + _CLOCK_SKEW:
        raise Invalid(f"the series start at {panel.start_at.isoformat()}, which lies ahead")
    return panel.start_at, end


def _named(command: LoadSliCommand) -> list[str]:
    ids = set(command.panel.service_ids) if command.panel is not None else set()
    ids.update(history.service_id for history in command.latency)
    if command.edges is not None:
        ids.update(end for pair in command.edges.pairs for end in pair)
    return sorted(ids)
