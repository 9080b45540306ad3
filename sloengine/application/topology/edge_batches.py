"""What one ingestion states of dependencies, in batches: the next one is made ready while one is being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.topology.stated_rows import Pair
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.merging import all_fresh, join_claims, merge_claims, says_the_same
from sloengine.domain.topology.rows import DependencyRow

ROWS_PER_TURN = 250
"""Rows worked on before other tasks of the event loop have their turn: some milliseconds."""


@dataclass(frozen=True, slots=True)
class EdgeBatch:
    """Claims as they now stand and what they amount to; ``callers`` spoken of; ``outdated`` pairs, not taken.

    ``repeated``: pairs of which only times and confidence are others than stored; when they were last seen.
    """

    claims: list[DependencyClaim]
    merged: list[Dependency]
    callers: frozenset[str]
    outdated: list[Pair]
    repeated: dict[Pair, datetime]


@dataclass(frozen=True, slots=True)
class EdgeBatches:
    """Rows of ``source``, each pair in one of them only, as seen at ``observed_at``.

    A batch may be read while another is written, because they have no pair in common and the graph's lock keeps
    others from writing.
    """

    graph: ServiceGraph
    source: DiscoverySource
    observed_at: datetime
    now: datetime

    async def ahead(self, batches: Sequence[Sequence[DependencyRow]]) -> AsyncGenerator[EdgeBatch]:
        """All of them in turn. Close it when it is left early."""
        callers = {row.caller for rows in batches for row in rows}
        # Lists are noted by merges only, and no other one runs: asked once.
        listed_at = await self.graph.listed_at(self.source, sorted(callers)) if callers else {}
        upcoming: asyncio.Task[EdgeBatch] | None = None
        try:
            for rows in batches:
                ready, upcoming = upcoming, asyncio.create_task(self._prepared(rows, listed_at))
                if ready is not None:
                    yield await ready
            if upcoming is not None:
                yield await upcoming
        finally:
            if upcoming is not None:
                upcoming.cancel()
                await asyncio.wait([upcoming])

    async def _prepared(self, rows: Sequence[DependencyRow], listed_at: Mapping[str, datetime]) -> EdgeBatch:
        """One batch, beside what is known of its pairs."""
        existing = await self.graph.claims_between([(row.caller, row.dependency) for row in rows])
        batch = EdgeBatch([], [], frozenset(row.caller for row in rows), [], {})
        for portion in batched(rows, ROWS_PER_TURN):
            for row in portion:
                claim = row.claim(self.source, self.observed_at)
                known = existing.get((row.caller, row.dependency), ())
                self._add(batch, claim, known, listed_at.get(row.caller))
            await asyncio.sleep(0)
        return batch

    def _add(
        self,
        batch: EdgeBatch,
        claim: DependencyClaim,
        known: Sequence[DependencyClaim],
        listed: datetime | None,
    ) -> None:
        """One row beside the claims ``known`` on its pair; ``listed``: when its source last listed its caller."""
        own = next((one for one in known if one.source is self.source), None)
        if listed is not None and claim.last_seen_at < listed:
            # A later list of all that the source knows has spoken of it: whichever of the two comes first.
            if own is None:
                batch.outdated.append((claim.caller, claim.dependency))
            if own is None or own.last_seen_at >= listed:
                return
        joined = claim if own is None else join_claims(own, claim)
        others = [one for one in known if one.source is not self.source]
        dependency = merge_claims([joined, *others], self.now)
        batch.claims.append(joined)
        if dependency is not None:
            batch.merged.append(dependency)
        if own is not None and says_the_same(own, joined) and all_fresh(known, self.now):
            # With none that has outlived its time to live they were ranked before as they are now.
            batch.repeated[claim.caller, claim.dependency] = own.last_seen_at
