"""``TraceLatency`` over TraceQL metrics: one query for all services."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.infrastructure.tempo.client import TempoClient

QUERY = "{ kind = server } | quantile_over_time(duration, .99) by (resource.service.name)"
"""All services at once: Tempo reads the same blocks whether one is asked for or all."""
_SERVICE = "resource.service.name"
_NANO = 1e9


class TempoTraceLatency(TempoClient):
    """Keeps the ``TraceLatency`` port."""

    async def p99(
        self, service_ids: Collection[str], from_at: datetime, to_at: datetime
    ) -> Mapping[str, PercentileRange]:
        """The power-of-two bucket that holds each service's p99."""
        if not service_ids:
            return {}
        answer = await self.ask(
            "/api/metrics/query",
            {"q": QUERY, "start": str(int(from_at.timestamp())), "end": str(int(to_at.timestamp()))},
        )
        wanted = frozenset(service_ids)
        found = {}
        # No data is an answer without series, or a series without value.
        for series in answer.get("series") or ():
            service_id, seconds = _label(series, _SERVICE), series.get("value")
            if service_id in wanted and isinstance(seconds, int | float) and seconds > 0:
                found[service_id] = bucket_of(float(seconds))
        return found


def bucket_of(seconds: float) -> PercentileRange:
    """The bucket that a quantile of Tempo lies in: it counts durations by powers of two, in nanoseconds.

    A figure inside the bucket is interpolated, and knows no more than the bucket.
    Source: grafana/tempo, pkg/traceql/engine_metrics.go, Log2Bucketize and Log2Quantile.

    >>> str(bucket_of(0.1322)), str(bucket_of(0.134217728))
    ('between 67 and 134 ms', 'between 67 and 134 ms')
    """
    exponent = math.ceil(math.log2(round(seconds * _NANO)))
    return PercentileRange(2.0 ** (exponent - 1) / _NANO, 2.0**exponent / _NANO)


def _label(series: Mapping[str, Any], key: str) -> str | None:
    for label in series.get("labels") or ():
        if label.get("key") == key:
            value = label.get("value", {}).get("stringValue")
            return None if value is None else str(value)
    return None
