"""An impact analysis from proposed changes: rows worst first, and whom to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.impact.availability import AvailabilityImpact, availability_impact
from sloengine.domain.impact.model import ImpactAnalysis, ImpactRow, SloChange, worst_first
from sloengine.domain.impact.network import FailureNetwork, FloatArray
from sloengine.domain.impact.paths import Paths
from sloengine.domain.impact.stated import PROMISED, Standing
from sloengine.domain.recommendation.model import ObjectiveKind

#: Losses below this, as a ratio, are nothing.
_SMALLEST = 1e-9


@dataclass(frozen=True)
class ImpactBasis:
    """What impact is worked out on: one state of the graph, of telemetry and of the SLOs.

    ``slos``: active availability SLOs by service. ``shown``: services of which anything was observed.
    ``requests``: that each service got over the look-back, by position, shape (n_services,); None: not known.
    """

    network: FailureNetwork
    standing: Standing
    slos: Mapping[str, Slo]
    shown: frozenset[str] = field(default=frozenset())
    requests: FloatArray | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Followed:
    """New availability objectives, followed to everybody.

    ``proposed``: by service, of availability only. ``distances``: fewest calls to a changed service.
    """

    basis: ImpactBasis
    proposed: Mapping[str, SloTarget]
    impact: AvailabilityImpact
    distances: FloatArray
    paths: Paths

    def is_affected_caller(self, position: int) -> bool:
        """Whether a change reaches this service from another one."""
        if not self.impact.reached[position] or not np.isfinite(self.distances[position]):
            return False
        return bool(self.distances[position] > 0) or self.paths.is_caller_too(position)

    def row(self, position: int) -> ImpactRow:
        """What becomes of one service's bound. A changed one is judged by its own new objective."""
        impact = self.impact
        service = self.basis.network.graph.services[position]
        before, after = 1.0 - float(impact.before[position]), 1.0 - float(impact.after[position])
        target = self.proposed.get(service.service_id) or target_of(self.basis.slos.get(service.service_id))
        wanted = None if target is None else target.availability_ratio
        return ImpactRow(
            service_id=service.service_id,
            kind=ObjectiveKind.AVAILABILITY,
            distance=int(self.distances[position]),
            before=before,
            after=after,
            target=target,
            violates=wanted is not None and after < wanted - _SMALLEST,
            was_violated=wanted is not None and before < wanted - _SMALLEST,
            margin_change=100.0 * (after - before),
            standard_error=float(impact.standard_error[position]),
            team=service.team,
            own_known=service.service_id in self.basis.shown,
            words=self.paths,
        )


def follow(basis: ImpactBasis, changes: Sequence[SloChange]) -> Followed | None:
    """Follow the changes of availability among these; None: there are none. Each service is changed once."""
    network = basis.network
    proposed = {
        change.service_id: change.target for change in changes if change.target.availability_ratio is not None
    }
    objectives = {
        network.graph.index[service_id]: target.availability_ratio
        for service_id, target in proposed.items()
        if target.availability_ratio is not None
    }
    if not objectives:
        return None
    impact = availability_impact(network, basis.standing, objectives)
    return Followed(
        basis,
        proposed,
        impact,
        network.distances(list(objectives)),
        Paths(network, tuple(objectives), impact, basis.slos),
    )


def analyse_availability(
    basis: ImpactBasis, changes: Sequence[SloChange], max_depth: int | None = None
) -> tuple[ImpactRow, ...]:
    """Rows of all callers that the changes of availability can reach, worst first.

    ``changes``: each service once for each kind, all of them in the graph; those of latency are left out.
    ``max_depth``: only callers within so many calls.
    """
    followed = follow(basis, changes)
    if followed is None:
        return ()
    rows = [
        followed.row(position)
        for position in np.flatnonzero(followed.impact.reached & np.isfinite(followed.distances)).tolist()
        if (max_depth is None or followed.distances[position] <= max_depth)
        and followed.is_affected_caller(position)
    ]
    return tuple(sorted(rows, key=worst_first))


def target_of(slo: Slo | None) -> SloTarget | None:
    """The availability objective of an SLO; None: it has none."""
    if slo is not None:
        for target in slo.targets:
            if target.availability_ratio is not None:
                return target
    return None


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
