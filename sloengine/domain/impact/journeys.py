"""Which journeys a change reaches: those whose entry points it reaches, with the bounds of these.

A journey with routes is hurt by its routes: those that pass a changed service count with their weight, the
others stay as they are (:mod:`route_bounds`). The requests of a journey without routes get what its entry points
can give, each weighted by its requests: there the change comes up as it does in the rows, at any depth.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from sloengine.domain.impact.analyse import Followed
from sloengine.domain.impact.model import ImpactRow
from sloengine.domain.impact.route_bounds import RouteBound, route_bound
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.reliability.percent import percent_from_ratio

_SMALLEST = 1e-9
_NAMED = 3
_ONLY_LATENCY = "No change of availability reaches it."


@dataclass(frozen=True, slots=True)
class ImpactedJourney:
    """Availability in [0, 1], before and after, both None where it cannot be told; ``reason`` says why.

    ``violates``: an entry point cannot keep its objective after the change, of availability or of latency.
    """

    journey: Journey
    before: float | None
    after: float | None
    violates: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Entry:
    service_id: str
    before: float
    after: float
    violates: bool
    requests: float
    reason: str


def impacted_journeys(
    followed: Followed | None,
    slow: Sequence[ImpactRow],
    journeys: Sequence[Journey],
    slowed: Collection[str] = (),
) -> tuple[ImpactedJourney, ...]:
    """Of these journeys those that the changes reach, most hurt first.

    Parameters:
        followed: changes of availability; None: there are none.
        slow: rows of changes of latency; they say which entry points answer too late, at any depth.
        slowed: services whose latency objectives change.
    """
    late = {row.service_id: row for row in slow if row.violates}
    touched = _Touched(followed) if followed is not None else None
    found = [_of(journey, touched, _late_for(journey, late, slowed)) for journey in journeys]
    return tuple(sorted((one for one in found if one is not None), key=_most_hurt_first))


def _most_hurt_first(one: ImpactedJourney) -> tuple[object, ...]:
    lost = 0.0 if one.after is None or one.before is None else one.after - one.before
    return not one.violates, one.after is None, lost, one.journey.name


def _late_for(journey: Journey, late: Mapping[str, ImpactRow], slowed: Collection[str]) -> Mapping[str, ImpactRow]:
    """Those that concern it. Where routes name all that slows down: entry points of those that pass any of it."""
    listed = {service for route in journey.routes for service in route.services}
    if not listed or not slowed or not listed.issuperset(slowed):
        return late
    concerned = {
        entry
        for route in journey.routes
        if not set(slowed).isdisjoint(route.services)
        for entry in _starts(journey, route)
    }
    return {entry: row for entry, row in late.items() if entry in concerned}


def _starts(journey: Journey, route: JourneyRoute) -> Sequence[str]:
    return [entry for entry in journey.entry_points if entry in route.services] or journey.entry_points


def _of(journey: Journey, touched: _Touched | None, late: Mapping[str, ImpactRow]) -> ImpactedJourney | None:
    slow = [late[entry] for entry in journey.entry_points if entry in late]
    said = [row.reason for row in slow]
    if touched is None or not any(touched.has(service) for service in journey.named):
        return ImpactedJourney(journey, None, None, True, " ".join([_ONLY_LATENCY, *said])) if slow else None
    missing = touched.missing(journey)
    known = [touched.entry(entry) for entry in journey.entry_points if entry in touched.index]
    violates = bool(slow) or any(entry.violates for entry in known)
    if missing:
        return ImpactedJourney(journey, None, None, violates, " ".join([missing, *said]))
    bounds = touched.routes(journey)
    if bounds is not None:
        return _by_routes(journey, touched, bounds, slow)
    shares, how = _shares(known)
    before = math.fsum(share * entry.before for share, entry in zip(shares, known, strict=True))
    after = math.fsum(share * entry.after for share, entry in zip(shares, known, strict=True))
    worst = min(known, key=lambda entry: (not entry.violates, entry.after - entry.before))
    if journey.routes:
        said.append("Its routes pass too much to be told apart: the bound is that of all requests that enter.")
    return ImpactedJourney(journey, before, after, violates, " ".join([f"{how}{worst.reason}", *said]))


def _by_routes(
    journey: Journey, touched: _Touched, bounds: Sequence[RouteBound], slow: Sequence[ImpactRow]
) -> ImpactedJourney | None:
    """Route by route, each with its weight; None: no route passes what changes."""
    passing = [
        (route, share, bound)
        for route, share, bound in zip(journey.routes, journey.shares(), bounds, strict=True)
        if bound.changed
    ]
    said = [row.reason for row in slow]
    if not passing:
        return ImpactedJourney(journey, None, None, True, " ".join([_ONLY_LATENCY, *said])) if slow else None
    shares = journey.shares()
    before = math.fsum(share * bound.before for share, bound in zip(shares, bounds, strict=True))
    after = math.fsum(share * bound.after for share, bound in zip(shares, bounds, strict=True))
    entries = [
        touched.entry(entry) for entry in dict.fromkeys(s for r, _, _ in passing for s in _starts(journey, r))
    ]
    whole = math.fsum(share for _, share, _ in passing)
    reason = (
        f"{whole:.0%} of its requests, on {len(passing)} of {len(journey.routes)} routes, pass"
        f" {', '.join(dict.fromkeys(name for *_, b in passing for name in b.changed))}; {_most_moved(passing)}."
    )
    hurt = [entry for entry in entries if entry.violates]
    unlisted = dict.fromkeys(name for *_, bound in passing for name in bound.unlisted)
    if unlisted:
        reason += (
            f" No list names {', '.join(unlisted)}, but listed services call it, or what calls it, for every other"
            " request at least, or nobody knows how often."
        )
    said = [*(entry.reason for entry in hurt), *said]
    return ImpactedJourney(journey, before, after, bool(hurt or slow), " ".join([reason, *said]))


def _most_moved(passing: Sequence[tuple[JourneyRoute, float, RouteBound]]) -> str:
    """The route that loses most of the journey's requests; where none loses any, the one that gains most."""
    moves = [share * (bound.after - bound.before) for _, share, bound in passing]
    is_lost = min(moves) < -_SMALLEST
    most = min(moves) if is_lost else max(moves)
    route, _, bound = passing[moves.index(most)]
    if not is_lost and most <= _SMALLEST:
        return f"no route loses by it, and the bound of route {route.name} stays at {_percent(bound.after)}"
    return (
        f"most is {'lost' if is_lost else 'gained'} on route {route.name}, whose bound goes from"
        f" {_percent(bound.before)} to {_percent(bound.after)}"
    )


