"""Changes that began together and have one cause: a shared outage is one thing that happened, not forty.

Two signs, neither of which is time alone, because with thousands of services some change begins every hour:
changes of a service and of one that it calls, within two hours; and a burst, so many services at once as would
not begin by chance in ten thousand such spans.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from scipy.special import pdtrc

from sloengine.domain.drift.alarm import DriftEvent

TOGETHER = timedelta(hours=2)
"""Changes that began further apart are not put together directly; the start is known to the hour or two."""
LOOKED_BACK = timedelta(days=28)
"""How often changes begin is counted over so long before, and after as far as it is known."""
FEWEST = 3
"""Services of a burst."""
BY_CHANCE = 1e-4
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Onset:
    """When the change behind an event began, and in which service."""

    event_id: str
    service_id: str
    started_at: datetime

    @classmethod
    def of(cls, event: DriftEvent) -> Onset:
        """The onset of an event."""
        return cls(event.event_id, event.service_id, event.started_at)


@dataclass(frozen=True, slots=True)
class SharedCause:
    """What several events have in common.

    ``started_at``: the earliest. ``service_ids``: every service once, ``origin`` first. ``origin``: the one that
    all the others call, directly or through each other: the trouble likely began there; None: there is no such
    one, as with an outage of a zone or a platform.
    """

    started_at: datetime
    event_ids: tuple[str, ...]
    service_ids: tuple[str, ...]
    origin: str | None

    def in_words(self, service_id: str) -> str:
        """Half a sentence for the event of one of them.

        >>> cause = SharedCause(datetime(2026, 1, 1), ("1", "2", "3"), ("db", "a", "b"), "db")
        >>> cause.in_words("a"), cause.in_words("db")
        ('with 2 other services, likely from db', 'with 2 other services, which call it')
        """
        count = len(self.service_ids) - 1
        others = f"with {count} other service{'s' if count > 1 else ''}"
        if self.origin is None:
            return f"{others} at the same time"
        if self.origin == service_id:
            return f"{others}, which call{'s' if count == 1 else ''} it"
        return f"{others}, likely from {self.origin}"


def shared_causes(onsets: Sequence[Onset], dependencies: Mapping[str, Sequence[str]]) -> list[SharedCause]:
    """Of events of two services and more that have one cause, oldest first; events on their own are left out.

    ``onsets``: all that began in the span looked at and in the ``LOOKED_BACK`` before, of every service.
    ``dependencies``: what each service calls.
    """
    ordered = sorted(onsets, key=lambda one: (one.started_at, one.event_id))
    parent = list(range(len(ordered)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    called = {key: frozenset(values) for key, values in dependencies.items()}
    callers: dict[str, list[str]] = {}
    for caller, values in called.items():
        for dependency in values:
            callers.setdefault(dependency, []).append(caller)
    # Events of one service within a span are linked to each other, so that its latest stands for all of them, and
    # thousands of events in one span are looked at once each.
    latest: dict[str, int] = {}
    for place, one in enumerate(ordered):
        for near in (one.service_id, *called.get(one.service_id, ()), *callers.get(one.service_id, ())):
            other = latest.get(near)
            if other is not None and one.started_at - ordered[other].started_at <= TOGETHER:
                parent[root(place)] = root(other)
        latest[one.service_id] = place
    for burst in _bursts(ordered, [root(place) for place in range(len(ordered))]):
        for place in burst[1:]:
            parent[root(place)] = root(burst[0])
    groups: dict[int, list[Onset]] = {}
    for place, one in enumerate(ordered):
        groups.setdefault(root(place), []).append(one)
    found = [_cause(some, called) for some in groups.values() if len({one.service_id for one in some}) > 1]
    return sorted(found, key=lambda one: (one.started_at, one.event_ids))


def _bursts(ordered: Sequence[Onset], roots: Sequence[int]) -> list[list[int]]:
    """Places of onsets within one span that are too many for chance, the fullest spans first, none twice.

    Those linked by calls count as one, so that a dependency's failure that its callers show is no burst.
    """
    found: list[list[int]] = []
    # Members of a root begin within hours of each other, so where one was first seen is where it counts.
    causes_before = [0, *accumulate(_first_of_its_kind(roots))]
    spans = []
    inside_span: Counter[int] = Counter()
    last = oldest = newest = 0
    for place, one in enumerate(ordered):
        while last < len(ordered) and ordered[last].started_at - one.started_at <= TOGETHER:
            inside_span[roots[last]] += 1
            last += 1
        while one.started_at - ordered[oldest].started_at > LOOKED_BACK:
            oldest += 1
        while newest < len(ordered) and ordered[newest].started_at - one.started_at <= LOOKED_BACK:
            newest += 1
        known = ordered[newest - 1].started_at - ordered[oldest].started_at
        elsewhere = causes_before[place] - causes_before[oldest] + causes_before[newest] - causes_before[last]
        spans.append((len(inside_span), place, last, elsewhere, known))
        inside_span[roots[place]] -= 1
        if not inside_span[roots[place]]:
            del inside_span[roots[place]]
    fullest_first = sorted((one for one in spans if one[0] >= FEWEST), key=lambda one: (-one[0], one[1]))
    free = list(range(len(ordered)))
    for _, place, last, elsewhere, known in fullest_first:
        begin, end = bisect_left(free, place), bisect_left(free, last)
        inside = free[begin:end]
        if len({ordered[at].service_id for at in inside}) < FEWEST:
            continue
        count = len({roots[at] for at in inside})
        if count >= FEWEST and pdtrc(count - 1, _usual(elsewhere, known)) < BY_CHANCE:
            found.append(inside)
            del free[begin:end]
    return found


def _first_of_its_kind(roots: Sequence[int]) -> Iterator[int]:
    seen: set[int] = set()
    for root in roots:
        yield int(root not in seen)
        seen.add(root)


def _usual(causes: int, known: timedelta) -> float:
    """Causes that begin in such a span on average, never quite none: half of one more is counted."""
    hours = max(known, timedelta(days=1)) / _HOUR
    return (causes + 0.5) / hours * ((TOGETHER + _HOUR) / _HOUR)


def _cause(some: Sequence[Onset], called: Mapping[str, frozenset[str]]) -> SharedCause:
    services = sorted({one.service_id for one in some})
    members = frozenset(services)
    sinks = [one for one in services if not called.get(one, frozenset()) & (members - {one})]
    origin = sinks[0] if len(sinks) == 1 and _all_lead_to(sinks[0], members, called) else None
    return SharedCause(
        started_at=min(one.started_at for one in some),
        event_ids=tuple(one.event_id for one in some),
        service_ids=tuple(sorted(services, key=lambda one: (one != origin, one))),
        origin=origin,
    )


def _all_lead_to(end: str, members: frozenset[str], called: Mapping[str, frozenset[str]]) -> bool:
    """Whether each of the members calls this one, directly or through others of them; a cycle may not."""
    callers: dict[str, list[str]] = {}
    for caller in members:
        for dependency in called.get(caller, ()):
            callers.setdefault(dependency, []).append(caller)
    found, frontier = {end}, [end]
    while frontier:
        for caller in callers.get(frontier.pop(), ()):
            if caller not in found:
                found.add(caller)
                frontier.append(caller)
    return found == members
