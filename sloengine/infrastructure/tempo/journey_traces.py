"""``JourneyTraces`` over TraceQL search: which services whole requests passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sloengine.application.ports.journey_traces import TracedSample
from sloengine.domain.journeys.derive import TracedRequest
from sloengine.infrastructure.tempo.client import TempoClient, TempoRefused

QUERY = "{ nestedSetParent < 0 || kind = client } | select(span.peer.service)"
"""First spans, so that a request which calls nobody is found as well and shares are of all requests; and calls,
with whom they go to: a database that sends no spans of its own is known by its callers only."""
PLAIN_QUERY = "{ kind = client } | select(span.peer.service)"
"""For a Tempo that does not know ``nestedSetParent`` (grafana/tempo#3497). The answer to this
one is recorded from a real Tempo; that to the first query is not."""
ONLY_CALLERS = (
    "this Tempo does not take queries for first spans, so only requests that call another service were found: "
    "shares of routes are of those"
)
SPANS_OF_TRACE = 100
_UNKNOWN_ROOT = "<root span not yet received>"


class TempoJourneyTraces(TempoClient):
    """Keeps the ``JourneyTraces`` port. A trace whose first span has not arrived is left out."""

    async def sample(self, limit: int, from_at: datetime, to_at: datetime) -> TracedSample:
        """What one search finds; a second one where the first is not understood."""
        try:
            return TracedSample(await self._found(QUERY, limit, from_at, to_at))
        except TempoRefused:
            return TracedSample(await self._found(PLAIN_QUERY, limit, from_at, to_at), (ONLY_CALLERS,))

    async def _found(
        self, query: str, limit: int, from_at: datetime, to_at: datetime
    ) -> tuple[TracedRequest, ...]:
        answer = await self.ask(
            "/api/search",
            {
                "q": query,
                "limit": str(limit),
                "spss": str(SPANS_OF_TRACE),
                "start": str(int(from_at.timestamp())),
                "end": str(int(to_at.timestamp())),
            },
        )
        found = (_request_of(trace) for trace in answer.get("traces") or ())
        return tuple(request for request in found if request is not None)[:limit]


def _request_of(trace: Mapping[str, Any]) -> TracedRequest | None:
    root = trace.get("rootServiceName")
    if not isinstance(root, str) or not root or root == _UNKNOWN_ROOT:
        return None
    services: dict[str, None] = {root: None}
    stats = trace.get("serviceStats")
    for service in stats if isinstance(stats, dict) else ():
        services[str(service)] = None
    for spans in trace.get("spanSets") or ():
        for span in spans.get("spans") or ():
            for attribute in span.get("attributes") or ():
                peer = (attribute.get("value") or {}).get("stringValue")
                if attribute.get("key") == "peer.service" and peer:
                    services[str(peer)] = None
    operation = trace.get("rootTraceName")
    return TracedRequest(root, operation if isinstance(operation, str) and operation else "", tuple(services))
