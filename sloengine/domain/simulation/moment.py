"""What a moment makes of every service: how slow it is, and how many of its requests fail, calls included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.simulation.blocks import FloatArray, IntArray
from sloengine.domain.simulation.latency import FULLEST, mean_requests_per_hour, share_within
from sloengine.domain.simulation.outcome import CallChances, call_chances, unhurt, unhurt_by_group
from sloengine.domain.simulation.parameters import Parameters, Profile
from sloengine.domain.simulation.topology import Placed, SimulatedTopology

type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Conditions:
    """What comes from within and from outside, shape (n_services, slots) each.

    ``intrinsic``: share of requests that fail by themselves; ``incident_failure``: by incidents alone. ``load``:
    utilisation. ``median_seconds``: own latency at mean traffic without faults. ``exists``: False before birth,
    when nobody calls the service yet.
    """

    intrinsic: FloatArray
    incident_failure: FloatArray
    load: FloatArray
    median_seconds: FloatArray
    exists: Flags


@dataclass(frozen=True)
class Moment:
    """``typical_seconds``: median latency with the calls waited for; ``failing``: share of requests that fail.

    ``exists``: as given. Shape (n_services, slots). ``chances``: of each call, by its place, groups left out.
    """

    typical_seconds: FloatArray
    failing: FloatArray
    load: FloatArray
    exists: Flags
    chances: Mapping[int, CallChances]


def conditions(
    topology: SimulatedTopology,
    profiles: Mapping[str, Profile],
    hours: FloatArray,
    requests: IntArray,
    intrinsic: FloatArray,
    incident_failure: FloatArray,
    slots_per_hour: int,
) -> Conditions:
    """The conditions of slots with so many ``requests``, shape (n_services, slots); ``hours``: their starts."""
    mean, _ = mean_requests_per_hour(topology)
    usual = np.array([mean[service.service_id] for service in topology.services])[:, None] / slots_per_hour
    ordered = [profiles[service.service_id] for service in topology.services]
    relative = np.divide(requests, usual, out=np.zeros(requests.shape), where=usual > 0)
    return Conditions(
        intrinsic,
        incident_failure,
        load=np.minimum(utilisations(ordered) * relative, FULLEST),
        median_seconds=np.array([_median(profile, hours) for profile in ordered]),
        exists=existing(topology, hours),
    )


def existing(topology: SimulatedTopology, hours: FloatArray) -> Flags:
    """Which services exist at these times, shape (n_services, len(hours))."""
    born = [-np.inf if service.born_at_hour is None else service.born_at_hour for service in topology.services]
    return hours[None, :] >= np.array(born)[:, None]


def utilisations(profiles: list[Profile]) -> FloatArray:
    """Load at mean traffic, shape (n_services, 1)."""
    return np.array([profile.utilisation for profile in profiles])[:, None]


def moment(
    topology: SimulatedTopology, parameters: Parameters, profiles: Mapping[str, Profile], given: Conditions
) -> Moment:
    """Dependencies first: latency and failures travel to the callers, as far as timeouts and retries let them."""
    usual = utilisations([profiles[service.service_id] for service in topology.services])
    queueing = (1 - usual) / (1 - given.load)
    own = given.median_seconds * queueing * (1 + parameters.incident_slowdown * given.incident_failure)
    typical, failing = own.copy(), given.intrinsic.copy()
    chances: dict[int, CallChances] = {}
    for service_id in topology.dependencies_first:
        caller = topology.position[service_id]
        passing = 1 - given.intrinsic[caller]
        for place, call in topology.calls_by_caller.get(service_id, ()):
            dependency = topology.position[call.dependency]
            back = place in topology.callbacks
            seconds = (own if back else typical)[dependency]
            attempts: FloatArray | float = 1.0
            if call.group is None:
                exists = given.exists[dependency]
                server = np.where(exists, (given.intrinsic if back else failing)[dependency], 0.0)
                slow: FloatArray | float = 0.0
                if call.timeout_seconds is not None:
                    within = share_within(parameters, seconds, given.load[dependency], call.timeout_seconds)
                    slow = np.where(exists, 1 - within, 0.0)
                    seconds = np.minimum(seconds, call.timeout_seconds)
                found = chances[place] = call_chances(call, server, slow)
                passing = passing * unhurt(call, found.call)
                attempts = found.attempts
            if call.waits:
                typical[caller] += topology.calls_per_request(call) * attempts * seconds
        for members in topology.groups_by_caller.get(service_id, ()):
            passing = passing * unhurt_by_group(members[0][1], _up(topology, members, given, failing))
        failing[caller] = 1 - passing
    return Moment(typical, failing, given.load, given.exists, chances)


def expected_requests(
    topology: SimulatedTopology, known: Moment, intrinsic: FloatArray, busy: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean requests of each service in an hour like these moments, further attempts included, and failed ones.

    ``busy``: traffic relative to its mean, shape (slots,). Services that nobody asks count one request an hour.
    """
    shape = known.failing.shape
    requests, failed = np.zeros(shape), np.zeros(shape)
    back, failed_back = np.zeros(shape), np.zeros(shape)
    for service_id in reversed(topology.dependencies_first):
        place = topology.position[service_id]
        arriving = topology.services[place].arrivals_per_hour * busy
        requests[place] += arriving
        failed[place] += arriving * known.failing[place]
        for call_place, call in topology.calls_by_caller.get(service_id, ()):
            made = requests[place] * topology.calls_per_request(call)
            dependency = topology.position[call.dependency]
            is_back = call_place in topology.callbacks
            if call.group is None:
                chances = known.chances[call_place]
                attempts = made * chances.attempts
                doomed = made * chances.attempt * call.sticky_ratio * (call.attempts - 1)
                loose = attempts - made * (1 - chances.call) - doomed  # failed attempts that are not doomed
                bad = doomed + loose * _share(chances.server, chances.attempt)
            else:
                attempts, bad = made, made * (intrinsic if is_back else known.failing)[dependency]
            (back if is_back else requests)[dependency] += attempts
            (failed_back if is_back else failed)[dependency] += bad
    unasked = (requests + back).max(axis=1) == 0
    requests[unasked], failed[unasked] = 1.0, known.failing[unasked]
    return requests + back, failed + failed_back


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def _up(
    topology: SimulatedTopology, members: tuple[Placed, ...], given: Conditions, failing: FloatArray
) -> FloatArray:
    places = [topology.position[call.dependency] for _, call in members]
    return np.array(
        [
            1 - np.where(given.exists, given.intrinsic if place in topology.callbacks else failing, 0.0)[member]
            for (place, _), member in zip(members, places, strict=True)
        ]
    )


def _median(profile: Profile, hours: FloatArray) -> FloatArray:
    seconds = np.full(hours.shape, profile.latency_median_seconds)
    for shift in profile.shifts:
        seconds[hours >= shift.at_hour] = profile.latency_median_seconds * shift.latency_factor
    return seconds
