"""Events as clients read them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from sloengine.api.drift.types import DriftEvent
from sloengine.api.forecast.types import Forecast
from sloengine.api.governance.types import AuditEvent, Slo
from sloengine.api.recommendation.types import Recommendation
from sloengine.api.topology.alerts import CircularDependencyAlert
from sloengine.api.topology.divergences import Divergence
from sloengine.api.topology.ingestions import Ingestion
from sloengine.api.topology.references import service_link


@strawberry.interface(description="Something that has happened. Things it leads to are shown as they are now.")
class EngineEvent:
    """An event."""

    service_id: strawberry.Private[str | None]
    id: strawberry.ID = strawberry.field(
        description="Its number: later events have greater ones. Give it as `after` to go on behind it."
    )
    at: datetime = strawberry.field(description="When it happened.")
    service = service_link(
        "service_id", "The service it is about; null: it is about no single one.", nullable=True
    )


@strawberry.type(description="Somebody, or a rule, has changed an SLO.")
class SloChanged(EngineEvent):
    """A decision."""

    audit_event: AuditEvent = strawberry.field(description="Who decided what, and why.")


@strawberry.type(description="The error budget of an SLO will probably run out; told once when it becomes so.")
class SloAtRisk(EngineEvent):
    """A forecast that crossed the threshold."""

    slo: Slo = strawberry.field(description="The SLO.")
    forecast: Forecast = strawberry.field(description="As it was when this was told.")


@strawberry.type(description="A service behaves differently, and has been looked at again.")
class DriftConfirmed(EngineEvent):
    """A confirmed change."""

    drift: DriftEvent = strawberry.field(description="What changed, with the targets before and after.")


@strawberry.type(
    description="A cycle that was not there before. About no single service: `alert` has its members."
)
class CircularDependencyDetected(EngineEvent):
    """A new cycle."""

    alert: CircularDependencyAlert = strawberry.field(description="The cycle.")


@strawberry.type(
    description="Declared and observed dependencies have begun to disagree. About the caller. "
    "Left out once they agree."
)
class DivergenceDetected(EngineEvent):
    """A new divergence."""

    divergence: Divergence = strawberry.field(description="What disagrees.")


@strawberry.type(description="A recommendation has been made.")
class RecommendationGenerated(EngineEvent):
    """A new recommendation."""

    recommendation: Recommendation = strawberry.field(description="The recommendation.")


@strawberry.type(description="The merged graph is another. About no single service.")
class GraphChanged(EngineEvent):
    """A new version of the graph."""

    graph_version: int = strawberry.field(description="The version from then on.")
    ingestion: Ingestion | None = strawberry.field(
        description="What changed it; null: services were registered, or dependencies have become stale."
    )


@strawberry.type(description="An ingestion was taken, went on or ended. About no single service.")
class IngestionProgressed(EngineEvent):
    """A step of an ingestion."""

    ingestion: Ingestion = strawberry.field(description="The ingestion, where it stands now.")


EVENT_TYPES = (
    SloChanged,
    SloAtRisk,
    DriftConfirmed,
    CircularDependencyDetected,
    DivergenceDetected,
    RecommendationGenerated,
    GraphChanged,
    IngestionProgressed,
)
