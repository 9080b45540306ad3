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
from sloengine.domain.errors import Conflict, DomainError, Invalid, TooLarge, Unavailable
from sloengine.domain.governance.authorization import require_admin
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.topology.dependency import DependencyClaim, DiscoverySource
from sloengine.domain.topology.discovered import Discovered, joined
from sloengine.domain.topology.discovery_comparison import Compared, Reading, compare
from sloengine.domain.topology.discovery_difference import DiscoveryDifference, Pair
from sloengine.domain.topology.ingestion import Ingestion
from sloengine.domain.topology.name_reconciliation import reconcile
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES

DEFAULT_RANGE = timedelta(days=1)
"""What is called once a day is seen, and what is no longer called goes on ageing after one day."""
MAX_RANGE = timedelta(days=31)
LONGEST_READING = timedelta(minutes=5)
"""Somebody may wait for it in a request."""
_ATTEMPTS = 3
"""Two sources may be read at once, and see new names of the same service."""
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
    longest_reading: timedelta = LONGEST_READING

    async def __call__(self, command: DiscoverDependenciesCommand, *, actor: Actor) -> DiscoveryOutcome:
        """What was found.

        Raises ``Forbidden``, ``Invalid``, ``Unavailable`` (no such reading configured, or none answers in time),
        ``TooLarge`` (none answers over this range), ``Conflict`` (other readings decide on the same names).
        """
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
        found = await _read_all(chosen, since, until, self.longest_reading)
        if len(chosen) < sum(one.source is command.source for one in self.discoveries):
            # The source's other readings were not asked.
            found = replace(found, complete=False, complete_for_named=False)
        reading = Reading(command.source, tuple(one.name for one in chosen), since, until, found)
        read = await (self._compare(reading) if command.dry_run else self._decided(reading))
        if command.dry_run:
            return DiscoveryOutcome(read.difference, None)
        if not read.rows.dependencies and not read.rows.services:
            # An empty answer is never taken for a complete list: more often it is a right that is missing.
            return DiscoveryOutcome(read.difference, None)
        # Of the services it names, and where it names none nothing is withdrawn.
        listing = found.complete or (found.complete_for_named and bool(read.rows.services))
        observed_at = run.started_at if found.is_listing else until
        document, digest = await asyncio.to_thread(_document, command.source, read, complete=found.complete)
        kind = "listing" if listing else "range"
        ingestion = await self.ingest(
            IngestDependenciesCommand(
                source=command.source,
                document=document,
                complete=listing,
                observed_at=observed_at,
                idempotency_key=(
                    f"discover {command.source} {kind} {since.isoformat()} {observed_at.isoformat()} {digest}"
                ),
            ),
            actor=actor,
        )
        return DiscoveryOutcome(read.difference, ingestion)

    async def _decided(self, reading: Reading) -> Compared:
        """The comparison. What it decides on names is kept before any of it is taken in, so that nothing moves."""
        attempts = 0
        while True:
            attempts += 1
            read = await self._compare(reading)
            if not read.rows.dependencies and not read.rows.services:
                return read
            try:
                await self.store.remember_names(read.rows.decided)
            except Conflict:
                if attempts == _ATTEMPTS:
                    raise
            else:
                return read

    async def _compare(self, reading: Reading) -> Compared:
        source, found = reading.source, reading.found
        stored, remembered = await self.store.name_rules(), await self.store.remembered_names()
        rules = DEFAULT_NAME_RULES if stored is None else stored.rules
        names = {service.source_name for service in found.services} | set(found.requests)
        names |= {end for call in found.dependencies for end in (call.caller, call.dependency)}
        as_named = await self.graph.services(sorted(names))
        registered = {name for name, service in as_named.items() if not service.discovered}
        rows = await asyncio.to_thread(reconcile, source, found, rules, registered, remembered)
        pairs = {(call.caller, call.dependency): None for call in rows.dependencies}
        pairs.update(dict.fromkeys(await self.graph.pairs_claimed_by(source, None)))
        claims: dict[Pair, Sequence[DependencyClaim]] = {}
        for batch in batched(pairs, EDGES_PER_BATCH):
            claims.update(await self.graph.claims_between(batch))
        ends = [end for call in rows.dependencies for end in (call.caller, call.dependency)]
        ids = {service.source_name for service in rows.services} | set(ends)
        existing = {**as_named, **await self.graph.services(sorted(ids - set(as_named)))}
        # In a thread, because a large graph takes a second, and the loop has other requests.
        return await asyncio.to_thread(compare, reading, rows, claims, existing)


async def _read_all(
    chosen: Sequence[DependencyDiscovery], since: datetime, until: datetime, longest: timedelta
) -> Discovered:
    """All readings; one that does not answer, or not over this range, is a warning while another does."""
    answers = await asyncio.gather(*(_read(one, since, until, longest) for one in chosen), return_exceptions=True)
    readings: list[Discovered] = []
    failures: list[Unavailable | TooLarge] = []
    for one, answer in zip(chosen, answers, strict=True):
        if isinstance(answer, Unavailable | TooLarge):
            failures.append(type(answer)(f"{one.name}: {answer.message}", path=answer.path))
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


async def _read(one: DependencyDiscovery, since: datetime, until: datetime, longest: timedelta) -> Discovered:
    try:
        async with asyncio.timeout(longest.total_seconds()):
            return await one.discover(since, until)
    except TimeoutError as error:
        seconds = longest.total_seconds()
        raise Unavailable(
            f"not read within {seconds:g} seconds: shorten the range, or look why it is slow"
        ) from error


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


def _document(source: DiscoverySource, read: Compared, *, complete: bool) -> tuple[dict[str, Any], str]:
    """The rows of the ingestion, and what tells them from those of another reading of the same range."""
    document = read.document(source, complete=complete)
    return document, hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
