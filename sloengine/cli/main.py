"""The ``sloengine`` command: every command in one place, and what its exit code means.

Exit codes: 0 fine; 1 a finding (a broken audit chain, a red doctor, rejected rows); 2 bad input; 3 something that
is needed does not answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from pydantic import ValidationError

from sloengine import __version__
from sloengine.cli import governance, output, processes
from sloengine.cli.cypher import cypher
from sloengine.cli.doctor import doctor
from sloengine.cli.offline import offline
from sloengine.cli.recommendation import recommend
from sloengine.cli.status import down, reset, status
from sloengine.cli.telemetry import load_sli
from sloengine.cli.topology import graph, ingest, services
from sloengine.cli.up import up
from sloengine.domain.errors import DomainError, ErrorCode

app = typer.Typer(
    name="sloengine",
    help="Recommends availability and latency SLOs that will hold, from telemetry and the dependency graph.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_RUN, _ASK, _FEED, _DECIDE, _DEPLOY = "Run", "Ask", "Feed", "Decide", "Deploy"

_COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    _RUN: (up, status, down, reset, doctor),
    _ASK: (offline, recommend, services, graph, cypher),
    _FEED: (ingest, load_sli),
    _DECIDE: (governance.accept, governance.modify, governance.reject, governance.set_slo),
    _DEPLOY: (processes.api, processes.worker, processes.scheduler),
}
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(governance.audit, name="audit", rich_help_panel=_DECIDE)
app.add_typer(processes.migrate, name="migrate", rich_help_panel=_DEPLOY)


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
        output.err.print(f"error: {error}", style="red", markup=False, highlight=False)
        sys.exit(output.EXIT_UNAVAILABLE if error.code is ErrorCode.UNAVAILABLE else output.EXIT_BAD_INPUT)
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            where = f"SLOENGINE_{name.upper()}: " if name else ""
            output.err.print(f"error: {where}{problem['msg']}", style="red", markup=False, highlight=False)
        sys.exit(output.EXIT_BAD_INPUT)


if __name__ == "__main__":
    main()
