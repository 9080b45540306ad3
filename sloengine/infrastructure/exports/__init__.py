"""What is known as text that other programs and version control keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.recommend_journey import JourneyAnswer
from sloengine.infrastructure.exports.files import ExportedFile
from sloengine.infrastructure.exports.journeys_file import journeys_file
from sloengine.infrastructure.exports.openslo_journeys import JourneyLoss, openslo_journeys


class JourneyExportFormat(StrEnum):
    """What the text is."""

    FILE = "FILE"
    OPENSLO_V1 = "OPENSLO_V1"


@dataclass(frozen=True, slots=True)
class JourneyExport:
    """``losses``: what the format cannot carry, or there is no answer for."""

    format: JourneyExportFormat
    files: tuple[ExportedFile, ...]
    losses: tuple[JourneyLoss, ...] = ()


def export_definitions(journeys: Sequence[Journey]) -> JourneyExport:
    """The journeys as ``sloengine journeys save`` reads them."""
    return JourneyExport(JourneyExportFormat.FILE, (journeys_file(journeys),))


def export_openslo(answers: Sequence[JourneyAnswer]) -> JourneyExport:
    """One file a journey, with a document for each tier and target."""
    files, losses = openslo_journeys(answers)
    return JourneyExport(JourneyExportFormat.OPENSLO_V1, files, losses)


__all__ = [
    "ExportedFile",
    "JourneyExport",
    "JourneyExportFormat",
    "JourneyLoss",
    "export_definitions",
    "export_openslo",
]
