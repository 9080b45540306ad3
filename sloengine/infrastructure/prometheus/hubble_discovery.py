"""``DependencyDiscovery`` from the HTTP metrics of Cilium's Hubble, where they carry workloads.

Source: cilium/cilium, Documentation/observability/metrics.rst.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, LeftOut
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.edge_counts import EdgeCounts, Labels

_REQUESTS = "hubble_http_requests_total"
_OLD = "hubble_http_responses_total"
_FLOWS = "hubble_flows_processed_total"
_REPORTERS = ("client", "server", "unknown")
"""Best first; both ends may report the same call."""
_BY = (
    "reporter",
    "source_namespace",
    "source_workload",
    "destination_namespace",
    "destination_workload",
    "source",
    "destination",
)
_NO_WORKLOAD = re.compile(
    r"reserved:.*|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|[0-9a-f:]+:[0-9a-f:]*|world|host|unknown|"
)
_HOW = (
    "add `labelsContext=source_namespace,source_workload,destination_namespace,destination_workload` to httpV2 in "
    "hubble.metrics.enabled"
)

type Pair = tuple[str, str]


@dataclass(frozen=True)
class HubbleDiscovery:
    """Reads edges over a range with some five queries.

    Flows (``hubble_flows_processed_total``) are not read: answers are flows too, from the dependency back to the
    caller, and nothing tells them apart.
    """

    client: PrometheusClient
    name: str = "hubble"
    source: DiscoverySource = DiscoverySource.MESH

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """Edges that were called in [since, until); never complete. Raises: ``Unavailable``."""
        counts = EdgeCounts(self.client, since, until)
        there = await counts.names_like(f"{_REQUESTS}|{_OLD}|{_FLOWS}")
        if _REQUESTS not in there:
            return Discovered(warnings=(*_absent(there), *counts.warnings), queries=tuple(counts.queries))
        calls = await counts.count(_REQUESTS, [""], _BY, "source_workload")
        failed = await counts.count(_REQUESTS, ['status=~"5.."'], _BY, "source_workload")
        edges, left_out = _edges(calls, failed)
        warnings: tuple[str, ...] = ()
        if not edges:
            warnings = (
                f"{_REQUESTS} is there, but its series do not say which workloads call each other: {_HOW}",
            )
        return Discovered(
            dependencies=tuple(edges.values()),
            left_out=left_out,
            warnings=(*warnings, *counts.warnings),
            queries=tuple(counts.queries),
        )


def _absent(there: Sequence[str]) -> tuple[str, ...]:
    if _OLD in there:
        return (f"Hubble writes its old http metric ({_OLD}): enable httpV2 in its place, and {_HOW}",)
    if _FLOWS in there:
        return (f"Hubble counts flows only, which do not say who calls: enable httpV2 and {_HOW}",)
    return ()


def _edges(
    calls: Mapping[Labels, float], failed: Mapping[Labels, float]
) -> tuple[dict[Pair, DiscoveredDependency], tuple[LeftOut, ...]]:
    by_reporter: dict[str, dict[Pair, DiscoveredDependency]] = {}
    left_out: dict[LeftOut, None] = {}
    for key, count in sorted(calls.items()):
        reporter, source_namespace, source_workload, namespace, workload, source, destination = key
        caller = _name(source_namespace, source_workload, source)
        dependency = _name(namespace, workload, destination)
        if caller is None or dependency is None:
            for seen in (source, destination):
                if seen and _NO_WORKLOAD.fullmatch(seen):
                    left_out[LeftOut(seen, "no workload")] = None
            continue
        said = by_reporter.setdefault(reporter, {})
        known = said.get((caller, dependency))
        said[caller, dependency] = DiscoveredDependency(
            caller,
            dependency,
            EdgeAttributes(mode=DependencyMode.SYNC, protocol="http"),
            count + (0.0 if known is None else known.calls or 0.0),
            min(failed.get(key, 0.0), count) + (0.0 if known is None else known.failed_calls or 0.0),
        )
    edges: dict[Pair, DiscoveredDependency] = {}
    for reporter in sorted(by_reporter, key=lambda one: _REPORTERS.index(one) if one in _REPORTERS else 99):
        for pair, edge in by_reporter[reporter].items():
            edges.setdefault(pair, edge)
    return edges, tuple(left_out)


def _name(namespace: str, workload: str, context: str) -> str | None:
    """The workload; else what ``sourceContext`` or ``destinationContext`` put there, unless it is no workload."""
    if workload:
        return f"{namespace}/{workload}" if namespace else workload
    return None if _NO_WORKLOAD.fullmatch(context) else context
