"""What happened when: every incident with the services it hit, and every shift of behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.course import BLOCKS_BACK, Incident
from sloengine.domain.simulation.faults import played_hits, played_own
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.topology import Shift


@dataclass(frozen=True, slots=True)
class ChronicledIncident:
    """``place``: the service, ``zone a`` or ``platform``. ``services``: those it hit, in the topology's order."""

    place: str
    incident: Incident
    services: tuple[str, ...]


def incidents(organisation: Organisation, from_hour: int, to_hour: int) -> list[ChronicledIncident]:
    """All incidents under way in [from_hour, to_hour), by start; shared ones once, with everyone they hit."""
    parameters, course = organisation.parameters, organisation.course
    found: dict[tuple[str, Incident], list[str]] = {}
    for number in range(from_hour // BLOCK_HOURS - BLOCKS_BACK, -(-to_hour // BLOCK_HOURS)):
        for service_id, profile in organisation.profiles.items():
            for incident in played_own(profile, parameters, course, number):
                found[service_id, incident] = [service_id]
            for place, incident in played_hits(profile, parameters, course, number):
                found.setdefault((place, incident), []).append(service_id)
    return sorted(
        (
            ChronicledIncident(place, incident, tuple(services))
            for (place, incident), services in found.items()
            if incident.ends_at_hour > from_hour and incident.starts_at_hour < to_hour
        ),
        key=lambda one: (one.incident.starts_at_hour, one.place),
    )


def shifts(organisation: Organisation) -> list[tuple[str, Shift]]:
    """Every deployment that changed how a service behaves, by time."""
    found = [(name, shift) for name, profile in organisation.profiles.items() for shift in profile.shifts]
    return sorted(found, key=lambda one: (one[1].at_hour, one[0]))
