"""Which metrics say what, for the conventions that are met in the field.

Sources: OpenTelemetry semantic conventions, docs/http/http-metrics.md, and the specification's
compatibility/prometheus_and_openmetrics.md; Grafana Tempo, docs/sources/tempo/metrics-from-traces; OpenTelemetry
Collector contrib, spanmetrics and servicegraph connectors; istio.io, docs/reference/config/metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.infrastructure.prometheus.promql_names import is_plain


@dataclass(frozen=True, slots=True)
class RequestPreset:
    """How requests, failures and latencies of a service are told apart.

    ``metric`` and ``matchers`` select all requests. ``failures``: matchers that, added to those, select the failed
    ones; several alternatives are added up and must not overlap. ``histogram``: the bucket metric, None when there
    is none. ``unit_seconds``: seconds per unit of ``le``. ``service_labels``: labels that may carry the service's
    identity, best first; the first that the server has is used. ``source``: whose name rules hold for them.
    """

    name: str
    metric: str
    matchers: str
    failures: tuple[str, ...]
    service_labels: tuple[str, ...]
    histogram: str | None
    histogram_matchers: str = ""
    unit_seconds: float = 1.0
    source: DiscoverySource = DiscoverySource.OTEL

    @property
    def needs_any_name(self) -> bool:
        """Whether a server must keep names with dots to have it."""
        return not is_plain(self.metric)

    @property
    def native_histogram(self) -> str | None:
        """Name of the same histogram where it is a native one: those have no ``_bucket`` and no ``_count``."""
        return None if self.histogram is None else self.histogram.removesuffix("_bucket")

    @property
    def counts_by_histogram(self) -> bool:
        """Whether requests are the histogram's own count, so that a native histogram replaces the counter too."""
        return self.native_histogram is not None and self.metric == f"{self.native_histogram}_count"


@dataclass(frozen=True, slots=True)
class EdgePreset:
    """Calls between services: one counter for calls, one for failed calls, and the labels of both ends."""

    name: str
    calls: str
    failed: str
    caller_label: str = "client"
    dependency_label: str = "server"


_SERVER_SPANS = 'span_kind="SPAN_KIND_SERVER"'
_SPAN_FAILED = ('status_code="STATUS_CODE_ERROR"',)

