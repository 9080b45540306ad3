"""Exact probability that a root fails, by eliminating one component after the other.

Given the states of what it calls, a component's state depends on its own edges only, so the system is a Bayesian
network of noisy-or and k-of-n nodes. Components are taken bottom-up; the table holds the joint probability of
those that somebody still waits for. Its width, not the number of components, decides the price (variable
elimination; Pearl, *Probabilistic Reasoning in Intelligent Systems*, ch. 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.system import Call, Group, System

#: Table cells that an elimination may touch where it is not asked to be exact at any price; some 30 ms.
CELL_BUDGET = 2_000_000


@dataclass(slots=True)
class _Plan:
    """Components in the order in which they are finished, and what that costs."""

    sequence: list[int] = field(default_factory=list)
    cells: float = 0.0


def failure_probability(system: System, cell_budget: float = CELL_BUDGET) -> float | None:
    """Probability that the root of ``system`` fails; None if that would cost more table cells than allowed."""
    plan = _planned(system, cell_budget)
    return None if plan is None else _Table(system).run(plan.sequence)


def _planned(system: System, cell_budget: float) -> _Plan | None:
    """Greedy order: of the components whose dependencies are done, the one that widens the table least."""
    callers = _callers(system)
    waiting = dict.fromkeys(system.order, 0)
    for node in system.order:
        waiting[node] = len(system.calls[node]) + sum(len(group.calls) for group in system.groups[node])
    open_uses = {node: len(callers[node]) for node in system.order}
    plan = _Plan()
    live: set[int] = set()
    ready = {node for node in system.order if waiting[node] == 0 and node != system.root}
    group_left = {id(g): len(g.calls) for node in system.order for g in system.groups[node]}
    while ready:
        chosen = min(ready, key=lambda node: (_widening(node, callers, live, system.root), node))
        ready.remove(chosen)
        plan.sequence.append(chosen)
        live.add(chosen)
        for caller, group in callers[chosen]:
            if group is None:
                _open(caller, system.root, live)
                plan.cells += 2.0 ** len(live)
                open_uses[chosen] -= 1
                waiting[caller] -= 1
            else:
                group_left[id(group)] -= 1
                if group_left[id(group)]:
                    continue
                _open(caller, system.root, live)
                plan.cells += 2.0 ** (len(live) + 1)
                for call in group.calls:
                    open_uses[call.dependency] -= 1
                    waiting[caller] -= 1
                    if not open_uses[call.dependency] and call.dependency != chosen:
                        live.discard(call.dependency)
            if waiting[caller] == 0 and caller != system.root:
                ready.add(caller)
        if not open_uses[chosen]:
            live.discard(chosen)
        if plan.cells > cell_budget:
            return None
    return plan


def _open(caller: int, root: int, live: set[int]) -> None:
    if caller != root:
        live.add(caller)


def _widening(
    node: int, callers: dict[int, list[tuple[int, Group | None]]], live: set[int], root: int
) -> tuple[int, int]:
    fresh = {caller for caller, _ in callers[node] if caller not in live and caller != root}
    held = any(group is not None for _, group in callers[node])
    return len(fresh) + (node not in live) - (not held), len(callers[node])


def _callers(system: System) -> dict[int, list[tuple[int, Group | None]]]:
    callers: dict[int, list[tuple[int, Group | None]]] = {node: [] for node in system.order}
    for node in system.order:
        for call in system.calls[node]:
            callers[call.dependency].append((node, None))
        for group in system.groups[node]:
            for call in group.calls:
                callers[call.dependency].append((node, group))
    return callers


class _Table:
    """Joint probability of the live components' states, in the worlds where the root is still good."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.callers = _callers(system)
        self.live: list[int] = []
        self.joint: npt.NDArray[np.float64] = np.array(1.0 - system.unavailability[system.root])
        self.uses = {node: len(self.callers[node]) for node in system.order}
        self.group_left = {id(g): len(g.calls) for node in system.order for g in system.groups[node]}

    def run(self, sequence: Sequence[int]) -> float:
        calls: dict[tuple[int, int], list[Call]] = {}
        for node in self.system.order:
            for call in self.system.calls[node]:
                calls.setdefault((node, call.dependency), []).append(call)
        for node in sequence:
            self._introduce(node)
            for caller, group in self.callers[node]:
                if group is None:
                    call = calls[caller, node].pop()
                    self._pass_on(caller, [node], np.array([0.0, call.probability]))
                    self.uses[node] -= 1
                else:
                    self._settle_group(caller, group, node)
            if not self.uses[node]:
                self._forget(node)
        return 1.0 - float(self.joint.sum())

    def _settle_group(self, caller: int, group: Group, node: int) -> None:
        self.group_left[id(group)] -= 1
        if self.group_left[id(group)]:
            return
        members = sorted({call.dependency for call in group.calls})
        self._pass_on(caller, members, _fatal_probability(group, members))
        for call in group.calls:
            self.uses[call.dependency] -= 1
            if not self.uses[call.dependency] and call.dependency != node:
                self._forget(call.dependency)

    def _introduce(self, node: int) -> None:
        if node not in self.live:
            own = self.system.unavailability[node]
            self.joint = np.multiply.outer(self.joint, np.array([1.0 - own, own]))
            self.live.append(node)

    def _pass_on(self, caller: int, dependencies: Sequence[int], fails: npt.NDArray[np.float64]) -> None:
        """``fails``: probability that the caller inherits, by the dependencies' states; shape (2,)*k."""
        shape = [1] * self.joint.ndim
        axes = [self.live.index(node) for node in dependencies]
        for axis in axes:
            shape[axis] = 2
        order = np.argsort(axes)
        spread = fails.transpose(order).reshape(shape)
        if caller == self.system.root:
            self.joint = self.joint * (1.0 - spread)
            return
        if caller not in self.live:
            self._introduce(caller)
            spread = spread[..., None]
        axis = self.live.index(caller)
        good = np.take(self.joint, [0], axis=axis)
        moved = good * spread
        self.joint = np.concatenate([good - moved, np.take(self.joint, [1], axis=axis) + moved], axis=axis)

    def _forget(self, node: int) -> None:
        axis = self.live.index(node)
        self.joint = self.joint.sum(axis=axis)
        del self.live[axis]


def _fatal_probability(group: Group, members: Sequence[int]) -> npt.NDArray[np.float64]:
    """P(``fatal`` or more calls bring failure) by the members' states; shape (2,)*len(members)."""
    axis = {member: position for position, member in enumerate(members)}
    shape = (2,) * len(members)
    counts = np.zeros((group.fatal + 1, *shape))  # the last row collects "fatal or more"
    counts[0] = 1.0
    for call in group.calls:
        passes = np.zeros([2 if axis[call.dependency] == i else 1 for i in range(len(members))])
        passes.reshape(-1)[1] = call.probability
        moved = counts[:-1] * passes
        counts[1:] += moved
        counts[:-1] -= moved
    return np.asarray(counts[-1])
