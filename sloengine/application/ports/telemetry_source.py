"""Where telemetry is pulled from: Prometheus, or the simulated sample organisation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel


@dataclass(frozen=True, slots=True)
class Pulled:
    """Telemetry of whole hours.

    ``availability``: hourly. ``latency``: per service a history whose rows are *hours* of the range
    (``LatencyHistory.start_at`` is then an hour); the caller sums them into days. ``refused``: reason per series
    that was not taken (labels like personal data, impossible values). ``queries``: what was asked.
    """

    availability: SliPanel
    latency: Mapping[str, LatencyHistory]
    edges: EdgePanel | None
    refused: Mapping[str, str] = field(default_factory=dict)
    queries: tuple[str, ...] = ()
    query_count: int = 0


class TelemetrySource(Protocol):
    """A telemetry back end. Raises ``Unavailable`` when it does not answer (after its own retries)."""

    @property
    def name(self) -> str:
        """Shown to users, such as ``prometheus http://…`` or ``simulated sample organisation, seed 7``."""
        ...

    async def service_ids(
        self, from_at: datetime, to_at: datetime, *, known: Collection[str] = ()
    ) -> Sequence[str]:
        """Services that this source has series for, under the ids that the name rules make of its names.

        ``known``: ids that are taken as they are where the source has just that name.
        """
        ...

    async def pull(
        self,
        service_ids: Sequence[str],
        from_at: datetime,
        to_at: datetime,
        *,
        latency_of: Collection[str] | None = None,
    ) -> Pulled:
        """The whole hours in [from_at, to_at) of these services, with few queries.

        ``latency_of``: those of them whose histograms are wanted, None all; histograms are most of the data.
        """
        ...

    async def cpu_throttling(self, service_ids: Sequence[str], at: datetime) -> Mapping[str, float]:
        """Share of scheduling periods, in the day before ``at``, in which CPU was withheld from a service.

        In [0, 1]. Services that nothing is known of are absent.
        """
        ...

    async def earliest(self) -> datetime | None:
        """From when on there may be data; None: not known."""
        ...
