"""Exports of journeys as clients read them."""

from __future__ import annotations

import strawberry

from sloengine.api.journeys.enums import JourneyExportFormat
from sloengine.infrastructure import exports


@strawberry.type(description="A file of an export.")
class ExportedFile:
    """A path and its text."""

    path: str = strawberry.field(description="Relative, with slashes.")
    content: str = strawberry.field(description="Its text.")


@strawberry.type(description="Something that an export of journeys does not say.")
class JourneyExportLoss:
    """A loss."""

    journey: str = strawberry.field(description="Name of the journey.")
    message: str = strawberry.field(description="What is missing and why, in words.")


@strawberry.type(description="Journeys as files.")
class JourneyExport:
    """An export."""

    format: JourneyExportFormat = strawberry.field(description="What the files are.")
    files: list[ExportedFile] = strawberry.field(description="FILE: one; OPENSLO_V1: one a journey.")
    losses: list[JourneyExportLoss] = strawberry.field(
        description="What the format cannot carry, or there is no answer for."
    )

    @classmethod
    def from_domain(cls, export: exports.JourneyExport) -> JourneyExport:
        """The export as clients read it."""
        return cls(
            format=export.format,
            files=[ExportedFile(path=one.path, content=one.content) for one in export.files],
            losses=[JourneyExportLoss(journey=one.journey, message=one.message) for one in export.losses],
        )
