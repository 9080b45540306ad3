"""Read services and dependencies from real systems: say what would change, or take it in as an ingestion."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.dependency_discovery import DependencyDiscovery
from sloengine.application.ports.discovery_store import DiscoveryRun, DiscoveryStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.topology.ingest_dependencies import IngestDependencies, IngestDependenciesCommand
from sloengine.application.topology.merge_ingestion import EDGES_PER_BATCH
from sloengine.domain.errors import DomainError, Invalid, Unavailable
from sloengine.domain.governance.authorization import require_admin
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.topology.dependency import DependencyClaim, DiscoverySource
from sloengine.domain.topology.discovered import Discovered, joined
from sloengine.domain.topology.discovery_difference import (
    DiscoveryDifference,
    Pair,
    dependency_changes,
    dependency_row,
    fitting,
    service_changes,
    service_row,
    steady,
)
from sloengine.domain.topology.ingestion import Ingestion
from sloengine.domain.topology.name_reconciliation import Reconciled, reconcile
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES
from sloengine.domain.topology.service import Service

DEFAULT_RANGE = timedelta(days=1)
"""What is called once a day is seen, and what is no longer called goes on ageing after one day."""
MAX_RANGE = timedelta(days=31)
SCHEDULE = Actor("worker:discovery", Role.SRE_ADMIN)
"""Who reads on a schedule: whoever set the schedule may discover."""


@dataclass(frozen=True, slots=True)
class DiscoverDependenciesCommand:
    """``source``: whose claims. ``reading``: only this one of the source's readings (``tempo``); None: all.

    ``since``, ``until``: the range that is read, by default the day before now, to the minute. ``dry_run``: say
    what would change and change nothing.
    """

    source: DiscoverySource
    reading: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class DiscoveryOutcome:
    """``ingestion`` None: a dry run, or nothing to take in."""

    difference: DiscoveryDifference
    ingestion: Ingestion | None


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read and what is known of it. ``claims``: of pairs that were found or that the source claims."""

    reconciled: Reconciled
    claims: Mapping[Pair, Sequence[DependencyClaim]]
    difference: DiscoveryDifference


