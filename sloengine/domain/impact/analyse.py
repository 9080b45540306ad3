"""An impact analysis from proposed changes: rows worst first, why, and whom to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

import numpy as np

from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.impact.availability import AvailabilityImpact, availability_impact
from sloengine.domain.impact.model import MINUTE, ImpactAnalysis, ImpactRow, SloChange
from sloengine.domain.impact.network import FailureNetwork
from sloengine.domain.impact.reach import Ways, ways_to
from sloengine.domain.impact.stated import PROMISED, Standing
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow

#: Losses below this, as a ratio, are nothing.
_SMALLEST = 1e-9
_WINDOW = ComplianceWindow.ROLLING_28D


@dataclass(frozen=True)
class ImpactBasis:
    """What impact is worked out on: one state of the graph, of telemetry and of the SLOs.

    ``slos``: active availability SLOs by service. ``shown``: services of which anything was observed.
    """

    network: FailureNetwork
    standing: Standing
    slos: Mapping[str, Slo]
    shown: frozenset[str] = field(default=frozenset())


def analyse_availability(
    basis: ImpactBasis, changes: Sequence[SloChange], max_depth: int | None = None
) -> tuple[ImpactRow, ...]:
    """Rows of all callers that the changes can reach, worst first.

    ``changes``: of availability, each service once, all of them in the graph. ``max_depth``: only callers
    within so many calls. A changed service that calls another one is judged by its own new objective.
    """
    network = basis.network
    index = network.graph.index
    objectives = {
        index[change.service_id]: change.target.availability_ratio
        for change in changes
        if change.target.availability_ratio is not None
    }
    if not objectives:
        return ()
    impact = availability_impact(network, basis.standing, objectives)
    distances = network.distances(list(objectives))
    paths = _Paths(network, tuple(objectives), impact, basis.slos)
    proposed = {change.service_id: change.target for change in changes}
    rows: list[ImpactRow] = []
    reached = np.flatnonzero(impact.reached & np.isfinite(distances))
    values = zip(
        reached.tolist(),
        distances[reached].astype(np.int64).tolist(),
        (1.0 - impact.before[reached]).tolist(),
        (1.0 - impact.after[reached]).tolist(),
        impact.standard_error[reached].tolist(),
        strict=True,
    )
    for position, distance, before, after, error in values:
        if (distance == 0 and not paths.is_caller_too(position)) or (
            max_depth is not None and distance > max_depth
        ):
            continue
        rows.append(_row(basis, position, distance, (before, after, error), proposed, paths))
    return tuple(sorted(rows, key=_worst_first))


def _row(
    basis: ImpactBasis,
    position: int,
    distance: int,
    values: tuple[float, float, float],
    proposed: Mapping[str, SloTarget],
    paths: _Paths,
) -> ImpactRow:
    service = basis.network.graph.services[position]
    service_id = service.service_id
    before, after, error = values
    slo = basis.slos.get(service_id)
    target = proposed.get(service_id) or _target_of(slo)
    wanted = None if target is None else target.availability_ratio
    return ImpactRow(
        service_id=service_id,
        kind=ObjectiveKind.AVAILABILITY,
        distance=distance,
        before=before,
        after=after,
        target=target,
        violates=wanted is not None and after < wanted - _SMALLEST,
        was_violated=wanted is not None and before < wanted - _SMALLEST,
        margin_change=100.0 * (after - before),
        standard_error=error,
        team=service.team,
        own_known=service_id in basis.shown,
        words=paths,
    )


def _target_of(slo: Slo | None) -> SloTarget | None:
    if slo is not None:
        for target in slo.targets:
            if target.availability_ratio is not None:
                return target
    return None


def _worst_first(row: ImpactRow) -> tuple[object, ...]:
    """Objectives that the change breaks, those that were broken, then by what is left of the budget."""
    wanted = None if row.target is None else row.target.availability_ratio
    after = row.after if row.after is not None else 1.0
    left = row.margin_change if wanted is None else (after - wanted) / (1.0 - wanted)
    return not row.violates, not row.newly_violates, wanted is None, left, row.service_id


@dataclass(frozen=True)
class _Paths:
    """The way from each caller to the change that hurts it most."""

    network: FailureNetwork
    services: tuple[int, ...]
    impact: AvailabilityImpact
    slos: Mapping[str, Slo]

    @cached_property
    def _ways(self) -> dict[int, Ways]:
        return {}

    def is_caller_too(self, position: int) -> bool:
        """Whether another changed service reaches this changed one."""
        return any(place != self._own_place(position) for place in self._reaching(position))

    def _own_place(self, position: int) -> int:
        return self.impact.components.index(int(self.network.labels[position]))

    def _reaching(self, position: int) -> list[int]:
        found: list[int] = np.flatnonzero(self.impact.reaches[position]).tolist()
        return found

    def _source(self, position: int) -> int:
        """Position of the changed service that hurts this one most."""
        share = self.impact.share[position].copy()
        component = int(self.network.labels[position])
        if position in self.services and component in self.impact.components:
            share[self.impact.components.index(component)] = -1.0
        if share.max() <= 0.0:  # only together with others, through a redundancy group, or no change at all
            ways = [self._way(c).passed[component] * (c != component) for c in self.impact.components]
            share = np.array(ways)
        wanted = self.impact.components[int(np.argmax(share))]
        return next(service for service in self.services if self.network.labels[service] == wanted)

    def _ways_to(self, source: int) -> Ways:
        return self._way(int(self.network.labels[source]))

    def _way(self, component: int) -> Ways:
        if component not in self._ways:
            self._ways[component] = ways_to(self.network, component)
        return self._ways[component]

    def passed(self, position: int) -> float:
        """Share of the changed service's failures that comes along the path."""
        return float(self._ways_to(self._source(position)).passed[self.network.labels[position]])

    def reason(self, row: ImpactRow) -> str:
        """Which path, how much margin."""
        slo = self.slos.get(row.service_id)
        window = _WINDOW if slo is None else slo.window
        return _reason(row, self.passed(self.network.graph.index[row.service_id]), window.length)

    def path(self, row: ImpactRow) -> tuple[str, ...]:
        """Service ids along the path, this one first."""
        position = self.network.graph.index[row.service_id]
        network, source = self.network, self._source(position)
        ways, end = self._ways_to(source), int(network.labels[source])
        here, path = position, [position]
        while int(network.labels[here]) != end:
            edge = int(ways.edge[network.labels[here]])
            if edge >= 0:
                leaves, enters = int(network.edges.from_services[edge]), int(network.edges.to_services[edge])
            elif edge == -1:
                break
            else:
                leaves, enters = network.member_call(*ways.steps[-2 - edge])
            path += [*network.inner_path(here, leaves)[1:], enters]
            here = enters
        path += network.inner_path(here, source)[1:] if network.labels[here] == end else []
        return tuple(network.graph.services[step].service_id for step in path)


