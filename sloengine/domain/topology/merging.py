"""Claims of several sources become one dependency.

A source's newest statement stands for it (:func:`join_claims`); sources are then ranked attribute by attribute.
Everything here depends on the *set* of claims only, never on their order or on how often one is repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sloengine.domain.topology.dependency import (
    Dependency,
    DependencyClaim,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
    EdgeAttributes,
)
from sloengine.domain.topology.rows import hardest_attributes

#: How long a source's word holds without being repeated; None: until it is withdrawn.
SOURCE_TTL: Mapping[DiscoverySource, timedelta | None] = {
    DiscoverySource.MANUAL: None,
    DiscoverySource.MESH: timedelta(days=7),
    DiscoverySource.OTEL: timedelta(days=7),
    DiscoverySource.K8S: timedelta(days=30),
    DiscoverySource.BACKSTAGE: timedelta(days=30),
}

# A person knows best what a failure does. Backstage comes last: a catalogue entry says that there is a relation,
# not how calls are made.
_STATED_PRECEDENCE = (
    DiscoverySource.MANUAL,
    DiscoverySource.MESH,
    DiscoverySource.OTEL,
    DiscoverySource.K8S,
    DiscoverySource.BACKSTAGE,
)
# Calls are counted by meshes and traces; people and manifests only suppose a weight.
_MEASURED_PRECEDENCE = (
    DiscoverySource.MESH,
    DiscoverySource.OTEL,
    DiscoverySource.MANUAL,
    DiscoverySource.K8S,
    DiscoverySource.BACKSTAGE,
)


def freshness(claim: DependencyClaim, now: datetime) -> float:
    """1 when just seen, falling linearly to 0 at the source's time to live; 1 for ever where there is none."""
    ttl = SOURCE_TTL[claim.source]
    if ttl is None:
        return 1.0
    return min(1.0, max(0.0, 1.0 - (now - claim.last_seen_at) / ttl))


def all_fresh(claims: Iterable[DependencyClaim], now: datetime) -> bool:
    """Whether none of these has outlived its source's time to live.

    While that holds, all that the merged dependency says, but for times and confidence, is the same at ``now`` as
    at any earlier moment at which there were the same claims, whenever each of them was last repeated.
    """
    return all(freshness(claim, now) > 0.0 for claim in claims)


def says_the_same(before: DependencyClaim, after: DependencyClaim) -> bool:
    """Whether the later one differs in nothing but the time of its last sighting."""
    return (
        before.first_seen_at == after.first_seen_at
        and before.confidence == after.confidence
        and before.attributes == after.attributes
    )


def join_claims(first: DependencyClaim, second: DependencyClaim) -> DependencyClaim:
    """What one source says of one pair after both statements.

    The newer statement stands as a whole; an older one only moves ``first_seen_at`` back. Two statements of
    the same instant take the hardest reading. Associative, commutative, idempotent.

    Raises:
        ValueError: the claims are of different pairs or sources.
    """
    if (first.caller, first.dependency, first.source) != (second.caller, second.dependency, second.source):
        raise ValueError("only claims of the same source on the same pair can be joined")
    first_seen_at = min(first.first_seen_at, second.first_seen_at)
    if first.last_seen_at != second.last_seen_at:
        newer = max(first, second, key=lambda claim: claim.last_seen_at)
        return replace(newer, first_seen_at=first_seen_at)
    return replace(
        first,
        first_seen_at=first_seen_at,
        confidence=max(first.confidence, second.confidence),
        attributes=hardest_attributes(first.attributes, second.attributes),
    )


