"""A reading under service ids, against the graph: what would change, and the ingestion that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovered import Discovered
from sloengine.domain.topology.discovery_difference import (
    Claims,
    DiscoveryDifference,
    dependency_changes,
    dependency_row,
    fitting,
    service_changes,
    service_row,
    steady,
)
from sloengine.domain.topology.name_decisions import cut
from sloengine.domain.topology.name_reconciliation import Reconciled
from sloengine.domain.topology.service import Service
from sloengine.domain.topology.team_authority import team_stays

_NAMED_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of ``source`` over [since, until), by the readings of these names."""

    source: DiscoverySource
    names: tuple[str, ...]
    since: datetime
    until: datetime
    found: Discovered


@dataclass(frozen=True, slots=True)
class Compared:
    """``rows``: as they are to be claimed. ``claims``: of pairs that were found or that the source claims."""

    rows: Reconciled
    claims: Claims
    difference: DiscoveryDifference

    def document(self, source: DiscoverySource, *, complete: bool) -> dict[str, Any]:
        """The rows of an ingestion, as plain JSON values."""
        services = {service.source_name: service_row(service) for service in self.rows.services}
        if complete:
            # An ingestion withdraws of the callers it names, so all must be named, those that are gone as well.
            gone = [
                caller
                for (caller, _), claims in self.claims.items()
                if any(claim.source is source for claim in claims)
            ]
            for caller in [*(call.caller for call in self.rows.dependencies), *gone]:
                services.setdefault(caller, {"serviceId": caller})
        return {
            "services": [services[service_id] for service_id in sorted(services)],
            "dependencies": [
                dependency_row(call)
                for call in sorted(self.rows.dependencies, key=lambda one: (one.caller, one.dependency))
            ],
        }


def compare(reading: Reading, rows: Reconciled, claims: Claims, existing: Mapping[str, Service]) -> Compared:
    """The rows, fitted to what is there, and what they change.

    ``claims``: of all pairs that were found or that the source claims. ``existing``: the graph's services by id.
    """
    source, found = reading.source, reading.found
    own = {pair: claim for pair, known in claims.items() for claim in known if claim.source is source}
    warnings = (*rows.warnings, *_entity_warnings(rows, existing), *_team_warnings(source, rows, existing))
    rows = replace(
        rows,
        services=tuple(fitting(service, existing.get(service.source_name), source) for service in rows.services),
        dependencies=tuple(
            steady(call, own.get((call.caller, call.dependency)), complete=found.is_listing)
            for call in rows.dependencies
        ),
    )
    ends = [end for call in rows.dependencies for end in (call.caller, call.dependency)]
    changes, unchanged = dependency_changes(
        source,
        rows.dependencies,
        claims,
        complete=found.complete,
        complete_for=frozenset(one.source_name for one in rows.services) if found.complete_for_named else (),
    )
    services, services_unchanged = service_changes(rows.services, ends, existing)
    difference = DiscoveryDifference(
        source,
        reading.names,
        reading.since,
        reading.until,
        found.complete,
        changes,
        unchanged,
        services,
        services_unchanged,
        rows.renamed,
        rows.left_out,
        warnings,
        found.queries,
    )
    return Compared(rows, claims, difference)


def _entity_warnings(rows: Reconciled, existing: Mapping[str, Service]) -> list[str]:
    warnings = []
    for service in rows.services:
        before = existing.get(service.source_name)
        known, found = None if before is None else before.entity_ref, service.entity_ref
        if known and found and known.lower() != found.lower():
            warnings.append(
                f"{service.source_name} is {known} in the graph and {found} here: if they are two, an alias tells "
                "them apart"
            )
    return warnings[:_NAMED_AT_MOST]


def _team_warnings(source: DiscoverySource, rows: Reconciled, existing: Mapping[str, Service]) -> tuple[str, ...]:
    warnings = []
    for service in rows.services:
        before = existing.get(service.source_name)
        if before is None or before.team is None or service.team is None:
            continue
        if before.team != service.team:
            warnings.append(team_stays(service.source_name, before.team, source, service.team))
    return cut(warnings, "more services would have another team")
