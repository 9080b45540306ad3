"""A service: the thing that has callers, dependencies and SLOs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Criticality(StrEnum):
    """How much the organisation suffers when the service is down."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the graph knows it.

    ``criticality`` None: nobody said. ``discovered``: seen in telemetry or an ingestion, not registered by a
    person. ``published_availability_ratio``: what an external provider publishes, in [0, 1).
    """

    service_id: str
    name: str | None = None
    team: str | None = None
    criticality: Criticality | None = None
    entity_ref: str | None = None
    external: bool = False
    discovered: bool = False
    published_availability_ratio: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
