"""``truth.json``: what is true of a simulated organisation, in the names of the API where it has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from sloengine.domain.simulation.blocks import EPOCH
from sloengine.domain.simulation.chronicle import incidents, shifts
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.truth import Truth, truth
from sloengine.domain.simulation.windows import coming_availability

COMING_DAYS = (7, 28, 30, 90)


def write_truth(path: Path, organisation: Organisation, from_hour: int, to_hour: int, provenance: str) -> None:
    """Write the truth of the history [from_hour, to_hour) and of the windows that come after it."""
    shape = truth_shape(organisation, from_hour, to_hour)
    path.write_bytes(orjson.dumps({"provenance": provenance, **shape}, option=orjson.OPT_INDENT_2))


def truth_shape(organisation: Organisation, from_hour: int, to_hour: int) -> dict[str, Any]:
    """The truth as JSON. Ratios are 0 to 1, times ISO 8601."""
    stated = truth(organisation, to_hour)
    coming = coming_availability(organisation, to_hour, COMING_DAYS)
    return {
        "from": time_text(from_hour),
        "asOf": time_text(to_hour),
        "services": [
            _service(organisation, stated, place, {days: coming[days][place] for days in COMING_DAYS})
            for place in range(len(organisation.topology.services))
        ],
        "calls": [
            {
                "caller": call.caller,
                "dependency": call.dependency,
                "callsPerRequest": organisation.topology.calls_per_request(call),
                "passThrough": call.pass_through,
                "redundancyGroup": call.group,
                "required": call.required if call.group else None,
            }
            for call in organisation.topology.calls
        ],
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
            }
            for service_id, shift in shifts(organisation)
        ],
    }


def time_text(hour: float) -> str:
    """ISO 8601 of so many hours since 1970, to the second."""
    at: datetime = (EPOCH + timedelta(seconds=round(hour * 3600))).astimezone(UTC)
    return at.isoformat().replace("+00:00", "Z")


def _service(
    organisation: Organisation, stated: Truth, place: int, coming: dict[int, float | None]
) -> dict[str, Any]:
    service = organisation.topology.services[place]
    service_id = service.service_id
    profile = organisation.profiles[service_id]
    return {
        "serviceId": service_id,
        "zone": service.zone,
        "monitored": service.monitored,
        "baseFailureRatio": profile.base_failure_ratio,
        "incidentsPerDay": profile.incidents_per_day,
        "severityMedian": profile.severity_median,
        "latencyMedianSeconds": profile.latency_median_seconds,
        "longRun": {
            "availabilityRatio": stated.availability_ratio[service_id],
            "standardError": stated.standard_error[service_id],
            "intrinsicAvailabilityRatio": stated.intrinsic_availability_ratio[service_id],
        },
        "comingWindows": [{"days": days, "availabilityRatio": ratio} for days, ratio in coming.items()],
    }
