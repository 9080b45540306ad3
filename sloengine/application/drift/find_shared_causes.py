"""Which drift events have one cause. Every role may."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.ports.drift_store import DriftStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.drift.together import LOOKED_BACK, TOGETHER, Onset, SharedCause, shared_causes

_LATEST = timedelta(days=8)
"""A change is dated back by a week at most when it is detected."""


@dataclass(frozen=True, slots=True)
class FindSharedCauses:
    """Worked out when asked, on the graph as it is, so that an event found later joins those found before."""

    store: DriftStore
    graph: ServiceGraph

    async def __call__(self, onsets: Sequence[Onset]) -> Mapping[Onset, SharedCause]:
        """By onset; those that share their cause with no other service are absent. Two reads for any number."""
        if not onsets:
            return {}
        first = min(one.started_at for one in onsets) - LOOKED_BACK - TOGETHER
        last = max(one.started_at for one in onsets) + TOGETHER + _LATEST
        every = await self.store.onsets(first, last)
        involved = {one.service_id for one in every}
        edges = (await self.graph.snapshot()).edges_by_caller
        called = {key: [edge.dependency for edge in edges.get(key, ())] for key in involved}
        # An outage of a zone has thousands of events, and others ask meanwhile.
        causes = await asyncio.to_thread(shared_causes, every, called)
        by_event = {key: cause for cause in causes for key in cause.event_ids}
        return {one: by_event[one.event_id] for one in onsets if one.event_id in by_event}
