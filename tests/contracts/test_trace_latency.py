"""The port on both adapters; Tempo's is a replay of a recorded answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sloengine.application.ports.trace_latency import TraceLatency
from sloengine.domain.errors import Unavailable
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.infrastructure.memory.trace_latency import MemoryTraceLatency
from sloengine.infrastructure.tempo.trace_latency import TempoTraceLatency

UNTIL = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RECORDED = Path(__file__).parents[1] / "infrastructure/tempo/recorded/quantiles-instant.json"
BUCKET = PercentileRange(0.067108864, 0.134217728)


def adapter(kind: str, *, is_down: bool) -> TraceLatency:
    if kind == "memory":
        memory = MemoryTraceLatency(dict.fromkeys(("frontend", "checkout", "payment"), BUCKET))
        memory.is_down = is_down
        return memory
    answer = httpx.Response(503) if is_down else httpx.Response(200, content=RECORDED.read_bytes())
    transport = httpx.MockTransport(lambda _: answer)
    return TempoTraceLatency("http://tempo.test", backoff_seconds=0.001, transport=transport)


@pytest.mark.parametrize("kind", ["memory", "tempo"])
async def test_only_services_asked_for_and_known_are_answered(kind):
    found = await adapter(kind, is_down=False).p99(["checkout", "nobody"], UNTIL - HOUR, UNTIL)

    assert found == {"checkout": BUCKET}


@pytest.mark.parametrize("kind", ["memory", "tempo"])
async def test_a_store_that_does_not_answer_is_unavailable(kind):
    with pytest.raises(Unavailable):
        await adapter(kind, is_down=True).p99(["checkout"], UNTIL - HOUR, UNTIL)
