"""Which calls pass failure on, over many requests at once: conditional Monte Carlo over *edges only*.

Given which edges pass, the root is good with Π(1 − u) over the components that reach it, so only the edges need
sampling, never the rare failures. A few uncertain edges are enumerated, which makes the answer exact; many are
drawn stratified (Latin hypercube: an edge with probability p passes in p of the draws, up to rounding), from a
stream of random numbers of its own, so that two graphs which share an edge share its draws.

Redundancy groups: a component that is fatal to a group on its own is treated like any other. What needs two or
more independent failures in one group is added as one more event per group and draw; events of several groups are
taken as independent, which errs to the safe side where groups share members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.passing_edges import DRAWS, ENUMERATED_EDGES, masks_of, unpacked
from sloengine.domain.topology.system import Call, System

type FloatArray = npt.NDArray[np.float64]

#: Groups up to this size know which members share a component; in larger ones members are independent.
_PATTERN_MEMBERS = 6
# Stands for certain failure: e^-50 is nothing.
_CERTAIN_HAZARD = 50.0


@dataclass(frozen=True)
class ScenarioAnswer:
    """What the scenarios say.

    ``reach`` and ``share`` are by component: probability that its failure alone fails the root, and its part of
    ``probability`` (Aumann–Shapley over hazards; they add up to it). ``standard_error`` 0: enumerated.
    """

    probability: float
    standard_error: float
    reach: dict[int, float]
    share: dict[int, float]


def evaluate_scenarios(
    system: System, taken: frozenset[int], own: Sequence[float], seed: int, draws: int = DRAWS
) -> ScenarioAnswer:
    """Evaluate a system from :func:`~sloengine.domain.topology.system.without_certainties`.

    ``taken``: components that are one with the root; ``own``: every component's own unavailability. ``draws``: a
    power of two.
    """
    uncertain = [c for c in _all_calls(system) if c.probability < 1.0]
    masks, weights = masks_of(uncertain, seed, draws)
    size = len(weights)
    full = (1 << size) - 1
    groups = _GroupReach(system, masks, full)
    reach = groups.alone({system.root: full})
    taken_hazard = {node: _hazard(own[node]) for node in sorted(taken)}
    nodes = [node for node in system.order if node != system.root and reach.get(node)]
    bits = unpacked([reach[node] for node in nodes], size)
    hazards = np.array([_hazard(own[node]) for node in nodes])
    total = hazards @ bits + sum(taken_hazard.values())
    events = groups.joint_events(reach, own, size)
    group_hazard = sum((event.hazard for event in events), np.zeros(size))
    total_with_groups = total + group_hazard
    fails = -np.expm1(-total_with_groups)
    probability = float(weights @ fails)
    # Aumann–Shapley: a component's part of 1 − e^-H is h/H of it.
    portion = np.divide(fails, total_with_groups, out=np.ones(size), where=total_with_groups > 0.0) * weights
    shares = hazards * (bits @ portion)
    share = {node: hazard * float(portion.sum()) for node, hazard in taken_hazard.items()}
    share.update(zip(nodes, shares.tolist(), strict=True))
    for event in events:
        for node, part in event.parts(portion).items():
            share[node] = share.get(node, 0.0) + part
    phi = dict.fromkeys(taken_hazard, 1.0)
    phi.update(zip(nodes, (bits @ weights).tolist(), strict=True))
    exact = len(uncertain) <= ENUMERATED_EDGES
    error = 0.0 if exact else float(np.std(fails, ddof=1) / np.sqrt(size))
    return ScenarioAnswer(probability, error, phi, share)


def _hazard(unavailability: float) -> float:
    return min(_CERTAIN_HAZARD, -float(np.log1p(-min(unavailability, 1.0 - 1e-15))))


def _all_calls(system: System) -> list[Call]:
    calls = [call for node in system.order for call in system.calls[node]]
    return calls + [call for node in system.order for group in system.groups[node] for call in group.calls]


@dataclass(frozen=True)
class _Member:
    """What can fail one member's path without failing the root alone: components, and groups below."""

    bits: Mapping[int, int]
    groups_hazard: FloatArray


@dataclass(frozen=True)
class _JointEvent:
    """Several failures that only together are fatal to a group, in the scenarios where that fails the root."""

    hazard: FloatArray
    involved: Mapping[int, float]

    def parts(self, portion: FloatArray) -> dict[int, float]:
        """The event's part of the root's failure, split over the components involved by their hazards."""
        whole = sum(self.involved.values())
        total = float(self.hazard @ portion)
        return {node: total * hazard / whole for node, hazard in self.involved.items()} if whole > 0.0 else {}


