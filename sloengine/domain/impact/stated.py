"""What each service is held to, and what its own failures are once those it inherits are taken off.

A service with a promise (its active SLO; else a published figure with its unavailability raised by 10 %) is taken
to do no better than that, and its promise speaks for all that lies below it: its *own* part is the promise less
what it inherits from what it calls, cut at 0, as hazards h = −ln(1 − u), which add up. A service that promised
nothing fails by itself as it was seen to. So a dependency reached by two ways counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.impact.exact import inherited_exactly, is_small
from sloengine.domain.impact.network import FailureNetwork, FloatArray
from sloengine.domain.impact.spread import spread_over
from sloengine.domain.topology.common_cause import DEFAULT_COMMON_CAUSE
from sloengine.domain.topology.intrinsic import CERTAIN_HAZARD
from sloengine.domain.topology.system import Group

PROMISED, OBSERVED = 0, 1
"""Columns: dependencies no better than they promise, and as observed."""


def hazards(unavailability: FloatArray) -> FloatArray:
    """−ln(1 − u), bounded; NaN stays."""
    return np.asarray(np.minimum(CERTAIN_HAZARD, -np.log1p(-np.minimum(unavailability, 1.0 - 1e-12))))


@dataclass(frozen=True)
class Standing:
    """Hazards of every component; columns PROMISED and OBSERVED.

    ``own``: shape (size, 2). ``inherited``: what reaches it from below, its own groups included; shape (size, 2).
    ``shared``: by group, the hazard of what is fatal to it alone; shape (n_groups, 2). ``promises``: hazard that
    each *service* promises, 0: none; ``stated``: the same of components, the worst member's.
    """

    own: FloatArray
    inherited: FloatArray
    shared: FloatArray
    promises: FloatArray
    stated: FloatArray

    def own_of(self, network: FailureNetwork, promises: FloatArray, inherited: FloatArray) -> FloatArray:
        """What each *service* adds to its own bound: its failures as observed, shape (n_services,).

        A member of a cycle fails with the cycle: there the other members' promises count where they are worse.
        ``promises``: by service; ``inherited``: by component.
        """
        own = self.own[network.labels, OBSERVED]
        services, starts = network.in_cycles
        if len(services):
            held = promises[services]
            order = services[np.lexsort((held, network.labels[services]))]
            last = np.append(starts[1:], len(services)) - 1
            others = np.repeat(promises[order[last]], np.diff(np.append(starts, len(services))))
            worst = np.zeros(len(promises))
            worst[services] = others
            worst[order[last]] = promises[order[last - 1]]
            least = worst[services] - inherited[network.labels[services]]
            own[services] = np.maximum(own[services], least)
        return np.asarray(own)


def worst_members(network: FailureNetwork, values: FloatArray) -> FloatArray:
    """The largest value among the services of each component; NaN counts as 0.

    A cycle fails when any member does, and members mostly show the same failures.
    """
    found = np.zeros(network.size)
    np.maximum.at(found, network.labels, np.nan_to_num(values))
    return found


def learn_standing(network: FailureNetwork, shown: FloatArray, promised: FloatArray) -> Standing:
    """Own and inherited hazards of every component, dependencies first.

    ``shown``, ``promised``: unavailability by service, NaN where there is none. Up to 20 components all is exact;
    beyond see :mod:`sloengine.domain.impact.spread`. Work: (components x edges above them).
    """
    promises = np.nan_to_num(hazards(promised))
    stated, observed = worst_members(network, promises), worst_members(network, hazards(shown))
    own = np.zeros((network.size, 2))
    inherited = np.zeros((network.size, 2))
    several = np.zeros((network.size, 2))
    spread = spread_over(network, 2)
    small = is_small(network)
    for height, components in enumerate(network.by_level):
        if small:
            for component in components.tolist():
                for column in (PROMISED, OBSERVED):
                    below = inherited_exactly(network, component, own[:, column])
                    inherited[component, column] = hazards(np.array(below))
        else:
            arrived = spread.arrived(height, components)
            for number, group in network.steps[height - 1].groups if height else ():
                members = [call.dependency for call in group.calls]
                more = group_hazard(group, own[members], inherited[members], spread.shared[number])
                several[group.caller] += more
            inherited[components] = arrived + several[components]
        own[components, OBSERVED] = np.maximum(0.0, observed[components] - inherited[components, OBSERVED])
        own[components, PROMISED] = np.where(
            stated[components] > 0.0,
            np.maximum(0.0, stated[components] - inherited[components, PROMISED]),
            own[components, OBSERVED],
        )
        if not small:
            spread.up(components, (own + several)[components])
    return Standing(own, inherited, spread.shared, promises, stated)


def group_hazard(group: Group, own: FloatArray, inherited: FloatArray, shared: FloatArray) -> FloatArray:
    """Hazard that several members of a group fail at once, what is fatal alone left out; shape (n_columns,).

    ``own``, ``inherited``: of the members, shape (n_members, n_columns). A tenth of the least failing member's own
    failures strikes all members at once, where nothing says otherwise.
    """
    cause = hazards(DEFAULT_COMMON_CAUSE * -np.expm1(-own.min(axis=0)))
    tail = np.zeros((group.fatal + 1, own.shape[1]))
    tail[0] = 1.0
    for call, hazard in zip(group.calls, own + inherited, strict=True):
        fails = call.probability * -np.expm1(-hazard)
        alone = -np.expm1(-np.maximum(0.0, hazards(fails) - shared - cause))
        moved = tail[:-1] * alone
        tail[1:] += moved
        tail[:-1] -= moved
    return np.asarray(hazards(tail[-1]) + cause)