OTEL_HTTP = RequestPreset(
    name="otel-http",
    metric="http_server_request_duration_seconds_count",
    matchers="",
    # A request that died before it had a status carries error_type only.
    failures=('http_response_status_code=~"5.."', 'http_response_status_code="",error_type!=""'),
    service_labels=("service_name", "job"),
    histogram="http_server_request_duration_seconds_bucket",
)
# Where the server keeps OpenTelemetry's own names: Prometheus 3 with the translation strategy
# NoUTF8EscapingWithSuffixes, and with NoTranslation, which leaves units and types off as well.
_DOTTED_FAILURES = (
    '"http.response.status_code"=~"5.."',
    '"http.response.status_code"="","error.type"!=""',
)
_DOTTED_IDENTITY = ("service.name", "service_name", "job")
OTEL_HTTP_DOTTED = RequestPreset(
    name="otel-http-dotted",
    metric="http.server.request.duration_seconds_count",
    matchers="",
    failures=_DOTTED_FAILURES,
    service_labels=_DOTTED_IDENTITY,
    histogram="http.server.request.duration_seconds_bucket",
)
OTEL_HTTP_UNTRANSLATED = RequestPreset(
    name="otel-http-untranslated",
    metric="http.server.request.duration_count",
    matchers="",
    failures=_DOTTED_FAILURES,
    service_labels=_DOTTED_IDENTITY,
    histogram="http.server.request.duration_bucket",
)
_DOTTED_SERVER_SPANS = '"span.kind"="SPAN_KIND_SERVER"'
_DOTTED_SPAN_FAILED = ('"status.code"="STATUS_CODE_ERROR"',)
SPAN_METRICS_DOTTED = RequestPreset(
    name="collector-span-metrics-dotted",
    metric="traces.span.metrics.calls_total",
    matchers=_DOTTED_SERVER_SPANS,
    failures=_DOTTED_SPAN_FAILED,
    service_labels=_DOTTED_IDENTITY,
    histogram="traces.span.metrics.duration_milliseconds_bucket",
    histogram_matchers=_DOTTED_SERVER_SPANS,
    unit_seconds=0.001,
)
SPAN_METRICS_DOTTED_SECONDS = replace(
    SPAN_METRICS_DOTTED,
    name="collector-span-metrics-dotted-seconds",
    histogram="traces.span.metrics.duration_seconds_bucket",
    unit_seconds=1.0,
)
SPAN_METRICS_UNTRANSLATED = replace(
    SPAN_METRICS_DOTTED,
    name="collector-span-metrics-untranslated",
    metric="traces.span.metrics.calls",
    # Without its unit in the name nobody can tell milliseconds, the connector's default, from seconds.
    histogram=None,
)
OTEL_HTTP_OLD = RequestPreset(
    name="otel-http-old",
    metric="http_server_duration_milliseconds_count",
    matchers="",
    failures=('http_status_code=~"5.."',),
    service_labels=("service_name", "job"),
    histogram="http_server_duration_milliseconds_bucket",
    unit_seconds=0.001,
)
TEMPO_SPAN_METRICS = RequestPreset(
    name="tempo-span-metrics",
    metric="traces_spanmetrics_calls_total",
    matchers=_SERVER_SPANS,
    failures=_SPAN_FAILED,
    service_labels=("service", "service_name"),
    histogram="traces_spanmetrics_latency_bucket",
    histogram_matchers=_SERVER_SPANS,
)
COLLECTOR_SPAN_METRICS = RequestPreset(
    name="collector-span-metrics",
    metric="traces_span_metrics_calls_total",
    matchers=_SERVER_SPANS,
    failures=_SPAN_FAILED,
    service_labels=("service_name", "service", "job"),
    histogram="traces_span_metrics_duration_milliseconds_bucket",
    histogram_matchers=_SERVER_SPANS,
    unit_seconds=0.001,
)
COLLECTOR_SPAN_METRICS_SECONDS = RequestPreset(
    name="collector-span-metrics-seconds",
    metric="traces_span_metrics_calls_total",
    matchers=_SERVER_SPANS,
    failures=_SPAN_FAILED,
    service_labels=("service_name", "service", "job"),
    histogram="traces_span_metrics_duration_seconds_bucket",
    histogram_matchers=_SERVER_SPANS,
)
ISTIO = RequestPreset(
    name="istio",
    metric="istio_requests_total",
    # Both sides report every call: one reporter, or calls count twice. The caller's side also sees requests
    # that never reached the proxy of the service.
    matchers='reporter="source"',
    failures=(
        'response_code=~"5..|0"',
        'response_code!~"5..|0",grpc_response_status=~"2|4|8|12|13|14|15"',
    ),
    service_labels=("destination_canonical_service", "destination_service_name"),
    histogram="istio_request_duration_milliseconds_bucket",
    histogram_matchers='reporter="source"',
    unit_seconds=0.001,
    source=DiscoverySource.MESH,
)

REQUEST_PRESETS: tuple[RequestPreset, ...] = (
    OTEL_HTTP,
    OTEL_HTTP_DOTTED,
    OTEL_HTTP_UNTRANSLATED,
    COLLECTOR_SPAN_METRICS_SECONDS,
    COLLECTOR_SPAN_METRICS,
    SPAN_METRICS_DOTTED_SECONDS,
    SPAN_METRICS_DOTTED,
    SPAN_METRICS_UNTRANSLATED,
    TEMPO_SPAN_METRICS,
    ISTIO,
    OTEL_HTTP_OLD,
)
"""Best first: metrics made by the service itself before metrics made from (perhaps sampled) traces."""

SERVICE_GRAPH = EdgePreset(
    name="service-graph",
    calls="traces_service_graph_request_total",
    failed="traces_service_graph_request_failed_total",
)
"""Tempo's generator and the collector's connector share these names; the latter adds ``failed``, summed over."""