class _GroupReach:
    """Walks the system scenario-parallel, groups included."""

    def __init__(self, system: System, masks: Mapping[int, int], full: int) -> None:
        self.system, self.masks, self.full = system, masks, full
        self.position = {node: place for place, node in enumerate(system.order)}
        self.grouped = [node for node in system.order if system.groups[node]]
        # By group: what reaches each member's path, and which components are fatal to the group alone.
        self.members: dict[int, list[dict[int, int]]] = {}
        self.fatal: dict[int, dict[int, int]] = {}
        for node in reversed(self.grouped):  # deeper groups first: they are part of the members above
            for group in system.groups[node]:
                paths = [self.alone({c.dependency: masks.get(id(c), full)}) for c in group.calls]
                self.members[id(group)] = paths
                self.fatal[id(group)] = _at_least(paths, group.fatal)

    def alone(self, start: Mapping[int, int]) -> dict[int, int]:
        """Scenarios in which each component's failure *alone* reaches the start, through calls and groups."""
        along_calls = dict(start)
        found = dict(start)
        for node in self._below(start):
            here = along_calls.get(node, 0)
            if not here:
                continue
            for call in self.system.calls[node]:
                bits = here & self.masks.get(id(call), self.full)
                if bits:
                    along_calls[call.dependency] = along_calls.get(call.dependency, 0) | bits
                    found[call.dependency] = found.get(call.dependency, 0) | bits
            for group in self.system.groups[node]:
                for other, fatal in self.fatal[id(group)].items():
                    if fatal & here:
                        found[other] = found.get(other, 0) | (fatal & here)
        return found

    def _below(self, start: Mapping[int, int]) -> Sequence[int]:
        if self.system.root in start:
            return self.system.order
        seen = set(start)
        stack = list(start)
        while stack:
            for call in self.system.calls[stack.pop()]:
                if call.dependency not in seen:
                    seen.add(call.dependency)
                    stack.append(call.dependency)
        return sorted(seen, key=self.position.__getitem__)

    def joint_events(self, alone: Mapping[int, int], own: Sequence[float], size: int) -> list[_JointEvent]:
        """Per group the hazard, by scenario, that several failures together fail it and with it the root.

        ``alone``: scenarios in which each component's failure alone fails the root.
        """
        hazard_of: dict[int, FloatArray] = {}
        events: list[_JointEvent] = []
        for node in reversed(self.grouped):
            for group in self.system.groups[node]:
                members = [self._member(path, alone, own, hazard_of, size) for path in self.members[id(group)]]
                probability = _several_fail(members, group.fatal, own, size)
                hazard = -np.log1p(-np.minimum(probability, 1.0 - 1e-15))
                hazard_of[id(group)] = hazard
                at_root = alone.get(node, 0)
                if at_root and hazard.any():
                    involved = {n: _hazard(own[n]) for member in members for n in member.bits}
                    events.append(_JointEvent(hazard * unpacked([at_root], size)[0], involved))
        return events

    def _member(
        self,
        path: Mapping[int, int],
        alone: Mapping[int, int],
        own: Sequence[float],
        hazard_of: Mapping[int, FloatArray],
        size: int,
    ) -> _Member:
        groups_hazard = np.zeros(size)
        left: dict[int, int] = {}
        for node, reached in path.items():
            bits = reached & ~alone.get(node, 0)
            if bits:
                for group in self.system.groups[node]:
                    groups_hazard += hazard_of[id(group)] * unpacked([bits], size)[0]
                if own[node] > 0.0:
                    left[node] = bits
        return _Member(left, groups_hazard)


def _at_least(paths: Sequence[Mapping[int, int]], count: int) -> dict[int, int]:
    """Scenarios in which a component reaches ``count`` or more of the paths."""
    counted: dict[int, list[int]] = {}
    for path in paths:
        for node, bits in path.items():
            levels = counted.setdefault(node, [0] * count)
            for level in range(count - 1, 0, -1):
                levels[level] |= levels[level - 1] & bits
            levels[0] |= bits
    return {node: levels[count - 1] for node, levels in counted.items() if levels[count - 1]}


def _several_fail(members: Sequence[_Member], fatal: int, own: Sequence[float], size: int) -> FloatArray:
    """P(``fatal`` or more members fail) by scenario.

    Components under several members count once for all of them, in groups of up to six; beyond, members are
    independent of each other.
    """
    count = len(members)
    if count > _PATTERN_MEMBERS:
        tail = np.zeros((fatal + 1, size))
        tail[0] = 1.0
        for member in members:
            fails = -np.expm1(-(_member_hazard(member.bits, own, size) + member.groups_hazard))
            moved = tail[:-1] * fails
            tail[1:] += moved
            tail[:-1] -= moved
        return np.asarray(tail[-1])
    hazards = np.zeros((1 << count, size))
    for node in {node for member in members for node in member.bits}:
        bits = [member.bits.get(node, 0) for member in members]
        involved = sum(1 << i for i, b in enumerate(bits) if b)
        if involved & (involved - 1) == 0:  # under one member only
            hazards[involved] += _hazard(own[node]) * unpacked([max(bits)], size)[0]
            continue
        flags = unpacked(bits, size).astype(np.int64)
        pattern = (flags << np.arange(count)[:, None]).sum(axis=0)
        np.add.at(hazards, (pattern, np.arange(size)), _hazard(own[node]))
    for place, member in enumerate(members):
        hazards[1 << place] += member.groups_hazard
    states = np.zeros((1 << count, size))
    states[0] = 1.0
    numbers = np.arange(1 << count)
    for cause in range(1, 1 << count):
        fails = -np.expm1(-hazards[cause])
        if fails.any():
            moved = states * fails
            states -= moved
            np.add.at(states, numbers | cause, moved)
    failed = np.array([number.bit_count() for number in range(1 << count)])
    return np.asarray(states[failed >= fatal].sum(axis=0))


def _member_hazard(bits: Mapping[int, int], own: Sequence[float], size: int) -> FloatArray:
    if not bits:
        return np.zeros(size)
    hazards = np.array([_hazard(own[node]) for node in bits])
    return np.asarray(hazards @ unpacked(list(bits.values()), size))
