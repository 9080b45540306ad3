"""Edits of a graph that nobody has made yet. Ratios in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge
from sloengine.domain.topology.common_cause import DEFAULT_COMMON_CAUSE
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.system import SOFT_PASS_THROUGH

MOST_EDITS = 20
MOST_REPLICAS = 20


@dataclass(frozen=True, slots=True)
class Soften:
    """The caller goes on without the dependency; ``pass_through`` of its failures still fail a request."""

    caller: str
    dependency: str
    pass_through: float = SOFT_PASS_THROUGH


@dataclass(frozen=True, slots=True)
class MakeAsync:
    """The caller does not wait for the dependency any more."""

    caller: str
    dependency: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The caller does not call the dependency any more."""

    caller: str
    dependency: str


@dataclass(frozen=True, slots=True)
class AddFallback:
    """Where the dependency fails the caller turns to another: 1 of 2 is enough.

    ``fallback``: a service of the graph; or ``availability_ratio`` of something outside it, independent of all.
    """

    caller: str
    dependency: str
    fallback: str | None = None
    availability_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class AddReplica:
    """The service runs as so many replicas of which so many must be good; ``common_cause``: share of one replica's
    failures that strikes all of them.
    """

    service_id: str
    replicas: int
    required: int = 1
    common_cause: float = DEFAULT_COMMON_CAUSE


@dataclass(frozen=True, slots=True)
class Improve:
    """The service, or what replaces it, fails less, or answers in ``latency_scale`` times the time."""

    service_id: str
    availability_ratio: float | None = None
    latency_scale: float | None = None


@dataclass(frozen=True, slots=True)
class AddCache:
    """The caller answers this share of its calls from a cache; only misses use the dependency."""

    caller: str
    dependency: str
    hit_ratio: float


type GraphEdit = Soften | MakeAsync | Cut | AddFallback | AddReplica | Improve | AddCache

#: Name of each edit, as clients write it.
NAMES: dict[type, str] = {
    Soften: "soften",
    MakeAsync: "makeAsync",
    Cut: "cut",
    AddFallback: "addFallback",
    AddReplica: "addReplica",
    Improve: "improve",
    AddCache: "addCache",
}


def edge_of(graph: DependencyGraph, caller: str, dependency: str) -> Dependency | None:
    """The call between two services; None: there is none, or nobody has seen it for its time."""
    edges = graph.edges_by_caller.get(caller, ())
    return next((edge for edge in edges if edge.dependency == dependency and not edge.is_stale), None)


def check_edits(graph: DependencyGraph, edits: Sequence[GraphEdit]) -> None:
    """Raise ``Invalid``, ``ServiceNotFound`` or ``TooLarge``, naming the field, for edits that cannot be."""
    if not edits:
        raise Invalid("name at least one edit", path=("edits",))
    if len(edits) > MOST_EDITS:
        raise TooLarge(f"{len(edits)} edits, at most {MOST_EDITS} at once", path=("edits",))
    for place, edit in enumerate(edits):
        _check(graph, edit, ("edits", str(place), NAMES[type(edit)]))


def _check(graph: DependencyGraph, edit: GraphEdit, path: tuple[str, ...]) -> None:
    if isinstance(edit, AddReplica | Improve):
        _known(graph, edit.service_id, (*path, "serviceId"))
    else:
        _known(graph, edit.caller, (*path, "caller"))
        _known(graph, edit.dependency, (*path, "dependency"))
        if edge_of(graph, edit.caller, edit.dependency) is None:
            raise Invalid(f"{edit.caller!r} does not call {edit.dependency!r}", path=(*path, "dependency"))
    match edit:
        case Soften():
            _share(edit.pass_through, (*path, "passThrough"))
        case AddCache():
            _share(edit.hit_ratio, (*path, "hitRatio"))
        case AddReplica():
            _check_replicas(edit, path)
        case Improve():
            if (edit.availability_ratio is None) == (edit.latency_scale is None):
                raise Invalid("name either availabilityPercent or latencyScale", path=path)
            if edit.availability_ratio is not None:
                _availability(edit.availability_ratio, path)
            if edit.latency_scale is not None and not 0.0 < edit.latency_scale <= 100.0:
                raise Invalid("latencyScale lies above 0 and at most 100", path=(*path, "latencyScale"))
        case AddFallback():
            _check_fallback(graph, edit, path)
        case _:
            pass


def _check_replicas(edit: AddReplica, path: tuple[str, ...]) -> None:
    if not 2 <= edit.replicas <= MOST_REPLICAS:
        raise Invalid(f"replicas is 2 to {MOST_REPLICAS}, not {edit.replicas}", path=(*path, "replicas"))
    if not 1 <= edit.required <= edit.replicas:
        raise Invalid(
            f"required is 1 to {edit.replicas}, the number of replicas, not {edit.required}",
            path=(*path, "required"),
        )
    _share(edit.common_cause, (*path, "commonCause"))


def _check_fallback(graph: DependencyGraph, edit: AddFallback, path: tuple[str, ...]) -> None:
    if (edit.fallback is None) == (edit.availability_ratio is None):
        raise Invalid("name either fallback or availabilityPercent", path=path)
    edge = edge_of(graph, edit.caller, edit.dependency)
    if edge is not None and edge.redundancy_group is not None:
        raise Invalid(
            f"{edit.dependency!r} is in the redundancy group {edge.redundancy_group!r} of {edit.caller!r} already",
            path=(*path, "dependency"),
        )
    if edit.availability_ratio is not None:
        _availability(edit.availability_ratio, path)
        return
    fallback = edit.fallback or ""
    _known(graph, fallback, (*path, "fallback"))
    if fallback in (edit.caller, edit.dependency):
        raise Invalid("a fallback is another service than the two", path=(*path, "fallback"))
    if edit.caller in graph.distances([fallback], None):
        raise Invalid(
            f"{fallback!r} depends on {edit.caller!r}: as its fallback it would close a cycle",
            path=(*path, "fallback"),
        )


def _known(graph: DependencyGraph, service_id: str, path: tuple[str, ...]) -> None:
    if service_id not in graph.index:
        raise ServiceNotFound(f"no service {service_id!r}", path=path)


def _share(value: float, path: tuple[str, ...]) -> None:
    if not 0.0 <= value <= 1.0:
        raise Invalid(f"{path[-1]} lies between 0 and 1, not {value:g}", path=path)


def _availability(ratio: float, path: tuple[str, ...]) -> None:
    if not 0.0 < ratio < 1.0:
        raise Invalid(
            f"availabilityPercent lies between 0 and 100, both excluded, not {100 * ratio:g}",
            path=(*path, "availabilityPercent"),
        )
