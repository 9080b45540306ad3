"""``sloengine simulate``: an organisation with known truth, as files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sloengine.cli import output
from sloengine.cli.offline import parse_time
from sloengine.cli.options import AsJson
from sloengine.cli.steps import Steps
from sloengine.domain.errors import Invalid
from sloengine.domain.simulation.blocks import hour_of
from sloengine.domain.simulation.declared import topology_of
from sloengine.domain.simulation.drawn import DrawnOrganisation, draw_organisation
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.settings import Faults, Shared, parameters_of
from sloengine.domain.topology.validation import check_rows
from sloengine.infrastructure.files.documents import read_ingestion_file
from sloengine.infrastructure.files.simulated_law import Playing
from sloengine.infrastructure.files.simulated_organisation import write_telemetry
from sloengine.infrastructure.files.simulated_truth import time_text, write_truth

_DEFAULT_SERVICES = 50
_MOST_SERVICES = 5_000
_USUAL_FUTURES = 50
"""One more than it takes to say what holds 98 times in 100."""
_MOST_BY_DEFAULT = 100


class Step(StrEnum):
    """Interval of ``sli.csv``, and the finest time that the simulation knows."""

    FIVE_MINUTES = "5m"
    HOUR = "1h"


class Telemetry(StrEnum):
    """Whether exporters tell the truth."""

    CLEAN = "clean"
    FLAWED = "flawed"


_SLOTS_PER_HOUR = {Step.FIVE_MINUTES: 12, Step.HOUR: 1}


def simulate(
    out_dir: Annotated[Path, typer.Argument(help="Folder for the files; made when it is not there.")],
    services: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_SERVICES, help="Draw so many services. [default: 50]", show_default=False),
    ] = None,
    topology: Annotated[
        Path | None,
        typer.Option(
            help="Simulate these dependencies, as declared: CSV with caller,dependency, or an ingestion document.",
            show_default=False,
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days of history.")] = 90,
    step: Annotated[Step, typer.Option(help="Interval of sli.csv.")] = Step.HOUR,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 7,
    until: Annotated[
        str | None,
        typer.Option(help="ISO 8601; the history ends at this midnight UTC. [default: today]", show_default=False),
    ] = None,
    faults: Annotated[Faults, typer.Option(help="How often services fail by themselves.")] = Faults.RARE,
    shared: Annotated[Shared, typer.Option(help="Incidents that hit several services at once.")] = Shared.ALL,
    telemetry: Annotated[
        Telemetry, typer.Option(help="Flawed: gaps, NaN, restarts, success stuck at zero, no histogram, newborns.")
    ] = Telemetry.CLEAN,
    openmetrics: Annotated[
        bool, typer.Option("--openmetrics", help="Also OpenMetrics files that promtool backfills into Prometheus.")
    ] = False,
    truth: Annotated[
        bool, typer.Option("--truth", help="Also truth.json: what an estimator should have found.")
    ] = False,
    truth_futures: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=100_000,
            help="How often --truth plays the coming windows for their law; 0: not at all. "
            "[default: 50 up to 100 services at 1h, else 0]",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the files of an organisation that does not exist, with known truth."""
    if services is not None and topology is not None:
        raise Invalid("--services draws a topology and --topology reads one: name one of the two")
    if truth_futures is not None and not truth:
        raise Invalid("--truth-futures says how much goes into truth.json: name --truth, too")
    ends_at = datetime.now(UTC) if until is None else parse_time(until, "--until")
    to_hour = hour_of(ends_at) // 24 * 24
    stretch = Stretch(to_hour - 24 * days, to_hour)
    parameters = parameters_of(faults, shared, _SLOTS_PER_HOUR[step])
    if topology is None:
        drawn = draw_organisation(
            services or _DEFAULT_SERVICES,
            parameters,
            seed,
            stretch,
            flawed=telemetry is Telemetry.FLAWED,
            timeouts=faults is not Faults.NONE,
        )
    else:
        drawn = _from_file(topology, parameters, seed)
    if out_dir.exists() and not out_dir.is_dir():
        raise Invalid(f"{out_dir} is no folder", path=("OUT_DIR",))
    steps = Steps()
    count = len(drawn.organisation.topology.services)
    size = f"{count} service{'s' * (count != 1)} over {days} day{'s' * (days != 1)}"
    with _writing_to(out_dir), steps.bar(f"simulating {size} at {step.value}") as progress:
        _forget_earlier_run(out_dir)
        files = write_telemetry(
            out_dir, drawn.organisation, drawn.document, stretch, openmetrics=openmetrics, progress=progress
        )
    if truth:
        playing = _playing(truth_futures, count * _SLOTS_PER_HOUR[step], deployments=topology is None)
        text = "looking up the truth" + f", coming windows played 2 x {playing.count} times" * bool(playing.count)
        provenance = f"simulated by sloengine, seed {seed}, faults {faults.value}, shared incidents {shared.value}"
        with _writing_to(out_dir), steps.bar(text) as progress:
            write_truth(out_dir / "truth.json", drawn.organisation, stretch, provenance, playing, progress)
        files.append(out_dir / "truth.json")
    commands = _next_commands(out_dir, openmetrics=openmetrics)
    if as_json:
        output.print_json(
            {
                "seed": seed,
                "services": count,
                "dependencies": len(drawn.organisation.topology.calls),
                "from": time_text(stretch.from_hour),
                "to": time_text(stretch.to_hour),
                "files": [str(path) for path in files],
                "next": commands,
            }
        )
        return
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    output.say(f"{len(files)} files, {megabytes:,.1f} MB, in {out_dir}: simulated, seed {seed}. Next:")
    for command in commands:
        typer.echo(f"  {command}")


