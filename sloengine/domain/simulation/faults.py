"""What goes wrong by itself: base failures and incidents of a service, its zone and the platform."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np

from sloengine.domain.simulation.blocks import BLOCK_HOURS, Block, FloatArray
from sloengine.domain.simulation.course import BLOCKS_BACK, MAX_INCIDENT_HOURS, Course, Incident
from sloengine.domain.simulation.parameters import Parameters, Profile
from sloengine.domain.simulation.streams import stream


@lru_cache(maxsize=200_000)
def own_incidents(profile: Profile, parameters: Parameters, seed: int, number: int) -> tuple[Incident, ...]:
    """Incidents of one service that start in block ``number``."""
    factors = [shift.incident_factor for shift in profile.shifts]
    highest = max([1.0, *factors])
    rng = stream(seed, "incidents", profile.service_id, number)
    drawn = _incidents(rng, profile.incidents_per_day * highest, profile.severity_median, parameters, number)
    lots = rng.random(len(drawn)) * highest  # an incident stays with the probability of its moment's rate
    return tuple(
        incident
        for incident, lot in zip(drawn, lots.tolist(), strict=True)
        if lot < _factor_at(profile, incident.starts_at_hour)
    )


def played_own(profile: Profile, parameters: Parameters, course: Course, number: int) -> list[Incident]:
    """Incidents of one service that start in block ``number``, as this course of events has them."""
    drawn = [
        incident
        for piece in course.pieces(number)
        for incident in own_incidents(course.as_then(profile, piece), parameters, piece.seed, number)
        if piece.has(incident.starts_at_hour)
    ]
    return course.going_on(drawn, profile.service_id, parameters)


def played_hits(
    profile: Profile, parameters: Parameters, course: Course, number: int
) -> list[tuple[str, Incident]]:
    """Those of the zone and the platform that start in block ``number`` and hit this service, with the place."""
    return [
        (place, course.going_on([incident], place, parameters)[0])
        for piece in course.pieces(number)
        for place, incident in hits_of_place(profile, parameters, piece.seed, number)
        if piece.has(incident.starts_at_hour)
    ]


def hits_of_place(profile: Profile, parameters: Parameters, seed: int, number: int) -> list[tuple[str, Incident]]:
    """The same, each with the place it comes from: ``zone a`` or ``platform``."""
    hits = []
    for place, every_days, share in (
        (f"zone {profile.zone}", parameters.zone_incident_every_days, parameters.zone_hit_share),
        ("platform", parameters.platform_incident_every_days, parameters.platform_hit_share),
    ):
        drawn = _incidents_of_place(place, every_days, parameters, seed, number)
        if not drawn:
            continue
        lots = stream(seed, "hit", place, profile.service_id, number).random(len(drawn)).tolist()
        hits += [(place, incident) for incident, lot in zip(drawn, lots, strict=True) if lot < share]
    return hits


def incident_failure(profile: Profile, parameters: Parameters, course: Course, block: Block) -> FloatArray:
    """Share of the requests that incidents fail in each slot, shape (slots,)."""
    incidents = [
        incident
        for number in range(block.number - BLOCKS_BACK, block.number + 1)
        for incident in (
            *played_own(profile, parameters, course, number),
            *(incident for _, incident in played_hits(profile, parameters, course, number)),
        )
    ]
    return _failing_share(incidents, block)


def base_failure(profile: Profile, parameters: Parameters, course: Course, block: Block) -> FloatArray:
    """Share of the requests that fail without any incident, slowly wandering around its mean, shape (slots,)."""
    if profile.base_failure_ratio == 0:
        return np.zeros(block.slots)
    memory = parameters.base_noise_memory ** (1 / block.slots_per_hour)
    shocks = np.concatenate(
        [
            _shocks(profile.service_id, course, Block(number, block.slots_per_hour))
            for number in (block.number - 1, block.number)  # a block back, what came before is forgotten
        ]
    )
    wander = _wandering(shocks, memory)[block.slots :]
    spread = parameters.base_noise
    shifted = np.ones(block.slots)
    for shift in profile.shifts:  # by time; the last one before a moment is in force, its factors do not pile up
        shifted[block.hours >= shift.at_hour] = shift.base_failure_factor
    factor = shifted * np.exp(spread * wander - spread**2 / 2)
    return np.minimum(1.0, profile.base_failure_ratio * factor)


def _shocks(service_id: str, course: Course, block: Block) -> FloatArray:
    """Independent steps of the wander, shape (slots,); in a block with a fork those of either seed in its part."""
    parts = [
        (piece, stream(piece.seed, "base", service_id, block.number).standard_normal(block.slots))
        for piece in course.pieces(block.number)
    ]
    if len(parts) == 1:
        return parts[0][1]
    return np.concatenate(
        [shocks[(block.hours >= piece.from_hour) & (block.hours < piece.to_hour)] for piece, shocks in parts]
    )


def _wandering(shocks: FloatArray, memory: float) -> FloatArray:
    """First-order autoregression of unit variance, shape of ``shocks``.

    What ``scipy.signal.lfilter`` computes, without that package's second of imports in every process that plays
    the sample.
    """
    steps = (np.sqrt(1 - memory**2) * shocks).tolist()
    return np.array(list(accumulate(steps, lambda before, step: step + memory * before)))


@lru_cache(maxsize=10_000)
def _incidents_of_place(
    place: str, every_days: float, parameters: Parameters, seed: int, number: int
) -> tuple[Incident, ...]:
    rng = stream(seed, "incidents", place, number)
    return tuple(_incidents(rng, 1 / every_days, parameters.shared_severity_median, parameters, number))


def _incidents(
    rng: np.random.Generator, per_day: float, severity_median: float, parameters: Parameters, number: int
) -> list[Incident]:
    count = int(rng.poisson(per_day * BLOCK_HOURS / 24))
    starts = number * BLOCK_HOURS + BLOCK_HOURS * rng.random(count)
    lengths = parameters.length_median_hours * np.exp(parameters.length_spread * rng.standard_normal(count))
    shares = severity_median * np.exp(parameters.incident_severity_spread * rng.standard_normal(count))
    shares[rng.random(count) < parameters.outage_share] = 1.0
    ends = starts + np.minimum(lengths, MAX_INCIDENT_HOURS)
    return [
        Incident(start, end, min(1.0, share))
        for start, end, share in zip(starts.tolist(), ends.tolist(), shares.tolist(), strict=True)
    ]


def _factor_at(profile: Profile, hour: float) -> float:
    factor = 1.0
    for shift in profile.shifts:
        if hour >= shift.at_hour:
            factor = shift.incident_factor
    return factor


def _failing_share(incidents: Sequence[Incident], block: Block) -> FloatArray:
    passing = np.ones(block.slots)
    for incident in incidents:
        first = (incident.starts_at_hour - block.first_hour) * block.slots_per_hour
        last = (incident.ends_at_hour - block.first_hour) * block.slots_per_hour
        low, high = max(0, int(np.floor(first))), min(block.slots, int(np.ceil(last)))
        if low >= high:
            continue
        slot = np.arange(low, high)
        overlap = np.minimum(slot + 1, last) - np.maximum(slot, first)
        passing[low:high] *= 1 - incident.severity * overlap
    return 1 - passing
