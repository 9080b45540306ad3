"""What becomes of every caller's bound when services' availability objectives change.

A changed service does from now on no better than its new objective; before it did no better than what it promised.
In each draw of passing edges a caller inherits the changes of the *set* of changed services that reach it, so that
changes which share a path are not summed. A service between them that promised something keeps its promise as long
as it can: it absorbs the change until no more is left of its promise than its own failures need. Several such
services above one cause fail together more often then, and a caller of all of them would fail more seldom: that is
no gain that anybody may count on. So where all objectives get looser nobody gains, where all get tighter nobody
loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.impact.exact import inherited_exactly, is_small
from sloengine.domain.impact.network import FailureNetwork, FloatArray, IntArray
from sloengine.domain.impact.reach import Reach, fatal_alone, reach
from sloengine.domain.impact.spread import Spread, spread_over
from sloengine.domain.impact.stated import (
    OBSERVED,
    PROMISED,
    Standing,
    group_hazard,
    hazards,
    worst_members,
)
from sloengine.domain.topology.system import Group

# Changes of hazard below this move no figure.
_SMALLEST = 1e-9


@dataclass(frozen=True)
class AvailabilityImpact:
    """By service, shape (n_services,): unavailability before and after, and the error of the latter.

    ``reached``: services that any change can reach. ``share``: by service and changed component, the hazard that
    the change brings; ``reaches``: whether its failure alone can reach the service. ``components``: the changed
    components, in the order of the columns.
    """

    before: FloatArray
    after: FloatArray
    standard_error: FloatArray
    reached: npt.NDArray[np.bool_]
    share: FloatArray
    reaches: npt.NDArray[np.bool_]
    components: tuple[int, ...]


def availability_impact(
    network: FailureNetwork, standing: Standing, objectives: Mapping[int, float]
) -> AvailabilityImpact:
    """Follow new availability objectives (ratio by position of the service) to all callers."""
    promises = standing.promises.copy()
    for service, ratio in objectives.items():
        promises[service] = hazards(np.array(1.0 - ratio))
    components = sorted({int(network.labels[s]) for s in objectives}, key=lambda c: (int(network.level[c]), c))
    reaching = reach(network, components)
    follow = _Follow(network, standing, components, worst_members(network, promises), reaching)
    moved, fine, error = follow.exactly() if is_small(network) else follow.sampled()
    labels = network.labels
    inherited = standing.inherited[:, PROMISED]
    own_before = standing.own_of(network, standing.promises, inherited)
    own_after = standing.own_of(network, promises, inherited + moved)
    if fine is None:
        rest = np.exp(-(own_after + (inherited + moved)[labels]))
    else:
        rest = np.exp(-(own_after + (inherited + follow.others)[labels])) * fine[labels]
        # Not beside ``own_after``: off a cycle's promise is taken what arrives, whose mean is more than it costs.
        own_still = standing.own_of(network, promises, inherited)
        rest = follow.bounded(rest, np.exp(-(own_still + inherited[labels])), grows=False)
    return AvailabilityImpact(
        before=-np.expm1(-(own_before + inherited[labels])),
        after=1.0 - np.minimum(np.exp(-own_after), rest),
        standard_error=error[labels] * np.exp(-own_after),
        reached=((reaching.alone > 0.0).any(axis=1) | (moved != 0.0))[labels],
        share=(reaching.alone * np.abs(follow.more))[labels],
        reaches=(reaching.alone > 0.0)[labels],
        components=tuple(components),
    )


class _Follow:
    """One walk from the changed components to all callers, dependencies first.

    ``own``: hazards as they become. ``more``: by changed component, the change of its own. ``others``: change that
    comes up from components that absorb, and from redundancy groups.
    """

    def __init__(
        self,
        network: FailureNetwork,
        standing: Standing,
        components: Sequence[int],
        stated: FloatArray,
        reaching: Reach,
    ) -> None:
        self.network, self.standing, self.components = network, standing, components
        self.stated, self.reaching = stated, reaching
        self.own = standing.own[:, PROMISED].copy()
        self.more = np.zeros(len(components))
        self.others = np.zeros(network.size)
        self._direction = self._first_direction()

    def _first_direction(self) -> int:
        """1: no changed component gets better; -1: none gets worse; 0: some do the one, some the other."""
        components, standing = np.array(self.components, np.int64), self.standing
        alone = np.maximum(0.0, self.stated[components] - standing.inherited[components, PROMISED])
        in_cycle = np.isin(components, list(self.network.cycles))
        alone = np.where(in_cycle, np.maximum(alone, standing.own[components, OBSERVED]), alone)
        change = alone - standing.own[components, PROMISED]
        if (change >= -_SMALLEST).all():
            return 1
        return -1 if (change <= _SMALLEST).all() else 0

    def bounded(self, values: FloatArray, unchanged: FloatArray | float, *, grows: bool = True) -> FloatArray:
        """Values no better than unchanged where all objectives get looser, no worse where all get tighter.

        ``grows``: whether larger values are the worse ones.
        """
        if self._direction == 0:
            return values
        worse = np.maximum if (self._direction > 0) == grows else np.minimum
        return np.asarray(worse(values, unchanged))

    def exactly(self) -> tuple[FloatArray, None, FloatArray]:
        """Small graphs: every component solved again. What reaches each component more than before."""
        moved = np.zeros(self.network.size)
        for components in self.network.by_level:
            for component in components.tolist():
                below = float(hazards(np.array(inherited_exactly(self.network, component, self.own))))
                more = below - self.standing.inherited[component, PROMISED]
                moved[component] = 0.0 if abs(more) < 1e-15 else more
            moved[components] = self.bounded(moved[components], 0.0)
            self._settle(components, moved)
        return moved, None, np.zeros(self.network.size)

    def sampled(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean of what reaches each component more; mean of exp(−changes of the changed ones) and its error."""
        spread = spread_over(self.network, 1)
        several = np.zeros(self.network.size)
        moved = np.zeros(self.network.size)
        for height, components in enumerate(self.network.by_level):
            here = components[self.reaching.above[components]]
            if not len(here):
                continue
            arrived = spread.arrived(height, here)[:, 0]
            if height:
                for number, group in self.network.steps[height - 1].groups:
                    several[group.caller] += self._several(number, group, moved, spread)
            self.others[here] = arrived + several[here]
            moved[here] = self.bounded(self.reaching.alone[here] @ self.more + self.others[here], 0.0)
            self._settle(here, moved)
            absorbed = self.own[here] - self.standing.own[here, PROMISED]
            absorbed[np.isin(here, self.components) | (np.abs(absorbed) < _SMALLEST)] = 0.0
            spread.up(here, (absorbed + several[here])[:, None])
        fine, error = _kept(self.reaching, self.more, self.components)
        return moved, fine, error

    def _settle(self, components: IntArray, moved: FloatArray) -> None:
        """What becomes of the own part of these, all that reaches them being known."""
        before, observed = self.standing.own[components, PROMISED], self.standing.own[components, OBSERVED]
        absorbing = self.standing.stated[components] > 0.0
        kept = np.maximum(np.minimum(before, observed), before - moved[components])
        self.own[components] = np.where(absorbing, kept, before)
        for place, component in enumerate(self.components):
            if component in components:
                inherited = float(self.standing.inherited[component, PROMISED] + moved[component])
                own = max(0.0, float(self.stated[component]) - inherited)
                if component in self.network.cycles:  # the others of the cycle go on failing as they do
                    own = max(own, float(self.standing.own[component, OBSERVED]))
                self.own[component] = own
                self.more[place] = own - float(self.standing.own[component, PROMISED])

    def _several(self, number: int, group: Group, moved: FloatArray, spread: Spread) -> float:
        """By how much more often several members of a group fail at once."""
        members = [call.dependency for call in group.calls]
        own, standing = self.own[members, None], self.standing
        change = own[:, 0] - standing.own[members, PROMISED]
        if not (np.abs(change) > _SMALLEST).any() and not moved[members].any():
            return 0.0
        inherited = standing.inherited[members, PROMISED][:, None]
        shared = standing.shared[number, PROMISED : PROMISED + 1]
        fatal = fatal_alone(self.network, number, group, self.reaching) @ self.more
        more = np.maximum(0.0, shared + spread.shared[number] + fatal)
        before = group_hazard(group, standing.own[members, PROMISED][:, None], inherited, shared)
        after = group_hazard(group, own, inherited + moved[members, None], more)
        return float(after[0] - before[0])