@dataclass(frozen=True, slots=True)
class DiscoverDependencies:
    """Who may: sre_admin; dry runs too, because they ask outside systems.

    What is found goes the way of every ingestion: durable when it is answered, merged by the worker, safe after
    any crash. Reading the same range twice with the same findings is one ingestion; with other findings the second
    states values again, so that nothing counts twice. A listing says how things stand when it is read, whatever
    the range. ``missing``: by reading, what to set where it is absent.
    """

    discoveries: Sequence[DependencyDiscovery]
    store: DiscoveryStore
    graph: ServiceGraph
    ingest: IngestDependencies
    clock: Clock
    missing: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, command: DiscoverDependenciesCommand, *, actor: Actor) -> DiscoveryOutcome:
        """Raises ``Forbidden``, ``Invalid``, ``Unavailable`` (no such reading configured, or none answers)."""
        require_admin(actor, "discover dependencies")
        chosen = self._chosen(command)
        started_at = self.clock.now()
        since, until = _range(command, started_at)
        run = DiscoveryRun(command.source, started_at, since, until)
        try:
            outcome = await self._discover(command, chosen, run, actor)
        except DomainError as error:
            if not command.dry_run:
                await self.store.note_run(replace(run, error=error.message))
            raise
        if not command.dry_run:
            found = outcome.difference
            await self.store.note_run(
                replace(
                    run,
                    services=len(found.services) + found.services_unchanged,
                    dependencies=found.dependencies_unchanged + found.seen,
                    ingestion_id=None if outcome.ingestion is None else outcome.ingestion.ingestion_id,
                    warnings=found.warnings,
                )
            )
        return outcome

    def _chosen(self, command: DiscoverDependenciesCommand) -> Sequence[DependencyDiscovery]:
        of_source = [one for one in self.discoveries if one.source is command.source]
        chosen = [one for one in of_source if command.reading in (None, one.name)]
        if chosen:
            return chosen
        known = ", ".join(one.name for one in of_source) or "none"
        what = command.reading or command.source.value
        hint = self.missing.get(command.reading or command.source.value, "")
        raise Unavailable(
            f"nothing to discover {what} from; configured for {command.source}: {known}. {hint}".strip()
        )

    async def _discover(
        self,
        command: DiscoverDependenciesCommand,
        chosen: Sequence[DependencyDiscovery],
        run: DiscoveryRun,
        actor: Actor,
    ) -> DiscoveryOutcome:
        since, until = run.since, run.until
        found = await _read_all(chosen, since, until)
        if len(chosen) < sum(one.source is command.source for one in self.discoveries):
            # The source's other readings were not asked.
            found = replace(found, complete=False, complete_for_named=False)
        read = await self._compare(command.source, tuple(one.name for one in chosen), found, since, until)
        if command.dry_run:
            return DiscoveryOutcome(read.difference, None)
        rows = read.reconciled
        if not rows.dependencies and not rows.services:
            # An empty answer is never taken for a complete list: more often it is a right that is missing.
            return DiscoveryOutcome(read.difference, None)
        document = _document(command.source, read, complete=found.complete)
        observed_at = run.started_at if found.is_listing else until
        ingestion = await self.ingest(
            IngestDependenciesCommand(
                source=command.source,
                document=document,
                complete=found.is_listing,
                observed_at=observed_at,
                idempotency_key=_key(command.source, since, observed_at, document, complete=found.is_listing),
            ),
            actor=actor,
        )
        return DiscoveryOutcome(read.difference, ingestion)

    async def _compare(
        self,
        source: DiscoverySource,
        readings: tuple[str, ...],
        found: Discovered,
        since: datetime,
        until: datetime,
    ) -> _Read:
        stored = await self.store.name_rules()
        rules = DEFAULT_NAME_RULES if stored is None else stored.rules
        names = {service.source_name for service in found.services} | set(found.requests)
        names |= {end for call in found.dependencies for end in (call.caller, call.dependency)}
        as_named = await self.graph.services(sorted(names))
        registered = {name for name, service in as_named.items() if not service.discovered}
        rows = await asyncio.to_thread(reconcile, source, found, rules, registered)
        pairs = {(call.caller, call.dependency): None for call in rows.dependencies}
        pairs.update(dict.fromkeys(await self.graph.pairs_claimed_by(source, None)))
        claims: dict[Pair, Sequence[DependencyClaim]] = {}
        for batch in batched(pairs, EDGES_PER_BATCH):
            claims.update(await self.graph.claims_between(batch))
        ends = [end for call in rows.dependencies for end in (call.caller, call.dependency)]
        ids = {service.source_name for service in rows.services} | set(ends)
        existing = {**as_named, **await self.graph.services(sorted(ids - set(as_named)))}
        own = {pair: claim for pair, known in claims.items() for claim in known if claim.source is source}
        warnings = (*rows.warnings, *_entity_warnings(rows, existing))
        rows = replace(
            rows,
            services=tuple(
                fitting(service, existing.get(service.source_name), source) for service in rows.services
            ),
            dependencies=tuple(
                steady(call, own.get((call.caller, call.dependency)), complete=found.is_listing)
                for call in rows.dependencies
            ),
        )
        changes, unchanged = dependency_changes(
            source,
            rows.dependencies,
            claims,
            complete=found.complete,
            complete_for=[one.source_name for one in rows.services] if found.complete_for_named else (),
        )
        services, services_unchanged = service_changes(rows.services, ends, existing)
        difference = DiscoveryDifference(
            source,
            readings,
            since,
            until,
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
        return _Read(rows, claims, difference)


async def _read_all(chosen: Sequence[DependencyDiscovery], since: datetime, until: datetime) -> Discovered:
    """All readings; one that does not answer is a warning while another does."""
    answers = await asyncio.gather(*(one.discover(since, until) for one in chosen), return_exceptions=True)
    readings: list[Discovered] = []
    failures: list[Unavailable] = []
    for one, answer in zip(chosen, answers, strict=True):
        if isinstance(answer, Unavailable):
            failures.append(Unavailable(f"{one.name}: {answer.message}"))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            readings.append(answer)
    if failures and (not readings or any(reading.is_listing for reading in readings)):
        raise failures[0]
    complete = all(reading.complete for reading in readings)
    # What one reading would need to know anything is of no interest while another one knows.
    found = joined([reading for reading in readings if _knows(reading)] or readings)
    return replace(
        found,
        complete=complete,
        complete_for_named=not complete and all(reading.is_listing for reading in readings),
        warnings=(*found.warnings, *(failure.message for failure in failures)),
    )


def _knows(reading: Discovered) -> bool:
    return bool(reading.services or reading.dependencies)


def _range(command: DiscoverDependenciesCommand, now: datetime) -> tuple[datetime, datetime]:
    """To the minute, so that a retry asks for the same."""
    this_minute = now.replace(second=0, microsecond=0)
    until = min(_utc(command.until) or this_minute, this_minute)
    since = _utc(command.since) or until - DEFAULT_RANGE
    if since >= until:
        raise Invalid("from must lie before to, and before now", path=("input", "from"))
    if until - since > MAX_RANGE:
        raise Invalid(f"at most {MAX_RANGE.days} days are read at once", path=("input", "from"))
    return since, until


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _document(source: DiscoverySource, read: _Read, *, complete: bool) -> dict[str, Any]:
    services = {service.source_name: service_row(service) for service in read.reconciled.services}
    if complete:
        # An ingestion withdraws of the callers it names, so all must be named, those that are gone as well.
        gone = [
            caller
            for (caller, _), claims in read.claims.items()
            if any(claim.source is source for claim in claims)
        ]
        for caller in [*(call.caller for call in read.reconciled.dependencies), *gone]:
            services.setdefault(caller, {"serviceId": caller})
    return {
        "services": [services[service_id] for service_id in sorted(services)],
        "dependencies": [
            dependency_row(call)
            for call in sorted(read.reconciled.dependencies, key=lambda one: (one.caller, one.dependency))
        ],
    }


def _key(
    source: DiscoverySource, since: datetime, until: datetime, document: Mapping[str, Any], *, complete: bool
) -> str:
    text = json.dumps([document, complete], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f"discover {source} {since.isoformat()} {until.isoformat()} {digest}"


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
    return warnings[:20]
