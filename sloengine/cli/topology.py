"""``sloengine ingest | services | graph``: what the graph holds, and how it gets in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import JustifyMethod
from rich.progress import Progress

from sloengine.application.ports.paging import MAX_PAGE_SIZE, PageRequest
from sloengine.application.ports.service_graph import Neighbourhood, ServiceFilter, ServiceOrder
from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.graph_shapes import graph_shape, ingestion_shape, service_shape
from sloengine.cli.graph_tree import LEGEND, graph_tree
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.centrality import Centrality
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.domain.topology.service import Criticality, Service
from sloengine.infrastructure.drawings import DrawingFormat, draw
from sloengine.infrastructure.files.documents import read_ingestion_file

_DONE = {JobStatus.SUCCEEDED, JobStatus.FAILED}


def ingest(
    file: Annotated[
        Path, typer.Argument(help="Services and dependencies: .json, .yaml or .csv.", show_default=False)
    ],
    source: Annotated[
        DiscoverySource, typer.Option(case_sensitive=False, help="Who states this.")
    ] = DiscoverySource.MANUAL,
    complete: Annotated[
        bool, typer.Option("--complete", help="Withdraw what this source no longer lists.")
    ] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key gives the same ingestion.", show_default=False)
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is merged.")] = True,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Bring services and dependencies from a file into the graph."""
    document, warnings = read_ingestion_file(file)
    for warning in warnings:
        output.warn(warning)
    command = IngestDependenciesCommand(
        source=source, document=document, complete=complete, idempotency_key=idempotency_key
    )

    async def work(use_cases: UseCases, actor: Actor) -> Ingestion:
        ingestion = await use_cases.ingest_dependencies(command, actor=actor)
        return await merged(use_cases, ingestion) if wait else ingestion

    ingestion = ask(state_dir, work)
    if as_json:
        output.print_json(ingestion_shape(ingestion))
    else:
        output.out.print(ingestion_text(ingestion))
    if ingestion.status is JobStatus.FAILED:
        raise typer.Exit(output.EXIT_UNAVAILABLE)
    if ingestion.rejected:
        raise typer.Exit(output.EXIT_FINDING)


async def merged(use_cases: UseCases, ingestion: Ingestion) -> Ingestion:
    """Wait until a worker has merged it, with a progress bar on stderr."""
    with Progress(console=output.err, transient=True) as progress:
        bar = progress.add_task("merging", total=1.0)
        while ingestion.status not in _DONE:
            await asyncio.sleep(0.2)
            ingestion = (await use_cases.read_graph.ingestions([ingestion.ingestion_id]))[ingestion.ingestion_id]
            progress.update(bar, completed=ingestion.progress)
    return ingestion


def ingestion_text(ingestion: Ingestion) -> str:
    """What an ingestion did."""
    lines = [
        f"ingestion {ingestion.ingestion_id}: {ingestion.status.lower()}",
        f"  accepted {ingestion.accepted} rows; {ingestion.services_created} services and "
        f"{ingestion.edges_created} dependencies created, {ingestion.edges_updated} updated, "
        f"{ingestion.edges_removed} removed; {ingestion.cycles} cycles; graph version {ingestion.graph_version}",
    ]
    lines += [f"  warning: {warning}" for warning in ingestion.warnings]
    lines += [f"  rejected {item.path}: {item.message}" for item in ingestion.rejected]
    if ingestion.error:
        lines.append(f"  failed: {ingestion.error}")
    return "\n".join(lines)


class Order(StrEnum):
    """``ServiceOrder`` as options are spelt."""

    SERVICE_ID = "service-id"
    CRITICALITY = "criticality"
    BLAST_RADIUS = "blast-radius"
    BUDGET_REMAINING = "budget-remaining"


_ORDERS = {order: ServiceOrder[order.name] for order in Order}


