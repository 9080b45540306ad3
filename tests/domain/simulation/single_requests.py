"""Requests played one at a time, the plainest way there is: what the counting simulator is checked against.

It shares nothing with it but the description of the topology: no counts, no closed forms, no numpy.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sloengine.domain.simulation.topology import SimulatedCall, SimulatedTopology


@dataclass
class OneByOne:
    """``fails``: share of each service's requests that fail by themselves. ``latency``: draws one, in seconds."""

    topology: SimulatedTopology
    fails: Mapping[str, float]
    latency: Callable[[str], float]
    random: random.Random
    requests: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed_calls: Counter[tuple[str, str]] = field(default_factory=Counter)

    def request(self, service_id: str, *, doomed: bool = False) -> bool:
        """One request; whether it is served. ``doomed``: it is not, whatever the dependencies do."""
        self.requests[service_id] += 1
        served = not doomed and self.random.random() >= self.fails[service_id]
        groups: dict[str, list[SimulatedCall]] = {}
        for call in self.topology.calls:
            if call.caller != service_id:
                continue
            if call.group is not None:
                groups.setdefault(call.group, []).append(call)
                continue
            for _ in range(self._needed(call)):
                if self.random.random() < call.cache_hit_ratio:
                    continue
                if not self._call(call) and self.random.random() < call.pass_through:
                    served = False
        for members in groups.values():
            answers = sum(self._attempt(member) for member in members)
            if answers < members[0].required and self.random.random() < members[0].pass_through:
                served = False
        self.failed[service_id] += not served
        return served

    def _needed(self, call: SimulatedCall) -> int:
        whole = int(call.calls_per_request)
        return whole + (self.random.random() < call.calls_per_request - whole)

    def _call(self, call: SimulatedCall) -> bool:
        """Whether one of the allowed attempts is answered; what is sticky fails at each."""
        if self._attempt(call):
            return True
        sticky = self.random.random() < call.sticky_ratio
        return any(self._attempt(call, doomed=sticky) for _ in range(call.attempts - 1))

    def _attempt(self, call: SimulatedCall, *, doomed: bool = False) -> bool:
        pair = call.caller, call.dependency
        self.calls[pair] += 1
        served = self.request(call.dependency, doomed=doomed)
        late = call.timeout_seconds is not None and self.latency(call.dependency) > call.timeout_seconds
        self.failed_calls[pair] += late or not served
        return served and not late
