"""What services did, hour by hour: sums of good and valid events, histograms, calls per edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.reliability.percentile_range import PercentileRange


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far the hourly aggregation has come.

    ``aggregated_to``: end of the newest aggregated hour. ``last_error``: why the last pull failed, if so.
    ``refused``: services whose series the newest pull did not take, and why (stored with the rest).
    ``throttled``: share of scheduling periods of the day before in which a service's CPU was withheld; services of
    which nothing is known, or hardly anything was withheld, are absent. ``traced_p99``: what traces of the newest
    hour say of services without a histogram.
    """

    aggregated_to: datetime | None
    pulled_at: datetime | None
    last_error: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    throttled: Mapping[str, float] = field(default_factory=dict)
    traced_p99: Mapping[str, PercentileRange] = field(default_factory=dict)


class SliHistory(Protocol):
    """Aggregates, one node per service, SLI and day. Writing the same interval again replaces it."""

    async def write(self, panel: SliPanel) -> None:
        """Store an availability panel (any step from 1 min to 1 d). NaN leaves what is stored as it is."""
        ...

    async def write_latency(self, histories: Sequence[LatencyHistory]) -> None:
        """Store daily latency histograms."""
        ...

    async def write_latency_hours(self, hours: LatencyHours) -> None:
        """Store hourly percentiles beside the histograms of their days; hours of a day without one are not kept.

        A day that is there is replaced whole.
        """
        ...

    async def write_edges(self, panel: EdgePanel) -> None:
        """Store calls and failed calls per edge."""
        ...

    async def read(self, service_ids: Sequence[str] | None, from_at: datetime, to_at: datetime) -> SliPanel:
        """Availability of these services (None: all that have any) in [from_at, to_at).

        The panel's step is the coarsest stored step among the services asked for, never coarser than a day;
        finer series are summed up to it, and ``coverage`` says how much of each sum was known. A value that was
        stored by the day counts as a whole day, unless it was folded from hours not all of which were known.
        """
        ...

    async def read_latency(
        self, service_ids: Sequence[str] | None, from_at: datetime, to_at: datetime
    ) -> Mapping[str, LatencyHistory]:
        """Latency histograms; services without any are absent."""
        ...

    async def read_latency_hours(
        self, service_ids: Sequence[str], from_at: datetime, to_at: datetime
    ) -> LatencyHours:
        """Hourly percentiles in [from_at, to_at), both whole hours; NaN where none are stored."""
        ...

    async def read_edges(
        self, pairs: Sequence[tuple[str, str]] | None, from_at: datetime, to_at: datetime
    ) -> EdgePanel | None:
        """Calls per edge; None when none of the pairs has any."""
        ...

    async def watermark(self) -> Watermark:
        """How far the hourly aggregation has come."""
        ...

    async def set_watermark(self, watermark: Watermark) -> None:
        """Store it."""
        ...

    async def without_past(self) -> Sequence[str]:
        """Services of the graph that came after the first aggregation: nobody has asked for their past yet."""
        ...

    async def note_past(self, service_ids: Sequence[str], *, now: datetime) -> None:
        """The source was asked for the past of these, whatever it had; unknown services are passed over."""
        ...

    async def prune(self, *, detail_before: datetime, all_before: datetime) -> int:
        """Fold detail older than ``detail_before`` into daily sums, drop all before ``all_before``.

        Returns the number of nodes touched.
        """
        ...
