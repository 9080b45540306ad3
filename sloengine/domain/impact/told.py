"""An impact analysis in words: what the rows come to, whom to ask, and what the answer does not say."""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.impact.analyse import Followed, ImpactBasis
from sloengine.domain.impact.latency import LatencyLevels
from sloengine.domain.impact.model import ImpactAnalysis, ImpactRow, SloChange
from sloengine.domain.impact.stated import PROMISED
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio

# Losses below this, as a ratio or in milliseconds, are nothing.
_SMALLEST = 1e-9
_NAMED = 3


def analysis_of(
    basis: ImpactBasis, changes: Sequence[SloChange], rows: Sequence[ImpactRow], notes: Sequence[str] = ()
) -> ImpactAnalysis:
    """The rows with teams and a summary. Teams: of those that are hurt, in the order of the rows."""
    hurt = [row for row in rows if row.newly_violates or _loses(row)]
    teams = tuple(dict.fromkeys(row.team for row in hurt if row.team is not None))
    return ImpactAnalysis(
        rows=tuple(rows),
        teams=teams,
        summary=_summary(changes, rows, teams),
        graph_version=basis.network.graph.version,
        notes=(*notes, *_notes(basis, rows)),
    )


def _loses(row: ImpactRow) -> bool:
    return row.margin_change < -100.0 * _SMALLEST


def _summary(changes: Sequence[SloChange], rows: Sequence[ImpactRow], teams: Sequence[str]) -> str:
    named = ", ".join(dict.fromkeys(change.service_id for change in changes))
    if not rows:
        kinds = {change.target.kind is ObjectiveKind.AVAILABILITY for change in changes}
        does = " or ".join(
            said for kind, said in ((True, "inherits failure from"), (False, "waits for")) if kind in kinds
        )
        return f"No caller {does} {named}: nobody is affected."
    newly = sum(row.newly_violates for row in rows)
    already = sum(row.violates and row.was_violated for row in rows)
    losing = sum(map(_loses, rows))
    unknown = sum(row.after is None for row in rows)
    said = [f"{_count(len(dict.fromkeys(row.service_id for row in rows)), 'caller')} of {named} can be affected"]
    if unknown < len(rows):
        said.append(f"{_count(newly, 'objective')} would no longer be within what the dependencies allow")
    if already:
        said.append(f"{already} {'was' if already == 1 else 'were'} not before either")
    if losing:
        said.append(f"{_count(losing, 'row')} {'loses' if losing == 1 else 'lose'} margin")
    elif not unknown:
        said.append("nobody loses margin")
    if unknown:
        said.append(f"of {_count(unknown, 'row')} it is not known")
    told = f"{'; '.join(said)}."
    if teams:
        shown = ", ".join(teams[:5]) + (f" and {len(teams) - 5} more" if len(teams) > 5 else "")
        told += f" Ask {shown}."
    return told


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def not_kept_by_themselves(
    followed: Followed | None,
    levels: LatencyLevels | None,
    changes: Sequence[SloChange],
    rows: Sequence[ImpactRow],
) -> tuple[str, ...]:
    """Changed services that cannot keep their own new objective, where no row says so."""
    told = {(row.service_id, row.kind) for row in rows}
    found: list[str] = []
    for change in changes:
        name, target = change.service_id, change.target
        if (name, target.kind) in told:
            continue
        if target.availability_ratio is not None and followed is not None:
            bound = 1.0 - float(followed.impact.after[followed.basis.network.graph.index[name]])
            if bound < target.availability_ratio - _SMALLEST:
                found.append(
                    f"{name} cannot keep {percent_from_ratio(target.availability_ratio):.9g} % itself: its own"
                    " failures as seen over 28 days, with what its dependencies promise, leave"
                    f" {percent_from_ratio(round(bound, 7)):.9g} %"
                )
        elif target.threshold_ms is not None and levels is not None:
            measured = levels.measured.get((name, target.kind))
            if measured is not None and measured > target.threshold_ms + _SMALLEST:
                kind = target.kind.removeprefix("LATENCY_").lower()
                found.append(
                    f"{name} does not keep {figure_text(target.threshold_ms, 6)} ms itself: its {kind} over the"
                    f" last 28 days was {figure_text(measured)} ms"
                )
    return tuple(found)


def _notes(basis: ImpactBasis, rows: Sequence[ImpactRow]) -> tuple[str, ...]:
    found: list[str] = []
    standing, network = basis.standing, basis.network
    silent = [
        service.service_id
        for position, service in enumerate(network.graph.services)
        if service.service_id not in basis.shown and not standing.promises[position] > 0.0
    ]
    if silent:
        counts = "it counts" if len(silent) == 1 else "they count"
        found.append(
            f"of {_named(silent)} nothing is known, neither telemetry nor a promise: {counts} as never failing"
        )
    promises, inherited = standing.promises, standing.inherited[network.labels, PROMISED]
    tight = [
        network.graph.services[position].service_id
        for position in ((promises > 0.0) & (promises < inherited - _SMALLEST)).nonzero()[0].tolist()
    ]
    if len(tight) == 1:
        found.append(
            f"{tight[0]} promises more than its own dependencies promise it; its callers' bounds count what it"
            " inherits"
        )
    elif tight:
        found.append(
            f"{_named(tight)} promise more than their own dependencies promise them; their callers' bounds count"
            " what they inherit"
        )
    if any(row.standard_error > 0.0 for row in rows):
        found.append("reach is sampled where several uncertain ways lead to a caller; errors stand in the reasons")
    return tuple(found)


def _named(names: Sequence[str]) -> str:
    """One by its name, several by their number and the first of them."""
    if len(names) == 1:
        return names[0]
    listed = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
    return f"{len(names)} services ({listed})"
