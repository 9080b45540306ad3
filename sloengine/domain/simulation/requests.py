"""Requests and their failures, counted: who calls whom how often, and what fails because of what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.simulation.blocks import Block, FloatArray, IntArray
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import Placed, SimulatedCall, SimulatedTopology


@dataclass(frozen=True)
class Counts:
    """What happened in one block. Shapes: (n_services, slots) and (n_calls, slots)."""

    requests: IntArray
    failed_requests: IntArray
    calls: IntArray
    failed_calls: IntArray


def play(
    topology: SimulatedTopology, parameters: Parameters, seed: int, block: Block, intrinsic: FloatArray
) -> Counts:
    """Play one block. ``intrinsic``: share of requests a service fails by itself, shape (n_services, slots)."""
    return _Play(topology, parameters, seed, block, intrinsic).run()


class _Play:
    """Calls flow from callers to dependencies, then failures flow back."""

    def __init__(
        self, topology: SimulatedTopology, parameters: Parameters, seed: int, block: Block, intrinsic: FloatArray
    ) -> None:
        self.topology, self.parameters, self.seed, self.block = topology, parameters, seed, block
        self.intrinsic = intrinsic
        shape = (len(topology.services), block.slots)
        self.requests = np.zeros(shape, dtype=np.int64)  # those that a service passes on to its dependencies
        self.failed = np.zeros(shape, dtype=np.int64)
        self.called_back = np.zeros(shape, dtype=np.int64)
        self.failed_back = np.zeros(shape, dtype=np.int64)
        calls_shape = (len(topology.calls), block.slots)
        self.calls = np.zeros(calls_shape, dtype=np.int64)
        self.failed_calls = np.zeros(calls_shape, dtype=np.int64)

    def run(self) -> Counts:
        for service_id in reversed(self.topology.dependencies_first):
            self._call_dependencies(service_id)
        for service_id in self.topology.dependencies_first:
            self._fail(service_id)
        return Counts(
            requests=self.requests + self.called_back,
            failed_requests=self.failed + self.failed_back,
            calls=self.calls,
            failed_calls=self.failed_calls,
        )

    def _call_dependencies(self, service_id: str) -> None:
        place = self.topology.position[service_id]
        service = self.topology.services[place]
        rng = stream(self.seed, "calls", service_id, self.block.number)
        if service.arrivals_per_hour:
            mean = service.arrivals_per_hour / self.block.slots_per_hour
            noise = self.parameters.traffic_noise
            bustle = np.exp(noise * rng.standard_normal(self.block.slots) - noise**2 / 2)
            self.requests[place] += rng.poisson(mean * traffic_shape(self.parameters, self.block) * bustle)
        if service.born_at_hour is not None:
            self.requests[place, self.block.hours < service.born_at_hour] = 0
        for call_place, call in self.topology.calls_by_caller.get(service_id, ()):
            whole, part = divmod(self.topology.calls_per_request(call), 1.0)
            made = int(whole) * self.requests[place]
            if part:
                made = made + rng.binomial(self.requests[place], part)
            dependency = self.topology.position[call.dependency]
            born_at_hour = self.topology.services[dependency].born_at_hour
            if born_at_hour is not None:
                made = np.where(self.block.hours < born_at_hour, 0, made)
            self.calls[call_place] = made
            receiver = self.called_back if call_place in self.topology.callbacks else self.requests
            receiver[dependency] += made

    def _fail(self, service_id: str) -> None:
        place = self.topology.position[service_id]
        requests = self.requests[place]
        rng = stream(self.seed, "failures", service_id, self.block.number)
        surviving = requests - rng.binomial(requests, self.intrinsic[place])
        for call_place, call in self.topology.calls_by_caller.get(service_id, ()):
            if call_place in self.topology.callbacks:
                self._fail_callback(rng, call_place, call)
            if call.group is None and call.pass_through:
                hit = rng.binomial(self.failed_calls[call_place], call.pass_through)
                hit = _requests_hit(rng, hit, self.calls[call_place], requests)
                surviving = surviving - _dying(rng, hit, surviving, requests)
        for members in self.topology.groups_by_caller.get(service_id, ()):
            hit = self._group_failures(rng, members, requests)
            surviving = surviving - _dying(rng, hit, surviving, requests)
        self.failed[place] = requests - surviving
        self._tell_callers(rng, service_id)

    def _fail_callback(self, rng: np.random.Generator, call_place: int, call: SimulatedCall) -> None:
        dependency = self.topology.position[call.dependency]
        failed = rng.binomial(self.calls[call_place], self.intrinsic[dependency])
        self.failed_calls[call_place] = failed
        self.failed_back[dependency] += failed

    def _group_failures(
        self, rng: np.random.Generator, members: tuple[Placed, ...], requests: IntArray
    ) -> IntArray:
        _, first = members[0]
        up = [1 - _ratio(self.failed_calls[place], self.calls[place]) for place, _ in members]
        too_few = fewer_than(first.required, np.array(up))
        uses = min(1.0, first.calls_per_request)
        tries = max(1.0, first.calls_per_request)
        return rng.binomial(requests, uses * (1 - (1 - first.pass_through * too_few) ** tries))

    def _tell_callers(self, rng: np.random.Generator, service_id: str) -> None:
        """Whose requests were the failed ones? Drawn without replacement from all that came in."""
        place = self.topology.position[service_id]
        left, failed = self.requests[place].copy(), self.failed[place].copy()
        for call_place, _ in self.topology.calls_by_dependency.get(service_id, ()):
            if call_place in self.topology.callbacks:
                continue
            made = self.calls[call_place]
            share = rng.hypergeometric(made, left - made, failed)
            self.failed_calls[call_place] = share
            left, failed = left - made, failed - share


def traffic_shape(parameters: Parameters, block: Block) -> FloatArray:
    """Arrivals relative to their mean: a daily wave, quieter weekends; mean 1 over a week."""
    hours = block.hours + 0.5 / block.slots_per_hour
    day = 1 + parameters.daily_swing * np.cos(2 * np.pi * (hours - parameters.peak_hour) / 24)
    weekday = (np.floor(hours / 24).astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    week = np.where(weekday < 5, 1.0, parameters.weekend_factor) * 7 / (5 + 2 * parameters.weekend_factor)
    return day * week


def fewer_than(required: int, up: FloatArray) -> FloatArray:
    """Probability that fewer than ``required`` of independent members are up; ``up``: shape (n_members, slots)."""
    count = np.zeros((len(up) + 1, *up.shape[1:]))  # probability of each number of members up
    count[0] = 1.0
    for member in up:
        count[1:] = count[1:] * (1 - member) + count[:-1] * member
        count[0] *= 1 - member
    return np.asarray(np.clip(count[:required].sum(axis=0), 0.0, 1.0), dtype=np.float64)


def _requests_hit(rng: np.random.Generator, hits: IntArray, calls: IntArray, requests: IntArray) -> IntArray:
    """Requests behind so many failing calls: fewer than calls where one request makes several."""
    several = calls > requests
    if not several.any():
        return hits
    per_request = _ratio(calls, requests)
    distinct = requests * (1 - (1 - _ratio(hits, calls)) ** per_request)
    again = np.clip(1 - _ratio(distinct, hits), 0.0, 1.0)
    return hits - rng.binomial(hits, np.where(several, again, 0.0))


def _dying(rng: np.random.Generator, hit: IntArray, surviving: IntArray, requests: IntArray) -> IntArray:
    """Of the requests hit, those that had survived so far."""
    return np.minimum(surviving, rng.binomial(hit, _ratio(surviving, requests)))


def _ratio(part: IntArray | FloatArray, whole: IntArray | FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)
