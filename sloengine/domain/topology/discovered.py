"""What one reading of a real system found: services and calls, under the names that this system uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sloengine.domain.topology.dependency import EdgeAttributes
from sloengine.domain.topology.service import Criticality

#: A call about which nothing is known but that it happens.
NOTHING_KNOWN = EdgeAttributes()


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

    ``calls``, ``failed_calls``: in the range that was read; None: not counted. They are shown; what is kept of
    calls are the hourly sums of telemetry aggregation.
    """

    caller: str
    dependency: str
    attributes: EdgeAttributes = NOTHING_KNOWN
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

    ``complete``: it is a full listing, so that what this source claimed earlier and does not list any more is
    withdrawn. A reading over a time range never is: what was not called in it only ages. ``warnings``: what a
    person should know, in words. ``queries``: what was asked, for people to ask again.
    """

    services: tuple[DiscoveredService, ...] = ()
    dependencies: tuple[DiscoveredDependency, ...] = ()
    complete: bool = False
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
