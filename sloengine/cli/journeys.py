"""``sloengine journeys``: ways of users through the organisation, and what may be promised for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as changed
from pathlib import Path
from typing import Annotated

import typer

from sloengine.application.journeys.derive_journeys import (
    DerivedJourneys,
    DeriveJourneysCommand,
    JourneySource,
)
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.journey_shapes import draft_shape, journey_shape, saved_shape
from sloengine.cli.journeys_export import every_journey, journeys_draw, journeys_export, journeys_named
from sloengine.cli.options import AsJson, StateDir, Window
from sloengine.cli.recommendation_text import print_result
from sloengine.cli.session import ask
from sloengine.domain.errors import Invalid
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.recommend_journey import JourneyAnswer
from sloengine.domain.recommendation.model import Recommendation, RecommendationResult
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.files.journeys import read_journeys

journeys = typer.Typer(
    help="Ways of users through the organisation, and what may be promised for them.", no_args_is_help=True
)
journeys.command("export")(journeys_export)
journeys.command("draw")(journeys_draw)
_SHOWN_LINKS = 10
_MOST_SERVICES = 6


@journeys.command("list")
def journeys_list(as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """All journeys, by name."""
    found = ask(state_dir, lambda use_cases, _: every_journey(use_cases))
    if as_json:
        output.print_json({"journeys": [journey_shape(one) for one in found], "totalCount": len(found)})
        return
    if not found:
        output.say("no journey yet: `sloengine journeys derive --from-graph --dry-run` shows what the graph knows")
        return
    table = output.table(f"{len(found)} journeys")
    for column in ("journey", "entry points", "routes", "saved by"):
        table.add_column(column, overflow="fold")
    for one in found:
        routes = str(len(one.routes)) if one.routes else "all that is called"
        table.add_row(one.name, ", ".join(one.entry_points), routes, one.updated_by)
    output.out.print(table)


@journeys.command("show")
def journeys_show(
    name: Annotated[str, typer.Argument(help="Name of the journey.", show_default=False)],
    window: Window = ComplianceWindow.ROLLING_28D,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Recommend for a journey: tiers, routes and weakest links."""

    async def work(use_cases: UseCases, _: Actor) -> JourneyAnswer:
        (journey,) = await journeys_named(use_cases, [name])
        return (await use_cases.recommend_journeys([journey], window))[journey.journey_id]

    answer = ask(state_dir, work)
    if as_json:
        output.print_json(journey_shape(answer.journey, answer))
        return
    _print_routes(answer.journey)
    print_result(_without_bound(answer.availability))
    print_result(answer.latency)
    if answer.weakest_links:
        table = output.table("weakest links")
        table.add_column("service", overflow="fold")
        table.add_column("share of failures", justify="right")
        table.add_column("minutes a window", justify="right")
        for link in answer.weakest_links[:_SHOWN_LINKS]:
            table.add_row(link.service_id, f"{link.share_ratio:.1%}", f"{link.budget_minutes:.2f}")
        output.out.print(table)


