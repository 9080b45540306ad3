"""``DependencyDiscovery`` from Tempo's traces, by TraceQL metrics.

Sees the calls of client spans that name their peer, and messages of producer spans that name their destination.
Source: grafana.com, docs/tempo/latest/metrics-from-traces/metrics-queries; answers recorded from Tempo 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sloengine.domain.errors import TooLarge
from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency
from sloengine.infrastructure.tempo.client import TempoClient

CALLS = "{ kind = client } | rate() by (resource.service.name, span.peer.service)"
FAILED = "{ kind = client && status = error } | rate() by (resource.service.name, span.peer.service)"
MESSAGES = "{ kind = producer } | rate() by (resource.service.name, span.messaging.destination.name)"
REQUESTS = "{ kind = server } | rate() by (resource.service.name)"
_SERVICE, _PEER, _QUEUE = "resource.service.name", "span.peer.service", "span.messaging.destination.name"
_PIECE = timedelta(hours=3)
"""Tempo refuses metrics over a longer range (``query_frontend.metrics.max_duration``)."""
_LONGEST = timedelta(days=2)
"""64 queries, one after the other: they are waited for in a request."""
_STEP_SECONDS = 60
"""180 points a piece, far from the 11,000 that are refused."""
_ABSENT = frozenset({"", "nil", "<nil>"})

type Key = tuple[str, str]


@dataclass(frozen=True)
class TempoDiscovery:
    """Four queries for every three hours of the range, one after the other."""

    client: TempoClient
    name: str = "tempo"
    source: DiscoverySource = DiscoverySource.OTEL

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """Edges that were called in [since, until); never complete.

        Raises: ``Unavailable``; ``TooLarge`` for more than two days.
        """
        if until - since > _LONGEST:
            raise TooLarge(
                f"Tempo's metrics queries cover three hours each, so at most {_LONGEST.days} days are read at "
                "once: shorten the range, or read service-graph metrics, which have no such limit",
                path=("input", "from"),
            )
        calls = await self._counts(CALLS, _PEER, since, until)
        if not calls:
            return Discovered(
                warnings=("Tempo has no client spans in this range, or has its metrics queries switched off",),
                queries=(CALLS,),
            )
        failed = await self._counts(FAILED, _PEER, since, until)
        messages = await self._counts(MESSAGES, _QUEUE, since, until)
        requests = await self._counts(REQUESTS, None, since, until)
        nameless = sum(count for (_, peer), count in calls.items() if peer in _ABSENT)
        edges = [
            DiscoveredDependency(
                *pair, EdgeAttributes(mode=DependencyMode.SYNC), count, min(failed.get(pair, 0.0), count)
            )
            for pair, count in sorted(calls.items())
            if not _ABSENT.intersection(pair)
        ]
        queued = EdgeAttributes(mode=DependencyMode.ASYNC, protocol="messaging")
        edges += [
            DiscoveredDependency(*pair, queued, count)
            for pair, count in sorted(messages.items())
            if not _ABSENT.intersection(pair)
        ]
        return Discovered(
            dependencies=tuple(edges),
            requests={service: count for (service, _), count in requests.items() if service not in _ABSENT},
            warnings=_nameless(nameless, sum(calls.values())),
            queries=(CALLS, FAILED, MESSAGES, REQUESTS),
        )

    async def _counts(
        self, query: str, other: str | None, since: datetime, until: datetime
    ) -> Mapping[Key, float]:
        """Spans in the range by service and other label; a rate in each minute, times the minute."""
        counts: dict[Key, float] = {}
        at = since
        while at < until:
            end = min(at + _PIECE, until)
            answer = await self.client.ask(
                "/api/metrics/query_range",
                {
                    "q": query,
                    "start": str(int(at.timestamp())),
                    "end": str(int(end.timestamp())),
                    "step": f"{_STEP_SECONDS}s",
                },
            )
            for series in answer.get("series") or ():
                key = _label(series, _SERVICE), "" if other is None else _label(series, other)
                counts[key] = counts.get(key, 0.0) + _STEP_SECONDS * _sum(series)
            at = end
        return {key: count for key, count in counts.items() if count > 0}


def _label(series: Mapping[str, Any], key: str) -> str:
    """The value of a label; labels are OTLP key and value pairs. Empty: it has none."""
    for label in series.get("labels") or ():
        if label.get("key") == key:
            return str(label.get("value", {}).get("stringValue", ""))
    return ""


def _sum(series: Mapping[str, Any]) -> float:
    """A minute without spans is a sample without value."""
    values = (sample.get("value") for sample in series.get("samples") or ())
    return sum(float(value) for value in values if isinstance(value, int | float) and math.isfinite(value))


def _nameless(nameless: float, total: float) -> tuple[str, ...]:
    if not nameless:
        return ()
    return (
        f"{nameless / total:.0%} of the client spans do not name their peer (peer.service), so their calls "
        "are not seen. Service-graph metrics see them",
    )
