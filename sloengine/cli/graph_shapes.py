"""Services, dependencies, alerts and ingestions as JSON in the shape of the GraphQL types."""

from __future__ import annotations

from collections.abc import Mapping

from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.cli.shapes import Json, global_id, service_reference, time
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.centrality import Centrality
from sloengine.domain.topology.dependency import Dependency, DependencyClaim
from sloengine.domain.topology.divergence import Divergence
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import CircularDependencyAlert, Ingestion
from sloengine.domain.topology.service import Service


def service_shape(service: Service, centrality: Centrality | None = None) -> Json:
    """``Service``, its own fields and its place in the graph; None: not worked out yet."""
    return {
        "id": global_id("Service", service.service_id),
        "serviceId": service.service_id,
        "name": service.name,
        "entityRef": service.entity_ref,
        "team": service.team,
        "criticality": service.criticality,
        "external": service.external,
        "discovered": service.discovered,
        "metadata": dict(service.metadata),
        "centrality": None if centrality is None else _centrality(centrality),
    }


def _centrality(found: Centrality) -> Json:
    return {
        "pageRank": found.page_rank,
        "betweenness": found.betweenness,
        "betweennessError": found.betweenness_error,
        "blastRadius": found.blast_radius,
        "community": found.community,
        "singlePointOfFailure": found.single_point_of_failure,
        "depth": found.depth,
        "graphVersion": found.graph_version,
    }


def dependency_shape(edge: Dependency, measured: Estimate | None) -> Json:
    """``Dependency``; ``measured``: its pass-through."""
    return {
        "caller": service_reference(edge.caller),
        "dependency": service_reference(edge.dependency),
        "mode": edge.mode,
        "criticality": edge.criticality,
        "assumed": list(edge.assumed),
        "protocol": edge.protocol,
        "timeoutMs": edge.timeout_ms,
        "retryConfig": edge.retry_config,
        "callWeight": edge.call_weight,
        "redundancyGroup": edge.redundancy_group,
        "required": edge.required,
        "confidence": edge.confidence,
        "isStale": edge.is_stale,
        "lastObservedAt": time(edge.last_observed_at),
        "claims": [_claim(claim) for claim in edge.claims],
        "measuredPassThrough": None
        if measured is None
        else {"value": measured.value, "low": measured.low, "high": measured.high},
    }


def _claim(claim: DependencyClaim) -> Json:
    return {
        "source": claim.source,
        "confidence": claim.confidence,
        "firstSeenAt": time(claim.first_seen_at),
        "lastSeenAt": time(claim.last_seen_at),
    }


def divergence_shape(one: Divergence) -> Json:
    """``Divergence``."""
    return {
        "id": global_id("Divergence", one.divergence_id),
        "caller": service_reference(one.caller),
        "dependency": service_reference(one.dependency),
        "declaredBy": list(one.declared_by),
        "observedBy": list(one.observed_by),
        "since": time(one.since),
        "message": one.message,
    }


def alert_shape(alert: CircularDependencyAlert) -> Json:
    """``CircularDependencyAlert``, its own fields."""
    return {
        "id": global_id("CircularDependencyAlert", alert.alert_id),
        "status": alert.status,
        "cyclePath": list(alert.cycle_path),
        "detectedAt": time(alert.detected_at),
        "updatedBy": alert.updated_by,
        "note": alert.note,
        "resolvedAt": time(alert.resolved_at),
        "history": [
            {"at": time(change.at), "status": change.status, "by": change.by, "text": change.text}
            for change in alert.history
        ],
    }


def supernode_shape(supernode: Supernode) -> Json:
    """``Supernode``; its id is that of the first member, as in the API."""
    return {
        "id": global_id("Supernode", supernode.members[0]),
        "cyclePath": list(supernode.cycle_path),
        "memberCount": len(supernode.members),
        "members": [service_reference(member) for member in supernode.members],
    }


def graph_shape(
    found: Neighbourhood,
    measured: Mapping[tuple[str, str], Estimate],
    centrality: Mapping[str, Centrality],
) -> Json:
    """``DependencyGraph``. ``centrality``: by service id, of those for which it was worked out."""
    return {
        "services": [service_shape(service, centrality.get(service.service_id)) for service in found.services],
        "dependencies": [dependency_shape(edge, measured.get(edge.pair)) for edge in found.dependencies],
        "supernodes": [supernode_shape(node) for node in found.supernodes],
        "graphVersion": found.graph_version,
        "truncated": found.truncated,
    }


def ingestion_shape(ingestion: Ingestion) -> Json:
    """``Ingestion``."""
    return {
        "id": global_id("Ingestion", ingestion.ingestion_id),
        "source": ingestion.source,
        "status": ingestion.status,
        "progress": ingestion.progress,
        "accepted": ingestion.accepted,
        "rejected": [
            {"index": item.index, "path": item.path, "code": item.code, "message": item.message}
            for item in ingestion.rejected
        ],
        "warnings": list(ingestion.warnings),
        "servicesCreated": ingestion.services_created,
        "edgesCreated": ingestion.edges_created,
        "edgesUpdated": ingestion.edges_updated,
        "edgesRemoved": ingestion.edges_removed,
        "cycles": ingestion.cycles,
        "graphVersion": ingestion.graph_version,
        "error": ingestion.error,
        "startedAt": time(ingestion.started_at),
        "finishedAt": time(ingestion.finished_at),
    }
