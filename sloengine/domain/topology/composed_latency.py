"""What a change of some services' latency makes of others that wait for them, composed along calls.

Each service in between keeps its own work, told from its measured latency by what it waits for
(:mod:`own_work`). What it waits for is drawn from the measured days, all of one request from the same day, changed
ones changed; calls go by their weights and are cut by their timeouts. The difference of the percentile with and
without the change, on the same random numbers, is what is told. The order of calls is in no graph: side by side
makes one figure, one after another, as far as that explains what was measured, the other. Services that wait for
each other in a cycle stand at their measured latency first; the change then goes round until it settles. Nothing
queues: nobody waits longer for a busy service because others do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.topology.call_waits import CallWaits, Drawn, MeasuredDays, NotKnown, is_awaited
from sloengine.domain.topology.condensation import strong_components
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph

MOST_IN_CYCLE = 20
_ROUNDS, _POOLED = 30, 6
_SETTLED, _LIKE_MEASURED = 0.05, 0.15
_SMALLEST = 1e-12
_SAME = 0.05
_NAMED = 3


@dataclass(frozen=True)
class LatencyChange:
    """What changes.

    ``shifts``: seconds by which a service answers later at every percentile, whatever lies below it. ``scales``:
    factors on a service's whole time. ``calls``: factors on calls per request, by caller and dependency.
    """

    shifts: Mapping[str, float] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def services(self) -> frozenset[str]:
        """Whose latency changes at first hand."""
        return frozenset((*self.shifts, *self.scales, *(caller for caller, _ in self.calls)))


@dataclass(frozen=True, slots=True)
class ComposedPercentile:
    """A percentile in seconds: as measured, and the least and the most of it after the change, by order of calls.

    ``reason``: why nothing is known; the figures are None then. ``assumed``: calls that count as one per request,
    because how often they are made is not known.
    """

    measured: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComposedLatency:
    """What is told of a composed latency, in milliseconds: the least and the most, by order of calls.

    ``reason``: what the figures rest on; why there are none, where they are None.
    """

    low_ms: float | None
    high_ms: float | None
    reason: str


@dataclass
class ComposedChange:
    """``histories``: daily histograms over the same stretch of days, of the services asked for, of those between
    them and what changed, and of what they wait for. Deterministic for a seed.
    """

    graph: DependencyGraph
    histories: Mapping[str, LatencyHistory]
    change: LatencyChange
    seed: int = 0
    _known: dict[tuple[str, bool], Drawn | str] = field(default_factory=dict)

    @cached_property
    def measured(self) -> MeasuredDays:
        """The histograms, drawn from."""
        return MeasuredDays(self.histories, self.seed)

    def of(self, service_id: str, level: float) -> ComposedPercentile:
        """What becomes of the percentile ``level`` of one service."""
        found: list[float] = []
        try:
            measured = self.measured.percentile(service_id, self.measured.drawn(service_id), level)
            for side_by_side in (True, False):
                drawn = self._explained(service_id, side_by_side, measured, level)
                before, after = (
                    self.measured.percentile(service_id, seconds, level) for seconds in (drawn.before, drawn.after)
                )
                found.append(max(_SMALLEST, measured + after - before))
        except NotKnown as error:
            return ComposedPercentile(reason=str(error))
        return ComposedPercentile(measured, min(found), max(found), None, self._assumed(service_id))

    @cached_property
    def affected(self) -> frozenset[str]:
        """Services that change, or that wait for one that does."""
        found, frontier = set(self.change.services), list(self.change.services)
        while frontier:
            for edge in self.graph.edges_by_dependency.get(frontier.pop(), ()):
                if edge.caller not in found and is_awaited(edge):
                    found.add(edge.caller)
                    frontier.append(edge.caller)
        return frozenset(found)

    def needs(self, service_id: str, most: float = math.inf) -> frozenset[str]:
        """Services whose histograms are needed: itself, what changes below it, and what these wait for.

        ``most``: beyond so many it is not looked further; more than so many are then returned.
        """
        found, frontier = {service_id}, [service_id]
        while frontier and len(found) <= most:
            caller = frontier.pop()
            if caller in self.change.shifts or caller not in self.affected:
                continue
            for edge in self._calls(caller):
                if edge.dependency not in found:
                    found.add(edge.dependency)
                    frontier.append(edge.dependency)
        return frozenset(found)

    @cached_property
    def _cycles(self) -> Mapping[str, tuple[str, ...]]:
        """Members of each cycle of waiting, by member; a service whose time is given cuts it."""
        inside = sorted(self.affected - self.change.shifts.keys())
        place = {service_id: i for i, service_id in enumerate(inside)}
        ends = [
            (place[one], place[edge.dependency])
            for one in inside
            for edge in self._calls(one)
            if edge.dependency in place
        ]
        columns = np.array(ends, np.int64).reshape(-1, 2)
        labels = strong_components(len(inside), columns[:, 0], columns[:, 1]).tolist()
        members: dict[int, list[str]] = {}
        for service_id, label in zip(inside, labels, strict=True):
            members.setdefault(label, []).append(service_id)
        return {one: tuple(listed) for listed in members.values() if len(listed) > 1 for one in listed}

    def _explained(self, service_id: str, side_by_side: bool, measured: float, level: float) -> Drawn:
        drawn = self._of(service_id, side_by_side)
        if drawn.own is not None and not drawn.own.explains_at(measured, level):
            raise NotKnown(_not_explained(service_id))
        return drawn

    def _of(self, service_id: str, side_by_side: bool) -> Drawn:
        key = service_id, side_by_side
        if key not in self._known:
            try:
                self._known[key] = self._found(service_id, side_by_side)
            except NotKnown as error:
                self._known[key] = str(error)
        known = self._known[key]
        if isinstance(known, str):
            raise NotKnown(known)
        return known

    def _found(self, service_id: str, side_by_side: bool) -> Drawn:
        if service_id in self._cycles:
            return self._round(self._cycles[service_id], side_by_side)[service_id]
        measured = self.measured.drawn(service_id)
        if service_id in self.change.shifts:
            return Drawn(measured, np.maximum(0.0, measured + self.change.shifts[service_id]))
        scale = self.change.scales.get(service_id, 1.0)
        changing = [edge for edge in self._calls(service_id) if self._changes(edge)]
        if not changing:
            return Drawn(measured, scale * measured)
        below = {edge.dependency: self._of(edge.dependency, side_by_side) for edge in changing}
        plan = self._plan(service_id, below, side_by_side)
        own, (before, after) = plan[0].own_work(), plan[0].waits(plan[1], 0)
        return Drawn(own + before, scale * (own + after), plan[0].fit)

    def _round(self, members: Sequence[str], side_by_side: bool) -> Mapping[str, Drawn]:
        """All members of a cycle of waiting."""
        inside, named = set(members), ", ".join(members[:_NAMED]) + (", …" if len(members) > _NAMED else "")
        self._check_cycle(members, named)
        outside = {
            edge.dependency: self._of(edge.dependency, side_by_side)
            for one in members
            for edge in self._calls(one)
            if self._changes(edge) and edge.dependency not in inside
        }
        standing = {one: Drawn(usual, usual) for one in members for usual in [self.measured.drawn(one)]}
        plans = {one: self._plan(one, {**outside, **standing}, side_by_side) for one in members}
        works = {one: plan.own_work() for one, (plan, _) in plans.items()}
        drawn: Mapping[str, Drawn] = standing
        rounds: list[Mapping[str, Drawn]] = []
        for turn in range(_ROUNDS):
            turned: dict[str, Drawn] = {}
            for one, (plan, below) in plans.items():
                before, after = plan.waits({**below, **drawn}, turn)
                scale = self.change.scales.get(one, 1.0)
                turned[one] = Drawn(works[one] + before, scale * (works[one] + after), plan.fit)
            drawn = turned
            rounds.append(drawn)
        early, late = (
            {one: _pooled([turn[one] for turn in some]) for one in members}
            for some in (rounds[-2 * _POOLED : -_POOLED], rounds[-_POOLED:])
        )
        for one in members:
            usual, begun, ended, back = (
                self.measured.percentile(one, seconds, 0.95)
                for seconds in (standing[one].before, early[one].after, late[one].after, late[one].before)
            )
            if abs(ended - begun) > _SETTLED * ended or abs(back - usual) > _LIKE_MEASURED * usual:
                raise NotKnown(
                    f"{named} wait for each other in a cycle, and what goes round in it does not settle"
                )
        self._known.update({(one, side_by_side): late[one] for one in members})
        return late

    def _check_cycle(self, members: Sequence[str], named: str) -> None:
        if len(members) > MOST_IN_CYCLE:
            raise NotKnown(
                f"{len(members)} services wait for each other in a cycle ({named}), at most {MOST_IN_CYCLE} are"
                " followed round"
            )
        for one in members:
            for edge in self._calls(one):
                if edge.dependency in members and edge.call_weight is None:
                    raise NotKnown(
                        f"{named} wait for each other in a cycle, and how often {edge.caller} calls"
                        f" {edge.dependency} for a request is not measured"
                    )

    def _plan(
        self, service_id: str, below: Mapping[str, Drawn], side_by_side: bool
    ) -> tuple[CallWaits, Mapping[str, Drawn]]:
        """The order of calls, with what is waited for: as asked, or side by side where one after another does not
        explain what was seen. One after another, calls that nothing changes stay part of own work.
        """
        listed = self._calls(service_id)
        for aside in dict.fromkeys((side_by_side, True)):
            known = dict(below)
            for edge in listed if aside else ():
                if edge.dependency not in known and edge.dependency in self.histories:
                    usual = self.measured.drawn(edge.dependency)
                    known[edge.dependency] = Drawn(usual, usual)
            calls = tuple(edge for edge in listed if edge.dependency in known)
            plan = CallWaits(self.measured, service_id, calls, self.change.calls, aside)
            if plan.fit_to(known).explains:
                return plan, known
        raise NotKnown(_not_explained(service_id))

    def _changes(self, edge: Dependency) -> bool:
        return edge.dependency in self.affected or edge.pair in self.change.calls

    def _calls(self, service_id: str) -> list[Dependency]:
        return [edge for edge in self.graph.edges_by_caller.get(service_id, ()) if is_awaited(edge)]

    def _assumed(self, service_id: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        seen, frontier = {service_id}, [service_id]
        while frontier:
            for edge in filter(self._changes, self._calls(frontier.pop())):
                if edge.call_weight is None:
                    found[f"{edge.caller} → {edge.dependency}"] = None
                if edge.dependency not in seen:
                    seen.add(edge.dependency)
                    frontier.append(edge.dependency)
        return tuple(found)


def rests_on(found: ComposedPercentile) -> str:
    """What a composed figure rests on, in words."""
    said = (
        "composed from the histograms of 28 days: own work is what the calls leave, the waits of one request are"
        " drawn from the same day, calls go by their weights, and nothing queues"
    )
    if found.low is not None and found.high is not None and found.high - found.low > _SAME * found.high:
        said += "; side by side makes one end, one after another the other"
    if found.assumed:
        said += f"; not measured, counted as one call per request: {', '.join(found.assumed[:_NAMED])}"
        said += f" and {len(found.assumed) - _NAMED} more" if len(found.assumed) > _NAMED else ""
    return said


def _pooled(turns: Sequence[Drawn]) -> Drawn:
    """As many draws of each day as one of them has, spread evenly over all."""
    before, after = (
        np.sort(np.concatenate(parts, axis=1), axis=1)[:, len(turns) // 2 :: len(turns)]
        for parts in ([one.before for one in turns], [one.after for one in turns])
    )
    return Drawn(before, after, turns[0].own)


def _not_explained(service_id: str) -> str:
    return (
        f"what {service_id} measures is not explained by own work and the calls that it waits for, neither one"
        " after another nor side by side: calls per request, modes or timeouts may be declared wrongly"
    )
