"""Merge one ingestion into the graph."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.service_graph import ClaimCounts, ServiceGraph
from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.edge_batches import EdgeBatch, EdgeBatches
from sloengine.application.topology.stated_rows import Noted, Pair, StatedRows, from_lines, read_statement
from sloengine.domain.errors import Conflict, NotFound, Unavailable
from sloengine.domain.topology.dependency import Dependency, DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.domain.topology.merging import merge_claims
from sloengine.domain.topology.rows import ServiceRow
from sloengine.domain.topology.service import Service
from sloengine.domain.topology.team_authority import may_move, team_stays

GRAPH_LOCK = "graph"
GRAPH_LOCK_SECONDS = 15.0
EDGES_PER_BATCH = 2_000
SERVICES_PER_BATCH = 1_000
CALLERS_BY_NAME = 500
"""More are not named in the message that asks for their divergences: then all are looked at."""
PROGRESS_EVERY = timedelta(seconds=0.25)
MERGED_SHARE = 0.9
"""Progress when all rows are merged; the rest is condensation."""

_PERSONS = (DiscoverySource.MANUAL, DiscoverySource.BACKSTAGE)
_log = logging.getLogger(__name__)


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
            warnings=(*stated.warnings, *rows.warnings),
        )
        await self.store.save(ingestion)
        # What an earlier run wrote no longer looks changed, so a resumed run counts as one that changed the graph.
        changed = resumed
        services = list(batched(rows.services, SERVICES_PER_BATCH))
        edges = list(batched(rows.dependencies, self.edges_per_batch))
        steps = len(services) + len(edges) + stated.complete
        counts = ClaimCounts()
        noted = Noted(now, set(stated.named_callers) if stated.complete else set())
        for done, chunk in enumerate(services, start=1):
            counts, different = await self._write_services(
                ingestion.ingestion_id, stated.source, chunk, now, noted
            )
            changed = changed or different
            ingestion = await self._progress(ingestion, counts, done / steps, noted)
        prepared = EdgeBatches(self.graph, stated.source, stated.observed_at, now).ahead(edges)
        async with aclosing(prepared):
            done = len(services)
            async for batch in prepared:
                counts = await self._write_edges(ingestion.ingestion_id, batch, now, noted)
                done += 1
                ingestion = await self._progress(ingestion, counts, done / steps, noted)
        if stated.complete:
            counts = await self._withdraw(ingestion.ingestion_id, stated, now, counts, noted)
            ingestion = await self._progress(ingestion, counts, 1.0, noted)
        changed = changed or counts != ClaimCounts()
        ingestion = replace(ingestion, warnings=(*ingestion.warnings, *noted.warnings()))
        cycles, version = await self.condensing(changed=changed, ingestion_id=ingestion.ingestion_id)
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

    def _read(self, payload: bytes, submitted_at: datetime) -> StatedRows:
        return read_statement(from_lines(payload, self.load), submitted_at)

    async def _write_services(
        self,
        ingestion_id: str,
        source: DiscoverySource,
        rows: Sequence[ServiceRow],
        now: datetime,
        noted: Noted,
    ) -> tuple[ClaimCounts, bool]:
        existing = await self.graph.services([row.service_id for row in rows])
        by_person = source in _PERSONS
        services: list[Service] = []
        for row in rows:
            before = existing.get(row.service_id)
            team = None if before is None or may_move(source) else before.team
            if team is not None and row.team is not None:
                if row.team != team:
                    noted.teams.append(team_stays(row.service_id, team, source, row.team))
                row = replace(row, team=None)  # noqa: PLW2901 - the row as far as its source may say it
            after = row.onto(before, now)
            discovered = not by_person and (before is None or before.discovered)
            services.append(replace(after, discovered=discovered))
        different = [
            service
            for service in services
            if existing.get(service.service_id) != replace(service, updated_at=_updated_at(existing, service))
        ]
        counts = await self.graph.write_batch(
            ingestion_id=ingestion_id,
            services=different,
            claims=(),
            merged=(),
            withdrawn=(),
            removed=(),
            now=now,
        )
        return counts, bool(different)

    async def _write_edges(self, ingestion_id: str, batch: EdgeBatch, now: datetime, noted: Noted) -> ClaimCounts:
        noted.callers.update(batch.callers)
        for pair in batch.outdated:
            noted.add_outdated(pair)
        return await self.graph.write_batch(
            ingestion_id=ingestion_id,
            services=(),
            claims=batch.claims,
            merged=batch.merged,
            withdrawn=(),
            removed=(),
            now=now,
            repeated=batch.repeated,
        )

    async def _withdraw(
        self, ingestion_id: str, stated: StatedRows, now: datetime, counts: ClaimCounts, noted: Noted
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

    async def _progress(self, ingestion: Ingestion, counts: ClaimCounts, share: float, noted: Noted) -> Ingestion:
        """So far; stored when that was not done just before: a save costs a tenth of a batch."""
        moved = replace(
            ingestion,
            progress=MERGED_SHARE * share,
            services_created=counts.services_created,
            edges_created=counts.edges_created,
            edges_updated=counts.edges_updated,
            edges_removed=counts.edges_removed,
        )
        now = self.clock.now()
        if now - noted.progress_at >= PROGRESS_EVERY:
            noted.progress_at = now
            await self.store.save(moved)
        return moved

    async def _end(self, ingestion: Ingestion, status: JobStatus, *, error: str | None) -> Ingestion:
        progress = 1.0 if status is JobStatus.SUCCEEDED else ingestion.progress
        ended = replace(ingestion, status=status, error=error, progress=progress, finished_at=self.clock.now())
        await self.store.save(ended, drop_payload=True)
        return ended


def _updated_at(existing: Mapping[str, Service], service: Service) -> datetime | None:
    before = existing.get(service.service_id)
    return None if before is None else before.updated_at
