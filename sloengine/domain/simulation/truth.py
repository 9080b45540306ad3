"""What is true of a simulated organisation: what an estimator is judged against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from sloengine.domain.simulation.blocks import FloatArray, IntArray
from sloengine.domain.simulation.faults import MAX_INCIDENT_HOURS
from sloengine.domain.simulation.latency import mean_requests_per_hour
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.parameters import Parameters, Profile
from sloengine.domain.simulation.requests import fewer_than
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import Placed, SimulatedTopology

_BATCH = 5_000


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
    back = _callback_share(topology)[:, None]
    expected = (1 - back) * _linear(topology, mean[:, None]) + back * mean[:, None]
    failing, explained = [], []
    for batch in range(-(-draws // _BATCH)):
        intrinsic = _moments(profiles, parameters, organisation.seed, batch)
        failing.append((1 - back) * _failing(topology, intrinsic) + back * intrinsic)
        explained.append((1 - back) * _linear(topology, intrinsic) + back * intrinsic)
    y, x = np.concatenate(failing, axis=1), np.concatenate(explained, axis=1)
    slope = _slope(y, x)
    adjusted = y - slope[:, None] * (x - expected)
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


def _moments(profiles: list[Profile], parameters: Parameters, seed: int, batch: int) -> FloatArray:
    """Intrinsic failure of every service at random moments, shape (n_services, _BATCH)."""
    rng = stream(seed, "truth", batch)

    def under_way(per_day: float, severity_median: float) -> tuple[IntArray, FloatArray]:
        """Moment and severity of each incident."""
        count = rng.poisson(per_day / 24 * _mean_length_hours(parameters), _BATCH)
        moments = np.repeat(np.arange(_BATCH), count)
        return moments, _severities(rng, moments.size, severity_median, parameters)

    shared = parameters.shared_severity_median
    zones = {
        zone: under_way(1 / parameters.zone_incident_every_days, shared)
        for zone in sorted({profile.zone for profile in profiles})
    }
    platform = under_way(1 / parameters.platform_incident_every_days, shared)
    passing = np.empty((len(profiles), _BATCH))
    for row, profile in enumerate(profiles):
        passing[row] = 1 - profile.base_failure_ratio
        for (moments, severities), hit_share in (
            (under_way(profile.incidents_per_day, profile.severity_median), 1.0),
            (zones[profile.zone], parameters.zone_hit_share),
            (platform, parameters.platform_hit_share),
        ):
            hit = rng.random(moments.size) < hit_share
            np.multiply.at(passing[row], moments[hit], 1 - severities[hit])
    return 1 - passing


def _severities(rng: np.random.Generator, count: int, median: float, parameters: Parameters) -> FloatArray:
    shares = median * np.exp(parameters.incident_severity_spread * rng.standard_normal(count))
    shares[rng.random(count) < parameters.outage_share] = 1.0
    return np.minimum(shares, 1.0)


def _failing(topology: SimulatedTopology, intrinsic: FloatArray) -> FloatArray:
    """Share of each service's requests that fail, its dependencies included; shapes (n_services, n_moments)."""
    failing = intrinsic.copy()
    for service_id in topology.dependencies_first:
        place = topology.position[service_id]
        passing = 1 - intrinsic[place]
        for call_place, call in topology.calls_by_caller.get(service_id, ()):
            if call.group is None:
                source = intrinsic if call_place in topology.callbacks else failing
                reached = call.pass_through * source[topology.position[call.dependency]]
                passing = passing * _unhurt(reached, call.calls_per_request)
        for members in topology.groups_by_caller.get(service_id, ()):
            passing = passing * _unhurt_by_group(topology, members, intrinsic, failing)
        failing[place] = 1 - passing
    return failing


def _unhurt(reached: FloatArray, calls_per_request: float) -> FloatArray:
    """Share of requests that their calls leave whole: whole calls, and one more in some requests."""
    whole, part = divmod(calls_per_request, 1.0)
    return np.asarray((1 - reached) ** whole * (1 - part * reached), dtype=np.float64)


def _unhurt_by_group(
    topology: SimulatedTopology, members: tuple[Placed, ...], intrinsic: FloatArray, failing: FloatArray
) -> FloatArray:
    up = np.array(
        [
            1 - (intrinsic if place in topology.callbacks else failing)[topology.position[call.dependency]]
            for place, call in members
        ]
    )
    call = members[0][1]
    return _unhurt(call.pass_through * fewer_than(call.required, up), call.calls_per_request)


def _linear(topology: SimulatedTopology, intrinsic: FloatArray) -> FloatArray:
    """Failures as if they only added up; groups left out. A yardstick, not a truth."""
    adding = intrinsic.copy()
    for service_id in topology.dependencies_first:
        for call_place, call in topology.calls_by_caller.get(service_id, ()):
            if call.group is None:
                source = intrinsic if call_place in topology.callbacks else adding
                reach = call.pass_through * call.calls_per_request
                adding[topology.position[service_id]] += reach * source[topology.position[call.dependency]]
    return adding


def _callback_share(topology: SimulatedTopology) -> FloatArray:
    """Share of each service's requests that close a cycle; those reach its own work only."""
    seen, passed_on = mean_requests_per_hour(topology)
    share = [
        1 - passed_on[s.service_id] / seen[s.service_id] if seen[s.service_id] else 0.0 for s in topology.services
    ]
    return np.array(share)


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
                shifts=(),
            )
    return replace(profile, shifts=())
