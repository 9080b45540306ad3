"""What services and dependencies are discovered from, as the settings have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from sloengine.application.ports.dependency_discovery import DependencyDiscovery
from sloengine.application.ports.telemetry_source import TelemetrySource
from sloengine.bootstrap.settings import Settings
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.hubble_discovery import HubbleDiscovery
from sloengine.infrastructure.prometheus.istio_discovery import IstioDiscovery
from sloengine.infrastructure.prometheus.service_graph_discovery import ServiceGraphDiscovery
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource
from sloengine.infrastructure.tempo.client import TempoClient
from sloengine.infrastructure.tempo.discovery import TempoDiscovery

#: By source and by reading: what to set where it is absent.
MISSING_DISCOVERIES: Mapping[str, str] = {
    "OTEL": "Set SLOENGINE_PROMETHEUS_URL for service-graph metrics, or SLOENGINE_TEMPO_URL for traces.",
    "MESH": "Set SLOENGINE_PROMETHEUS_URL: Istio's and Hubble's metrics are read from there.",
    "service-graph": "Set SLOENGINE_PROMETHEUS_URL.",
    "istio": "Set SLOENGINE_PROMETHEUS_URL.",
    "hubble": "Set SLOENGINE_PROMETHEUS_URL.",
    "tempo": "Set SLOENGINE_TEMPO_URL.",
}


def configured_discoveries(
    settings: Settings, telemetry: TelemetrySource | None, stack: AsyncExitStack
) -> Sequence[DependencyDiscovery]:
    """Every reading that something is configured for; connections are closed with ``stack``.

    Prometheus is asked through telemetry's own client: one bound on queries at a time, one circuit breaker. Where
    telemetry is something else, the sample above all, a Prometheus that is named is asked all the same.
    """
    found: list[DependencyDiscovery] = []
    client: PrometheusClient | None = None
    if isinstance(telemetry, PrometheusTelemetrySource):
        client = telemetry.client
    elif settings.prometheus_url:
        client = PrometheusClient(settings.prometheus_url, settings.prometheus_headers())
        stack.push_async_callback(client.close)
    if client is not None:
        found += [ServiceGraphDiscovery(client), IstioDiscovery(client), HubbleDiscovery(client)]
    if settings.tempo_url:
        tempo = TempoClient(settings.tempo_url, settings.tempo_headers())
        stack.push_async_callback(tempo.close)
        found.append(TempoDiscovery(tempo))
    return found
