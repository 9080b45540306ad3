"""Journeys as a file that ``sloengine journeys save`` reads back to the same journeys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sloengine.domain.journeys.model import Journey
from sloengine.infrastructure.exports.files import ExportedFile, yaml_documents

PATH = "journeys.yaml"


def journeys_file(journeys: Sequence[Journey]) -> ExportedFile:
    """All of them in one YAML file, in the shape of the API's ``JourneyInput``, by name."""
    listed = [_definition(journey) for journey in sorted(journeys, key=lambda one: one.name)]
    return ExportedFile(PATH, yaml_documents([{"journeys": listed}]))


def _definition(journey: Journey) -> dict[str, Any]:
    shape: dict[str, Any] = {"name": journey.name, "entryPoints": list(journey.entry_points)}
    if journey.routes:
        shape["routes"] = [
            {"name": route.name, "weight": route.weight, "services": list(route.services)}
            for route in journey.routes
        ]
    return shape