def _from_file(path: Path, parameters: Parameters, seed: int) -> DrawnOrganisation:
    """The declared topology, taken at its word. Raises ``Invalid`` where it cannot be."""
    document, warnings = read_ingestion_file(path, strict=True)
    for warning in warnings:
        output.warn(warning)
    rejected = check_rows(document.get("services", ()), document.get("dependencies", ())).rejected
    if rejected:
        raise Invalid(f"{path}: {rejected[0].path}: {rejected[0].message}", path=("--topology",))
    try:
        return DrawnOrganisation(Organisation(topology_of(document), parameters, seed), document)
    except ValueError as error:
        raise Invalid(f"{path} cannot be simulated: {error}", path=("--topology",)) from error


def _playing(asked: int | None, size: int, *, deployments: bool) -> Playing:
    """``size``: services times slots an hour, what a playing costs. A declared topology is never deployed anew."""
    if asked is not None:
        return Playing(asked, deployments, "--truth-futures 0")
    count = _USUAL_FUTURES if size <= _MOST_BY_DEFAULT else 0
    why = f"takes long for this size: `--truth-futures {_USUAL_FUTURES}` plays it"
    return Playing(count, deployments, why)


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Raises ``Invalid`` where the file system refuses: no right to write, a full disk, a file in the way."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise Invalid(f"{where} cannot be written: {error.strerror}", path=("OUT_DIR",)) from error


def _forget_earlier_run(folder: Path) -> None:
    """An old truth beside new telemetry would be a lie; what is written anyway is overwritten."""
    old = [path for path in (folder / "truth.json", *folder.glob("openmetrics/*.om")) if path.exists()]
    for path in old:
        path.unlink()
    if old:
        output.note(f"removed what an earlier run left in {folder}: truth.json, openmetrics/*.om")


def _next_commands(folder: Path, *, openmetrics: bool) -> list[str]:
    """What can be done with the files, ready to be pasted."""
    edges, sli, latency, chunks = (
        shlex.quote(str(folder / name)) for name in ("edges.csv", "sli.csv", "latency.csv", "openmetrics")
    )
    commands = [f"sloengine offline --edges {edges} --sli {sli} --latency {latency}"]
    if openmetrics:
        commands.append(
            f'for f in {chunks}/*.om; do promtool tsdb create-blocks-from openmetrics "$f" prometheus-data; done'
        )
    return commands
