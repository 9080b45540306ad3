"""``DependencyDiscovery`` from the service-graph metrics of Tempo's generator or the OpenTelemetry connector.

Sources: grafana/tempo, modules/generator/processor/servicegraphs; open-telemetry/opentelemetry-collector-contrib,
connector/servicegraphconnector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import (
    Discovered,
    DiscoveredDependency,
    DiscoveredService,
    LeftOut,
    joined,
)
from sloengine.infrastructure.prometheus.any_names import NameSupport, name_support
from sloengine.infrastructure.prometheus.client import PrometheusClient, QueryRefused
from sloengine.infrastructure.prometheus.discovery import Convention, discover
from sloengine.infrastructure.prometheus.edge_counts import EdgeCounts, Labels
from sloengine.infrastructure.prometheus.edge_names import looks_external
from sloengine.infrastructure.prometheus.promql_names import name

_CALLS = "request_total"
_FAILED = "request_failed_total"
_PATTERN = "(.+[_:.])?traces_service_graph_request_total"
"""An exporter's ``namespace`` stands in front."""
_VIRTUAL, _DATABASE, _QUEUE = "virtual_node", "database", "messaging_system"
_DATABASE_LABELS = ("server_db_system", "client_db_system", "db_system")
_QUEUE_LABELS = ("client_messaging_system", "server_messaging_system", "messaging_system")
_BY = ("client", "server", "connection_type", *_DATABASE_LABELS, *_QUEUE_LABELS)
"""Dimensions that are not configured are empty. Whatever else a series carries is added up, the connector's
``failed`` above all: it stands on every series, so that each edge has two."""
_DOTTED = {
    label.removesuffix(system) + system.replace("_", "."): label
    for system in ("db_system", "messaging_system")
    for label in (*_DATABASE_LABELS, *_QUEUE_LABELS)
    if label.endswith(system)
}
"""The same dimensions as a server has them that keeps OpenTelemetry's names: ``client_db.system``."""
_SAMPLED_BELOW = 0.8
"""Share of the requests of HTTP metrics that the service graph must see for HTTP metrics to be its denominator."""
_NEVER_TRACED = {"traced": False}


@dataclass(frozen=True)
class ServiceGraphDiscovery:
    """Reads edges over a range, some twenty queries whatever the number of services."""

    client: PrometheusClient
    name: str = "service-graph"
    source: DiscoverySource = DiscoverySource.OTEL

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """Edges that were called in [since, until); never complete. Raises: ``Unavailable``."""
        counts = EdgeCounts(self.client, since, until)
        metrics = await counts.names_like(_PATTERN)
        if not metrics:
            return Discovered(
                warnings=(
                    "no traces_service_graph_request_total in this range: switch on Tempo's service-graphs "
                    "processor or the collector's servicegraph connector",
                    *counts.warnings,
                ),
                queries=tuple(counts.queries),
            )
        try:
            support = await name_support(self.client)
        except QueryRefused as error:
            raise Unavailable(f"Prometheus refused to say what it is: {error}") from error
        readings = [await self._read(counts, metric, takes_any_name=support.takes_any) for metric in metrics]
        found = joined([reading for reading, _ in readings])
        requests, warnings = await self._own_requests(counts, readings[0][1], support)
        if len(metrics) > 1:
            warnings = (
                f"{' and '.join(metrics)} are both there: where both know an edge, {metrics[0]} counts",
                *warnings,
            )
        return Discovered(
            found.services,
            found.dependencies,
            requests=requests,
            left_out=found.left_out,
            warnings=(*found.warnings, *warnings, *counts.warnings),
            queries=tuple(counts.queries),
        )

    async def _read(
        self, counts: EdgeCounts, metric: str, *, takes_any_name: bool
    ) -> tuple[Discovered, Mapping[str, float]]:
        """Edges, and the calls that came in by service, those of callers that are not traced among them."""
        ends = 'client!="",server!=""'
        by = (*_BY, *_DOTTED) if takes_any_name else _BY
        calls = _folded(await counts.count(metric, [ends], by, "client"), by)
        failed = _folded(await counts.count(metric.removesuffix(_CALLS) + _FAILED, [ends], by, "client"), by)
        services: dict[str, DiscoveredService] = {}
        edges: dict[tuple[str, str], DiscoveredDependency] = {}
        left_out: dict[LeftOut, None] = {}
        incoming: dict[str, float] = {}
        for key, count in sorted(calls.items()):
            client, server, kind = key[:3]
            if kind not in (_DATABASE, _QUEUE):
                incoming[server] = incoming.get(server, 0.0) + count
            if client == "user" and kind == _VIRTUAL:
                left_out[LeftOut(client, "a caller that is not traced")] = None
                continue
            for service in _what_is_known(key):
                services.setdefault(service.source_name, service)
            edge = DiscoveredDependency(client, server, _attributes(key), count, min(failed.get(key, 0.0), count))
            known = edges.get((client, server))
            edges[client, server] = edge if known is None else _both(known, edge)
        found = Discovered(tuple(services.values()), tuple(edges.values()), left_out=tuple(left_out))
        return found, incoming

    async def _own_requests(
        self, counts: EdgeCounts, incoming: Mapping[str, float], support: NameSupport
    ) -> tuple[Mapping[str, float], tuple[str, ...]]:
        """Own requests by name, counted from the same traces where that is possible, else by HTTP metrics.

        Traces may be sampled, HTTP metrics are not: calls of the one over requests of the other would be a weight
        that is too low by the sampling ratio. So HTTP metrics are taken only where they count the same as the
        service graph does on the services that both know.
        """
        try:
            conventions = await discover(
                self.client,
                at=counts.until.timestamp(),
                lookback=counts.range_,
                support=support,
                warnings=counts.doubts,
            )
        except QueryRefused as error:
            raise Unavailable(f"Prometheus refused to say what it has: {error}") from error
        spans = [
            one
            for one in conventions.requests
            if any(sign in one.metric for sign in ("spanmetrics", "span_metrics", "span.metrics"))
        ]
        others = [
            one
            for one in conventions.requests
            if one.metric.startswith(("http_", "http.")) and not one.counted_natively
        ]
        for convention in spans:
            requests = await self._requests(counts, convention)
            if requests:
                return requests, ()
        for convention in others:
            requests = await self._requests(counts, convention)
            share = _seen_share(incoming, requests)
            if share is None:
                continue
            if share >= _SAMPLED_BELOW:
                return requests, ()
            return {}, (
                f"the service graph counts {share:.0%} of the requests that {convention.metric} counts: traces "
                "are sampled, or some callers are not traced. Call weights are left out; span metrics of the "
                "same traces would give them",
            )
        return {}, ("no span metrics or HTTP server metrics in this range: call weights are not known",)

    async def _requests(self, counts: EdgeCounts, convention: Convention) -> Mapping[str, float]:
        label = convention.service_label
        has_it = f'{name(label)}!=""'
        by_name = await counts.count(
            convention.metric, [f"{convention.preset.matchers},{has_it}".lstrip(",")], [label], label
        )
        return {key[0]: count for key, count in by_name.items()}