def services(
    search: Annotated[str | None, typer.Option(help="Part of an id or name.", show_default=False)] = None,
    team: Annotated[str | None, typer.Option(help="Services of this team.", show_default=False)] = None,
    criticality: Annotated[
        list[Criticality] | None, typer.Option(case_sensitive=False, help="May be repeated.", show_default=False)
    ] = None,
    order: Annotated[
        Order, typer.Option(case_sensitive=False, help="What comes first; unknown figures come last.")
    ] = Order.SERVICE_ID,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """List the services of the graph."""
    wanted = ServiceFilter(search=search, team=team, criticality=tuple(criticality) if criticality else None)

    async def work(use_cases: UseCases, _: Actor) -> tuple[list[Service], Mapping[str, Centrality]]:
        listed = await all_services(use_cases, wanted, _ORDERS[order])
        return listed, await use_cases.read_centrality([service.service_id for service in listed])

    found, centrality = ask(state_dir, work)
    if as_json:
        shapes = [service_shape(service, centrality.get(service.service_id)) for service in found]
        output.print_json({"services": shapes, "totalCount": len(found)})
        return
    table = output.table(f"{len(found)} services")
    for column in ("service", "team", "criticality", "kind", "blast radius", "entity ref"):
        justify: JustifyMethod = "right" if column == "blast radius" else "left"
        table.add_column(column, justify=justify, overflow="fold")
    for service in found:
        place = centrality.get(service.service_id)
        kind = "external" if service.external else "discovered" if service.discovered else "registered"
        table.add_row(
            service.service_id,
            service.team or "–",
            (service.criticality or "nobody said").lower(),
            kind,
            "–" if place is None else str(place.blast_radius),
            service.entity_ref or "–",
        )
    output.out.print(table)


async def all_services(
    use_cases: UseCases, wanted: ServiceFilter, order: ServiceOrder = ServiceOrder.SERVICE_ID
) -> list[Service]:
    """Every service that matches, page by page."""
    found: list[Service] = []
    after: str | None = None
    while True:
        page = await use_cases.read_graph.page_of_services(
            wanted, order, PageRequest(first=MAX_PAGE_SIZE, after=after)
        )
        found.extend(page.rows)
        if not page.has_next:
            return found
        after = page.cursors[-1]


class GraphFormat(StrEnum):
    """How a part of the graph is shown."""

    TREE = "tree"
    DOT = "dot"
    MERMAID = "mermaid"
    CYTOSCAPE = "cytoscape"
    JSON = "json"


_DRAWN = {
    GraphFormat.DOT: DrawingFormat.DOT,
    GraphFormat.MERMAID: DrawingFormat.MERMAID,
    GraphFormat.CYTOSCAPE: DrawingFormat.CYTOSCAPE_JSON,
}


class Direction(StrEnum):
    """Which way to walk."""

    DEPENDENCIES = "dependencies"
    CALLERS = "callers"


def graph(
    service: Annotated[str, typer.Argument(help="Service id.", show_default=False)],
    depth: Annotated[int, typer.Option(min=1, max=10, help="Calls away from the service.")] = 3,
    direction: Annotated[
        Direction, typer.Option(case_sensitive=False, help="What it calls, or who calls it.")
    ] = Direction.DEPENDENCIES,
    callers: Annotated[bool, typer.Option("--callers", help="The same as --direction callers.")] = False,
    include_stale: Annotated[
        bool, typer.Option("--include-stale", help="Also what nobody has seen lately.")
    ] = False,
    show: Annotated[
        GraphFormat, typer.Option("--format", case_sensitive=False, help="Tree, or text for other programs.")
    ] = GraphFormat.TREE,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Draw a service's dependencies (or callers) as a tree, or for Graphviz, Mermaid or Cytoscape."""
    show = GraphFormat.JSON if as_json else show
    towards_callers = callers or direction is Direction.CALLERS

    async def work(
        use_cases: UseCases, _: Actor
    ) -> tuple[Neighbourhood, Mapping[tuple[str, str], Estimate], Mapping[str, Centrality]]:
        found = await use_cases.read_graph.neighbourhood(
            [service], depth=depth, towards_callers=towards_callers, include_stale=include_stale
        )
        measured = await use_cases.read_graph.measured_pass_through([edge.pair for edge in found.dependencies])
        if show is not GraphFormat.JSON:
            return found, measured, {}
        places = await use_cases.read_centrality([one.service_id for one in found.services])
        return await _with_claims(use_cases, found), measured, places

    found, measured, centrality = ask(state_dir, work)
    truncated = found.truncated
    if show is GraphFormat.JSON:
        output.print_json(graph_shape(found, measured, centrality))
        return
    if show is GraphFormat.TREE:
        output.out.print(
            graph_tree(
                service,
                found,
                depth,
                towards_callers=towards_callers,
                width=output.out.width,
                measured=measured,
            )
        )
        output.note(LEGEND)
    else:
        drawing = draw([service], found, _DRAWN[show])
        typer.echo(drawing.content, nl=not drawing.content.endswith("\n"))
        truncated = drawing.truncated
    if truncated:
        output.warn("something was left out; ask for a smaller depth")


async def _with_claims(use_cases: UseCases, found: Neighbourhood) -> Neighbourhood:
    """The same edges, each with what its sources say."""
    callers = sorted({edge.caller for edge in found.dependencies})
    by_caller = await use_cases.read_graph.dependencies_of(callers, include_stale=True)
    full = {edge.pair: edge for edges in by_caller.values() for edge in edges}
    return replace(found, dependencies=[full.get(edge.pair, edge) for edge in found.dependencies])
