"""What the server has: which presets match, which kind of histogram, and which label carries the identity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from enum import StrEnum

from sloengine.infrastructure.prometheus import promql
from sloengine.infrastructure.prometheus.any_names import NameSupport, name_support
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.presets import (
    REQUEST_PRESETS,
    SERVICE_GRAPH,
    EdgePreset,
    RequestPreset,
)
from sloengine.infrastructure.prometheus.promql_names import name, selector


class HistogramKind(StrEnum):
    """Classic: one series a bucket, with ``le``. Native: one series, buckets inside."""

    NONE = "none"
    CLASSIC = "classic"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Convention:
    """A preset that the server has series for, and the label that carries the service's identity.

    ``counted_natively``: requests come from a native histogram too, there is no counter.
    """

    preset: RequestPreset
    service_label: str
    series: int
    histogram: HistogramKind
    counted_natively: bool = False

    @property
    def has_histogram(self) -> bool:
        """Whether latency can be read."""
        return self.histogram is not HistogramKind.NONE

    @property
    def metric(self) -> str:
        """The metric that requests are counted by."""
        return promql.native_metric(self.preset) if self.counted_natively else self.preset.metric


@dataclass(frozen=True, slots=True)
class Conventions:
    """All that were found, best first. ``edges`` None: no service-graph metrics."""

    requests: tuple[Convention, ...]
    edges: EdgePreset | None


async def discover(
    client: PrometheusClient,
    *,
    at: float,
    lookback: str = "1d",
    support: NameSupport | None = None,
    warnings: list[str] | None = None,
) -> Conventions:
    """Ask which conventions have series with samples in the look-back. Raises as the client.

    While services move from classic to native histograms a server has both: both are found, classic first.
    ``support``: where it is known already. ``warnings``: as of the client.
    """
    asking = _Asking(client, at, lookback, warnings)
    support = support or await name_support(client)
    presets = [preset for preset in REQUEST_PRESETS if support.takes_any or not preset.needs_any_name]
    found = [convention for preset in presets async for convention in asking.conventions(preset)]
    edges = await asking.edges()
    # Two presets on the same counter differ in the histogram only: the one whose histogram is there wins.
    best: dict[str, Convention] = {}
    for convention in found:
        known = best.get(convention.metric)
        if known is None or (convention.has_histogram and not known.has_histogram):
            best[convention.metric] = convention
    return Conventions(tuple(best.values()), edges)


@dataclass(frozen=True, slots=True)
class _Asking:
    client: PrometheusClient
    at: float
    lookback: str
    warnings: list[str] | None

    async def conventions(self, preset: RequestPreset) -> AsyncIterator[Convention]:
        for label in preset.service_labels:
            series = await self.series(preset.metric, preset.matchers, _has(label))
            if series:
                yield Convention(preset, label, series, await self._histogram(preset, label))
                break
        if not preset.counts_by_histogram:
            return
        for label in preset.service_labels:
            series = await self.series(promql.native_metric(preset), preset.matchers, _has(label))
            if series:
                yield Convention(preset, label, series, HistogramKind.NATIVE, counted_natively=True)
                break

    async def _histogram(self, preset: RequestPreset, label: str) -> HistogramKind:
        if preset.histogram is None:
            return HistogramKind.NONE
        if await self.series(preset.histogram, _has(label)):
            return HistogramKind.CLASSIC
        if not preset.counts_by_histogram and await self.series(promql.native_metric(preset), _has(label)):
            return HistogramKind.NATIVE
        return HistogramKind.NONE

    async def edges(self) -> EdgePreset | None:
        """The service graph, under whatever namespace its exporter puts in front; the one with most series."""
        pattern = f"(.+[_:.])?{SERVICE_GRAPH.calls}"
        query = f'count by (__name__) (last_over_time({{__name__=~"{pattern}"}}[{self.lookback}]))'
        found = {
            str(one["metric"]["__name__"]): float(one["value"][1])
            for one in await self.client.query(query, at=self.at, warnings=self.warnings)
        }
        if not found:
            return None
        prefix = max(sorted(found), key=found.__getitem__).removesuffix(SERVICE_GRAPH.calls)
        return replace(SERVICE_GRAPH, calls=prefix + SERVICE_GRAPH.calls, failed=prefix + SERVICE_GRAPH.failed)

    async def series(self, metric: str, *matchers: str) -> int:
        """Series with samples in the look-back; a bare name where there is nothing to match."""
        series = f"{selector(metric, matchers)}[{self.lookback}]"
        query = f"count(last_over_time({series}))"
        result = await self.client.query(query, at=self.at, warnings=self.warnings)
        return int(float(result[0]["value"][1])) if result else 0


def _has(label: str) -> str:
    return f'{name(label)}!=""'