def _shares(entries: Sequence[_Entry]) -> tuple[list[float], str]:
    """Of the requests on each entry point, and how that was found in words."""
    if len(entries) == 1:
        return [1.0], ""
    whole = math.fsum(entry.requests for entry in entries)
    if not whole > 0.0:
        return [1.0 / len(entries)] * len(entries), "No requests were seen: entry points count alike. "
    shares = [entry.requests / whole for entry in entries]
    largest = sorted(zip(shares, entries, strict=True), key=lambda pair: (-pair[0], pair[1].service_id))
    listed = ", ".join(f"{entry.service_id} {share:.0%}" for share, entry in largest[:_NAMED])
    more = f" and {len(entries) - _NAMED} more" if len(entries) > _NAMED else ""
    return shares, f"Entered by requests seen: {listed}{more}. "


@dataclass(frozen=True)
class _Touched:
    """Services that are changed, or that a change of availability reaches."""

    followed: Followed
    _below: dict[int, frozenset[int]] = field(default_factory=dict)
    _routes: dict[tuple[tuple[str, ...], frozenset[str], frozenset[str]], RouteBound | None] = field(
        default_factory=dict
    )

    @property
    def index(self) -> Mapping[str, int]:
        """Position of each service that the graph knows."""
        return self.followed.basis.network.graph.index

    def has(self, service_id: str) -> bool:
        """Whether this service is one of them."""
        position = self.index.get(service_id)
        return service_id in self.followed.proposed or (
            position is not None and self.followed.is_affected_caller(position)
        )

    def missing(self, journey: Journey) -> str:
        """Why nothing can be told of the journey's availability; empty: it can."""
        gone = [entry for entry in journey.entry_points if entry not in self.index]
        if gone:
            return f"The graph does not know its entry point {gone[0]}."
        if not journey.routes:
            return ""
        reached = {service for entry in journey.entry_points for service in self.below(self.index[entry])}
        apart = [
            service
            for service in journey.named
            if self.has(service) and service in self.index and self.index[service] not in reached
        ]
        if not apart:
            return ""
        return (
            f"It passes {apart[0]}, to which no known call leads from its entry points that passes failures on:"
            " what the change does to it cannot be told."
        )

    def routes(self, journey: Journey) -> list[RouteBound] | None:
        """Bounds of the requests on each route; None: it has none, or they cannot be told apart."""
        seen = self.followed.basis.seen
        if not journey.routes or seen is None:
            return None
        listed = {service for route in journey.routes for service in route.services}
        found: list[RouteBound] = []
        for route in journey.routes:
            starts, services = tuple(_starts(journey, route)), frozenset(route.services)
            key = starts, services, frozenset(listed - services)
            if key not in self._routes:  # routes that pass the same services are worked out once
                self._routes[key] = route_bound(self.followed, seen, *key)
            known = self._routes[key]
            if known is None:
                return None
            found.append(known)
        return found

    @cached_property
    def _calls(self) -> csr_array:
        """From callers to dependencies."""
        return self.followed.basis.network.callers_of.T.tocsr()

    def below(self, position: int) -> frozenset[int]:
        """All whose failures can reach this service, itself included."""
        known = self._below.get(position)
        if known is None:
            order = breadth_first_order(self._calls, position, return_predecessors=False)
            known = self._below[position] = frozenset(order.tolist())
        return known

    def entry(self, service_id: str) -> _Entry:
        """Bounds of an entry point. A changed one does no better than it promises, for its users too."""
        followed, position = self.followed, self.index[service_id]
        basis, impact = followed.basis, followed.impact
        requests = 0.0 if basis.requests is None else float(np.nan_to_num(basis.requests[position]))
        before, after = 1.0 - float(impact.before[position]), 1.0 - float(impact.after[position])
        target = followed.proposed.get(service_id)
        if target is not None and target.availability_ratio is not None:
            violates = after < target.availability_ratio - _SMALLEST
            promised = float(basis.standing.promises[position])
            before = min(before, math.exp(-promised)) if promised > 0.0 else before
            after = min(after, target.availability_ratio)
            said = f"{service_id} is changed itself: the bound goes from {_percent(before)} to {_percent(after)}"
            said += ", below its new objective" if violates else ""
            return _Entry(service_id, before, after, violates, requests, f"{said}.")
        if not followed.is_affected_caller(position):
            return _Entry(service_id, before, before, False, requests, f"{service_id} is not reached.")
        row = followed.row(position)
        return _Entry(service_id, before, after, row.violates, requests, f"{row.reason}.")


def _percent(ratio: float) -> str:
    return f"{percent_from_ratio(round(ratio, 7)):.9g} %"
