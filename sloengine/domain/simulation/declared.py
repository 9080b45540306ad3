"""A simulated topology from what an ingestion document declares, taken at its word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sloengine.domain.simulation.topology import SimulatedCall, SimulatedService, SimulatedTopology

_PASS_THROUGH = {"HARD": 1.0, "DEGRADED": 0.5, "SOFT": 0.1}


def topology_of(
    document: Mapping[str, Any],
    arrivals_per_hour: float = 1000.0,
    pass_through: Mapping[tuple[str, str], float] | None = None,
    zones: tuple[str, ...] = ("a", "b", "c"),
) -> SimulatedTopology:
    """The services and calls of an ingestion document, which must be free of mistakes.

    Requests arrive at the services that nobody calls (at the first one, when each has a caller). External services
    have no telemetry of their own. Unstated mode, criticality and call weight are SYNC, HARD and 1. Timeouts and
    ``retryConfig.attempts`` count where a call is not in a group.
    ``pass_through``: the truth where it differs from what is declared.
    """
    rows = document.get("dependencies", ())
    stated = {row["serviceId"]: row for row in document.get("services", ())}
    ids = dict.fromkeys([*stated, *(row[end] for row in rows for end in ("caller", "dependency"))])
    called = {row["dependency"] for row in rows}
    entries = [service_id for service_id in ids if service_id not in called] or list(ids)[:1]
    services = tuple(
        SimulatedService(
            service_id=service_id,
            arrivals_per_hour=arrivals_per_hour if service_id in entries else 0.0,
            zone=zones[place % len(zones)],
            monitored=not stated.get(service_id, {}).get("external", False),
        )
        for place, service_id in enumerate(ids)
    )
    return SimulatedTopology(services, tuple(_call(row, pass_through or {}) for row in rows))


def _call(row: Mapping[str, Any], pass_through: Mapping[tuple[str, str], float]) -> SimulatedCall:
    is_async = row.get("mode") == "ASYNC"
    grouped = row.get("redundancyGroup") is not None
    declared = 0.0 if is_async else _PASS_THROUGH[row.get("criticality") or "HARD"]
    return SimulatedCall(
        caller=row["caller"],
        dependency=row["dependency"],
        calls_per_request=row.get("callWeight") or 1.0,
        pass_through=pass_through.get((row["caller"], row["dependency"]), declared),
        group=row.get("redundancyGroup"),
        required=row.get("required") or 1,
        waits=not is_async,
        attempts=1 if grouped else _attempts(row),
        timeout_seconds=None if grouped or not row.get("timeoutMs") else row["timeoutMs"] / 1000,
    )


def _attempts(row: Mapping[str, Any]) -> int:
    return max(1, int(float((row.get("retryConfig") or {}).get("attempts") or 1)))
