"""A telemetry source that gives what it was handed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sloengine.application.ports.telemetry_source import Pulled
from sloengine.domain.errors import Unavailable
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel


class MemoryTelemetrySource:
    """Keeps the ``TelemetrySource`` port; ``is_down`` makes it behave as a server that does not answer.

    ``panel``: hourly. ``hourly_latency``: rows are hours. ``pulls``: ranges that were asked for.
    """

    name = "recorded telemetry"

    def __init__(
        self,
        panel: SliPanel,
        hourly_latency: Mapping[str, LatencyHistory] | None = None,
        edges: EdgePanel | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        self.panel = panel
        self.hourly_latency = dict(hourly_latency or {})
        self.edges = edges
        self.refused = dict(refused or {})
        self.throttling_is_down = False
        self.throttled: dict[str, float] = {}
        self.is_down = False
        self.answers_left: int | None = None
        self.pulls: list[tuple[datetime, datetime]] = []

    async def service_ids(
        self, from_at: datetime, to_at: datetime, *, known: Collection[str] = ()
    ) -> Sequence[str]:
        """All of them."""
        self._answer()
        return self.panel.service_ids if from_at < to_at else ()

    async def cpu_throttling(self, service_ids: Sequence[str], at: datetime) -> Mapping[str, float]:
        """What it was given; ``throttling_is_down`` makes this alone fail."""
        self._answer()
        if self.throttling_is_down:
            raise Unavailable("the recorded source does not answer")
        return {
            service_id: self.throttled[service_id] for service_id in service_ids if service_id in self.throttled
        }

    async def earliest(self) -> datetime | None:
        """Start of the panel."""
        self._answer()
        return self.panel.start_at

    async def pull(
        self,
        service_ids: Sequence[str],
        from_at: datetime,
        to_at: datetime,
        *,
        latency_of: Collection[str] | None = None,
    ) -> Pulled:
        """What lies in the range."""
        self._answer()
        if self.answers_left is not None:
            if self.answers_left == 0:
                raise Unavailable("the recorded source broke off")
            self.answers_left -= 1
        self.pulls.append((from_at, to_at))
        latency = {
            key: _hours(history, from_at, to_at)
            for key, history in self.hourly_latency.items()
            if key in service_ids and (latency_of is None or key in latency_of)
        }
        return Pulled(
            availability=self.panel.between(from_at, to_at).select(service_ids),
            latency={key: history for key, history in latency.items() if len(history.counts)},
            edges=None if self.edges is None else _calls(self.edges, from_at, to_at),
            refused={key: reason for key, reason in self.refused.items() if key in service_ids},
            query_count=2,
        )

    def _answer(self) -> None:
        if self.is_down:
            raise Unavailable("the recorded source is down")


def _hours(history: LatencyHistory, from_at: datetime, to_at: datetime) -> LatencyHistory:
    hour = timedelta(hours=1)
    first = max(0, (from_at - history.start_at) // hour)
    last = max(first, (to_at - history.start_at) // hour)
    return LatencyHistory(
        history.service_id, history.start_at + first * hour, history.bounds_seconds, history.counts[first:last]
    )


def _calls(edges: EdgePanel, from_at: datetime, to_at: datetime) -> EdgePanel:
    first = max(0, (from_at - edges.start_at) // edges.step)
    last = max(first, (to_at - edges.start_at) // edges.step)
    return EdgePanel(
        edges.pairs,
        edges.start_at + first * edges.step,
        edges.step,
        edges.calls[:, first:last],
        edges.failed[:, first:last],
    )
