"""``sloengine impact``: who is hurt if an SLO changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sloengine.application.impact.analyse_impact import AnalyseImpactCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.decision_shapes import slo_target_shape
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.cli.shapes import global_id, service_reference
from sloengine.domain.errors import Invalid
from sloengine.domain.governance.model import Actor, SloTarget
from sloengine.domain.impact.journeys import ImpactedJourney
from sloengine.domain.impact.model import ImpactAnalysis, ImpactRow, SloChange
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio, ratio_from_percent
from sloengine.domain.topology.composed_latency import ComposedLatency
from sloengine.infrastructure.files.small_document import read_list

_SHOWN = 30
_EXPLAINED = 10


def impact(
    service: Annotated[
        str | None, typer.Argument(help="Service id; leave it out with --changes.", show_default=False)
    ] = None,
    availability: Annotated[
        float | None, typer.Option(help="New availability objective in percent.", show_default=False)
    ] = None,
    latency_p95: Annotated[
        float | None, typer.Option(help="New objective: 95 % within so many ms.", show_default=False)
    ] = None,
    latency_p99: Annotated[
        float | None, typer.Option(help="New objective: 99 % within so many ms.", show_default=False)
    ] = None,
    changes: Annotated[
        Path | None,
        typer.Option(
            help="YAML or JSON: a list in the shape of the GraphQL input SloChangeInput.", show_default=False
        ),
    ] = None,
    max_depth: Annotated[
        int | None, typer.Option(help="Only callers within so many calls.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Say who is hurt if objectives change: every caller, worst first, why, and which teams to ask."""
    proposed = _from_file(changes) if changes is not None else []
    numbers = (
        (ObjectiveKind.AVAILABILITY, availability),
        (ObjectiveKind.LATENCY_P95, latency_p95),
        (ObjectiveKind.LATENCY_P99, latency_p99),
    )
    for kind, number in numbers:
        if number is not None:
            if service is None:
                raise Invalid("name the service whose objective changes")
            proposed.append(SloChange(service, _target(kind, number)))
    if not proposed:
        raise Invalid("name a service with --availability, --latency-p95 or --latency-p99, or --changes FILE")

    async def work(use_cases: UseCases, actor: Actor) -> tuple[ImpactAnalysis, Sequence[ImpactedJourney]]:
        found = await use_cases.analyse_impact(AnalyseImpactCommand(proposed, max_depth), actor=actor)
        return found, await use_cases.journeys_hurt(proposed)

    found, journeys = ask(state_dir, work)
    if as_json:
        output.print_json(impact_shape(found, journeys))
    else:
        _print(found, journeys)


def _target(kind: ObjectiveKind, number: float) -> SloTarget:
    if kind is ObjectiveKind.AVAILABILITY:
        return SloTarget(kind, availability_ratio=ratio_from_percent(number))
    return SloTarget(kind, threshold_ms=number)


