"""``truth.json``: what is true of a simulated organisation, in the names of the API where it has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from sloengine.domain.simulation.blocks import EPOCH, FloatArray
from sloengine.domain.simulation.chronicle import incidents, shifts
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.lived import PERCENTILES, Lived, lived
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.topology import SimulatedCall
from sloengine.domain.simulation.truth import Truth, truth
from sloengine.domain.simulation.windows import coming_windows
from sloengine.infrastructure.files.simulated_law import (
    Playing,
    availability_law,
    latency_law,
    law_about,
    play_laws,
)
from sloengine.infrastructure.files.simulated_pairs import pair_shapes

COMING_DAYS = (7, 28, 30, 90)
LATENCY_DAYS = 28
"""Of the coming windows, the one whose latency is looked up: percentiles take as long as playing."""


def write_truth(
    path: Path,
    organisation: Organisation,
    stretch: Stretch,
    provenance: str,
    playing: Playing,
    progress: Callable[[float], None],
) -> None:
    """Write the truth of the history and of the windows that come after it.

    ``playing``: how often the windows are played for their law, which takes longest; ``progress``: share of it.
    """
    shape = truth_shape(organisation, stretch, playing, progress)
    path.write_bytes(orjson.dumps({"provenance": provenance, **shape}, option=orjson.OPT_INDENT_2))


def truth_shape(
    organisation: Organisation, stretch: Stretch, playing: Playing, progress: Callable[[float], None]
) -> dict[str, Any]:
    """The truth as JSON. Ratios are 0 to 1, times ISO 8601."""
    from_hour, to_hour = stretch.from_hour, stretch.to_hour
    stated = truth(organisation, to_hour)
    happened = lived(organisation, from_hour, to_hour)
    coming = coming_windows(organisation, to_hour, COMING_DAYS).availability_ratio
    coming_seconds = lived(organisation, to_hour, to_hour + 24 * LATENCY_DAYS).latency_seconds
    laws = play_laws(organisation, stretch, COMING_DAYS, LATENCY_DAYS, playing, progress)
    return {
        "from": time_text(from_hour),
        "asOf": time_text(to_hour),
        "law": law_about(playing),
        "services": [
            {
                **_service(organisation, place),
                "longRun": _long_run(stated, service.service_id),
                "history": _history(happened, place, service.service_id),
                "comingWindows": [
                    {
                        "days": days,
                        "availabilityRatio": _known(coming[days][place]),
                        "law": availability_law(laws, days, place),
                    }
                    for days in COMING_DAYS
                ],
                "comingLatency": {
                    "days": LATENCY_DAYS,
                    "latencySeconds": _percentiles(coming_seconds[place]),
                    "law": latency_law(laws, place),
                },
            }
            for place, service in enumerate(organisation.topology.services)
        ],
        "calls": [
            _call(organisation, happened, place, call) for place, call in enumerate(organisation.topology.calls)
        ],
        **pair_shapes(organisation.topology, happened),
        "incidents": [
            {
                "place": one.place,
                "startsAt": time_text(one.incident.starts_at_hour),
                "endsAt": time_text(one.incident.ends_at_hour),
                "severity": one.incident.severity,
                "services": list(one.services),
            }
            for one in incidents(organisation, from_hour, to_hour)
        ],
        "shifts": [
            {
                "serviceId": service_id,
                "at": time_text(shift.at_hour),
                "incidentFactor": shift.incident_factor,
                "baseFailureFactor": shift.base_failure_factor,
                "latencyFactor": shift.latency_factor,
            }
            for service_id, shift in shifts(organisation)
        ],
    }


def time_text(hour: float) -> str:
    """ISO 8601 of so many hours since 1970, to the second."""
    at: datetime = (EPOCH + timedelta(seconds=round(hour * 3600))).astimezone(UTC)
    return at.isoformat().replace("+00:00", "Z")


def _service(organisation: Organisation, place: int) -> dict[str, Any]:
    service = organisation.topology.services[place]
    profile = organisation.profiles[service.service_id]
    return {
        "serviceId": service.service_id,
        "zone": service.zone,
        "monitored": service.monitored,
        "arrivalsPerHour": service.arrivals_per_hour,
        "bornAt": None if service.born_at_hour is None else time_text(service.born_at_hour),
        "baseFailureRatio": profile.base_failure_ratio,
        "incidentsPerDay": profile.incidents_per_day,
        "severityMedian": profile.severity_median,
        "latencyMedianSeconds": profile.latency_median_seconds,
        "utilisation": profile.utilisation,
        "telemetry": {
            "missingRatio": service.missing_ratio,
            "nanRatio": service.nan_ratio,
            "restartsPerDay": service.restarts_per_day,
            "successAlwaysZero": service.success_always_zero,
            "hasHistogram": service.has_histogram,
        },
    }


def _long_run(stated: Truth, service_id: str) -> dict[str, float]:
    return {
        "availabilityRatio": stated.availability_ratio[service_id],
        "standardError": stated.standard_error[service_id],
        "intrinsicAvailabilityRatio": stated.intrinsic_availability_ratio[service_id],
    }


def _history(happened: Lived, place: int, service_id: str) -> dict[str, Any]:
    failed = float(happened.failed_requests[place])
    causes = sorted(happened.causes[service_id].items(), key=lambda one: (-one[1], one[0]))
    return {
        "requests": int(happened.requests[place]),
        "failedRequests": int(failed),
        "ownFailures": int(happened.own_failures[place]),
        "dependencyFailures": round(float(happened.dependency_failures[place]), 3),
        "latencySeconds": _percentiles(happened.latency_seconds[place]),
        "causes": [
            {"serviceId": cause, "failedRequests": round(count, 3), "shareRatio": count / failed}
            for cause, count in causes
            if count > 0
        ],
    }


def _percentiles(seconds: FloatArray) -> dict[str, float | None]:
    return {
        f"p{percentile:.0%}".rstrip("%"): _known(value)
        for percentile, value in zip(PERCENTILES, seconds.tolist(), strict=True)
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _call(organisation: Organisation, happened: Lived, place: int, call: SimulatedCall) -> dict[str, Any]:
    """``failedCalls`` are attempts as the caller sees them, ``hitRequests`` what they did to its requests."""
    return {
        "caller": call.caller,
        "dependency": call.dependency,
        "neededCallsPerRequest": organisation.topology.needed_per_request(call),
        "passThrough": call.pass_through,
        "redundancyGroup": call.group,
        "required": call.required if call.group else None,
        "waits": call.waits,
        "cacheHitRatio": call.cache_hit_ratio,
        "attempts": call.attempts,
        "stickyRatio": call.sticky_ratio,
        "timeoutSeconds": call.timeout_seconds,
        "history": {
            "calls": int(happened.calls[place]),
            "failedCalls": int(happened.failed_calls[place]),
            "timeouts": int(happened.timeouts[place]),
            "hitRequests": round(float(happened.hits[place]), 3),
        },
    }
