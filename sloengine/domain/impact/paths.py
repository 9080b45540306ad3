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
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow

_WINDOW = ComplianceWindow.ROLLING_28D
# Availability, as a ratio, that is no change.
_SMALLEST = 1e-9


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
        return _reason(row, self._way_in_words(row), self._moved_in_words(row), window.length)

    def _way_in_words(self, row: ImpactRow) -> str:
        """Along which way how much of the failures comes."""
        position = self.network.graph.index[row.service_id]
        path, source = row.path, self._source(position)
        way, changed = " → ".join(path), path[-1]
        place = self.impact.components.index(int(self.network.labels[source]))
        if not self.impact.reaches[position, place]:
            return f"{way}: failures of {changed} alone do not get through, others of a redundancy group stand in"
        return f"{way} lets {_share(self.passed(position))} of {changed}'s failures through"

    def _moved_in_words(self, row: ImpactRow) -> str:
        """From where to where the bound goes, and where it does not, why."""
        if row.before is None or row.after is None:
            return ""
        if abs(row.after - row.before) >= _SMALLEST:
            return f"the bound goes from {_percent(row.before)} to {_percent(row.after)}"
        between = [service for service in row.path[1:-1] if service in self.slos]
        hidden = f"behind what {between[0]} promises nothing of the change shows: " if between else ""
        return f"{hidden}the bound stays at {_percent(row.after)}"

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


def _reason(row: ImpactRow, way: str, moved: str, window: timedelta) -> str:
    before, after = row.before, row.after
    if before is None or after is None:
        return ""
    said = f"{way}; {moved}"
    wanted = None if row.target is None else row.target.availability_ratio
    minutes = window / MINUTE
    has_moved = abs(after - before) >= _SMALLEST
    if wanted is None:
        if has_moved:
            size = figure_text(abs(after - before) * minutes, 3)
            said += f", {size} minutes {'less' if after < before else 'more'}"
            said += f" in {window.days} days"
        said += "; it has no availability SLO to be judged by"
    else:
        was, becomes = before - wanted, after - wanted
        said += f", {'below' if row.violates else 'above'} its objective of {percent_from_ratio(wanted):.9g} %:"
        said += " the margin"
        left = figure_text(becomes * minutes, 3, signed=True)
        said += (
            f" goes from {100 * was:+.3g} to {100 * becomes:+.3g} points,"
            f" from {figure_text(was * minutes, 3, signed=True)} to"
            if has_moved
            else f" stays at {100 * becomes:+.3g} points,"
        )
        allowed = (1.0 - wanted) * minutes
        said += f" {left} minutes of the {figure_text(allowed)} that {window.days:.0f} days allow"
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