def _from_file(path: Path) -> list[SloChange]:
    found: list[SloChange] = []
    for place, row in enumerate(read_list(path, "changes")):
        where = f"{path}: change {place + 1}"
        known = {"serviceId", "kind", "availabilityPercent", "thresholdMs"}
        if not isinstance(row, Mapping) or not isinstance(row.get("serviceId"), str):
            raise Invalid(f"{where} needs serviceId")
        unknown = sorted(set(row) - known)
        if unknown:
            raise Invalid(f"{where} has {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        try:
            kind = ObjectiveKind(row.get("kind", ""))
        except ValueError as error:
            raise Invalid(f"{where}: kind is one of {', '.join(ObjectiveKind)}") from error
        number = row.get("availabilityPercent" if kind is ObjectiveKind.AVAILABILITY else "thresholdMs")
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise Invalid(f"{where}: {kind} needs a number")
        found.append(SloChange(row["serviceId"], _target(kind, float(number))))
    return found


def _print(found: ImpactAnalysis, journeys: Sequence[ImpactedJourney]) -> None:
    output.say(found.summary)
    if found.rows:
        table = output.table()
        shown = found.rows[:_SHOWN]
        composed = any(composed_text(row.composed) != "–" for row in shown)
        for heading in (
            "caller",
            "team",
            "kind",
            "before",
            "after",
            *(["composed"] if composed else ()),
            "objective",
            "",
        ):
            table.add_column(heading, overflow="fold")
        for row in shown:
            verdict = "breaks" if row.newly_violates else "broken" if row.violates else "holds"
            target = None if row.target is None else row.target.availability_ratio or row.target.threshold_ms
            table.add_row(
                row.service_id,
                row.team or "–",
                row.kind.lower().replace("latency_", ""),
                _value(row, row.before),
                _value(row, row.after),
                *([composed_text(row.composed)] if composed else ()),
                _value(row, target),
                verdict if row.target is not None else "–",
            )
        output.out.print(table)
        output.reasons([(row.service_id, _reason(row)) for row in found.rows[:_EXPLAINED]])
        if len(found.rows) > _EXPLAINED:
            output.say(f"  the reasons of {len(found.rows) - _EXPLAINED} more rows: --json")
    if len(found.rows) > _SHOWN:
        output.say(f"… and {len(found.rows) - _SHOWN} more rows; --json prints all")
    _print_journeys(journeys)
    for note in found.notes:
        output.say(f"note: {note}")


def _reason(row: ImpactRow) -> str:
    """With why nothing is composed, where the cell only says that nothing is."""
    if row.composed is None or row.composed.low_ms is not None:
        return row.reason
    return f"{row.reason}; not composed: {row.composed.reason}"


def _print_journeys(journeys: Sequence[ImpactedJourney]) -> None:
    if not journeys:
        return
    table = output.table(f"{len(journeys)} {'journey' if len(journeys) == 1 else 'journeys'}")
    for heading in ("journey", "before", "after", "objective of an entry"):
        table.add_column(heading, overflow="fold")
    for one in journeys[:_SHOWN]:
        before, after = _percent(one.before), _percent(one.after)
        # It may have been broken before, or there may be none: the reason says so.
        table.add_row(one.journey.name, before, after, "not kept" if one.violates else "–")
    output.out.print(table)
    output.reasons([(one.journey.name, one.reason) for one in journeys[:_EXPLAINED]])
    if len(journeys) > _SHOWN:
        output.say(f"… and {len(journeys) - _SHOWN} more journeys; --json prints all")


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{percent_from_ratio(round(ratio, 6)):.9g} %"


def _value(row: ImpactRow, value: float | None) -> str:
    if value is None:
        return "–"
    if row.kind is ObjectiveKind.AVAILABILITY:
        return _percent(value)
    return f"{figure_text(value)} ms"


def impact_shape(found: ImpactAnalysis, journeys: Sequence[ImpactedJourney]) -> dict[str, Any]:
    """The GraphQL type ``ImpactAnalysis``; all rows, as ``nodes``."""
    return {
        "summary": found.summary,
        "teams": list(found.teams),
        "notes": list(found.notes),
        "graphVersion": found.graph_version,
        "rows": {"nodes": [row_shape(row) for row in found.rows], "totalCount": len(found.rows)},
        "journeys": [impacted_journey_shape(one) for one in journeys],
    }


def impacted_journey_shape(one: ImpactedJourney) -> dict[str, Any]:
    """The GraphQL type ``ImpactedJourney``."""
    return {
        "journey": {"id": global_id("Journey", one.journey.journey_id), "name": one.journey.name},
        "boundBeforePercent": None if one.before is None else percent_from_ratio(one.before),
        "boundAfterPercent": None if one.after is None else percent_from_ratio(one.after),
        "violates": one.violates,
        "reason": one.reason,
    }


def composed_shape(found: ComposedLatency | None) -> dict[str, Any] | None:
    """The GraphQL type ``ComposedLatency``."""
    return None if found is None else {"lowMs": found.low_ms, "highMs": found.high_ms, "reason": found.reason}


def composed_text(found: ComposedLatency | None) -> str:
    """In one cell."""
    if found is None or found.low_ms is None or found.high_ms is None:
        return "–"
    low, high = figure_text(found.low_ms), figure_text(found.high_ms)
    return f"{low} ms" if low == high else f"{low} to {high} ms"


def row_shape(row: ImpactRow) -> dict[str, Any]:
    """The GraphQL type ``ImpactRow``."""
    is_availability = row.kind is ObjectiveKind.AVAILABILITY

    def percent(ratio: float | None) -> float | None:
        return percent_from_ratio(ratio) if is_availability and ratio is not None else None

    return {
        "service": service_reference(row.service_id),
        "kind": row.kind.value,
        "distance": row.distance,
        "path": list(row.path),
        "reason": row.reason,
        "boundBeforePercent": percent(row.before),
        "boundAfterPercent": percent(row.after),
        "latencyBeforeMs": None if is_availability else row.before,
        "latencyAfterMs": None if is_availability else row.after,
        "composed": composed_shape(row.composed),
        "activeTarget": None if row.target is None else slo_target_shape(row.target),
        "violates": row.violates,
        "violatedBefore": row.was_violated,
        "marginChange": row.margin_change,
        "standardErrorPercent": 100.0 * row.standard_error,
    }