@journeys.command("save")
def journeys_save(
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON or YAML: {"name", "entryPoints", "routes": [{"name", "weight", "services"}]}, or a list.',
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Save the journeys of a file, all or none; one of the same name is replaced."""
    commands = read_journeys(file)
    outcome = ask(state_dir, lambda use_cases, actor: use_cases.save_journeys(commands, actor=actor))
    for refused in outcome.refused:
        where = ".".join(refused.error.path[1:])
        output.error(
            f"{file}: journey {refused.position + 1} ({refused.name}): {f'{where}: ' if where else ''}"
            f"{refused.error.message}"
        )
    if as_json:
        output.print_json(saved_shape(outcome))
    for one in () if as_json else outcome.saved:
        output.say(f"saved {one.name}: {_routes_text(one)}")
    if outcome.refused:
        output.note("nothing was saved: all journeys of a file are, or none")
        raise typer.Exit(output.EXIT_BAD_INPUT)


@journeys.command("delete")
def journeys_delete(
    name: Annotated[str, typer.Argument(help="Name of the journey.", show_default=False)],
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Delete a journey."""

    async def work(use_cases: UseCases, actor: Actor) -> Journey:
        (journey,) = await journeys_named(use_cases, [name])
        return await use_cases.delete_journey(journey.journey_id, actor=actor)

    gone = ask(state_dir, work)
    if as_json:
        output.print_json({"deletedId": journey_shape(gone)["id"], "userErrors": []})
        return
    output.say(f"deleted {gone.name}")


@journeys.command("derive")
def journeys_derive(
    from_graph: Annotated[
        bool, typer.Option("--from-graph", help="From services that nobody calls, along the usual calls.")
    ] = False,
    from_tempo: Annotated[
        bool, typer.Option("--from-tempo", help="From the last day's traces: routes with their shares.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be saved, save nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also journeys whose names are there.")] = False,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Write down the journeys that the graph or traces show."""
    if from_graph == from_tempo:
        raise Invalid("choose one of --from-graph and --from-tempo")
    command = DeriveJourneysCommand(
        JourneySource.GRAPH if from_graph else JourneySource.TEMPO, dry_run=dry_run, replace=replace
    )
    found = ask(state_dir, lambda use_cases, actor: use_cases.derive_journeys(command, actor=actor))
    if as_json:
        output.print_json(
            {
                "journeys": [draft_shape(draft) for draft in found.drafts],
                "saved": list(found.saved),
                "kept": list(found.kept),
                "refused": list(found.refused),
                "failed": [{"name": one.name, "message": one.message} for one in found.failed],
                "warnings": list(found.warnings),
            }
        )
    else:
        _print_derived(found, dry_run=dry_run)
    if found.failed:
        raise typer.Exit(output.EXIT_FINDING)


def _without_bound(result: RecommendationResult) -> RecommendationResult:
    """The table of weakest links says it; a journey has no part that is "the service alone"."""
    return changed(result, bound=None) if isinstance(result, Recommendation) else result


def _print_derived(found: DerivedJourneys, *, dry_run: bool) -> None:
    for warning in found.warnings:
        output.note(warning)
    if not found.drafts:
        output.say("no journey found")
        return
    table = output.table(f"{len(found.drafts)} journeys")
    for column in ("journey", "route", "weight", "services", "what became of it"):
        table.add_column(column, overflow="fold")
    failed = {one.name for one in found.failed}
    for draft in found.drafts:
        became = (
            "is there, kept"
            if draft.name in found.kept
            else "not yours to save"
            if draft.name in found.refused
            else "not saved"
            if draft.name in failed
            else "would be saved"
            if dry_run
            else "saved"
        )
        for position, route in enumerate(draft.routes):
            first = position == 0
            table.add_row(
                draft.name if first else "",
                route.name,
                f"{route.weight:.3g}",
                _listed(route.services),
                became if first else "",
            )
    output.out.print(table)
    for draft in found.drafts:
        for note in draft.notes:
            output.note(f"{draft.name}: {note}")
    for one in found.failed:
        output.note(f"{one.name} was not saved: {one.message}")


def _print_routes(journey: Journey) -> None:
    output.say(f"journey {journey.name}, entered by {', '.join(journey.entry_points)}: {_routes_text(journey)}")
    for route, share in zip(journey.routes, journey.shares(), strict=True):
        output.say(f"  {share:.1%} {route.name}: {_listed(route.services)}")


def _routes_text(journey: Journey) -> str:
    if not journey.routes:
        return "all that is called, by call weights"
    return f"{len(journey.routes)} {'route' if len(journey.routes) == 1 else 'routes'}"


def _listed(services: Sequence[str]) -> str:
    shown = ", ".join(services[:_MOST_SERVICES])
    return shown if len(services) <= _MOST_SERVICES else f"{shown} and {len(services) - _MOST_SERVICES} more"
