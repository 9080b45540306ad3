"""The sample's telemetry through the same port as a real one's."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.telemetry_source import Pulled
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.simulation.blocks import hour_of, time_of
from sloengine.domain.simulation.organisation import Organisation, availability, edges, latency_hours
from sloengine.domain.simulation.playing import HOUR
from sloengine.infrastructure.sample.organisation import (
    SAMPLE_HISTORY,
    SAMPLE_SEED,
    sample_organisation,
    sample_origin,
    sample_provenance,
)


class SampleTelemetrySource:
    """Simulated telemetry, from 90 days back up to the last whole hour and going on.

    ``origin_at``: dates what is new in the sample (its newborn service); this week's Monday unless stated.
    Everything else depends on seed, service and hour alone.
    """

    def __init__(self, clock: Clock, *, seed: int = SAMPLE_SEED, origin_at: datetime | None = None) -> None:
        self._clock = clock
        self._seed = seed
        self._organisation = sample_organisation(seed, origin_at or sample_origin(clock.now()))

    @property
    def name(self) -> str:
        """Says that it is simulated, and the seed."""
        return sample_provenance(self._seed)

    @property
    def organisation(self) -> Organisation:
        """What is simulated, with its truth."""
        return self._organisation

    async def service_ids(
        self, from_at: datetime, to_at: datetime, *, known: Collection[str] = ()
    ) -> Sequence[str]:
        """The monitored services that exist before ``to_at``."""
        return [
            service.service_id
            for service in self._organisation.topology.services
            if service.monitored and (service.born_at_hour is None or time_of(service.born_at_hour) < to_at)
        ]

    async def cpu_throttling(self, service_ids: Sequence[str], at: datetime) -> Mapping[str, float]:
        """Nothing: CPU is not simulated."""
        return {}

    async def earliest(self) -> datetime | None:
        """90 days before the last whole hour."""
        return time_of(hour_of(self._clock.now())) - SAMPLE_HISTORY

    async def pull(
        self,
        service_ids: Sequence[str],
        from_at: datetime,
        to_at: datetime,
        *,
        latency_of: Collection[str] | None = None,
    ) -> Pulled:
        """The whole hours of these services in [from_at, to_at), none that is not over yet."""
        from_hour = -(-_seconds(from_at) // 3600)
        to_hour = min(hour_of(to_at), hour_of(self._clock.now()))
        if to_hour <= from_hour:
            return _nothing(service_ids, time_of(from_hour))
        panel, histories, calls = await asyncio.to_thread(self._play, service_ids, from_hour, to_hour, latency_of)
        query = (
            f"{self.name}: {len(service_ids)} services, {from_at.isoformat()} to {time_of(to_hour).isoformat()}"
        )
        return Pulled(panel, histories, calls, queries=(query,), query_count=1)

    def _play(
        self, service_ids: Sequence[str], from_hour: int, to_hour: int, latency_of: Collection[str] | None
    ) -> tuple[SliPanel, dict[str, LatencyHistory], EdgePanel]:
        organisation = self._organisation
        panel = availability(organisation, from_hour, to_hour).select(service_ids)
        slow = [key for key in service_ids if latency_of is None or key in latency_of]
        histories = {
            service_id: history
            for service_id, history in latency_hours(organisation, from_hour, to_hour, slow).items()
            if not np.isnan(history.counts).all()
        }
        calls = edges(organisation, from_hour, to_hour)
        callers = set(service_ids)
        kept = [place for place, (caller, _) in enumerate(calls.pairs) if caller in callers]
        return (
            panel,
            histories,
            EdgePanel(
                tuple(calls.pairs[place] for place in kept),
                calls.start_at,
                calls.step,
                calls.calls[kept],
                calls.failed[kept],
            ),
        )


def _seconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() // 1) + (1 if at.microsecond else 0)


def _nothing(service_ids: Sequence[str], at: datetime) -> Pulled:
    nothing = np.empty((len(service_ids), 0))
    return Pulled(SliPanel(tuple(service_ids), at, HOUR, nothing, nothing), {}, None)
