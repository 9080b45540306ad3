"""From proposed changes of availability to the rows of all callers, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.impact.availability import AvailabilityImpact, availability_impact
from sloengine.domain.impact.model import ImpactRow, SloChange
from sloengine.domain.impact.network import FailureNetwork, FloatArray, IntArray
from sloengine.domain.impact.paths import Paths
from sloengine.domain.impact.stated import Standing
from sloengine.domain.recommendation.model import ObjectiveKind

#: Losses below this, as a ratio, are nothing.
_SMALLEST = 1e-9


@dataclass(frozen=True)
class ImpactBasis:
    """What impact is worked out on: one state of the graph, of telemetry and of the SLOs.

    ``slos``: active availability SLOs by service. ``shown``: services of which anything was observed.
    ``requests``: that each service got over the look-back, by position, shape (n_services,); None: not known.
    ``seen``: unavailability that each showed or publishes, NaN: not known, in the same form.
    """

    network: FailureNetwork
    standing: Standing
    slos: Mapping[str, Slo]
    shown: frozenset[str] = field(default=frozenset())
    requests: FloatArray | None = field(default=None, compare=False)
    seen: FloatArray | None = field(default=None, compare=False)

    @cached_property
    def targets(self) -> list[SloTarget | None]:
        """The availability objective of each service, by position."""
        return [target_of(self.slos.get(service.service_id)) for service in self.network.graph.services]

    @cached_property
    def place_by_name(self) -> IntArray:
        """Place of each service where they are sorted by id, by position; shape (n_services,)."""
        names = [service.service_id for service in self.network.graph.services]
        places = np.empty(len(names), np.int64)
        places[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        return places


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

    def affected_callers(self) -> IntArray:
        """Positions of all services that :meth:`is_affected_caller` is true of."""
        found = self.impact.reached & np.isfinite(self.distances)
        for position in np.flatnonzero(found & (self.distances == 0)).tolist():
            found[position] = self.paths.is_caller_too(position)
        return np.flatnonzero(found)

    def callers(self, max_depth: int | None = None) -> tuple[ImpactRow, ...]:
        """Rows of all that :meth:`is_affected_caller` is true of, within so many calls, worst first."""
        positions = self.affected_callers()
        if max_depth is not None:
            positions = positions[self.distances[positions] <= max_depth]
        return tuple(self.rows(positions))

    def row(self, position: int) -> ImpactRow:
        """What becomes of one service's bound. A changed one is judged by its own new objective."""
        return self.rows(np.array([position]))[0]

    def rows(self, positions: IntArray) -> list[ImpactRow]:
        """The same of many services, worst first."""
        impact, services = self.impact, self.basis.network.graph.services
        before, after = 1.0 - impact.before[positions], 1.0 - impact.after[positions]
        targets = [self._target(position) for position in positions.tolist()]
        wanted = np.array([np.nan if one is None else one.availability_ratio for one in targets], np.float64)
        violates, was_violated = (
            after < wanted - _SMALLEST,
            before < wanted - _SMALLEST,
        )  # False where there is none
        left = np.where(np.isnan(wanted), after - before, (after - wanted) / (1.0 - wanted))
        # As ``worst_first`` sorts, for all at once.
        names = self.basis.place_by_name[positions]
        order = np.lexsort((names, left, np.isnan(wanted), ~violates | was_violated, ~violates))
        columns = (
            positions,
            self.distances[positions].astype(np.int64),
            before,
            after,
            violates,
            was_violated,
            100.0 * (after - before),
            impact.standard_error[positions],
        )
        return [
            ImpactRow(
                services[at].service_id,
                ObjectiveKind.AVAILABILITY,
                distance,
                was,
                becomes,
                targets[place],
                is_broken,
                was_broken,
                change,
                error,
                services[at].team,
                services[at].service_id in self.basis.shown,
                words=self.paths,
            )
            for place, at, distance, was, becomes, is_broken, was_broken, change, error in zip(
                order.tolist(), *(column[order].tolist() for column in columns), strict=True
            )
        ]

    def _target(self, position: int) -> SloTarget | None:
        proposed = self.proposed.get(self.basis.network.graph.services[position].service_id)
        return proposed or self.basis.targets[position]


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
    return () if followed is None else followed.callers(max_depth)


def target_of(slo: Slo | None) -> SloTarget | None:
    """The availability objective of an SLO; None: it has none."""
    if slo is not None:
        for target in slo.targets:
            if target.availability_ratio is not None:
                return target
    return None
