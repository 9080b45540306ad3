"""Services, claims and edges as rows of parameters and of answers.

``SERVICE_COLUMNS``, ``EDGE_COLUMNS`` and ``CLAIM_COLUMNS`` name the columns in the order in which the queries give
them; the tests hold the queries to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from sloengine.domain.topology.dependency import (
    Dependency,
    DependencyClaim,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
    EdgeAttributes,
)
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.service import Criticality, Service
from sloengine.infrastructure.neo4j.instants import instant, optional_instant

type Pair = tuple[str, str]

SERVICE_COLUMNS = (
    "service_id",
    "name",
    "team",
    "criticality",
    "entity_ref",
    "external",
    "discovered",
    "published_availability_ratio",
    "metadata",
    "created_us",
    "updated_us",
)
EDGE_COLUMNS = (
    "mode",
    "criticality",
    "assumed",
    "protocol",
    "timeout_ms",
    "retry_config",
    "call_weight",
    "redundancy_group",
    "required",
    "confidence",
    "is_stale",
    "last_observed_us",
)
CLAIM_COLUMNS = (
    "source",
    "confidence",
    "first_seen_us",
    "last_seen_us",
    "mode",
    "criticality",
    "protocol",
    "timeout_ms",
    "retry_config",
    "call_weight",
    "redundancy_group",
    "required",
)

_MODES = {mode.value: mode for mode in DependencyMode}
_CRITICALITIES = {criticality.value: criticality for criticality in DependencyCriticality}
_SOURCES = {source.value: source for source in DiscoverySource}


def service_of(row: Sequence[Any]) -> Service:
    """The service of a row of ``SERVICE_COLUMNS``."""
    return Service(
        service_id=row[0],
        name=row[1],
        team=row[2],
        criticality=None if row[3] is None else Criticality(row[3]),
        entity_ref=row[4],
        external=bool(row[5]),
        discovered=bool(row[6]),
        published_availability_ratio=row[7],
        metadata=_json(row[8]) or {},
        created_at=optional_instant(row[9]),
        updated_at=optional_instant(row[10]),
    )


def dependency_of(
    caller: str, dependency: str, row: Sequence[Any], claims: tuple[DependencyClaim, ...] = ()
) -> Dependency:
    """The edge of a row of ``EDGE_COLUMNS``."""
    return Dependency(
        caller,
        dependency,
        _MODES[row[0]],
        _CRITICALITIES[row[1]],
        tuple(row[2]),
        row[3],
        row[4],
        _json(row[5]),
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        None if row[11] is None else _instant(row[11]),
        claims,
    )


def supernode_of(row: Sequence[Any]) -> Supernode:
    """The cycle of a row of its id, its members and its shortest path."""
    supernode_id, members, path = row
    return Supernode(supernode_id, tuple(members), tuple(path))


def claim_of(caller: str, dependency: str, row: Sequence[Any]) -> DependencyClaim:
    """The claim of a row of ``CLAIM_COLUMNS``."""
    return DependencyClaim(
        caller,
        dependency,
        _SOURCES[row[0]],
        row[1],
        _instant(row[2]),
        _instant(row[3]),
        EdgeAttributes(
            None if row[4] is None else _MODES[row[4]],
            None if row[5] is None else _CRITICALITIES[row[5]],
            row[6],
            row[7],
            _json(row[8]),
            row[9],
            row[10],
            row[11],
        ),
    )


def claims_of(caller: str, dependency: str, rows: Sequence[Sequence[Any]]) -> tuple[DependencyClaim, ...]:
    """All claims on one pair, by source."""
    return tuple(sorted((claim_of(caller, dependency, row) for row in rows), key=lambda claim: claim.source))


def service_parameters(service: Service) -> dict[str, Any]:
    """What a write needs of a service; what it does not state is left out."""
    stated = {
        "name": service.name,
        "team": service.team,
        "criticality": None if service.criticality is None else service.criticality.value,
        "entity_ref": service.entity_ref,
        "entity_ref_key": None if service.entity_ref is None else service.entity_ref.lower(),
        "published_availability_ratio": service.published_availability_ratio,
        "metadata": _json_text(service.metadata or None),
    }
    return {
        "service_id": service.service_id,
        "external": service.external,
        "discovered": service.discovered,
        "stated": {name: value for name, value in stated.items() if value is not None},
    }


class Times:
    """Times of one statement: rows carry places in this list, because most of them share a few."""

    def __init__(self) -> None:
        self._places: dict[datetime, int] = {}

    def place(self, at: datetime | None) -> int | None:
        """Where this time stands; None stays None."""
        return None if at is None else self._places.setdefault(at, len(self._places))

    @property
    def values(self) -> list[datetime]:
        """All times that were placed, in UTC, as Neo4j is to keep them."""
        return [at.astimezone(UTC) for at in self._places]


def dependency_parameters(edge: Dependency, claims: Sequence[DependencyClaim], times: Times) -> dict[str, Any]:
    """A merged edge, with the claims on it that are to be written, as an edge of a row of the write."""
    attributes = {
        "mode": edge.mode.value,
        "criticality": edge.criticality.value,
        "assumed": edge.assumed,
        "confidence": edge.confidence,
        "is_stale": edge.is_stale,
    }
    _add_stated(attributes, edge)
    return {
        "dependency": edge.dependency,
        "attributes": attributes,
        "seen": times.place(edge.last_observed_at),
        "claims": [claim_parameters(claim, times) for claim in claims],
    }


def claim_parameters(claim: DependencyClaim, times: Times) -> dict[str, Any]:
    """A claim as a part of the write."""
    stated = claim.attributes
    said: dict[str, Any] = {
        "source": claim.source.value,
        "confidence": claim.confidence,
        "first_seen": times.place(claim.first_seen_at),
        "last_seen": times.place(claim.last_seen_at),
    }
    if stated.mode is not None:
        said["mode"] = stated.mode.value
    if stated.criticality is not None:
        said["criticality"] = stated.criticality.value
    _add_stated(said, stated)
    return said


def seen_again(
    pairs: Sequence[Pair],
    edges: Mapping[Pair, Dependency],
    claims: Mapping[Pair, Sequence[DependencyClaim]],
    last_seen: Mapping[Pair, datetime],
) -> dict[str, Any]:
    """Parameters of a write of sightings: one claim a pair, and when that was last seen as far as is known."""
    times = Times()
    rows: dict[str, dict[str, list[Any]]] = {}
    for pair in pairs:
        [claim] = claims[pair]
        edge = edges[pair]
        rows.setdefault(pair[0], {})[pair[1]] = [
            claim.source.value,
            times.place(last_seen[pair]),
            times.place(claim.last_seen_at),
            times.place(edge.last_observed_at),
            edge.confidence,
        ]
    return {
        "rows": [{"caller": caller, "seen": seen} for caller, seen in rows.items()],
        "times": times.values,
    }


def pair_parameters(pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Pairs grouped by caller, so that each caller is looked up once."""
    grouped: dict[str, list[str]] = {}
    for caller, dependency in pairs:
        grouped.setdefault(caller, []).append(dependency)
    return [{"caller": caller, "dependencies": dependencies} for caller, dependencies in sorted(grouped.items())]


def _add_stated(attributes: dict[str, Any], stated: Dependency | EdgeAttributes) -> None:
    if stated.protocol is not None:
        attributes["protocol"] = stated.protocol
    if stated.timeout_ms is not None:
        attributes["timeout_ms"] = stated.timeout_ms
    if stated.retry_config is not None:
        attributes["retry_config"] = _json_text(stated.retry_config)
    if stated.call_weight is not None:
        attributes["call_weight"] = float(stated.call_weight)
    if stated.redundancy_group is not None:
        attributes["redundancy_group"] = stated.redundancy_group
    if stated.required is not None:
        attributes["required"] = stated.required


@lru_cache(maxsize=4096)
def _instant(since_epoch: int) -> Any:
    """Edges of one ingestion share their times."""
    return instant(since_epoch)


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _json_text(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
