"""``sloengine discover``: read who calls whom from real systems; see or change how names become ids."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sloengine.application.topology.discover_dependencies import DiscoverDependenciesCommand, DiscoveryOutcome
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.discovery_names import discover_decide_name, discover_names
from sloengine.cli.discovery_shapes import name_rules_shape, outcome_shape, rules_from, state_shape
from sloengine.cli.discovery_text import difference_tables, rules_table, states_table
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.cli.topology import ingestion_text, merged
from sloengine.domain.errors import Invalid
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES

discover = typer.Typer(help="Read services and calls from real systems.", no_args_is_help=True)

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and change nothing; exit 1 when anything would.")
]
From = Annotated[
    str | None,
    typer.Option("--from", help="Start, ISO 8601; default: a day before the end.", show_default=False),
]
To = Annotated[str | None, typer.Option("--to", help="End, ISO 8601; default: now.", show_default=False)]


def _reading(name: str, source: DiscoverySource, reading: str | None, what: str) -> None:
    """One command for each thing that can be read; they differ in nothing else."""

    @discover.command(name, help=what)
    def command(
        dry_run: DryRun = False,
        from_at: From = None,
        to_at: To = None,
        as_json: AsJson = False,
        state_dir: StateDir = None,
    ) -> None:
        _discover(source, reading, dry_run, from_at, to_at, as_json, state_dir)


_reading(
    "otel",
    DiscoverySource.OTEL,
    None,
    "Service-graph metrics of the OpenTelemetry connector or of Tempo in Prometheus, and Tempo's traces.",
)
_reading("tempo", DiscoverySource.OTEL, "tempo", "Tempo's traces only.")
_reading("mesh", DiscoverySource.MESH, None, "Metrics of Istio and of Cilium's Hubble in Prometheus.")
_reading("k8s", DiscoverySource.K8S, None, "Kubernetes: what is declared in the cluster.")
_reading("backstage", DiscoverySource.BACKSTAGE, None, "The Backstage catalogue.")


@discover.command("rules")
def discover_rules(
    file: Annotated[
        Path | None,
        typer.Option("--set", help="Replace all rules by those of this JSON file.", show_default=False),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to the shipped rules.")] = False,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """How sources' names become service ids; --json prints a file that --set takes."""
    if file is not None and reset:
        raise Invalid("either --set or --reset")
    given = None if file is None else rules_from(file)

    async def work(use_cases: UseCases, actor: Actor) -> None:
        stored = await use_cases.read_name_rules()
        if given is not None:
            rules, revision = given
            stored = await use_cases.save_name_rules(rules, revision=revision, actor=actor)
        elif reset:
            revision = 0 if stored is None else stored.revision
            stored = await use_cases.save_name_rules(DEFAULT_NAME_RULES, revision=revision, actor=actor)
        if as_json:
            output.print_json(name_rules_shape(stored))
        else:
            output.out.print(rules_table(stored))

    ask(state_dir, work)


@discover.command("status")
def discover_status(as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """What is configured, how often it is read, and how that went last."""
    states = ask(state_dir, lambda use_cases, _: use_cases.read_discovery_states())
    if as_json:
        output.print_json({"discoveryStates": [state_shape(state) for state in states]})
    else:
        output.out.print(states_table(states))


discover.command("names")(discover_names)
discover.command("decide-name")(discover_decide_name)


def _discover(
    source: DiscoverySource,
    reading: str | None,
    dry_run: bool,
    from_at: str | None,
    to_at: str | None,
    as_json: bool,
    state_dir: Path | None,
) -> None:
    command = DiscoverDependenciesCommand(source, reading, _time(from_at, "--from"), _time(to_at, "--to"), dry_run)

    async def work(use_cases: UseCases, actor: Actor) -> DiscoveryOutcome:
        outcome = await use_cases.discover_dependencies(command, actor=actor)
        if outcome.ingestion is None:
            return outcome
        return DiscoveryOutcome(outcome.difference, await merged(use_cases, outcome.ingestion))

    outcome = ask(state_dir, work)
    found = outcome.difference
    if as_json:
        output.print_json(outcome_shape(outcome))
    else:
        for part in difference_tables(found):
            output.out.print(part)
        if outcome.ingestion is not None:
            output.out.print(ingestion_text(outcome.ingestion))
        elif not dry_run:
            output.say("Nothing was found, so nothing was changed.")
    for warning in found.warnings:
        output.warn(warning)
    if outcome.ingestion is not None and outcome.ingestion.status is JobStatus.FAILED:
        raise typer.Exit(output.EXIT_UNAVAILABLE)
    if dry_run and (found.dependencies or found.services):
        raise typer.Exit(output.EXIT_FINDING)


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{option} {text!r} is no ISO 8601 time, such as 2026-03-02T12:00:00Z") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
