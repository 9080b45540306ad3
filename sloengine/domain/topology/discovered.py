"""What one reading of a real system found: services and calls, under the names that this system uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sloengine.domain.topology.dependency import EdgeAttributes
from sloengine.domain.topology.rows import NOTHING_STATED
from sloengine.domain.topology.service import Criticality


@dataclass(frozen=True, slots=True)
class DiscoveredService:
    """A service as its source sees it; None: the source does not say.

    ``source_name``: the source's own name, unchanged: ``checkout``, ``shop/checkout`` where there is a namespace,
    ``component:default/checkout`` in Backstage. Name rules turn it into a service id. ``metadata``: what stays the
    same from reading to reading (labels, runtime); anything that varies would move the graph version each time.
    """

    source_name: str
    name: str | None = None
    team: str | None = None
    criticality: Criticality | None = None
    entity_ref: str | None = None
    external: bool | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiscoveredDependency:
    """A call, or a declared dependency, between two source names.

    ``calls``, ``failed_calls``: in the range that was read; None: not counted. They are shown, and make the call
    weight with ``Discovered.requests``; what is kept of calls are the hourly sums of telemetry aggregation.
    ``attributes.call_weight`` is for sources that state a weight instead of counting.
    """

    caller: str
    dependency: str
    attributes: EdgeAttributes = NOTHING_STATED
    calls: float | None = None
    failed_calls: float | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source name that is no service, or a row that could not be taken, and why."""

    source_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """All that one reading found.

    ``complete``: it is a full listing, so that what this source claimed earlier and no longer lists is withdrawn.
    A reading over a time range never is: what was not called in it only ages. ``complete_for_named``: a full
    listing of the services it names and of no others, as of some namespaces of a cluster: what those no longer
    depend on is withdrawn, other callers' claims stay. ``requests``: own requests
    by source name in the range, > 0, in the names of whatever metric counted them; services without are absent.
    ``warnings``: what a person should know, in words. ``queries``: what was asked, for people to ask again.
    """

    services: tuple[DiscoveredService, ...] = ()
    dependencies: tuple[DiscoveredDependency, ...] = ()
    complete: bool = False
    complete_for_named: bool = False
    requests: Mapping[str, float] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()

    @property
    def is_listing(self) -> bool:
        """Whether what it leaves out of the services it names is not there."""
        return self.complete or self.complete_for_named


def joined(readings: Sequence[Discovered]) -> Discovered:
    """Several readings of one source as one, complete where all of them are.

    The first that knows a service or a call speaks for it; later ones fill in what it leaves out.
    """
    complete = bool(readings) and all(reading.complete for reading in readings)
    services: dict[str, DiscoveredService] = {}
    calls: dict[tuple[str, str], DiscoveredDependency] = {}
    requests: dict[str, float] = {}
    for reading in readings:
        for service in reading.services:
            known = services.get(service.source_name)
            services[service.source_name] = service if known is None else _filled(known, service)
        for call in reading.dependencies:
            pair = call.caller, call.dependency
            earlier = calls.get(pair)
            calls[pair] = call if earlier is None else _filled(earlier, call)
        for source_name, count in reading.requests.items():
            requests.setdefault(source_name, count)
    return Discovered(
        tuple(services.values()),
        tuple(calls.values()),
        complete=complete,
        complete_for_named=bool(readings) and not complete and all(reading.is_listing for reading in readings),
        requests=requests,
        left_out=tuple(dict.fromkeys(name for reading in readings for name in reading.left_out)),
        warnings=tuple(dict.fromkeys(text for reading in readings for text in reading.warnings)),
        queries=tuple(query for reading in readings for query in reading.queries),
    )


def _filled[Row: (DiscoveredService, DiscoveredDependency, EdgeAttributes)](first: Row, second: Row) -> Row:
    """The first, with what it does not say taken from the second."""
    changes: dict[str, Any] = {}
    for one in fields(first):
        own, other = getattr(first, one.name), getattr(second, one.name)
        if own is None:
            changes[one.name] = other
        elif isinstance(own, EdgeAttributes):
            changes[one.name] = _filled(own, other)
        elif one.name == "metadata":
            changes[one.name] = {**other, **own}
    return replace(first, **changes)
