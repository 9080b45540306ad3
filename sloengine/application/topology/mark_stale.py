"""Notice dependencies that no source has seen for their time to live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import batched

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.merge_ingestion import EDGES_PER_BATCH, GRAPH_LOCK, GRAPH_LOCK_SECONDS
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.merging import merge_claims

_CONFIDENCE_STEP = 0.01
"""Confidence fades every hour; it is written when it has faded by so much, or the edge turns stale."""


@dataclass(frozen=True, slots=True)
class MarkStale:
    """Merge the claims again as of now; run hourly, safe to run twice."""

    graph: ServiceGraph
    cache: RecommendationCache
    locks: Locks
    condensing: Condensing
    clock: Clock

    async def __call__(self) -> int:
        """How many dependencies changed in more than confidence. Raises ``Conflict`` while a merge runs."""
        async with self.locks.hold(GRAPH_LOCK, ttl_seconds=GRAPH_LOCK_SECONDS) as got:
            if not got:
                raise Conflict("the graph is being written by somebody else; try again shortly")
            return await self._remerge()

    async def _remerge(self) -> int:
        now = self.clock.now()
        graph = await self.graph.snapshot(anew=True)
        changes = 0
        for edges in batched(graph.dependencies, EDGES_PER_BATCH):
            claims = await self.graph.claims_between([edge.pair for edge in edges])
            merged: list[Dependency] = []
            for edge in edges:
                fresh = merge_claims(claims.get(edge.pair, ()), now)
                if fresh is None:
                    continue
                differs = _meaning(fresh) != _meaning(edge)
                changes += differs
                if differs or abs(fresh.confidence - edge.confidence) >= _CONFIDENCE_STEP:
                    merged.append(fresh)
            if merged:
                await self.graph.write_batch(
                    ingestion_id=f"staleness-{now.isoformat()}",
                    services=(),
                    claims=(),
                    merged=merged,
                    withdrawn=(),
                    removed=(),
                    now=now,
                )
        # Always: a run that died before this point left changes that no longer look like any.
        _, version = await self.condensing(changed=changes > 0)
        if version != graph.version:
            await self.cache.invalidate(None)
        return changes


def _meaning(edge: Dependency) -> Dependency:
    return replace(edge, confidence=0.0, last_observed_at=None, claims=())
