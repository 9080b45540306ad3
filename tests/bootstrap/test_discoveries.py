"""Settings to what Prometheus and Tempo are asked for."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from sloengine.bootstrap.discoveries import configured_discoveries
from sloengine.bootstrap.settings import Settings, TelemetryKind


@pytest.mark.parametrize("telemetry", [TelemetryKind.SAMPLE, TelemetryKind.NONE])
async def test_a_prometheus_that_is_named_is_asked_who_calls_whom_whatever_telemetry_comes_from(telemetry):
    settings = Settings(telemetry=telemetry, prometheus_url="http://127.0.0.1:9090", tempo_url=None)

    async with AsyncExitStack() as stack:
        found = configured_discoveries(settings, None, stack)

        assert [one.name for one in found] == ["service-graph", "istio", "hubble"]
        assert len({id(one.client) for one in found}) == 1
