"""Merge one ingestion into the graph."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched
from typing import Any

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.service_graph import ClaimCounts, ServiceGraph
from sloengine.application.topology.condensing import Condensing
from sloengine.domain.errors import Conflict, NotFound, Unavailable
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.domain.topology.merging import join_claims, merge_claims
from sloengine.domain.topology.rows import DependencyRow, ServiceRow
from sloengine.domain.topology.service import Service
from sloengine.domain.topology.validation import CheckedRows, check_rows

GRAPH_LOCK = "graph"
GRAPH_LOCK_SECONDS = 15.0
EDGES_PER_BATCH = 2_000
SERVICES_PER_BATCH = 1_000
CALLERS_BY_NAME = 500
"""More are not named in the message that asks for their divergences: then all are looked at."""
MERGED_SHARE = 0.9
"""Progress when all rows are merged; the rest is condensation."""

_PERSONS = (DiscoverySource.MANUAL, DiscoverySource.BACKSTAGE)
_log = logging.getLogger(__name__)

type Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Stated:
    """The payload, read."""

    source: DiscoverySource
    observed_at: datetime
    complete: bool
    rows: CheckedRows
    named_callers: tuple[str, ...]
    listed: frozenset[Pair]


@dataclass(slots=True)
class _Noted:
    """``callers`` of which anything was said; rows that a later complete list of their source does not have."""

    callers: set[str] = field(default_factory=set)
    count: int = 0
    first: Pair | None = None

    def add_outdated(self, pair: Pair) -> None:
        self.count += 1
        self.first = self.first or pair

    def warnings(self) -> tuple[str, ...]:
        if self.first is None:
            return ()
        return (
            f"{self.count} rows were observed before a complete list of this source that does not have them, and"
            f" were not taken, such as {self.first[0]} → {self.first[1]}.",
        )


@dataclass(frozen=True, slots=True)
class MergeIngestion:
    """Run by the worker; safe to run twice, from any point at which an earlier run died.

    Every batch is one transaction and writes values, not differences, so a batch that was written already is
    written again without effect; the graph version moves at the end, once all of it is in. One merge at a time
    runs across all processes. ``load``: bytes as stored at submission to plain JSON values.
    """

    store: IngestionStore
    graph: ServiceGraph
    cache: RecommendationCache
    locks: Locks
    condensing: Condensing
    clock: Clock
    load: Callable[[bytes], Any]
    queue: JobQueue
    edges_per_batch: int = EDGES_PER_BATCH

    async def __call__(self, ingestion_id: str) -> Ingestion:
        """The ingestion as it ended; one that had ended before is left as it is.

        Raises ``NotFound``; ``Conflict`` while another merge runs; ``Unavailable`` when a store is away. After
        the last two it is to be run again.
        """
        async with self.locks.hold(GRAPH_LOCK, ttl_seconds=GRAPH_LOCK_SECONDS) as got:
            if not got:
                raise Conflict("the graph is being written by somebody else; try again shortly")
            ingestion = (await self.store.get([ingestion_id])).get(ingestion_id)
            if ingestion is None:
                raise NotFound(f"no ingestion {ingestion_id!r}")
            if ingestion.status in (JobStatus.SUCCEEDED, JobStatus.FAILED):
                return ingestion
            try:
                return await self._merge(ingestion)
            except Unavailable:
                raise
            except Exception as error:
                _log.exception("ingestion %s failed", ingestion_id)
                return await self._end(ingestion, JobStatus.FAILED, error=f"{type(error).__name__}: {error}")

    async def _merge(self, ingestion: Ingestion) -> Ingestion:
        payload = await self.store.payload(ingestion.ingestion_id)
        if payload is None:
            return await self._end(
                ingestion, JobStatus.FAILED, error="its rows are no longer stored: send them again"
            )
        now = self.clock.now()
        resumed = ingestion.status is JobStatus.RUNNING
        stated = await asyncio.to_thread(self._read, payload, ingestion.submitted_at or now)
        rows = stated.rows
        ingestion = replace(
            ingestion,
            status=JobStatus.RUNNING,
            started_at=ingestion.started_at or now,
            accepted=rows.accepted,
            rejected=rows.rejected,
            warnings=rows.warnings,
        )
        await self.store.save(ingestion)
        # What an earlier run wrote no longer looks changed, so a resumed run counts as one that changed the graph.
        changed = resumed
        services = list(batched(rows.services, SERVICES_PER_BATCH))
        edges = list(batched(rows.dependencies, self.edges_per_batch))
        steps = len(services) + len(edges) + stated.complete
        counts = ClaimCounts()
        noted = _Noted(set(stated.named_callers) if stated.complete else set())
        for done, chunk in enumerate(services, start=1):
            counts, different = await self._write_services(ingestion.ingestion_id, stated.source, chunk, now)
            changed = changed or different
            ingestion = await self._progress(ingestion, counts, done / steps)
        for done, batch in enumerate(edges, start=1 + len(services)):
            counts = await self._write_edges(ingestion.ingestion_id, stated, batch, now, noted)
            ingestion = await self._progress(ingestion, counts, done / steps)
        if stated.complete:
            counts = await self._withdraw(ingestion.ingestion_id, stated, now, counts, noted)
            ingestion = await self._progress(ingestion, counts, 1.0)
        changed = changed or counts != ClaimCounts()
        ingestion = replace(ingestion, warnings=(*ingestion.warnings, *noted.warnings()))
        cycles, version = await self.condensing(changed=changed)
        if changed:
            await self.cache.invalidate(None)
        ended = await self._end(
            replace(ingestion, cycles=cycles, graph_version=version), JobStatus.SUCCEEDED, error=None
        )
        await self._follow_up(noted.callers)
        return ended

    async def _follow_up(self, callers: set[str]) -> None:
        """Have divergences of these callers looked for; where nobody can be asked, the hourly run finds them."""
        wanted = sorted(callers) if len(callers) <= CALLERS_BY_NAME else None
        if wanted == []:
            return
        try:
            await self.queue.enqueue("topology.detect_divergences", callers=wanted)
        except Unavailable as error:
            _log.warning("divergences are looked for within the hour: %s", error.message)

    def _read(self, payload: bytes, submitted_at: datetime) -> _Stated:
        document = self.load(payload)
        services, dependencies = document["services"], document["dependencies"]
        observed_at = document["observedAt"]
        return _Stated(
            source=DiscoverySource(document["source"]),
            observed_at=submitted_at if observed_at is None else datetime.fromisoformat(observed_at),
            complete=document["complete"],
            rows=check_rows(services, dependencies),
            named_callers=tuple(_texts(services, "serviceId")),
            # A row that was refused is still listed: a typing mistake must not withdraw a dependency.
            listed=frozenset(
                (row["caller"], row["dependency"])
                for row in dependencies
                if isinstance(row, Mapping)
                and isinstance(row.get("caller"), str)
                and isinstance(row.get("dependency"), str)
            ),
        )

    async def _write_services(
        self, ingestion_id: str, source: DiscoverySource, rows: Sequence[ServiceRow], now: datetime
    ) -> tuple[ClaimCounts, bool]:
        existing = await self.graph.services([row.service_id for row in rows])
        by_person = source in _PERSONS
        services: list[Service] = []
        for row in rows:
            before = existing.get(row.service_id)
            after = row.onto(before, now)
            discovered = not by_person and (before is None or before.discovered)
            services.append(replace(after, discovered=discovered))
        different = any(
            existing.get(service.service_id) != replace(service, updated_at=_updated_at(existing, service))
            for service in services
        )
        counts = await self.graph.write_batch(
            ingestion_id=ingestion_id,
            services=services,
            claims=(),
            merged=(),
            withdrawn=(),
            removed=(),
            now=now,
        )
        return counts, different

    async def _write_edges(
        self,
        ingestion_id: str,
        stated: _Stated,
        rows: Sequence[DependencyRow],
        now: datetime,
        noted: _Noted,
    ) -> ClaimCounts:
        new = [row.claim(stated.source, stated.observed_at) for row in rows]
        pairs = [(claim.caller, claim.dependency) for claim in new]
        existing = await self.graph.claims_between(pairs)
        callers = {claim.caller for claim in new}
        noted.callers.update(callers)
        listed_at = await self.graph.listed_at(stated.source, sorted(callers))
        claims: list[DependencyClaim] = []
        merged: list[Dependency] = []
        for claim, pair in zip(new, pairs, strict=True):
            others = [known for known in existing.get(pair, ()) if known.source is not stated.source]
            own = next((known for known in existing.get(pair, ()) if known.source is stated.source), None)
            listed = listed_at.get(claim.caller)
            if listed is not None and claim.last_seen_at < listed:
                # A later list of all that the source knows has spoken of it: whichever of the two comes first.
                if own is None:
                    noted.add_outdated(pair)
                if own is None or own.last_seen_at >= listed:
                    continue
            joined = claim if own is None else join_claims(own, claim)
            claims.append(joined)
            dependency = merge_claims([joined, *others], now)
            if dependency is not None:
                merged.append(dependency)
        return await self.graph.write_batch(
            ingestion_id=ingestion_id,
            services=(),
            claims=claims,
            merged=merged,
            withdrawn=(),
            removed=(),
            now=now,
        )

    async def _withdraw(
        self, ingestion_id: str, stated: _Stated, now: datetime, counts: ClaimCounts, noted: _Noted
    ) -> ClaimCounts:
        callers = stated.named_callers or None
        await self.graph.note_listing(stated.source, callers, at=stated.observed_at)
        claimed = await self.graph.pairs_claimed_by(stated.source, callers)
        for pairs in batched([pair for pair in claimed if pair not in stated.listed], self.edges_per_batch):
            existing = await self.graph.claims_between(pairs)
            withdrawn: list[tuple[str, str, DiscoverySource]] = []
            removed: list[Pair] = []
            merged: list[Dependency] = []
            for pair, claims in existing.items():
                # What was seen after this list was made, or in the same moment, is not gone.
                rest = [c for c in claims if c.source is not stated.source or c.last_seen_at >= stated.observed_at]
                if len(rest) == len(claims):
                    continue
                withdrawn.append((*pair, stated.source))
                noted.callers.add(pair[0])
                dependency = merge_claims(rest, now)
                if dependency is None:
                    removed.append(pair)
                else:
                    merged.append(dependency)
            counts = await self.graph.write_batch(
                ingestion_id=ingestion_id,
                services=(),
                claims=(),
                merged=merged,
                withdrawn=withdrawn,
                removed=removed,
                now=now,
            )
        return counts

    async def _progress(self, ingestion: Ingestion, counts: ClaimCounts, share: float) -> Ingestion:
        moved = replace(
            ingestion,
            progress=MERGED_SHARE * share,
            services_created=counts.services_created,
            edges_created=counts.edges_created,
            edges_updated=counts.edges_updated,
            edges_removed=counts.edges_removed,
        )
        await self.store.save(moved)
        return moved

    async def _end(self, ingestion: Ingestion, status: JobStatus, *, error: str | None) -> Ingestion:
        progress = 1.0 if status is JobStatus.SUCCEEDED else ingestion.progress
        ended = replace(ingestion, status=status, error=error, progress=progress, finished_at=self.clock.now())
        await self.store.save(ended, drop_payload=True)
        return ended


def _texts(rows: Sequence[Any], name: str) -> list[str]:
    return [row[name] for row in rows if isinstance(row, Mapping) and isinstance(row.get(name), str)]


def _updated_at(existing: Mapping[str, Service], service: Service) -> datetime | None:
    before = existing.get(service.service_id)
    return None if before is None else before.updated_at
