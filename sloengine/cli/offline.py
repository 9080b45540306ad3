"""``sloengine offline``: recommendations from plain files, with no server at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.recommendation.recommend_from_files import (
    RecommendFromFilesCommand,
    recommend_from_files,
)
from sloengine.cli import output
from sloengine.cli.options import AsJson, Window
from sloengine.cli.recommendation_shapes import output_shape
from sloengine.cli.recommendation_text import print_overview, print_result
from sloengine.domain.errors import Invalid
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.files.documents import read_ingestion_file
from sloengine.infrastructure.files.latency_csv import read_latency
from sloengine.infrastructure.files.sli_csv import read_sli
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups
from sloengine.infrastructure.learning.shap_values import ShapValues

Edges = Annotated[
    Path | None,
    typer.Option(help="Dependencies: CSV with caller,dependency, or an ingestion document.", show_default=False),
]
Sli = Annotated[
    Path | None,
    typer.Option(help="CSV: timestamp,service,good,total; any step from 1 min to 1 d.", show_default=False),
]
Latency = Annotated[
    Path | None,
    typer.Option(help="CSV: timestamp,service,le,count (cumulative over le).", show_default=False),
]


def offline(
    edges: Edges = None,
    sli: Sli = None,
    latency: Latency = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated.", show_default=False)
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="ISO 8601; data at or after it are ignored. [default: end of the data]", show_default=False
        ),
    ] = None,
    window: Window = ComplianceWindow.ROLLING_28D,
    explain: Annotated[
        bool | None,
        typer.Option(
            "--explain/--no-explain",
            help="Say what made each target. [default: for services that are named]",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recommend from files, with no server at all."""
    if sli is None and latency is None:
        raise Invalid("name a file: --sli FILE (timestamp,service,good,total), --latency FILE, or both")
    document, warnings = ({}, ()) if edges is None else read_ingestion_file(edges, strict=True)
    found = recommend_from_files(
        RecommendFromFilesCommand(
            document=document,
            panel=None if sli is None else read_sli(sli),
            latency=None if latency is None else read_latency(latency),
            now=datetime.now(UTC),
            service_ids=service,
            as_of=None if as_of is None else parse_time(as_of),
            window=window,
            grouping=SilhouetteGroups(),
            shapley=_shapley() if explain or (explain is None and service) else None,
        )
    )
    warnings = (*warnings, *found.warnings)
    if as_json:
        output.print_json(output_shape(found.results, warnings))
        return
    if service is None:
        known = {row["serviceId"]: Service(row["serviceId"], team=row.get("team")) for row in _services(document)}
        print_overview(found.results, known)
    else:
        for result in found.results:
            print_result(result)
    for warning in warnings:
        output.warn(warning)


def _shapley() -> ShapleyValues:
    return ShapValues()


def _services(document: object) -> list[dict[str, str]]:
    rows = document.get("services", []) if isinstance(document, dict) else []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("serviceId"), str)]


def parse_time(text: str, option: str = "--as-of") -> datetime:
    """ISO 8601; without a zone it is UTC. Raises ``Invalid``, naming the option."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is no time: write 2026-03-01 or 2026-03-01T12:00:00Z", path=(option,)) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
