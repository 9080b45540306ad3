"""``sloengine drift``: has the behaviour of a service, or of any series in a file, changed?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from sloengine.application.ports.drift_store import DriftFilter, SeriesKey
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.drift_shapes import change_shape, drift_event_shape
from sloengine.cli.drift_text import changes_table, events_table, plot, together
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.domain.drift.alarm import WHAT, DriftEvent
from sloengine.domain.drift.model import HourlySeries, hour_of, start_of
from sloengine.domain.drift.together import Onset, SharedCause
from sloengine.domain.drift.unjudged import why_unjudged
from sloengine.domain.drift.watch import look_back
from sloengine.domain.errors import Invalid, ServiceNotFound
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.panel import FloatArray
from sloengine.infrastructure.files.series_csv import read_series
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors

_TITLES = {
    ObjectiveKind.AVAILABILITY: "availability, %",
    ObjectiveKind.LATENCY_P95: "p95 latency, ms",
    ObjectiveKind.LATENCY_P99: "p99 latency, ms",
}


def drift(
    service: Annotated[
        str | None, typer.Argument(help="Service id; all services when none is named.", show_default=False)
    ] = None,
    series: Annotated[
        Path | None,
        typer.Option(help="CSV: timestamp,value; look there instead, with no server.", show_default=False),
    ] = None,
    draw: Annotated[bool, typer.Option("--plot", help="Draw the hourly values and where they changed.")] = False,
    days: Annotated[int, typer.Option(min=1, max=90, help="How far back a service is drawn.")] = 28,
    first: Annotated[int, typer.Option(min=1, max=200, help="How many events to list.")] = 20,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Say when a service's behaviour, or any series in a file, changed, and what that did to its targets."""
    if series is not None:
        if service is not None:
            raise Invalid("name a service or --series FILE, not both")
        _of_file(read_series(series), draw=draw, as_json=as_json)
        return
    if draw and service is None:
        raise Invalid("name the service to draw, or --series FILE", path=("--plot",))
    page, causes, hourly, unjudged = ask(
        state_dir, lambda use_cases, actor: _read(use_cases, actor, service, first, days)
    )
    if as_json:
        events = [drift_event_shape(event, causes.get(event.event_id)) for event in page.rows]
        shape = {"driftEvents": events, "totalCount": page.total_count}
        left_out = [{"kind": kind.value, "reason": why} for kind, why in unjudged.items()]
        output.print_json(shape if service is None else {**shape, "notJudged": left_out})
        return
    if page.rows:
        output.out.print(events_table(page.rows, output.out.width))
        output.reasons(together(page.rows, causes))
    else:
        output.say("no change of behaviour has been confirmed")
    if service is None:
        output.note("`sloengine drift SERVICE` also says what of a service cannot be judged, and why")
    output.reasons([(WHAT[kind], why) for kind, why in unjudged.items()])
    if draw:
        for (_, kind), one in sorted(hourly.items()):
            output.say("")
            marks = _marks(page, kind)
            typer.echo(plot(_natural(kind, one), one.first_hour, marks, _TITLES[kind], output.out.width))
        if not hourly:
            output.say(f"nothing to draw: no hourly value of {service} on record")


async def _read(
    use_cases: UseCases, _: Actor, service: str | None, first: int, days: int
) -> tuple[
    Page[DriftEvent],
    Mapping[str, SharedCause],
    Mapping[SeriesKey, HourlySeries],
    Mapping[ObjectiveKind, str],
]:
    now = datetime.now(UTC)
    page = await use_cases.read_drift.page(DriftFilter(service_id=service), PageRequest(first=first))
    shared = await use_cases.read_drift.shared_causes([Onset.of(event) for event in page.rows])
    causes = {onset.event_id: cause for onset, cause in shared.items()}
    if service is None:
        return page, causes, {}, {}
    if service not in await use_cases.read_graph.services([service]):
        raise ServiceNotFound(f"no service {service!r}")
    hourly = await use_cases.read_drift.hourly(service, timedelta(days=days), now)
    unjudged = await use_cases.read_drift.unjudged([service])
    return page, causes, hourly, unjudged[service]


def _of_file(series: HourlySeries, *, draw: bool, as_json: bool) -> None:
    seen = look_back(series, RiverChangeDetectors())
    if seen is None:
        raise Invalid(f"{why_unjudged(series, None)}: give hourly values of more days", path=("--series",))
    changes, why = seen.changes, why_unjudged(series, seen.watch)
    if as_json:
        shapes = [change_shape(change) for change in changes]
        judged_from = start_of(seen.judged_from).isoformat()
        output.print_json({"judgedFrom": judged_from, "changes": shapes, "notJudged": why})
        return
    learnt = (seen.judged_from - seen.learnt_from) / 24
    output.say(f"learnt from {learnt:.3g} days, judged from {start_of(seen.judged_from):%Y-%m-%d %H:%M} UTC on")
    if changes:
        output.out.print(changes_table(changes))
    else:
        output.say("no change")
    if why is not None:
        output.say(f"at its end: {why}")
    if draw:
        marks = [(change.started_hour, change.detected_hour) for change in changes]
        output.say("")
        typer.echo(plot(series.values, series.first_hour, marks, "hourly means", output.out.width))


def _marks(page: Page[DriftEvent], kind: ObjectiveKind) -> list[tuple[int, int]]:
    return [
        (hour_of(event.started_at), hour_of(event.detected_at) - 1) for event in page.rows if event.kind is kind
    ]


def _natural(kind: ObjectiveKind, series: HourlySeries) -> FloatArray:
    if series.total is None:
        return np.exp(series.values)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: FloatArray = 100.0 * (1.0 - series.values / np.where(series.total > 0, series.total, np.nan))
    return ratio
