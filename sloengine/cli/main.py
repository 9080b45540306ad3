"""The ``sloengine`` command: every command in one place, and what its exit code means.

Exit codes: 0 fine; 1 a finding (a broken audit chain, a red doctor, rejected rows); 2 bad input; 3 something that
is needed does not answer.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from sloengine import __version__
from sloengine.cli import output
from sloengine.cli.lazy import Command, group_of
from sloengine.domain.errors import DomainError, ErrorCode

# Each line is the first line of the command's docstring; a test compares them.
COMMANDS: Mapping[str, Sequence[Command]] = {
    "Run": (
        Command(
            "up",
            "sloengine.cli.up:up",
            "Run Neo4j, Redis, API, worker and scheduler here, recommend for every service, go on until Ctrl-C.",
        ),
        Command(
            "status",
            "sloengine.cli.status:status",
            "Say what runs, where it answers and where its logs are; exit 3 when nothing runs or it is not ready.",
        ),
        Command(
            "down",
            "sloengine.cli.status:down",
            "Stop the running `up` and all its children, and end what a killed one left behind.",
        ),
        Command(
            "reset",
            "sloengine.cli.status:reset",
            "Delete all data, logs and keys of a state directory. An external Neo4j or Redis is not touched.",
        ),
        Command(
            "doctor",
            "sloengine.cli.doctor:doctor",
            "Look at everything that a recommendation needs; exit 1 when something is red.",
        ),
    ),
    "Ask": (
        Command("offline", "sloengine.cli.offline:offline", "Recommend from files, with no server at all."),
        Command(
            "simulate",
            "sloengine.cli.simulate:simulate",
            "Write the files of an organisation that does not exist, with known truth.",
        ),
        Command(
            "accuracy",
            "sloengine.cli.accuracy:accuracy",
            "Say how often promises made in the past held, and how tight they were, on the data of these files.",
        ),
        Command(
            "recommend",
            "sloengine.cli.recommendation:recommend",
            "Recommend availability and latency SLOs for services of the running engine.",
        ),
        Command(
            "backtest",
            "sloengine.cli.backtest:backtest",
            "Replay any objective over the past: windows met, worst stretches, alerts that would have fired.",
        ),
        Command(
            "drift",
            "sloengine.cli.drift:drift",
            "Say when a service's behaviour, or any series in a file, changed, and what that did to its targets.",
        ),
        Command(
            "events",
            "sloengine.cli.events:events",
            "List what has happened of late: a week is kept. Each event has an id; --after goes on behind it.",
        ),
        Command(
            "forecast",
            "sloengine.cli.forecast:forecast",
            "Say how probably a service's error budget runs out, when, and how much of it will have been spent.",
        ),
        Command(
            "journeys",
            "sloengine.cli.journeys:journeys",
            "Ways of users through the organisation, and what may be promised for them.",
        ),
        Command(
            "impact",
            "sloengine.cli.impact:impact",
            "Say who is hurt if objectives change: every caller, worst first, why, and which teams to ask.",
        ),
        Command(
            "what-if",
            "sloengine.cli.what_if:what_if",
            "Say what services could promise if the graph were another; nothing is stored.",
        ),
        Command(
            "organization",
            "sloengine.cli.organization:organization",
            "Say how the organisation stands: coverage, budgets, decisions, services in danger.",
        ),
        Command("services", "sloengine.cli.topology:services", "List the services of the graph."),
        Command(
            "graph",
            "sloengine.cli.topology:graph",
            "Draw a service's dependencies (or callers) as a tree, or for Graphviz, Mermaid or Cytoscape.",
        ),
        Command(
            "cycles",
            "sloengine.cli.cycles:cycles",
            "List alerts of circular dependencies; acknowledge, resolve or reopen one.",
        ),
        Command(
            "divergences",
            "sloengine.cli.divergences:divergences",
            "List dependencies that are declared and not observed, or observed and not declared.",
        ),
        Command(
            "cypher",
            "sloengine.cli.cypher:cypher",
            "Ask the graph in Cypher. Read mode unless --write. See docs/cypher.md for questions worth asking.",
        ),
    ),
    "Feed": (
        Command(
            "ingest",
            "sloengine.cli.topology:ingest",
            "Bring services and dependencies from a file into the graph.",
        ),
        Command(
            "discover",
            "sloengine.cli.discovery:discover",
            "Read services and calls from real systems.",
        ),
        Command(
            "load-sli",
            "sloengine.cli.telemetry:load_sli",
            "Load good and valid events, and latency histograms, from files; any step from 1 min to 1 d.",
        ),
    ),
    "Decide": (
        Command(
            "accept",
            "sloengine.cli.governance:accept",
            "Make a recommended tier the active SLO of its service.",
        ),
        Command(
            "modify",
            "sloengine.cli.governance:modify",
            "Make other numbers than the recommended ones the active SLO, with a reason.",
        ),
        Command(
            "reject",
            "sloengine.cli.governance:reject",
            "Turn a recommendation down, with a reason; the active SLO stays as it is.",
        ),
        Command("set-slo", "sloengine.cli.governance:set_slo", "Set an SLO by hand, audited like the rest."),
        Command("audit", "sloengine.cli.audit:audit", "The audit trail of decisions."),
    ),
    "Deploy": (
        Command("api", "sloengine.cli.processes:api", "Serve GraphQL, GraphiQL, health and metrics."),
        Command("worker", "sloengine.cli.processes:worker", "Run the background actors."),
        Command(
            "scheduler",
            "sloengine.cli.processes:scheduler",
            "Enqueue the periodic actors; one alive at a time does it, others stand by.",
        ),
        Command(
            "migrate",
            "sloengine.cli.migrate:migrate",
            "The database's schema, in numbered reversible steps.",
        ),
    ),
}
_CONTEXT = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="sloengine",
    cls=group_of(COMMANDS, _CONTEXT),
    help="Recommends availability and latency SLOs that will hold, from telemetry and the dependency graph.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=_CONTEXT,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run; errors that a person can act on end in one line on stderr and an exit code."""
    try:
        app()
    except DomainError as error:
        output.error(str(error))
        sys.exit(output.EXIT_UNAVAILABLE if error.code is ErrorCode.UNAVAILABLE else output.EXIT_BAD_INPUT)
    except ValueError as error:
        # Imported here, because reading settings is what needs it, and not every command does.
        from pydantic import ValidationError  # noqa: PLC0415

        if not isinstance(error, ValidationError):
            raise
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            output.error(f"SLOENGINE_{name.upper()}: {problem['msg']}" if name else problem["msg"])
        sys.exit(output.EXIT_BAD_INPUT)


if __name__ == "__main__":
    main()
