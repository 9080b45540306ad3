"""The way from each caller to the change that hurts it most, and what a row says of it in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from sloengine.domain.governance.model import Slo
from sloengine.domain.impact.availability import AvailabilityImpact
from sloengine.domain.impact.model import MINUTE, ImpactRow
from sloengine.domain.impact.network import FailureNetwork
from sloengine.domain.impact.reach import Ways, ways_to
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow

_WINDOW = ComplianceWindow.ROLLING_28D


@dataclass(frozen=True)
class Paths:
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
