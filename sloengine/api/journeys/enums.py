"""Enumerations of journeys as GraphQL enums."""

from __future__ import annotations

from sloengine.api.enums import describe
from sloengine.infrastructure.exports import JourneyExportFormat

describe(
    JourneyExportFormat,
    "JourneyExportFormat",
    "What journeys are exported as.",
    {
        "FILE": "Definitions, as `sloengine journeys save` reads them.",
        "OPENSLO_V1": "OpenSLO v1: a Service for each journey, an SLO for each tier and target.",
    },
)

__all__ = [
    "JourneyExportFormat",
]
