"""``sloengine journeys export`` and ``draw``: journeys as text for version control and for other programs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sloengine.application.ports.paging import MAX_PAGE_SIZE, PageRequest
from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.journey_shapes import export_shape
from sloengine.cli.options import AsJson, StateDir, Window
from sloengine.cli.session import ask
from sloengine.domain.errors import NotFound
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.model import Journey
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.drawings import DrawingFormat, draw
from sloengine.infrastructure.exports import JourneyExport, export_definitions, export_openslo


class ExportFormat(StrEnum):
    """What is written."""

    FILE = "file"
    OPENSLO = "openslo"


class DrawnAs(StrEnum):
    """What a drawing is written in."""

    DOT = "dot"
    MERMAID = "mermaid"
    CYTOSCAPE = "cytoscape"


_DRAWN = {
    DrawnAs.DOT: DrawingFormat.DOT,
    DrawnAs.MERMAID: DrawingFormat.MERMAID,
    DrawnAs.CYTOSCAPE: DrawingFormat.CYTOSCAPE_JSON,
}


async def every_journey(use_cases: UseCases) -> list[Journey]:
    """All of them, by name."""
    found: list[Journey] = []
    after: str | None = None
    while True:
        page = await use_cases.read_journeys.page(PageRequest(first=MAX_PAGE_SIZE, after=after))
        found.extend(page.rows)
        if not page.has_next:
            return found
        after = page.cursors[-1]


async def journeys_named(use_cases: UseCases, names: list[str]) -> list[Journey]:
    """Those of these names. Raises ``NotFound`` with all that are not there."""
    found = await use_cases.read_journeys.by_name(names)
    missing = [name for name in names if name not in found]
    if missing:
        listed = ", ".join(repr(name) for name in missing)
        raise NotFound(f"no journey {listed}; `sloengine journeys list` shows those there are")
    return [found[name] for name in dict.fromkeys(names)]


def journeys_export(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of journeys; none: all.", show_default=False)
    ] = None,
    written: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            case_sensitive=False,
            help="file: what `journeys save` reads; openslo: an OpenSLO v1 document for each tier.",
        ),
    ] = ExportFormat.FILE,
    window: Window = ComplianceWindow.ROLLING_28D,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Journeys as YAML: their definitions, or their tiers as OpenSLO."""

    async def work(use_cases: UseCases, _: Actor) -> JourneyExport:
        found = await (journeys_named(use_cases, names) if names else every_journey(use_cases))
        if written is ExportFormat.FILE:
            return export_definitions(found)
        answers = await use_cases.recommend_journeys(found, window)
        return export_openslo(list(answers.values()))

    export = ask(state_dir, work)
    if as_json:
        output.print_json(export_shape(export))
    else:
        for file in export.files:
            typer.echo(file.content, nl=False)
    for loss in export.losses:
        output.note(f"{loss.journey}: {loss.message}")


def journeys_draw(
    name: Annotated[str, typer.Argument(help="Name of the journey.", show_default=False)],
    written: Annotated[
        DrawnAs, typer.Option("--format", case_sensitive=False, help="For which program.")
    ] = DrawnAs.DOT,
    depth: Annotated[int, typer.Option(min=1, max=10, help="Calls away from the journey's services.")] = 1,
    state_dir: StateDir = None,
) -> None:
    """Draw a journey's services and what they call; services and calls on its way are marked."""

    async def work(use_cases: UseCases, _: Actor) -> tuple[Journey, Neighbourhood]:
        (journey,) = await journeys_named(use_cases, [name])
        # Without routes a request takes all that the entry points call.
        far = depth if journey.routes else 10
        return journey, await use_cases.read_graph.neighbourhood(journey.named, depth=far)

    journey, found = ask(state_dir, work)
    drawing = draw(journey.entry_points, found, _DRAWN[written], journeys=[journey])
    typer.echo(drawing.content, nl=not drawing.content.endswith("\n"))
    if drawing.truncated:
        output.warn("something was left out; ask for a smaller depth")
