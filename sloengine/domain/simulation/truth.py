"""What is true of a simulated organisation: what an estimator is judged against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from sloengine.domain.simulation.blocks import FloatArray, IntArray
from sloengine.domain.simulation.course import MAX_INCIDENT_HOURS
from sloengine.domain.simulation.latency import FULLEST
from sloengine.domain.simulation.moment import Conditions, expected_requests, moment, utilisations
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.parameters import Parameters, Profile
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import SimulatedTopology
from sloengine.domain.simulation.traffic import traffic_shape

_BATCH = 5_000
_WEEK_HOURS = 168.0


@dataclass(frozen=True)
class Truth:
    """Long-run truth at one moment's behaviour (shifts before it are in force, later ones are not).

    ``intrinsic_availability_ratio``: of each service if all its dependencies were perfect; closed form.
    ``availability_ratio``: with them, over all requests it serves; by simulation of moments, how exactly says
    ``standard_error``.
    ``pass_through``: share of failed calls that fail the caller's request, per (caller, dependency).
    """

    intrinsic_availability_ratio: Mapping[str, float]
    availability_ratio: Mapping[str, float]
    standard_error: Mapping[str, float]
    pass_through: Mapping[tuple[str, str], float]


def truth(organisation: Organisation, at_hour: int, draws: int = 100_000) -> Truth:
    """The truth of an organisation as it behaves at ``at_hour``.

    ``draws``: moments to simulate. What a linear model of the calls explains is replaced by its known mean
    (control variate), so that rare incidents cost few draws.
    """
    topology, parameters = organisation.topology, organisation.parameters
    profiles = [_at(organisation.profiles[service.service_id], at_hour) for service in topology.services]
    mean = np.array([intrinsic_failure_ratio(profile, parameters) for profile in profiles])
    expected = _linear(topology, mean[:, None])
    asked, failed, explained = [], [], []
    for batch in range(-(-draws // _BATCH)):
        given, busy = _moments(profiles, parameters, organisation.seed, batch)
        known = moment(topology, parameters, organisation.profiles, given)
        requests, failures = expected_requests(topology, known, given.intrinsic, busy)
        asked.append(requests)
        failed.append(failures)
        explained.append(_linear(topology, given.intrinsic))
    t, y, x = (np.concatenate(parts, axis=1) for parts in (asked, failed, explained))
    # Failed requests over all requests: moments in which callers try again weigh more than others.
    usual = t.mean(axis=1, keepdims=True)
    plain = y.mean(axis=1, keepdims=True) / usual
    residual = (y - plain * t) / usual
    slope = _slope(residual, x)
    adjusted = plain + residual - slope[:, None] * (x - expected)
    error = adjusted.std(axis=1) / np.sqrt(y.shape[1])
    ids = [service.service_id for service in topology.services]
    return Truth(
        intrinsic_availability_ratio=dict(zip(ids, (1 - mean).tolist(), strict=True)),
        availability_ratio=dict(zip(ids, (1 - adjusted.mean(axis=1)).tolist(), strict=True)),
        standard_error=dict(zip(ids, error.tolist(), strict=True)),
        pass_through={(call.caller, call.dependency): call.pass_through for call in topology.calls},
    )


def intrinsic_failure_ratio(profile: Profile, parameters: Parameters) -> float:
    """Long-run share of requests that a service fails by itself, its zone's and the platform's incidents included.

    Incidents arrive as a Poisson process, so the number under way is Poisson with mean rate x length, and the
    share that passes all of them is exp(-rate x mean length x mean severity).
    """
    exponent = sum(occupied * severity for occupied, severity in _incident_kinds(profile, parameters))
    return float(1 - (1 - profile.base_failure_ratio) * np.exp(-exponent))


def mean_of_capped_lognormal(median: float, spread: float, cap: float) -> float:
    """E min(X, cap) for lognormal X.

    >>> round(mean_of_capped_lognormal(1.0, 1.0, 1e9), 6) == round(float(np.exp(0.5)), 6)
    True
    """
    z = np.log(cap / median) / spread
    return float(median * np.exp(spread**2 / 2) * ndtr(z - spread) + cap * ndtr(-z))


def _incident_kinds(profile: Profile, parameters: Parameters) -> list[tuple[float, float]]:
    """Of own, zone and platform incidents: how many are under way on average, and their mean severity."""
    length = _mean_length_hours(parameters)

    def severity(median: float) -> float:
        partial = mean_of_capped_lognormal(median, parameters.incident_severity_spread, 1.0)
        return parameters.outage_share + (1 - parameters.outage_share) * partial

    shared = severity(parameters.shared_severity_median)
    per_hour = (
        profile.incidents_per_day / 24,
        parameters.zone_hit_share / parameters.zone_incident_every_days / 24,
        parameters.platform_hit_share / parameters.platform_incident_every_days / 24,
    )
    severities = (severity(profile.severity_median), shared, shared)
    return [(rate * length, mean) for rate, mean in zip(per_hour, severities, strict=True)]


def _mean_length_hours(parameters: Parameters) -> float:
    return mean_of_capped_lognormal(parameters.length_median_hours, parameters.length_spread, MAX_INCIDENT_HOURS)


def _moments(
    profiles: list[Profile], parameters: Parameters, seed: int, batch: int
) -> tuple[Conditions, FloatArray]:
    """Random slots, and the traffic in each relative to the mean; shapes (n_services, _BATCH) and (_BATCH,).

    Traffic matters where timeouts are met when it is high: then more requests fail than time alone says.
    """
    rng = stream(seed, "truth", batch)
    slot = 1 / parameters.slots_per_hour
    length = _mean_length_hours(parameters)

    def touching(per_day: float, severity_median: float) -> tuple[IntArray, FloatArray]:
        """Slot, and failing share over the slot, of each incident that touches one."""
        count = rng.poisson(per_day / 24 * (length + slot), _BATCH)
        slots = np.repeat(np.arange(_BATCH), count)
        severities = _severities(rng, slots.size, severity_median, parameters)
        return slots, severities * _overlaps(rng, slots.size, slot, parameters)

    shared = parameters.shared_severity_median
    zones = {
        zone: touching(1 / parameters.zone_incident_every_days, shared)
        for zone in sorted({profile.zone for profile in profiles})
    }
    platform = touching(1 / parameters.platform_incident_every_days, shared)
    passing = np.ones((len(profiles), _BATCH))
    for row, profile in enumerate(profiles):
        for (slots, severities), hit_share in (
            (touching(profile.incidents_per_day, profile.severity_median), 1.0),
            (zones[profile.zone], parameters.zone_hit_share),
            (platform, parameters.platform_hit_share),
        ):
            hit = rng.random(slots.size) < hit_share
            np.multiply.at(passing[row], slots[hit], 1 - severities[hit])
    spread = parameters.base_noise
    wander = np.exp(spread * rng.standard_normal(passing.shape) - spread**2 / 2)
    base = np.minimum(1.0, np.array([profile.base_failure_ratio for profile in profiles])[:, None] * wander)
    traffic = traffic_shape(parameters, rng.uniform(0, _WEEK_HOURS, _BATCH))
    load = np.minimum(utilisations(profiles) * traffic, FULLEST)
    median = np.array([profile.latency_median_seconds for profile in profiles])[:, None]
    exists = np.ones(passing.shape, dtype=np.bool_)
    return Conditions(1 - passing * (1 - base), 1 - passing, load, median, exists), traffic


def _overlaps(rng: np.random.Generator, count: int, slot: float, parameters: Parameters) -> FloatArray:
    """Share of a slot (so many hours long) that incidents which touch it take: long ones touch more often."""
    lengths = np.minimum(
        parameters.length_median_hours * np.exp(parameters.length_spread * rng.standard_normal(20_000)),
        MAX_INCIDENT_HOURS,
    )
    chosen = rng.choice(lengths, count, p=(lengths + slot) / (lengths + slot).sum())
    starts = rng.uniform(-chosen, slot)
    return np.asarray((np.minimum(slot, starts + chosen) - np.maximum(0.0, starts)) / slot)


def _severities(rng: np.random.Generator, count: int, median: float, parameters: Parameters) -> FloatArray:
    shares = median * np.exp(parameters.incident_severity_spread * rng.standard_normal(count))
    shares[rng.random(count) < parameters.outage_share] = 1.0
    return np.minimum(shares, 1.0)


def _linear(topology: SimulatedTopology, intrinsic: FloatArray) -> FloatArray:
    """Failures as if they only added up; groups left out. A yardstick, not a truth."""
    adding = intrinsic.copy()
    for service_id in topology.dependencies_first:
        for call_place, call in topology.calls_by_caller.get(service_id, ()):
            if call.group is None:
                source = intrinsic if call_place in topology.callbacks else adding
                reach = call.pass_through * topology.calls_per_request(call)
                adding[topology.position[service_id]] += reach * source[topology.position[call.dependency]]
    return adding


def _slope(y: FloatArray, x: FloatArray) -> FloatArray:
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1)
    covariance = (centred * (y - y.mean(axis=1, keepdims=True))).mean(axis=1)
    return np.divide(covariance, variance, out=np.zeros_like(variance), where=variance > 0)


def _at(profile: Profile, hour: int) -> Profile:
    for shift in reversed(profile.shifts):
        if hour >= shift.at_hour:
            return replace(
                profile,
                incidents_per_day=profile.incidents_per_day * shift.incident_factor,
                base_failure_ratio=profile.base_failure_ratio * shift.base_failure_factor,
                latency_median_seconds=profile.latency_median_seconds * shift.latency_factor,
                shifts=(),
            )
    return replace(profile, shifts=())
