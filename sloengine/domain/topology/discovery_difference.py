"""What a reading would change in the graph, and the rows that change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sloengine.domain.topology.dependency import DependencyClaim, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import DiscoveredDependency, DiscoveredService, LeftOut
from sloengine.domain.topology.name_reconciliation import Renamed
from sloengine.domain.topology.service import Service

STEADY_SHARE = 0.1
"""A measured weight within a tenth of what the source said before counts as the same: else each reading moves the
graph version, and with it every cached answer."""

OWN_METADATA: Mapping[DiscoverySource, str] = {
    DiscoverySource.K8S: "kubernetes",
    DiscoverySource.BACKSTAGE: "backstage",
}
"""Where a source keeps what only it knows; in there, by the name of a field, what it said of that field last."""

_SERVICE_FIELDS = ("name", "team", "criticality", "entity_ref", "external")

type Pair = tuple[str, str]
type Claims = Mapping[Pair, Sequence[DependencyClaim]]


class ChangeKind(StrEnum):
    """What happens to a dependency or service."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    WITHDRAWN = "WITHDRAWN"
    UNSEEN = "UNSEEN"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One attribute, before and after, as text; None: not known."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class DependencyChange:
    """What becomes of this source's claim on a pair.

    ADDED: the source claims it for the first time. WITHDRAWN: no longer listed by a complete reading. UNSEEN:
    claimed earlier, not in this reading; it ages. ``other_sources``: who else claims the pair; none, and the edge
    itself appears or goes with the claim. ``calls``, ``failed_calls`` as read.
    """

    kind: ChangeKind
    caller: str
    dependency: str
    fields: tuple[FieldChange, ...] = ()
    other_sources: tuple[DiscoverySource, ...] = ()
    calls: float | None = None
    failed_calls: float | None = None


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """A service that is new, or of which the reading knows something new."""

    kind: ChangeKind
    service_id: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscoveryDifference:
    """The reading of ``readings`` over [since, until) against the graph and against what ``source`` claims in it.

    ``dependencies_unchanged``, ``services_unchanged``: how many say nothing new.
    """

    source: DiscoverySource
    readings: tuple[str, ...]
    since: datetime
    until: datetime
    complete: bool
    dependencies: tuple[DependencyChange, ...]
    dependencies_unchanged: int
    services: tuple[ServiceChange, ...]
    services_unchanged: int
    renamed: tuple[Renamed, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    queries: tuple[str, ...]

    @property
    def seen(self) -> int:
        """Changes to dependencies that are in the reading."""
        return self.count(ChangeKind.ADDED) + self.count(ChangeKind.CHANGED)

    def count(self, kind: ChangeKind) -> int:
        """Dependencies of this kind."""
        return sum(change.kind is kind for change in self.dependencies)


def steady(call: DiscoveredDependency, own: DependencyClaim | None, *, complete: bool) -> DiscoveredDependency:
    """The call as it is to be claimed after what the source said of it before.

    A weight that has hardly moved stays. What a reading over a range could not tell stays as last told; a complete
    listing means what it leaves out.
    """
    if own is None:
        return call
    now, before = call.attributes, own.attributes
    kept = {
        one.name: getattr(before, one.name)
        for one in fields(EdgeAttributes)
        if not complete and getattr(now, one.name) is None and getattr(before, one.name) is not None
    }
    last, weight = before.call_weight, now.call_weight
    if last is not None and weight is not None and abs(weight - last) <= STEADY_SHARE * last:
        kept["call_weight"] = last
    return replace(call, attributes=replace(now, **kept)) if kept else call


def fitting(found: DiscoveredService, existing: Service | None, source: DiscoverySource) -> DiscoveredService:
    """What the source may say of a service that is there already.

    A team stands, whoever said it, because its members decide on the service: discovery gives one only where none
    is known. What a person registered, or the catalogue said, stands: other sources only fill gaps, and the
    catalogue changes what it said itself. What a source keeps of its own in the metadata is replaced.
    """
    if existing is None:
        return found
    stands = {"team"} if existing.team is not None else set()
    metadata = found.metadata
    if not existing.discovered:
        of_its_own = OWN_METADATA.get(source)
        kept = existing.metadata.get(of_its_own) if of_its_own is not None else None
        said = kept if isinstance(kept, Mapping) else {}
        known = {name: getattr(existing, name) for name in _SERVICE_FIELDS}
        stands |= {name for name, value in known.items() if value is not None and said.get(name) != value}
        metadata = {
            key: value for key, value in metadata.items() if key == of_its_own or key not in existing.metadata
        }
    blank: dict[str, Any] = dict.fromkeys(stands)
    return replace(found, metadata=metadata, **blank)


def dependency_changes(
    source: DiscoverySource,
    calls: Sequence[DiscoveredDependency],
    claims: Claims,
    *,
    complete: bool,
    complete_for: Collection[str] = (),
) -> tuple[tuple[DependencyChange, ...], int]:
    """Changes by pair, and how many pairs say nothing new.

    ``claims``: of all pairs that were found or that ``source`` claims. ``complete_for``: callers whose
    dependencies are listed in full where not everybody's are.
    """
    changes: list[DependencyChange] = []
    unchanged = 0
    listed: set[Pair] = set()
    for call in calls:
        pair = call.caller, call.dependency
        listed.add(pair)
        own, others = _split(claims.get(pair, ()), source)
        before = EdgeAttributes() if own is None else own.attributes
        differing = tuple(
            FieldChange(one.name, _text(getattr(before, one.name)), _text(getattr(call.attributes, one.name)))
            for one in fields(EdgeAttributes)
            if getattr(before, one.name) != getattr(call.attributes, one.name)
        )
        if own is not None and not differing:
            unchanged += 1
            continue
        kind = ChangeKind.ADDED if own is None else ChangeKind.CHANGED
        changes.append(DependencyChange(kind, *pair, differing, others, call.calls, call.failed_calls))
    for pair, known in claims.items():
        own, others = _split(known, source)
        if own is not None and pair not in listed:
            gone = ChangeKind.WITHDRAWN if complete or pair[0] in complete_for else ChangeKind.UNSEEN
            changes.append(DependencyChange(gone, *pair, other_sources=others))
    order = list(ChangeKind)
    return tuple(sorted(changes, key=lambda one: (order.index(one.kind), one.caller, one.dependency))), unchanged


def service_changes(
    found: Sequence[DiscoveredService], ends: Sequence[str], existing: Mapping[str, Service]
) -> tuple[tuple[ServiceChange, ...], int]:
    """Changes by service, and how many say nothing new. ``ends``: services that calls lead from or to."""
    changes: list[ServiceChange] = []
    unchanged = 0
    rows = {service.source_name: service for service in found}
    for service_id in dict.fromkeys([*rows, *ends]):
        row, before = rows.get(service_id), existing.get(service_id)
        differing = () if row is None else _service_fields(row, before)
        if before is not None and not differing:
            unchanged += 1
            continue
        kind = ChangeKind.ADDED if before is None else ChangeKind.CHANGED
        changes.append(ServiceChange(kind, service_id, differing))
    return tuple(sorted(changes, key=lambda one: (one.kind, one.service_id))), unchanged


def service_row(service: DiscoveredService) -> dict[str, Any]:
    """The row of an ingestion."""
    row: dict[str, Any] = {
        "serviceId": service.source_name,
        "name": service.name,
        "team": service.team,
        "criticality": None if service.criticality is None else service.criticality.value,
        "entityRef": service.entity_ref,
        "external": service.external,
        "metadata": dict(service.metadata) or None,
    }
    return {name: value for name, value in row.items() if value is not None}


def dependency_row(call: DiscoveredDependency) -> dict[str, Any]:
    """The row of an ingestion."""
    said = call.attributes
    row: dict[str, Any] = {
        "caller": call.caller,
        "dependency": call.dependency,
        "mode": None if said.mode is None else said.mode.value,
        "criticality": None if said.criticality is None else said.criticality.value,
        "protocol": said.protocol,
        "timeoutMs": said.timeout_ms,
        "retryConfig": None if said.retry_config is None else dict(said.retry_config),
        "callWeight": said.call_weight,
        "redundancyGroup": said.redundancy_group,
        "required": said.required,
    }
    return {name: value for name, value in row.items() if value is not None}


def _service_fields(row: DiscoveredService, before: Service | None) -> tuple[FieldChange, ...]:
    differing = [
        FieldChange(name, _text(None if before is None else getattr(before, name)), _text(getattr(row, name)))
        for name in _SERVICE_FIELDS
        if getattr(row, name) is not None and (before is None or getattr(before, name) != getattr(row, name))
    ]
    known = {} if before is None else before.metadata
    differing += [
        FieldChange(f"metadata.{key}", _text(known.get(key)), _text(value))
        for key, value in sorted(row.metadata.items())
        if known.get(key) != value
    ]
    return tuple(differing)


def _split(
    claims: Sequence[DependencyClaim], source: DiscoverySource
) -> tuple[DependencyClaim | None, tuple[DiscoverySource, ...]]:
    own = next((claim for claim in claims if claim.source is source), None)
    return own, tuple(sorted(claim.source for claim in claims if claim.source is not source))


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
