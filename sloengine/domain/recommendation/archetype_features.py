"""What services are told apart by before their telemetry says anything of their reliability.

All of it is known on the first day: what the graph says of a service, what its owners stated, how much it is
asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Criticality, Service

PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "http": ("http", "rest", "graphql", "soap", "websocket"),
    "grpc": ("grpc", "rpc", "thrift"),
    "database": (
        "sql", "postgres", "mysql", "maria", "oracle", "jdbc", "redis", "memcache", "mongo", "cassandra",
        "dynamo", "elastic", "neo4j", "bolt", "db",
    ),
    "messages": (
        "kafka", "amqp", "rabbit", "nats", "mqtt", "sqs", "sns", "pubsub", "pulsar", "jms", "queue", "event",
    ),
}  # fmt: skip
"""Families of protocols by what their names contain; a call that waits for no answer is of ``messages``."""
RUNTIME_KEYS = ("runtime", "language")
"""Where metadata, or its ``labels``, state what a service runs on."""
LEAST_OF_A_RUNTIME = 3
_LEVELS = {Criticality.LOW: 0.0, Criticality.MEDIUM: 1.0, Criticality.HIGH: 2.0, Criticality.CRITICAL: 3.0}


@dataclass(frozen=True)
class Features:
    """Features of services: ``values`` has shape (n_services, n_features), NaN where nothing is known.

    ``criticality`` 0 (low) to 3 (critical); ``external`` 0 or 1; ``callers`` and ``dependencies``
    log2(1 + number); ``depth`` fewest calls from a service that nobody calls; ``traffic`` log10 of valid events a
    day; ``protocol:…`` share of the calls to it that are of that family; ``runtime:…`` 0 or 1.
    """

    service_ids: tuple[str, ...]
    names: tuple[str, ...]
    values: FloatArray

    def of(self, names: Sequence[str]) -> FloatArray:
        """The columns of these names, NaN for one that is not there."""
        index = {name: column for column, name in enumerate(self.names)}
        missing = np.full(len(self.service_ids), np.nan)
        columns = [self.values[:, index[name]] if name in index else missing for name in names]
        return np.stack(columns, axis=1) if columns else np.zeros((len(self.service_ids), 0))


def features_of(graph: DependencyGraph, daily_traffic: Mapping[str, float]) -> Features:
    """Features of every service of the graph. ``daily_traffic``: valid events per day of those that have any.

    Edges that no source has seen for long are left out.
    """
    services = graph.services
    edges = [edge for edge in graph.dependencies if not edge.is_stale]
    inwards: dict[str, list[Dependency]] = {}
    callers: Counter[str] = Counter()
    dependencies: Counter[str] = Counter()
    for edge in edges:
        inwards.setdefault(edge.dependency, []).append(edge)
        callers[edge.dependency] += 1
        dependencies[edge.caller] += 1
    entries = [service.service_id for service in services if not callers[service.service_id]]
    depth = graph.distances(entries, None)
    stated = {service.service_id: _runtime(service) for service in services}
    often = Counter(runtime for runtime in stated.values() if runtime is not None)
    runtimes = sorted(runtime for runtime, count in often.items() if count >= LEAST_OF_A_RUNTIME)
    names = (
        "criticality", "external", "callers", "dependencies", "depth", "traffic",
        *(f"protocol:{family}" for family in PROTOCOLS),
        *(f"runtime:{runtime}" for runtime in runtimes),
    )  # fmt: skip
    rows = []
    for service in services:
        one = service.service_id
        traffic = daily_traffic.get(one, 0.0)
        rows.append(
            [
                np.nan if service.criticality is None else _LEVELS[service.criticality],
                float(service.external),
                np.log2(1.0 + callers[one]),
                np.log2(1.0 + dependencies[one]),
                float(depth.get(one, np.nan)),
                np.log10(traffic) if traffic > 0 else np.nan,
                *_protocol_mix(inwards.get(one, ())),
                *(np.nan if stated[one] is None else float(stated[one] == runtime) for runtime in runtimes),
            ]
        )
    values = np.array(rows, dtype=np.float64).reshape(len(services), len(names))
    return Features(tuple(service.service_id for service in services), names, values)


def _protocol_mix(edges: Sequence[Dependency]) -> list[float]:
    families = [family for edge in edges if (family := _family(edge)) is not None]
    if not families:
        return [np.nan] * len(PROTOCOLS)
    return [families.count(family) / len(families) for family in PROTOCOLS]


def _family(edge: Dependency) -> str | None:
    """Family of an edge's protocol; None where nothing that is known was stated."""
    said = (edge.protocol or "").lower()
    # "grpc" before "http": gRPC is carried by HTTP, and names such as "grpc+http2" mean the former.
    for family in ("grpc", "database", "messages", "http"):
        if any(word in said for word in PROTOCOLS[family]):
            return family
    return "messages" if edge.mode is DependencyMode.ASYNC else None


def _runtime(service: Service) -> str | None:
    labels = service.metadata.get("labels")
    for stated in (service.metadata, labels if isinstance(labels, Mapping) else {}):
        for key in RUNTIME_KEYS:
            value = stated.get(key)
            if isinstance(value, str) and value.strip():
                return value.strip().lower()
    return None
