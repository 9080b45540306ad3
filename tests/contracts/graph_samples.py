"""Small graphs for the contract tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sloengine.application.ports.service_graph import ClaimCounts, ServiceGraph
from sloengine.domain.topology.dependency import (
    Dependency,
    DependencyClaim,
    DependencyMode,
    DiscoverySource,
    EdgeAttributes,
)
from sloengine.domain.topology.service import Service

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def claim(
    caller: str, dependency: str, source: DiscoverySource = DiscoverySource.OTEL, **said: Any
) -> DependencyClaim:
    return DependencyClaim(caller, dependency, source, 0.9, NOW, NOW, EdgeAttributes(**said))


def merged(caller: str, dependency: str, **what: Any) -> Dependency:
    edge = Dependency(caller, dependency, assumed=("criticality",), confidence=0.9, last_observed_at=NOW)
    return replace(edge, **what)


async def draw(
    graph: ServiceGraph,
    *edges: str,
    ingestion_id: str = "drawn",
    services: Sequence[Service] = (),
    source: DiscoverySource = DiscoverySource.OTEL,
    **what: Any,
) -> ClaimCounts:
    """Write edges such as ``"a->b"``, each claimed by one source, and move the graph version."""
    pairs = [tuple(edge.split("->")) for edge in edges]
    counts = await graph.write_batch(
        ingestion_id=ingestion_id,
        services=services,
        claims=[claim(caller, dependency, source, mode=DependencyMode.SYNC) for caller, dependency in pairs],
        merged=[merged(caller, dependency, **what) for caller, dependency in pairs],
        withdrawn=(),
        removed=(),
        now=NOW,
    )
    await graph.write_condensation(supernodes=(), edges=(), alerts=(), changed=True, now=NOW)
    return counts
