"""``sloengine accuracy``: do promises hold, on your own data?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sloengine.application.accuracy.measure_accuracy import PRIOR_DAYS, MeasureAccuracyCommand, measure_accuracy
from sloengine.cli import output
from sloengine.cli.accuracy_plot import plot_text, write_svg
from sloengine.cli.accuracy_shapes import accuracy_shape, stored_shape
from sloengine.cli.accuracy_text import kind_text, print_accuracy
from sloengine.cli.options import AsJson, StateDir
from sloengine.domain.accuracy.record import maps_in_force
from sloengine.domain.errors import Invalid
from sloengine.infrastructure.files.clusters_csv import read_clusters
from sloengine.infrastructure.files.documents import read_ingestion_file
from sloengine.infrastructure.files.latency_csv import read_latency
from sloengine.infrastructure.files.sli_csv import read_sli
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups


def accuracy(
    sli: Annotated[
        Path | None,
        typer.Option(help="CSV: timestamp,service,good,total; any step from 1 min to 1 d.", show_default=False),
    ] = None,
    edges: Annotated[
        Path | None,
        typer.Option(
            help="Dependencies: CSV with caller,dependency, or an ingestion document.", show_default=False
        ),
    ] = None,
    latency: Annotated[
        Path | None,
        typer.Option(help="CSV: timestamp,service,le,count (cumulative over le).", show_default=False),
    ] = None,
    train_days: Annotated[
        list[int] | None,
        typer.Option(help="Days of history that a recommendation sees; may be repeated. [default: 30]", min=1),
    ] = None,
    prior_days: Annotated[
        int,
        typer.Option(
            help="Days from which is learnt what services have in common; 0: no more than its own.",
            min=0,
        ),
    ] = PRIOR_DAYS,
    horizon_days: Annotated[int, typer.Option(help="The window that is promised: 7, 28 or 30 days.")] = 28,
    every_days: Annotated[int, typer.Option(help="Days between two looks back.", min=1)] = 7,
    clusters: Annotated[
        Path | None,
        typer.Option(
            help="CSV: service,cluster. Services that share a site or an organisation count together.",
            show_default=False,
        ),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Draw the calibration plot into this file.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Say how often promises made in the past held, and how tight they were, on the data of these files.

    Without a file: what the running engine has found in its daily look back.
    """
    if sli is None and latency is None:
        if edges is not None or clusters is not None or train_days:
            raise Invalid("name a file: --sli FILE (timestamp,service,good,total), --latency FILE, or both")
        _of_running_engine(state_dir, svg, as_json=as_json)
        return
    document, warnings = ({}, ()) if edges is None else read_ingestion_file(edges, strict=True)
    report = measure_accuracy(
        MeasureAccuracyCommand(
            document=document,
            panel=None if sli is None else read_sli(sli),
            latency=None if latency is None else read_latency(latency),
            train_days=tuple(train_days or (30,)),
            prior_days=prior_days,
            horizon_days=horizon_days,
            every_days=every_days,
            clusters={} if clusters is None else read_clusters(clusters),
            grouping=SilhouetteGroups(),
            progress=_progress,
        )
    )
    if svg is not None:
        write_svg(svg, report.calibration)
    if as_json:
        output.print_json(accuracy_shape(report, (*warnings, *report.warnings)))
        return
    print_accuracy(report)
    for line in plot_text(report.calibration):
        output.say(line)
    for warning in (*warnings, *report.warnings):
        output.warn(warning)


def _of_running_engine(state_dir: Path | None, svg: Path | None, *, as_json: bool) -> None:
    # Imported here, because files need no database driver.
    from sloengine.cli.session import ask  # noqa: PLC0415

    records = ask(state_dir, lambda use_cases, _: use_cases.read_calibration())
    points = [point for record in records for point in record.points]
    if svg is not None:
        write_svg(svg, points)
    if as_json:
        output.print_json(stored_shape(records))
        return
    for line in plot_text(points):
        output.say(line)
    for kind, found in maps_in_force(records).items():
        output.say(f"Calibration map of {kind_text(kind)}: {found.source}.")
    if not points:
        output.note(
            "no finished window has been looked back on yet: it takes 58 days of history and a daily run of the "
            "worker; with files, name --sli FILE"
        )


def _progress(done: int, total: int) -> None:
    if output.err.is_terminal:
        output.err.print(f"look {done} of {total}", end="\n" if done == total else "\r", highlight=False)
