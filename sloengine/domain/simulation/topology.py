"""What is simulated: services, the calls between them, and in which order failures travel."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Shift:
    """A deployment that changes how a service behaves from ``at_hour`` (hours since 1970) on.

    The factors are those against the service as it first was: the last shift before a moment is in force alone.
    """

    at_hour: int
    incident_factor: float = 1.0
    base_failure_factor: float = 1.0
    latency_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class SimulatedService:
    """A service to play. What is None is drawn from the organisation's ``Parameters``.

    ``arrivals_per_hour``: mean requests from outside, besides the calls of other services. ``monitored`` False: it
    has no telemetry of its own. ``success_always_zero``: its exporter reports no success at all.
    ``missing_ratio``: share of the time without telemetry; ``nan_ratio``: share in which it says NaN for success.
    ``restarts_per_day``: how often its counters begin at 0 again. ``born_at_hour``: it does not exist before.
    ``utilisation``: load at its mean traffic, in [0, 1).
    """

    service_id: str
    arrivals_per_hour: float = 0.0
    zone: str = "a"
    monitored: bool = True
    success_always_zero: bool = False
    missing_ratio: float = 0.0
    nan_ratio: float = 0.0
    restarts_per_day: float = 0.0
    has_histogram: bool = True
    born_at_hour: int | None = None
    base_failure_ratio: float | None = None
    incidents_per_day: float | None = None
    severity_median: float | None = None
    latency_median_seconds: float | None = None
    utilisation: float | None = None
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """A caller's calls of one dependency, as they truly are, whatever was declared.

    ``calls_per_request``: mean; below 1, that share of the requests makes one call. ``pass_through``: share of the
    failed calls that fail the caller's request; the truth an estimator looks for. Calls that share a ``group`` are
    alternatives: a request is served while ``required`` of its members answer. ``waits`` False: the caller does
    not wait for the answer, so that slowness does not travel.

    ``cache_hit_ratio``: share of the needed calls that the caller answers itself. ``attempts``: how often a call
    is tried at most; ``sticky_ratio``: share of the failures that the dependency repeats at every further attempt.
    ``timeout_seconds``: an attempt that takes longer has failed for the caller, not for the dependency.
    """

    caller: str
    dependency: str
    calls_per_request: float = 1.0
    pass_through: float = 1.0
    group: str | None = None
    required: int = 1
    waits: bool = True
    cache_hit_ratio: float = 0.0
    attempts: int = 1
    sticky_ratio: float = 0.0
    timeout_seconds: float | None = None

    @property
    def is_plain(self) -> bool:
        """No cache, one attempt, no timeout."""
        return not self.cache_hit_ratio and self.attempts == 1 and self.timeout_seconds is None


type Placed = tuple[int, SimulatedCall]


@dataclass(frozen=True)
class SimulatedTopology:
    """Services and calls. Raises ValueError for calls of unknown services, doubles and odd groups."""

    services: tuple[SimulatedService, ...]
    calls: tuple[SimulatedCall, ...]

    def __post_init__(self) -> None:
        ids = [service.service_id for service in self.services]
        if len(set(ids)) != len(ids):
            raise ValueError("a service stands twice")
        known = set(ids)
        pairs = set()
        for call in self.calls:
            pair = call.caller, call.dependency
            if call.caller not in known or call.dependency not in known or call.caller == call.dependency:
                raise ValueError(f"a call needs two services of the topology: {pair}")
            if pair in pairs:
                raise ValueError(f"a call stands twice: {pair}")
            pairs.add(pair)
            if not call.calls_per_request > 0 or not 0 <= call.pass_through <= 1:
                raise ValueError(f"calls per request must be above 0, pass-through within [0, 1]: {call}")
            if not (0 <= call.cache_hit_ratio < 1 and 0 <= call.sticky_ratio <= 1 and call.attempts >= 1):
                raise ValueError(f"hit ratio in [0, 1), sticky ratio in [0, 1], one attempt at least: {call}")
            if call.timeout_seconds is not None and not call.timeout_seconds > 0:
                raise ValueError(f"a timeout must be above 0: {call}")
            if call.group is not None and not call.is_plain:
                raise ValueError(f"a group is a way of trying again; no cache, retry or timeout on it: {call}")
        for (caller, group), members in self.groups.items():
            settings = {(call.calls_per_request, call.pass_through, call.required) for _, call in members}
            if len(settings) != 1 or not 1 <= members[0][1].required <= len(members):
                raise ValueError(f"group {group!r} of {caller}: members must agree, and 1 <= required <= members")

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Place of each service in ``services``."""
        return {service.service_id: place for place, service in enumerate(self.services)}

    @cached_property
    def calls_by_caller(self) -> Mapping[str, tuple[Placed, ...]]:
        """Place and call, for each caller that has any."""
        return _grouped((call.caller, place, call) for place, call in enumerate(self.calls))

    @cached_property
    def calls_by_dependency(self) -> Mapping[str, tuple[Placed, ...]]:
        """Place and call, for each service that is called."""
        return _grouped((call.dependency, place, call) for place, call in enumerate(self.calls))

    @cached_property
    def groups(self) -> Mapping[tuple[str, str], tuple[Placed, ...]]:
        """Place and call of the members of each (caller, group)."""
        return _grouped(
            ((call.caller, call.group), place, call)
            for place, call in enumerate(self.calls)
            if call.group is not None
        )

    @cached_property
    def groups_by_caller(self) -> Mapping[str, tuple[tuple[Placed, ...], ...]]:
        """The groups of each caller that has any."""
        grouped: dict[str, list[tuple[Placed, ...]]] = {}
        for (caller, _), members in self.groups.items():
            grouped.setdefault(caller, []).append(members)
        return {caller: tuple(groups) for caller, groups in grouped.items()}

    def needed_per_request(self, call: SimulatedCall) -> float:
        """Mean calls that a request needs of this very dependency: a group's load is spread over its members."""
        if call.group is None:
            return call.calls_per_request
        return call.calls_per_request * call.required / len(self.groups[call.caller, call.group])

    def calls_per_request(self, call: SimulatedCall) -> float:
        """Mean calls that are made: those needed that no cache answers. Further attempts come on top."""
        return self.needed_per_request(call) * (1 - call.cache_hit_ratio)

    @cached_property
    def tries_again_or_gives_up(self) -> bool:
        """Whether any call has further attempts or a timeout."""
        return any(call.attempts > 1 or call.timeout_seconds is not None for call in self.calls)

    @cached_property
    def dependencies_first(self) -> tuple[str, ...]:
        """All services, each behind those it calls, save where a cycle forbids it."""
        return self._walk[0]

    @cached_property
    def callbacks(self) -> frozenset[int]:
        """Places of the calls that close a cycle.

        Such a call reaches its service's own work only and goes no further: a request does not circle for ever.
        """
        return self._walk[1]

    @cached_property
    def _walk(self) -> tuple[tuple[str, ...], frozenset[int]]:
        finished: dict[str, None] = {}
        open_now: set[str] = set()
        closing: set[int] = set()
        for root in self.services:
            if root.service_id in finished:
                continue
            open_now.add(root.service_id)
            path = [(root.service_id, iter(self.calls_by_caller.get(root.service_id, ())))]
            while path:
                service_id, remaining = path[-1]
                for place, call in remaining:
                    if call.dependency in open_now:
                        closing.add(place)
                    elif call.dependency not in finished:
                        open_now.add(call.dependency)
                        path.append((call.dependency, iter(self.calls_by_caller.get(call.dependency, ()))))
                        break
                else:
                    path.pop()
                    open_now.discard(service_id)
                    finished[service_id] = None
        return tuple(finished), frozenset(closing)


def _grouped[K: Hashable](items: Iterable[tuple[K, int, SimulatedCall]]) -> dict[K, tuple[Placed, ...]]:
    grouped: dict[K, list[Placed]] = {}
    for key, place, call in items:
        grouped.setdefault(key, []).append((place, call))
    return {key: tuple(members) for key, members in grouped.items()}


def chain(*service_ids: str, arrivals_per_hour: float = 1000.0) -> SimulatedTopology:
    """The smallest interesting topology: each service calls the next one, requests arrive at the first.

    >>> chain("front", "orders", "db").dependencies_first
    ('db', 'orders', 'front')
    """
    services = tuple(
        SimulatedService(service_id, arrivals_per_hour=arrivals_per_hour if place == 0 else 0.0)
        for place, service_id in enumerate(service_ids)
    )
    return SimulatedTopology(services, tuple(map(SimulatedCall, service_ids, service_ids[1:])))
