"""Requests and their failures, counted: who calls whom how often, and what fails because of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sloengine.domain.simulation.blocks import Block, FloatArray, IntArray
from sloengine.domain.simulation.further import FurtherRequests, calls_needed, try_again
from sloengine.domain.simulation.moment import Moment, conditions, moment
from sloengine.domain.simulation.outcome import fewer_than
from sloengine.domain.simulation.parameters import Parameters, Profile
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.tally import Counts, Tally, ratio
from sloengine.domain.simulation.topology import Placed, SimulatedCall, SimulatedTopology
from sloengine.domain.simulation.traffic import traffic_shape


@dataclass(frozen=True)
class Scene:
    """What a block is played with.

    ``intrinsic``: share of requests a service fails by itself; ``incident_failure``: by incidents alone; shape
    (n_services, slots) both.
    """

    topology: SimulatedTopology
    parameters: Parameters
    profiles: Mapping[str, Profile]
    seed: int
    block: Block
    intrinsic: FloatArray
    incident_failure: FloatArray


def play(scene: Scene) -> Counts:
    """Calls flow from callers to dependencies, failures flow back, then further attempts take their course."""
    tally = Tally.empty(scene.topology, scene.block.slots)
    order = scene.topology.dependencies_first
    for service_id in reversed(order):
        _call_dependencies(scene, tally, service_id)
    known = _moment(scene, tally) if scene.topology.tries_again_or_gives_up else None
    further = FurtherRequests(scene.topology, tally, stream(scene.seed, "further", scene.block.number))
    failures = _Failures(scene, tally, known, further)
    for service_id in order:
        failures.of(service_id)
    if known is not None:
        further.play(scene.intrinsic, known)
    return tally.counts()


def _moment(scene: Scene, tally: Tally) -> Moment:
    """Chances at the load of first attempts."""
    given = conditions(
        scene.topology,
        scene.profiles,
        scene.block.hours,
        tally.requests + tally.called_back,
        scene.intrinsic,
        scene.incident_failure,
        scene.block.slots_per_hour,
    )
    return moment(scene.topology, scene.parameters, scene.profiles, given)


def _call_dependencies(scene: Scene, tally: Tally, service_id: str) -> None:
    topology, block = scene.topology, scene.block
    place = topology.position[service_id]
    service = topology.services[place]
    rng = stream(scene.seed, "calls", service_id, block.number)
    requests = tally.requests
    if service.arrivals_per_hour:
        mean = service.arrivals_per_hour / block.slots_per_hour
        noise = scene.parameters.traffic_noise
        bustle = np.exp(noise * rng.standard_normal(block.slots) - noise**2 / 2)
        requests[place] += rng.poisson(
            mean * traffic_shape(scene.parameters, block.hours + 0.5 / block.slots_per_hour) * bustle
        )
    if service.born_at_hour is not None:
        requests[place, block.hours < service.born_at_hour] = 0
    for call_place, call in topology.calls_by_caller.get(service_id, ()):
        needed = calls_needed(rng, topology, call, requests[place])
        dependency = topology.position[call.dependency]
        born_at_hour = topology.services[dependency].born_at_hour
        if born_at_hour is not None:
            needed = np.where(block.hours < born_at_hour, 0, needed)
        made = needed
        if call.cache_hit_ratio:
            made = needed - rng.binomial(needed, call.cache_hit_ratio)
        tally.needed[call_place] = needed
        tally.calls[call_place] = made
        receiver = tally.called_back if call_place in topology.callbacks else requests
        receiver[dependency] += made


class _Failures:
    """Which requests fail, dependencies first."""

    def __init__(self, scene: Scene, tally: Tally, known: Moment | None, further: FurtherRequests) -> None:
        self.scene, self.topology, self.tally = scene, scene.topology, tally
        self.known, self.further = known, further

    def of(self, service_id: str) -> None:
        """Fail a service's requests, and tell its callers."""
        tally, topology = self.tally, self.topology
        place = topology.position[service_id]
        requests = tally.requests[place]
        rng = stream(self.scene.seed, "failures", service_id, self.scene.block.number)
        tally.own_failures[place] = rng.binomial(requests, self.scene.intrinsic[place])
        surviving = requests - tally.own_failures[place]
        for call_place, call in topology.calls_by_caller.get(service_id, ()):
            if call_place in topology.callbacks:
                self._fail_callback(rng, call_place, call)
            if call.group is None:
                lost = self._lost_calls(call_place, call)
                if call.pass_through:
                    hit = rng.binomial(lost, call.pass_through)
                    hit = _requests_hit(rng, hit, tally.needed[call_place], requests)
                    tally.hits[call_place] = hit
                    surviving = surviving - _dying(rng, hit, surviving, requests)
        for members in topology.groups_by_caller.get(service_id, ()):
            hit = self._group_failures(rng, members, requests)
            surviving = surviving - _dying(rng, hit, surviving, requests)
        tally.failed[place] = requests - surviving
        self._tell_callers(rng, service_id)

    def _lost_calls(self, call_place: int, call: SimulatedCall) -> IntArray:
        """Calls that fail for good: those failing at the dependency, timed out, and not mended by trying again."""
        failed: IntArray = self.tally.failed_calls[call_place]
        if self.known is None or call.is_plain:
            return failed
        rng = stream(self.scene.seed, "attempts", call.caller, call.dependency, self.scene.block.number)
        if call.timeout_seconds is not None:
            chances = self.known.chances[call_place]
            slow = np.clip(ratio(chances.attempt - chances.server, 1 - chances.server), 0.0, 1.0)
            timed_out = rng.binomial(self.tally.calls[call_place] - failed, slow)
            self.tally.timeouts[call_place] = timed_out
            failed = self.tally.failed_calls[call_place] = failed + timed_out
        if call.attempts == 1:
            return failed
        attempts, lost = try_again(rng, call, self.known.chances[call_place], failed)
        self.further.book(call_place, attempts)
        return lost

    def _fail_callback(self, rng: np.random.Generator, call_place: int, call: SimulatedCall) -> None:
        dependency = self.topology.position[call.dependency]
        failed = rng.binomial(self.tally.calls[call_place], self.scene.intrinsic[dependency])
        self.tally.failed_calls[call_place] = failed
        self.tally.failed_back[dependency] += failed

    def _group_failures(
        self, rng: np.random.Generator, members: tuple[Placed, ...], requests: IntArray
    ) -> IntArray:
        hit: IntArray
        _, first = members[0]
        down = np.array([ratio(self.tally.failed_calls[place], self.tally.calls[place]) for place, _ in members])
        too_few = fewer_than(first.required, 1 - down)
        uses = min(1.0, first.calls_per_request)
        tries = max(1.0, first.calls_per_request)
        hit = rng.binomial(requests, uses * (1 - (1 - first.pass_through * too_few) ** tries))
        blame = ratio(down, np.broadcast_to(down.sum(axis=0), down.shape))
        for (place, _), share in zip(members, blame, strict=True):
            self.tally.hits[place] = share * hit
        return hit

    def _tell_callers(self, rng: np.random.Generator, service_id: str) -> None:
        """Whose requests were the failed ones? Drawn without replacement from all that came in."""
        place = self.topology.position[service_id]
        left, failed = self.tally.requests[place].copy(), self.tally.failed[place].copy()
        for call_place, _ in self.topology.calls_by_dependency.get(service_id, ()):
            if call_place in self.topology.callbacks:
                continue
            made = self.tally.calls[call_place]
            share = rng.hypergeometric(made, left - made, failed)
            self.tally.failed_calls[call_place] = share
            left, failed = left - made, failed - share


def _requests_hit(rng: np.random.Generator, hits: IntArray, needed: IntArray, requests: IntArray) -> IntArray:
    """Requests behind so many lost calls: fewer than calls where one request needs several."""
    several = needed > requests
    if not several.any():
        return hits
    per_request = ratio(needed, requests)
    distinct = requests * (1 - (1 - ratio(hits, needed)) ** per_request)
    again = np.clip(1 - ratio(distinct, hits), 0.0, 1.0)
    return hits - rng.binomial(hits, np.where(several, again, 0.0))


def _dying(rng: np.random.Generator, hit: IntArray, surviving: IntArray, requests: IntArray) -> IntArray:
    """Of the requests hit, those that had survived so far."""
    return np.minimum(surviving, rng.binomial(hit, ratio(surviving, requests)))