def _reason(row: ImpactRow, passed: float, window: timedelta) -> str:
    before, after = row.before, row.after
    if before is None or after is None:
        return ""
    path = row.path
    said = f"{' → '.join(path)} lets {_share(passed)} of {path[-1]}'s failures through"
    said += f"; the bound goes from {_percent(before)} to {_percent(after)}"
    wanted = None if row.target is None else row.target.availability_ratio
    minutes = window / MINUTE
    if wanted is None:
        said += (
            f", {abs(after - before) * minutes:.3g} minutes {'less' if after < before else 'more'} in"
            f" {window.days} days; it has no availability SLO to be judged by"
        )
    else:
        margin_before, margin_after = before - wanted, after - wanted
        said += (
            f", {'below' if row.violates else 'above'} its objective of {percent_from_ratio(wanted):.9g} %: the"
            f" margin goes from {100 * margin_before:+.3g} to {100 * margin_after:+.3g} points, from"
            f" {margin_before * minutes:+.3g} to {margin_after * minutes:+.3g} minutes of the"
            f" {(1.0 - wanted) * minutes:.4g} that {window.days:.0f} days allow"
        )
        if row.violates and row.was_violated:
            said += " (it was below before the change, too)"
    if not row.own_known:
        said += "; its own failures are not known and count as none"
    if row.standard_error > 0.0:
        said += f"; sampled, standard error {100 * row.standard_error:.1g} points"
    return said


def _share(value: float) -> str:
    return "all" if value >= 1.0 else f"{100 * value:.3g} %"


def _percent(ratio: float) -> str:
    return f"{percent_from_ratio(round(ratio, 7)):.9g} %"


def analysis_of(
    basis: ImpactBasis, changes: Sequence[SloChange], rows: Sequence[ImpactRow], notes: Sequence[str] = ()
) -> ImpactAnalysis:
    """The rows with teams and a summary. Teams: of those that are hurt, in the order of the rows."""
    hurt = [row for row in rows if row.violates or row.margin_change < -100.0 * _SMALLEST]
    teams = tuple(dict.fromkeys(row.team for row in hurt if row.team is not None))
    return ImpactAnalysis(
        rows=tuple(rows),
        teams=teams,
        summary=_summary(changes, rows, hurt, teams),
        graph_version=basis.network.graph.version,
        notes=(*notes, *_notes(basis, rows)),
    )


def _summary(
    changes: Sequence[SloChange], rows: Sequence[ImpactRow], hurt: Sequence[ImpactRow], teams: Sequence[str]
) -> str:
    named = ", ".join(dict.fromkeys(change.service_id for change in changes))
    if not rows:
        return f"No caller inherits failure from {named}: nobody is affected."
    newly = sum(row.newly_violates for row in rows)
    already = sum(row.violates and row.was_violated for row in rows)
    said = [f"{_count(len(dict.fromkeys(row.service_id for row in rows)), 'caller')} of {named} can be affected"]
    said.append(f"{_count(newly, 'objective')} would no longer be within what the dependencies allow")
    if already:
        said.append(f"{already} were not before either")
    said.append(f"{_count(len(hurt), 'row')} lose margin" if hurt else "nobody loses margin")
    told = f"{'; '.join(said)}."
    if teams:
        shown = ", ".join(teams[:5]) + (f" and {len(teams) - 5} more" if len(teams) > 5 else "")
        told += f" Ask {shown}."
    return told


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _notes(basis: ImpactBasis, rows: Sequence[ImpactRow]) -> tuple[str, ...]:
    found: list[str] = []
    standing, network = basis.standing, basis.network
    silent = sum(
        service.service_id not in basis.shown and not standing.promises[position] > 0.0
        for position, service in enumerate(network.graph.services)
    )
    if silent:
        found.append(
            f"of {silent} services nothing is known, neither telemetry nor a promise: they count as never failing"
        )
    promises, inherited = standing.promises, standing.inherited[network.labels, PROMISED]
    tight = int(((promises > 0.0) & (promises < inherited - _SMALLEST)).sum())
    if tight:
        found.append(
            f"{tight} services promise more than their own dependencies promise them; their callers' bounds count "
            "what they inherit"
        )
    if any(row.standard_error > 0.0 for row in rows):
        found.append("reach is sampled where several uncertain ways lead to a caller; errors stand in the reasons")
    return tuple(found)
