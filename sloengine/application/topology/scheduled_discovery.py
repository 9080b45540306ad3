"""Which sources are read on a schedule, and which of them are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.dependency_discovery import DependencyDiscovery
from sloengine.application.ports.discovery_store import DiscoveryRun, DiscoveryStore
from sloengine.application.ports.job_queue import JobQueue
from sloengine.domain.topology.dependency import DiscoverySource

_SLACK = timedelta(minutes=2, seconds=30)
"""Half the time between two looks: an hourly source is read every hour, not every hour and five minutes."""


@dataclass(frozen=True, slots=True)
class DiscoveryState:
    """A source that something is configured for. ``every`` None: on demand only. ``last_run`` None: never read."""

    source: DiscoverySource
    readings: tuple[str, ...]
    every: timedelta | None
    last_run: DiscoveryRun | None


@dataclass(frozen=True, slots=True)
class ReadDiscoveryStates:
    """What can be discovered from, how often it is read, and what came of it last. Every role may read it."""

    discoveries: Sequence[DependencyDiscovery]
    store: DiscoveryStore
    every: Mapping[DiscoverySource, timedelta] = field(default_factory=dict)

    async def __call__(self) -> Sequence[DiscoveryState]:
        """One state for each source with at least one reading."""
        runs = await self.store.runs()
        return [
            DiscoveryState(
                source,
                tuple(one.name for one in self.discoveries if one.source is source),
                self.every.get(source),
                runs.get(source),
            )
            for source in DiscoverySource
            if any(one.source is source for one in self.discoveries)
        ]


@dataclass(frozen=True, slots=True)
class EnqueueDueDiscoveries:
    """Enqueue the reading of every source whose interval has passed. Looked at every five minutes."""

    states: ReadDiscoveryStates
    queue: JobQueue
    clock: Clock

    async def __call__(self) -> Sequence[DiscoverySource]:
        """The sources that were enqueued."""
        now = self.clock.now()
        due = [
            state.source
            for state in await self.states()
            if state.every is not None and (state.last_run is None or _is_due(state.last_run, state.every, now))
        ]
        for source in due:
            await self.queue.enqueue("topology.discover", source=source.value)
        return due


def _is_due(last_run: DiscoveryRun, every: timedelta, now: datetime) -> bool:
    """Also after a run of a clock that was ahead: else its source would not be read until that moment is here."""
    return last_run.started_at + every - _SLACK <= now or last_run.started_at > now + _SLACK