def _kept(reaching: Reach, more: FloatArray, components: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Mean of exp(−what reaches the component from *other* changed ones), and its standard error."""
    size = len(reaching.alone)
    fine, error = np.ones(size), np.zeros(size)
    if len(more) == 1:
        alone = np.clip(reaching.alone[:, 0], 0.0, 1.0)  # sums of weights may come to a little more
        alone[components[0]] = 0.0
        lost = -np.expm1(-more[0])
        spread = np.abs(lost) * np.sqrt(alone * (1.0 - alone) / reaching.draws)
        return 1.0 - alone * lost, np.where(reaching.exact[:, 0], 0.0, spread)
    touched = np.flatnonzero((reaching.alone > 0.0).any(axis=1))
    added = np.zeros((len(touched), reaching.draws), np.float32)
    for place, change in enumerate(more.tolist()):
        flags = np.unpackbits(reaching.bits[touched, place].view(np.uint8), axis=1, bitorder="little")
        flags[touched == components[place]] = 0
        added += flags * np.float32(change)
    kept = np.exp(-added.astype(np.float64)) if reaching.weights is not None else np.exp(-added)
    fine[touched] = reaching.mean(kept)
    if reaching.weights is None:
        error[touched] = kept.std(axis=1) / np.sqrt(reaching.draws)
    return fine, error
