"""Pull the hours that are missing from the telemetry source into the graph's aggregates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AggregateTelemetryCommand:
    """``until`` None: the last complete hour. ``back_to`` None: from the watermark on, the first time 90 days."""

    until: datetime | None = None
    back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class AggregationReport:
    """What one run did.

    ``aggregated_to`` None: nothing has ever been aggregated. ``unknown``: identities of the source that the graph
    does not know; they are reported, not created. ``refused``: series not taken, and why. ``error``: why the run
    stopped early; hours before are kept.
    """

    source: str | None
    from_at: datetime | None
    aggregated_to: datetime | None
    hours: int = 0
    services: int = 0
    unknown: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    query_count: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AggregateTelemetry:
    """Run hourly by the worker; catches up on missed hours; safe to run twice."""

    async def __call__(self, command: AggregateTelemetryCommand) -> AggregationReport:
        """What was done; a source that does not answer is reported, not raised."""
        raise NotImplementedError
