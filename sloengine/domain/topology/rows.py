"""One row of an ingestion, checked and typed, and what becomes of rows that name the same thing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sloengine.domain.topology.dependency import (
    DependencyClaim,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
    EdgeAttributes,
)
from sloengine.domain.topology.service import Criticality, Service

#: A row that names a pair and says nothing about it.
NOTHING_STATED = EdgeAttributes()

#: How far a source is believed when a row does not say.
SOURCE_CONFIDENCE: Mapping[DiscoverySource, float] = {
    DiscoverySource.MANUAL: 0.95,
    DiscoverySource.MESH: 0.9,
    DiscoverySource.OTEL: 0.9,
    DiscoverySource.BACKSTAGE: 0.7,
    DiscoverySource.K8S: 0.6,
}

# A row that does not say counts as what the merge would fill in, SYNC and HARD. Among equals the stated one wins.
_MODE_HARDNESS: Mapping[DependencyMode | None, int] = {
    DependencyMode.ASYNC: 0,
    None: 1,
    DependencyMode.SYNC: 2,
}
_CRITICALITY_HARDNESS: Mapping[DependencyCriticality | None, int] = {
    DependencyCriticality.SOFT: 0,
    DependencyCriticality.DEGRADED: 1,
    None: 2,
    DependencyCriticality.HARD: 3,
}
_SERVICE_CRITICALITY: Mapping[Criticality | None, int] = {
    None: 0,
    Criticality.LOW: 1,
    Criticality.MEDIUM: 2,
    Criticality.HIGH: 3,
    Criticality.CRITICAL: 4,
}
#: Warnings name at most this many pairs; the rest is counted.
_NAMED_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class DependencyRow:
    """A checked dependency of one batch. ``confidence`` None: the source's own."""

    caller: str
    dependency: str
    attributes: EdgeAttributes = NOTHING_STATED
    confidence: float | None = None

    def claim(self, source: DiscoverySource, observed_at: datetime) -> DependencyClaim:
        """What ``source`` states by this row, as seen at ``observed_at``."""
        confidence = SOURCE_CONFIDENCE[source] if self.confidence is None else self.confidence
        return DependencyClaim(
            self.caller, self.dependency, source, confidence, observed_at, observed_at, self.attributes
        )


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A checked service of one batch; None: the row did not say."""

    service_id: str
    name: str | None = None
    team: str | None = None
    criticality: Criticality | None = None
    entity_ref: str | None = None
    external: bool | None = None
    published_availability_ratio: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def onto(self, existing: Service | None, now: datetime) -> Service:
        """The service after this row: what the row states replaces, what it leaves out stays."""
        known = existing or Service(self.service_id, created_at=now)
        return replace(
            known,
            name=self.name if self.name is not None else known.name,
            team=self.team if self.team is not None else known.team,
            criticality=self.criticality if self.criticality is not None else known.criticality,
            entity_ref=self.entity_ref if self.entity_ref is not None else known.entity_ref,
            external=known.external if self.external is None else self.external,
            published_availability_ratio=(
                known.published_availability_ratio
                if self.published_availability_ratio is None
                else self.published_availability_ratio
            ),
            metadata={**known.metadata, **self.metadata},
            updated_at=now,
        )


def hardest_attributes(first: EdgeAttributes, second: EdgeAttributes) -> EdgeAttributes:
    """The reading of two statements that asks most of the dependency.

    Associative, commutative and idempotent. SYNC before ASYNC, HARD before DEGRADED before SOFT; a statement
    that leaves mode or criticality out counts as SYNC and HARD, because that is what it would be filled with.
    Longer timeouts, more calls, and no redundancy group (or the one that requires more) are the harder reading.
    """
    if first == second:
        return first
    group, required = _harder_group(first, second)
    return EdgeAttributes(
        mode=max(first.mode, second.mode, key=_MODE_HARDNESS.__getitem__),
        criticality=max(first.criticality, second.criticality, key=_CRITICALITY_HARDNESS.__getitem__),
        protocol=_smallest(first.protocol, second.protocol),
        timeout_ms=_largest(first.timeout_ms, second.timeout_ms),
        retry_config=_first_config(first.retry_config, second.retry_config),
        call_weight=_largest(first.call_weight, second.call_weight),
        redundancy_group=group,
        required=required,
    )


def combine_rows(rows: Iterable[DependencyRow]) -> tuple[tuple[DependencyRow, ...], tuple[str, ...]]:
    """One row per (caller, dependency), in order of first appearance, and warnings.

    Identical rows collapse silently; rows that differ merge, the hardest reading wins, with a warning.
    """
    combined: dict[tuple[str, str], DependencyRow] = {}
    differing: Counter[tuple[str, str]] = Counter()
    for row in rows:
        pair = (row.caller, row.dependency)
        known = combined.get(pair)
        if known is None:
            combined[pair] = row
        elif known != row:
            differing[pair] += 1
            combined[pair] = DependencyRow(
                row.caller,
                row.dependency,
                hardest_attributes(known.attributes, row.attributes),
                _largest(known.confidence, row.confidence),
            )
    warnings = [
        f"{caller} → {dependency} is listed with different attributes; the hardest reading was taken."
        for caller, dependency in sorted(differing)[:_NAMED_AT_MOST]
    ]
    if len(differing) > _NAMED_AT_MOST:
        warnings.append(
            f"{len(differing) - _NAMED_AT_MOST} more dependencies are listed with different attributes."
        )
    return tuple(combined.values()), tuple(warnings)


def combine_service_rows(rows: Sequence[ServiceRow]) -> tuple[tuple[ServiceRow, ...], tuple[str, ...]]:
    """One row per service, in order of first appearance, and warnings.

    Where rows differ the more critical and the less available reading wins; of names, teams and entity
    references the first stated one.
    """
    combined: dict[str, ServiceRow] = {}
    differing: set[str] = set()
    for row in rows:
        known = combined.get(row.service_id)
        if known is None:
            combined[row.service_id] = row
        elif known != row:
            differing.add(row.service_id)
            published = [
                p for p in (known.published_availability_ratio, row.published_availability_ratio) if p is not None
            ]
            external = [flag for flag in (known.external, row.external) if flag is not None]
            combined[row.service_id] = ServiceRow(
                row.service_id,
                name=known.name if known.name is not None else row.name,
                team=known.team if known.team is not None else row.team,
                criticality=max(known.criticality, row.criticality, key=_SERVICE_CRITICALITY.__getitem__),
                entity_ref=known.entity_ref if known.entity_ref is not None else row.entity_ref,
                external=any(external) if external else None,
                published_availability_ratio=min(published) if published else None,
                metadata={**row.metadata, **known.metadata},
            )
    warnings = [
        f"{service_id} is listed more than once with different values; they were merged."
        for service_id in sorted(differing)[:_NAMED_AT_MOST]
    ]
    if len(differing) > _NAMED_AT_MOST:
        warnings.append(f"{len(differing) - _NAMED_AT_MOST} more services are listed with different values.")
    return tuple(combined.values()), tuple(warnings)


def _harder_group(first: EdgeAttributes, second: EdgeAttributes) -> tuple[str | None, int | None]:
    """No group beats a group (nothing steps in); then more required; then the first name."""

    def hardness(attributes: EdgeAttributes) -> tuple[bool, int, str]:
        return (
            attributes.redundancy_group is not None,
            -(attributes.required or 1),
            attributes.redundancy_group or "",
        )

    harder = min(first, second, key=hardness)
    if hardness(first) == hardness(second):
        return harder.redundancy_group, _largest(first.required, second.required)
    return harder.redundancy_group, harder.required


def _smallest(first: str | None, second: str | None) -> str | None:
    stated = [text for text in (first, second) if text is not None]
    return min(stated) if stated else None


def _largest[T: (int, float)](first: T | None, second: T | None) -> T | None:
    if first is None:
        return second
    return first if second is None else max(first, second)


def _first_config(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    # There is no "harder" retry policy: any fixed choice will do as long as order does not decide it.
    stated = [config for config in (first, second) if config is not None]
    return min(stated, key=lambda config: json.dumps(config, sort_keys=True, default=str)) if stated else None
