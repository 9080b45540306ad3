"""Recommend from plain values that were read from files: the same computing as online, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.evidence import Evidence, LearntPriors
from sloengine.application.recommendation.learn_archetypes import learn_archetypes
from sloengine.application.recommendation.prepared import prepare
from sloengine.domain.errors import Invalid, ServiceNotFound
from sloengine.domain.recommendation.latency_prior import LatencyPrior, learn_latency_prior
from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.dependency import Dependency, DiscoverySource
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.merging import merge_claims
from sloengine.domain.topology.service import Service
from sloengine.domain.topology.validation import check_rows

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecommendFromFilesCommand:
    """``document``: services and dependencies as an ingestion takes them. ``latency``: histories per service.

    ``service_ids`` None: every service of the files. ``as_of`` None: the end of the last interval; all data at or
    after it are ignored. ``shapley`` None: without explanations. ``grouping`` None: all services count as of
    one kind.
    """

    document: Mapping[str, Any]
    panel: SliPanel | None
    latency: Mapping[str, LatencyHistory] | None
    now: datetime
    service_ids: Sequence[str] | None = None
    as_of: datetime | None = None
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    settings: EngineSettings = field(default_factory=EngineSettings)
    shapley: ShapleyValues | None = None
    grouping: ArchetypeGrouping | None = None


@dataclass(frozen=True, slots=True)
class FileRecommendations:
    """Answers by service and SLI type, and what was noticed about the files on the way."""

    results: tuple[RecommendationResult, ...]
    warnings: tuple[str, ...]


def recommend_from_files(command: RecommendFromFilesCommand) -> FileRecommendations:
    """Recommend for every service that is asked for.

    Raises ``Invalid`` when the files hold no series, ``ServiceNotFound`` for an unknown service.
    """
    as_of = _as_of(command)
    panel, latency = _before(command, as_of)
    graph, warnings = graph_of_document(command.document, {*panel.service_ids, *latency}, as_of)
    chosen = _chosen(command.service_ids, graph)
    priors = priors_before(panel, latency, as_of, command.settings.prior_lookback_days)
    if command.grouping is not None:
        priors = priors.with_archetypes(learn_archetypes(graph, panel, latency, command.grouping, as_of=as_of))
    evidence = Evidence(
        as_of=as_of,
        graph=graph,
        panel=panel,
        latency=latency,
        edges=None,
        priors=priors,
        source="files",
    )
    types = [SliType.AVAILABILITY] * (command.panel is not None) + [SliType.LATENCY] * (
        command.latency is not None
    )
    wanted = [Wanted(service_id, sli_type) for service_id in chosen for sli_type in types]
    answers = compute_recommendations(
        prepare(evidence),
        wanted,
        window=command.window,
        now=command.now,
        settings=command.settings,
        shapley=command.shapley,
    )
    lost = sorted({one.service_id for one in wanted if one not in answers})
    if lost:
        warnings = (*warnings, f"no answer could be computed for {', '.join(lost)}; see the log")
    return FileRecommendations(tuple(answers[one] for one in wanted if one in answers), warnings)


def _as_of(command: RecommendFromFilesCommand) -> datetime:
    if command.as_of is not None:
        return command.as_of
    days_end = max(
        (history.start_at + DAY * len(history.counts) for history in (command.latency or {}).values()),
        default=None,
    )
    if command.panel is None:
        if days_end is None:
            raise Invalid(
                "there is nothing to recommend from: give a file of good and total events, or of latency"
            )
        return days_end
    ends_at = command.panel.ends_at
    if days_end is None or days_end - ends_at < DAY:
        return ends_at  # of latency only the day is known: its last one has begun by then, not ended
    return days_end


def _before(command: RecommendFromFilesCommand, as_of: datetime) -> tuple[SliPanel, dict[str, LatencyHistory]]:
    panel = command.panel
    if panel is None:
        nothing = np.empty((0, 1))
        return SliPanel((), as_of - HOUR, HOUR, nothing, nothing), _days_before(command.latency or {}, as_of)
    return panel.between(panel.start_at, as_of), _days_before(command.latency or {}, as_of)


def _days_before(latency: Mapping[str, LatencyHistory], as_of: datetime) -> dict[str, LatencyHistory]:
    kept: dict[str, LatencyHistory] = {}
    for service_id, history in latency.items():
        days = max(0, (as_of - history.start_at) // DAY)
        kept[service_id] = LatencyHistory(
            service_id,
            history.start_at,
            history.bounds_seconds,
            history.counts[:days],
            history.percentiles_only,
        )
    return kept


def graph_of_document(
    document: Mapping[str, Any], also: set[str], as_of: datetime
) -> tuple[DependencyGraph, tuple[str, ...]]:
    """The merged graph of one source, with supernodes; services that only series name are in it too."""
    rows = check_rows(document.get("services", ()), document.get("dependencies", ()))
    services = {row.service_id: row.onto(None, as_of) for row in rows.services}
    dependencies: list[Dependency] = []
    for row in rows.dependencies:
        merged = merge_claims([row.claim(DiscoverySource.MANUAL, as_of)], as_of)
        if merged is not None:
            dependencies.append(merged)
    named = {end for edge in dependencies for end in edge.pair} | also
    for service_id in sorted(named - services.keys()):
        services[service_id] = Service(service_id, discovered=True, created_at=as_of, updated_at=as_of)
    ordered = tuple(services[service_id] for service_id in sorted(services))
    found = condense([service.service_id for service in ordered], [edge.pair for edge in dependencies])
    refused = tuple(f"{item.path}: {item.message}" for item in rows.rejected)
    graph = DependencyGraph(ordered, tuple(dependencies), supernodes=found.supernodes)
    return graph, (*rows.warnings, *refused)


def _chosen(service_ids: Sequence[str] | None, graph: DependencyGraph) -> Sequence[str]:
    if service_ids is None:
        return [service.service_id for service in graph.services]
    for service_id in service_ids:
        if service_id not in graph.index:
            raise ServiceNotFound(f"no service {service_id!r} in the files", path=("--service",))
    return list(dict.fromkeys(service_ids))


def priors_before(
    panel: SliPanel, latency: Mapping[str, LatencyHistory], as_of: datetime, lookback_days: int
) -> LearntPriors:
    """What the services of these files have in common, up to as-of."""
    availability = OrganizationPrior.shipped()
    if panel.service_ids:
        findings = inspect(panel)
        availability = learn_prior(
            findings.cleaned, as_of=as_of, lookback_days=lookback_days, exclude=tuple(findings.refused)
        )
    slow = LatencyPrior.shipped()
    if latency:
        slow = learn_latency_prior(latency, as_of=as_of, lookback_days=lookback_days)
    return LearntPriors(availability, slow)
