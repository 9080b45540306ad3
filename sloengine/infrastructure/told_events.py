"""Events that tell of what a store writes as a matter of course, the same from every store."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.topology.ingestion import Ingestion


def generated_event(recommendation_id: str, service_id: str, now: datetime) -> OutboxEvent:
    """A recommendation was stored."""
    payload = {"recommendation": recommendation_id}
    return OutboxEvent(str(uuid4()), "RecommendationGenerated", service_id, now, payload)


def progressed_event(ingestion: Ingestion, now: datetime) -> OutboxEvent:
    """An ingestion was taken, went on, or ended."""
    return OutboxEvent(str(uuid4()), "IngestionProgressed", None, now, {"ingestion": ingestion.ingestion_id})


def graph_event(version: int, ingestion_id: str | None, now: datetime) -> OutboxEvent:
    """The graph version has moved; ``ingestion_id`` None: by something else than an ingestion."""
    payload = {"graphVersion": version, "ingestion": ingestion_id}
    return OutboxEvent(str(uuid4()), "GraphChanged", None, now, payload)
