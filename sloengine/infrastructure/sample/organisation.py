"""What the sample organisation declares of itself, and how it truly behaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from sloengine.domain.simulation.blocks import hour_of
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.topology import SimulatedCall, SimulatedService, SimulatedTopology

SAMPLE_SEED = 7
SAMPLE_HISTORY = timedelta(days=90)

_HERE = Path(__file__).parent


def sample_provenance(seed: int = SAMPLE_SEED) -> str:
    """What every number of the sample is to be labelled with."""
    return f"simulated sample organisation, seed {seed}"


def sample_document(seed: int = SAMPLE_SEED) -> dict[str, Any]:
    """The sample's graph as an ingestion document; every service's metadata says that it is simulated."""
    document = _declared()
    metadata = {"simulated": True, "provenance": sample_provenance(seed)}
    return {
        "services": [{**row, "metadata": metadata} for row in document["services"]],
        "dependencies": [dict(row) for row in document["dependencies"]],
    }


def sample_origin(now: datetime) -> datetime:
    """Monday of the week of ``now``, 00:00 UTC: what is new in the sample is dated from it.

    All processes agree on it without telling each other, and it stays put for a week.
    """
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def sample_organisation(seed: int, origin_at: datetime) -> Organisation:
    """The sample as it is simulated; the newborn service comes to life some days before ``origin_at``."""
    behaviour = _behaviour()
    declared = {(row["caller"], row["dependency"]): row for row in _declared()["dependencies"]}
    origin_hour = hour_of(origin_at)
    services = tuple(
        SimulatedService(
            service_id=row["serviceId"],
            arrivals_per_hour=row.get("arrivalsPerHour", 0.0),
            zone=row["zone"],
            monitored=row.get("monitored", True),
            success_always_zero=row.get("successAlwaysZero", False),
            missing_ratio=row.get("missingRatio", 0.0),
            born_at_hour=origin_hour - 24 * row["newbornDays"] if "newbornDays" in row else None,
            base_failure_ratio=row.get("baseFailureRatio"),
            incidents_per_day=row.get("incidentsPerDay"),
            severity_median=row.get("severityMedian"),
            latency_median_seconds=row.get("latencyMedianSeconds"),
        )
        for row in behaviour["services"]
    )
    calls = tuple(
        SimulatedCall(
            caller=row["caller"],
            dependency=row["dependency"],
            calls_per_request=row["callsPerRequest"],
            pass_through=row["passThrough"],
            group=declared[row["caller"], row["dependency"]].get("redundancyGroup"),
            required=declared[row["caller"], row["dependency"]].get("required", 1),
            waits=declared[row["caller"], row["dependency"]].get("mode") != "ASYNC",
        )
        for row in behaviour["calls"]
    )
    return Organisation(SimulatedTopology(services, calls), Parameters(**behaviour["parameters"]), seed)


@cache
def _declared() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads((_HERE / "organisation.json").read_bytes())
    return document


@cache
def _behaviour() -> dict[str, Any]:
    behaviour: dict[str, Any] = orjson.loads((_HERE / "behaviour.json").read_bytes())
    return behaviour
