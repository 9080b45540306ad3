"""``DependencyDiscovery`` from Istio's standard metrics, sidecars and ambient.

Source: istio.io, docs/reference/config/metrics; which reporter to trust as in kiali, graph/telemetry/istio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, DiscoveredService
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.edge_counts import EdgeCounts, Labels
from sloengine.infrastructure.prometheus.edge_names import looks_external

_REQUESTS = "istio_requests_total"
_CONNECTIONS = "istio_tcp_connections_opened_total"
_FAILURES = (
    'response_code=~"5..|0"',
    # gRPC failures come with HTTP 200; and no response at all with code 0.
    'response_code!~"5..|0",grpc_response_status=~"2|4|8|12|13|14|15"',
)
_REPORTERS = ("source", "waypoint")
"""Best first. Every call is reported by both ends: of each edge one reporter counts. The caller's proxy also sees
calls that never arrived; where callers have none (ambient), the waypoint does."""
_BY = (
    "reporter",
    "source_canonical_service",
    "source_workload_namespace",
    "destination_canonical_service",
    "destination_workload_namespace",
    "destination_service",
    "destination_service_name",
    "request_protocol",
)
_OWN = ("reporter", "destination_canonical_service", "destination_workload_namespace")
_UNKNOWN = frozenset({"", "unknown"})
_NOWHERE = frozenset({"PassthroughCluster", "BlackHoleCluster"})

type Pair = tuple[str, str]


@dataclass(frozen=True)
class IstioDiscovery:
    """Reads edges over a range with some ten queries."""

    client: PrometheusClient
    name: str = "istio"
    source: DiscoverySource = DiscoverySource.MESH

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """Edges that were called in [since, until); never complete. Raises: ``Unavailable``."""
        counts = EdgeCounts(self.client, since, until)
        there = await counts.names_like(f"{_REQUESTS}|{_CONNECTIONS}")
        if not there:
            return Discovered(
                warnings=(
                    "no istio_requests_total in this range: is Prometheus told to scrape the proxies?",
                    *counts.warnings,
                ),
                queries=tuple(counts.queries),
            )
        sides = f'reporter=~"{"|".join(_REPORTERS)}"'
        calls = await counts.count(_REQUESTS, [sides], _BY, "source_canonical_service")
        failed = await counts.count(
            _REQUESTS, [f"{sides},{failure}" for failure in _FAILURES], _BY, "source_canonical_service"
        )
        own = await counts.count(
            _REQUESTS, ['reporter=~"destination|waypoint"'], _OWN, "destination_canonical_service"
        )
        opened = await counts.count(_CONNECTIONS, ['reporter="source"'], _BY, "source_canonical_service")
        edges = _edges(calls, failed)
        for pair, edge in _connections(opened).items():
            edges.setdefault(pair, edge)
        return Discovered(
            _external(edges),
            tuple(edges.values()),
            requests=_requests(own),
            warnings=counts.warnings,
            queries=tuple(counts.queries),
        )


def _edges(calls: Mapping[Labels, float], failed: Mapping[Labels, float]) -> dict[Pair, DiscoveredDependency]:
    """Of each pair what its best reporter says, protocols added up."""
    by_reporter: dict[str, dict[Pair, DiscoveredDependency]] = {reporter: {} for reporter in _REPORTERS}
    for key, count in sorted(calls.items()):
        said = by_reporter[key[0]]
        pair, protocol = _pair(key), key[-1] or None
        edge = DiscoveredDependency(
            *pair,
            EdgeAttributes(mode=DependencyMode.SYNC, protocol=protocol),
            count,
            min(failed.get(key, 0.0), count),
        )
        known = said.get(pair)
        if known is not None:
            edge = replace(
                known if (known.calls or 0.0) >= count else edge,
                calls=(known.calls or 0.0) + count,
                failed_calls=(known.failed_calls or 0.0) + (edge.failed_calls or 0.0),
            )
        said[pair] = edge
    edges: dict[Pair, DiscoveredDependency] = {}
    for reporter in _REPORTERS:
        for pair, edge in by_reporter[reporter].items():
            edges.setdefault(pair, edge)
    return edges


def _connections(opened: Mapping[Labels, float]) -> dict[Pair, DiscoveredDependency]:
    """Edges of which only connections are known: how many calls go over one, nobody counts."""
    tcp = EdgeAttributes(mode=DependencyMode.SYNC, protocol="tcp")
    return {_pair(key): DiscoveredDependency(*_pair(key), tcp) for key in sorted(opened)}


def _pair(key: Labels) -> Pair:
    _, caller, caller_namespace, dependency, namespace, host, host_name, _ = key
    return _named(caller, caller_namespace), _destination(dependency, namespace, host, host_name)


def _destination(canonical: str, namespace: str, host: str, host_name: str) -> str:
    """The canonical service; where the far end has no proxy, the host that was called."""
    if canonical not in _UNKNOWN:
        return _named(canonical, namespace)
    if host_name in _NOWHERE:
        return host_name
    return host if host not in _UNKNOWN else "unknown"


def _named(canonical: str, namespace: str) -> str:
    if canonical in _UNKNOWN:
        return "unknown"
    return canonical if namespace in _UNKNOWN else f"{namespace}/{canonical}"


def _external(edges: Mapping[Pair, DiscoveredDependency]) -> tuple[DiscoveredService, ...]:
    hosts = sorted({dependency for _, dependency in edges if looks_external(dependency)})
    return tuple(DiscoveredService(host, external=True) for host in hosts)


def _requests(own: Mapping[Labels, float]) -> Mapping[str, float]:
    """Requests that arrived at each service, by the reporter that saw most of them; both may see the same ones."""
    arrived: dict[str, float] = {}
    for (_, canonical, namespace), count in own.items():
        name = _named(canonical, namespace)
        if name != "unknown":
            arrived[name] = max(arrived.get(name, 0.0), count)
    return arrived