def _folded(counts: Mapping[Labels, float], by: Sequence[str]) -> Mapping[Labels, float]:
    """Counts by the values of ``_BY``; a dimension that has a dotted name counts as the plain one."""
    folded: dict[Labels, float] = {}
    for key, count in counts.items():
        values = dict(zip(by, key, strict=True))
        for dotted, plain in _DOTTED.items():
            values[plain] = values[plain] or values.get(dotted, "")
        plain_key = tuple(values[label] for label in _BY)
        folded[plain_key] = folded.get(plain_key, 0.0) + count
    return folded


def _what_is_known(key: Labels) -> list[DiscoveredService]:
    client, server, kind = key[:3]
    found = []
    if kind == _VIRTUAL and looks_external(client):
        found.append(DiscoveredService(client, external=True, metadata=_NEVER_TRACED))
    if kind == _DATABASE:
        system = _first(key, _DATABASE_LABELS)
        known = {"kind": "database"} | ({} if system is None else {"system": system})
        found.append(DiscoveredService(server, external=looks_external(server) or None, metadata=known))
    elif kind == _VIRTUAL:
        found.append(DiscoveredService(server, external=looks_external(server) or None, metadata=_NEVER_TRACED))
    return found


def _attributes(key: Labels) -> EdgeAttributes:
    """A span pair is a call that is waited for, but for those through a queue."""
    kind = key[2]
    if kind == _QUEUE:
        return EdgeAttributes(mode=DependencyMode.ASYNC, protocol=_first(key, _QUEUE_LABELS) or "messaging")
    protocol = (_first(key, _DATABASE_LABELS) or "database") if kind == _DATABASE else None
    return EdgeAttributes(mode=DependencyMode.SYNC, protocol=protocol)


def _first(key: Labels, labels: tuple[str, ...]) -> str | None:
    values = dict(zip(_BY, key, strict=True))
    return next((values[label] for label in labels if values[label]), None)


def _both(first: DiscoveredDependency, second: DiscoveredDependency) -> DiscoveredDependency:
    """One pair over two kinds of connection: a call that is waited for and a message count together, as a call."""
    waited_for = DependencyMode.SYNC in (first.attributes.mode, second.attributes.mode)
    return DiscoveredDependency(
        first.caller,
        first.dependency,
        EdgeAttributes(
            mode=DependencyMode.SYNC if waited_for else DependencyMode.ASYNC,
            protocol=first.attributes.protocol or second.attributes.protocol,
        ),
        (first.calls or 0.0) + (second.calls or 0.0),
        (first.failed_calls or 0.0) + (second.failed_calls or 0.0),
    )


def _seen_share(incoming: Mapping[str, float], requests: Mapping[str, float]) -> float | None:
    """Incoming calls of the service graph ÷ requests of HTTP metrics, over services that both know by name."""
    by_name: dict[str, float] = {}
    for source_name, count in requests.items():
        name = source_name.rsplit("/", 1)[-1]
        by_name[name] = by_name.get(name, 0.0) + count
    both = incoming.keys() & by_name.keys()
    known = sum(by_name[name] for name in both)
    return sum(incoming[name] for name in both) / known if known else None