def merge_claims(claims: Iterable[DependencyClaim], now: datetime) -> Dependency | None:
    """The dependency that these claims on one pair amount to at ``now``; None when there is no claim.

    Confidence is 1 − Π(1 − c·freshness). A source that has outlived its time to live speaks only where no
    fresh one does. The dependency is stale when all of them have.

    Raises:
        ValueError: the claims are of different pairs.
    """
    stated_claims = tuple(claims)
    if len(stated_claims) == 1:  # nearly always: nothing has to be ranked
        return _alone(stated_claims[0], now)
    by_source: dict[DiscoverySource, DependencyClaim] = {}
    for claim in stated_claims:
        known = by_source.get(claim.source)
        by_source[claim.source] = claim if known is None else join_claims(known, claim)
    if not by_source:
        return None
    joined = tuple(by_source[source] for source in DiscoverySource if source in by_source)
    caller, dependency = joined[0].caller, joined[0].dependency
    if any((claim.caller, claim.dependency) != (caller, dependency) for claim in joined):
        raise ValueError("claims of different pairs cannot be merged")

    fresh = {claim.source: freshness(claim, now) for claim in joined}
    stated = _ranked(joined, _STATED_PRECEDENCE, fresh)
    measured = _ranked(joined, _MEASURED_PRECEDENCE, fresh)
    mode: DependencyMode | None = _first_stated(stated, "mode")
    criticality: DependencyCriticality | None = _first_stated(stated, "criticality")
    grouped = next((a for a in stated if a.redundancy_group is not None), None)
    doubt = 1.0
    for claim in joined:
        doubt *= 1.0 - claim.confidence * fresh[claim.source]
    assumed = [name for name, value in (("mode", mode), ("criticality", criticality)) if value is None]
    return Dependency(
        caller=caller,
        dependency=dependency,
        mode=mode or DependencyMode.SYNC,
        criticality=criticality or DependencyCriticality.HARD,
        assumed=tuple(assumed),
        protocol=_first_stated(stated, "protocol"),
        timeout_ms=_first_stated(stated, "timeout_ms"),
        retry_config=_first_stated(stated, "retry_config"),
        call_weight=_first_stated(measured, "call_weight"),
        redundancy_group=grouped.redundancy_group if grouped else None,
        required=grouped.required if grouped else None,
        confidence=1.0 - doubt,
        is_stale=all(value <= 0.0 for value in fresh.values()),
        last_observed_at=max(claim.last_seen_at for claim in joined),
        claims=joined,
    )


_NOTHING_ASSUMED: tuple[str, ...] = ()


def _alone(claim: DependencyClaim, now: datetime) -> Dependency:
    """The dependency that one claim amounts to: what :func:`merge_claims` makes of it, a few times faster."""
    stated = claim.attributes
    fresh = freshness(claim, now)
    mode, criticality = stated.mode, stated.criticality
    assumed = _NOTHING_ASSUMED
    if mode is None or criticality is None:
        assumed = tuple(name for name, value in (("mode", mode), ("criticality", criticality)) if value is None)
    return Dependency(
        claim.caller,
        claim.dependency,
        mode or DependencyMode.SYNC,
        criticality or DependencyCriticality.HARD,
        assumed,
        stated.protocol,
        stated.timeout_ms,
        stated.retry_config,
        stated.call_weight,
        stated.redundancy_group,
        None if stated.redundancy_group is None else stated.required,
        1.0 - (1.0 - claim.confidence * fresh),
        fresh <= 0.0,
        claim.last_seen_at,
        (claim,),
    )


def _ranked(
    claims: Sequence[DependencyClaim],
    precedence: Sequence[DiscoverySource],
    fresh: Mapping[DiscoverySource, float],
) -> tuple[EdgeAttributes, ...]:
    rank = {source: position for position, source in enumerate(precedence)}
    ordered = sorted(claims, key=lambda claim: (fresh[claim.source] <= 0.0, rank[claim.source]))
    return tuple(claim.attributes for claim in ordered)


def _first_stated(ranked: Sequence[EdgeAttributes], name: str) -> Any:
    for attributes in ranked:
        value = getattr(attributes, name)
        if value is not None:
            return value
    return None
