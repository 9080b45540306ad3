"""Further attempts of failed calls: whether they mend the call, and the load that they bring.

A call's own fate is settled first. The requests that its further attempts put on the dependency, and on whatever
that depends on, are played afterwards: how many of them failed is known by then, and what failed behind them is
drawn from the chances of the moment, given that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray, IntArray
from sloengine.domain.simulation.moment import Moment
from sloengine.domain.simulation.outcome import CallChances, fewer_than, unhurt, unhurt_by_group
from sloengine.domain.simulation.tally import Tally, ratio
from sloengine.domain.simulation.topology import Placed, SimulatedCall, SimulatedTopology


@dataclass(frozen=True)
class Further:
    """Requests by further attempts, those of them that fail, and those doomed to; shape (n_services, slots)."""

    requests: IntArray
    failed: IntArray
    doomed: IntArray

    @classmethod
    def none(cls, topology: SimulatedTopology, slots: int) -> Self:
        """All zeros."""
        return cls(*(np.zeros((len(topology.services), slots), dtype=np.int64) for _ in range(3)))


@dataclass(frozen=True)
class Attempts:
    """Attempts at one dependency, those that fail, those that fail at the dependency itself, and the doomed.

    Doomed attempts repeat a sticky failure: the dependency fails them by itself, whatever else goes on.
    """

    made: IntArray
    failed: IntArray
    failed_there: IntArray
    doomed: IntArray


def try_again(
    rng: np.random.Generator, call: SimulatedCall, chances: CallChances, failed: IntArray
) -> tuple[Attempts, IntArray]:
    """What comes after so many failed first attempts; and the calls that are lost in the end."""
    sticky = rng.binomial(failed, call.sticky_ratio)
    loose = failed - sticky
    made, again = np.zeros_like(failed), np.zeros_like(failed)
    for _ in range(call.attempts - 1):
        made += loose
        loose = rng.binomial(loose, chances.attempt)
        again += loose
    there = rng.binomial(again, ratio(chances.server, chances.attempt))
    doomed = sticky * (call.attempts - 1)
    return Attempts(made + doomed, again + doomed, there + doomed, doomed), sticky + loose


class FurtherRequests:
    """Books further attempts, and plays the requests that they are, callers first."""

    def __init__(self, topology: SimulatedTopology, tally: Tally, rng: np.random.Generator) -> None:
        self.topology, self.tally, self.rng = topology, tally, rng
        self.further = Further.none(topology, tally.requests.shape[1])

    def book(self, call_place: int, attempts: Attempts, at: slice | IntArray = slice(None)) -> None:
        """Count attempts (in the slots ``at``), and remember the requests that they are to the dependency."""
        dependency = self.topology.position[self.topology.calls[call_place].dependency]
        self.tally.calls[call_place, at] += attempts.made
        self.tally.failed_calls[call_place, at] += attempts.failed
        self.tally.timeouts[call_place, at] += attempts.failed - attempts.failed_there
        if call_place in self.topology.callbacks:
            self.tally.called_back[dependency, at] += attempts.made
            self.tally.failed_back[dependency, at] += attempts.failed_there
        else:
            self.further.requests[dependency, at] += attempts.made
            self.further.failed[dependency, at] += attempts.failed_there
            self.further.doomed[dependency, at] += attempts.doomed

    def play(self, intrinsic: FloatArray, known: Moment) -> None:
        """Let the further requests make their own calls; then they are requests like all others."""
        for service_id in reversed(self.topology.dependencies_first):
            place = self.topology.position[service_id]
            at = np.flatnonzero(self.further.requests[place])
            if at.size:
                self._play_service(service_id, at, intrinsic, known)
        self.tally.requests[...] += self.further.requests
        self.tally.failed[...] += self.further.failed

    def _play_service(self, service_id: str, at: IntArray, intrinsic: FloatArray, known: Moment) -> None:
        place = self.topology.position[service_id]
        requests = self.further.requests[place, at]
        failed, doomed = self.further.failed[place, at], self.further.doomed[place, at]
        blame = _Blame(self.rng, failed - doomed, 1 - known.failing[place, at])
        self.tally.own_failures[place, at] += doomed + blame.struck_by(intrinsic[place, at])
        blame.explained = blame.explained + doomed
        for call_place, call in self.topology.calls_by_caller.get(service_id, ()):
            if call.group is None:
                chances = _at(known.chances[call_place], at)
                hit = blame.struck_by(1 - unhurt(call, chances.call))
                self.tally.hits[call_place, at] += hit
                others = np.where(known.exists[self.topology.position[call.dependency], at], requests - hit, 0)
                self.book(call_place, self._calls(call, chances, hit, others), at)
        for members in self.topology.groups_by_caller.get(service_id, ()):
            places = [self.topology.position[call.dependency] for _, call in members]
            down = np.array(
                [
                    np.where(
                        known.exists[member, at],
                        (intrinsic if call_place in self.topology.callbacks else known.failing)[member, at],
                        0.0,
                    )
                    for (call_place, _), member in zip(members, places, strict=True)
                ]
            )
            hit = blame.struck_by(1 - unhurt_by_group(members[0][1], 1 - down))
            self._group_calls(members, down, hit, requests - hit, known, at)

    def _group_calls(
        self,
        members: tuple[Placed, ...],
        down: FloatArray,
        hit: IntArray,
        others: IntArray,
        known: Moment,
        at: IntArray,
    ) -> None:
        """Calls of the members; exact for 1 of n and n of n, close to it between."""
        too_few = fewer_than(members[0][1].required, 1 - down)
        for (call_place, call), share in zip(members, down, strict=True):
            self.tally.hits[call_place, at] += hit * ratio(share, down.sum(axis=0))
            in_hit = np.minimum(ratio(share, too_few), 1.0)
            in_others = np.clip(ratio(share - too_few * in_hit, 1 - too_few), 0.0, 1.0)
            exists = known.exists[self.topology.position[call.dependency], at]
            made = [calls_needed(self.rng, self.topology, call, some * exists) for some in (hit, others)]
            lost = self.rng.binomial(made[0], in_hit) + self.rng.binomial(made[1], in_others)
            self.book(call_place, Attempts(made[0] + made[1], lost, lost, np.zeros_like(lost)), at)

    def _calls(self, call: SimulatedCall, chances: CallChances, hit: IntArray, others: IntArray) -> Attempts:
        """Calls of requests that this dependency is known to have struck, and of others that it has not.

        A struck request has lost a call for certain, and any others it needs as chance has it. In the others,
        calls were answered by the cache, served, or lost without harm.
        """
        rng, f, lost = self.rng, call.pass_through, chances.call
        reach = (1 - call.cache_hit_ratio) * f * lost
        whole, part = divmod(call.calls_per_request, 1.0)
        more = int(max(0.0, whole - 1)) * hit + (rng.binomial(hit, part) if whole else 0)
        more = more - rng.binomial(more, call.cache_hit_ratio)
        needed = int(whole) * others + rng.binomial(others, ratio(part * (1 - reach), 1 - part * reach))
        made = rng.binomial(needed, np.clip(ratio((1 - call.cache_hit_ratio) * (1 - f * lost), 1 - reach), 0, 1))
        harmless = np.clip(ratio(lost * (1 - f), 1 - f * lost), 0.0, 1.0)
        losses = hit + rng.binomial(more, lost) + rng.binomial(made, harmless)
        tries = hit + more + made
        mended = tries - losses
        sticky = rng.binomial(losses, np.minimum(ratio(chances.attempt * call.sticky_ratio, lost), 1.0))
        doomed = sticky * (call.attempts - 1)
        loose = losses + (losses - sticky) * (call.attempts - 1)
        tries, bad = tries + loose - losses, loose
        for left in range(call.attempts - 1, 0, -1):
            mended = rng.binomial(mended, _fails_but_is_mended(call, chances, left))
            tries, bad = tries + mended, bad + mended
        there = rng.binomial(bad, ratio(chances.server, chances.attempt))
        return Attempts(tries + doomed, bad + doomed, there + doomed, doomed)


class _Blame:
    """Who struck so many failed requests, asked one cause after the other; each request has at least one cause.

    ``explained``: failed requests that have a cause. ``fine``: share of requests that no cause to come strikes.
    """

    def __init__(self, rng: np.random.Generator, unexplained: IntArray, fine: FloatArray) -> None:
        self.rng, self.unexplained, self.fine = rng, unexplained, fine
        self.explained = np.zeros_like(unexplained)

    def struck_by(self, share: FloatArray) -> IntArray:
        """Of the failed requests, those that this cause struck, which strikes such a share of all requests.

        Of those that no earlier cause explains, this one or a later one must have struck.
        """
        certain = np.where(self.fine < 1, ratio(share, 1 - self.fine), 0.0)
        first = self.rng.binomial(self.unexplained, np.clip(certain, 0.0, 1.0))
        again = self.rng.binomial(self.explained, np.clip(share, 0.0, 1.0))
        self.unexplained, self.explained = self.unexplained - first, self.explained + first
        self.fine = np.where(share < 1, ratio(self.fine, 1 - share), 0.0)
        return np.asarray(first + again, dtype=np.int64)


def calls_needed(
    rng: np.random.Generator, topology: SimulatedTopology, call: SimulatedCall, requests: IntArray
) -> IntArray:
    """Calls that so many requests need: whole ones, and one more in some requests."""
    whole, part = divmod(topology.needed_per_request(call), 1.0)
    needed = int(whole) * requests
    return np.asarray(needed + rng.binomial(requests, part) if part else needed, dtype=np.int64)


def _fails_but_is_mended(call: SimulatedCall, chances: CallChances, left: int) -> FloatArray:
    """Chance that the next attempt fails, of calls that are served in the end; ``left``: attempts after it."""
    a = chances.attempt
    first = left == call.attempts - 1
    loose = 1 - call.sticky_ratio if first else 1.0
    served = 1 - chances.call if first else 1 - a ** (left + 1)
    return np.clip(ratio(loose * a * (1 - a**left), served), 0.0, 1.0)


def _at(chances: CallChances, at: IntArray) -> CallChances:
    return CallChances(chances.attempt[at], chances.server[at], chances.call[at], chances.attempts[at])
