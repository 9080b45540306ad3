"""What the server has: which presets match, and which label carries the identity."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.presets import (
    REQUEST_PRESETS,
    SERVICE_GRAPH,
    EdgePreset,
    RequestPreset,
)


@dataclass(frozen=True, slots=True)
class Convention:
    """A preset that the server has series for, and the label that carries the service's identity."""

    preset: RequestPreset
    service_label: str
    series: int
    has_histogram: bool


@dataclass(frozen=True, slots=True)
class Conventions:
    """All that were found, best first. ``edges`` None: no service-graph metrics."""

    requests: tuple[Convention, ...]
    edges: EdgePreset | None


async def discover(client: PrometheusClient, *, at: float, lookback: str = "1d") -> Conventions:
    """Ask which conventions have series with samples in the look-back. Raises as the client."""
    found: list[Convention] = []
    for preset in REQUEST_PRESETS:
        for label in preset.service_labels:
            matchers = ",".join(part for part in (preset.matchers, f'{label}!=""') if part)
            series = await _count(client, f"{preset.metric}{{{matchers}}}", at, lookback)
            if series:
                has_histogram = bool(
                    preset.histogram and await _count(client, f'{preset.histogram}{{{label}!=""}}', at, lookback)
                )
                found.append(Convention(preset, label, series, has_histogram))
                break
    edges = SERVICE_GRAPH if await _count(client, SERVICE_GRAPH.calls, at, lookback) else None
    # Two presets on the same counter differ in the histogram only: the one whose histogram is there wins.
    best: dict[str, Convention] = {}
    for convention in found:
        known = best.get(convention.preset.metric)
        if known is None or (convention.has_histogram and not known.has_histogram):
            best[convention.preset.metric] = convention
    return Conventions(tuple(best.values()), edges)


async def _count(client: PrometheusClient, selector: str, at: float, lookback: str) -> int:
    result = await client.query(f"count(last_over_time({selector}[{lookback}]))", at=at)
    return int(float(result[0]["value"][1])) if result else 0
