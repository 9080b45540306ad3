"""What would have to change for one more nine, and what one nine less buys: the engine asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sloengine.domain.explanation.availability_rerun import AvailabilityRerun
from sloengine.domain.explanation.dependency_parts import Dependencies, Part
from sloengine.domain.explanation.wording import availability_text
from sloengine.domain.recommendation.model import Counterfactual, TierTarget
from sloengine.domain.recommendation.summary import times_in_a_hundred
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.rounding import round_availability_down, tightest_availability
from sloengine.domain.topology.bound_softened import Softened
from sloengine.domain.topology.common_cause import DEFAULT_COMMON_CAUSE

_STEPS = 12
"""Halvings in search of the least change: it is then known to a four-thousandth."""
_SMALLEST = 1e-9
_MOST_REBUILT = 1
"""Dependencies that are tried as soft or redundant ones."""


@dataclass(frozen=True)
class Goal:
    """One more nine than the published target."""

    target: float

    @property
    def wanted(self) -> float:
        """Availability with a tenth of the target's unavailability, free of binary noise."""
        return float(f"{1.0 - (1.0 - self.target) / 10.0:.12g}")


def availability_counterfactuals(
    rerun: AvailabilityRerun,
    target: TierTarget,
    probability_of: Callable[[float], float],
    softened: Callable[[str], Softened | None],
    *,
    lowest: float,
) -> tuple[tuple[Counterfactual, ...], tuple[Counterfactual, ...]]:
    """The least single changes that bring one more nine, least first, then those that do not; and one nine less.

    ``probability_of``: P(met) of any target. ``softened``: what making the call to a dependency soft leaves.
    ``lowest``: availability below which nothing is recommended.
    """
    ratio = target.availability_ratio
    if ratio is None:
        return (), ()
    goal = Goal(ratio)
    less = _one_nine_less(ratio, target.probability_met, probability_of, lowest)
    requests = rerun.case.caps.window_requests
    if goal.wanted > tightest_availability(requests, rerun.testable_failures) + _SMALLEST:
        return (_more_traffic(goal, ratio, requests, rerun.testable_failures),), less
    found: list[tuple[float, Counterfactual]] = []
    dependencies = rerun.dependencies
    if dependencies is not None:
        for place, part in enumerate(dependencies.parts):
            if part.service_id is not None:
                found.append(_dependency(rerun, dependencies, place, part.service_id, goal))
                if place >= _MOST_REBUILT:
                    continue
                found.append(_redundant(rerun, dependencies, place, part.service_id, goal))
                soft = _soft(rerun, dependencies, part, goal, softened)
                if soft is not None:
                    found.append(soft)
    own = _own(rerun, goal)
    if own is not None:
        found.append(own)
    found.sort(key=lambda pair: (-pair[1].resulting_target, pair[0]) if not pair[1].feasible else (-1e9, pair[0]))
    return tuple(counterfactual for _, counterfactual in found), less


def _least_change(target_at: Callable[[float], float | None], wanted: float) -> tuple[float, float]:
    """Largest share of the failures that may stay for the target to be reached, and the target then.

    0 where even none does; the target is then the one without any.
    """

    def reaches(target: float | None) -> bool:
        return target is not None and target >= wanted - 1e-12

    without = target_at(0.0)
    if not reaches(without):
        return 0.0, without if without is not None else 0.0
    low, high, best = 0.0, 1.0, without
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        tried = target_at(middle)
        if reaches(tried):
            low, best = middle, tried
        else:
            high = middle
    return low, best if best is not None else 0.0


def _dependency(
    rerun: AvailabilityRerun, dependencies: Dependencies, place: int, service_id: str, goal: Goal
) -> tuple[float, Counterfactual]:
    part = dependencies.parts[place]

    def target_at(share: float) -> float | None:
        by_part = [1.0] * len(dependencies.parts)
        by_part[place] = share
        return rerun.published(by_source=dependencies.factors(by_part))

    stays, reached = _least_change(target_at, goal.wanted)
    own = max(dependencies.inherited.sources[source].own for source in part.sources)
    before, after = percent_from_ratio(1.0 - own), percent_from_ratio(1.0 - own * stays)
    is_there = reached >= goal.wanted - 1e-12
    shown = availability_text(percent_from_ratio(reached))
    said = (
        f"One more nine ({shown}) takes {service_id}, by its own failures, from {availability_text(before)} to "
        f"{availability_text(after)}"
        if is_there
        else f"Even if {service_id}, now at {availability_text(before)} by its own failures, never failed, the "
        f"target would be {shown}"
    )
    return 1.0 - stays, Counterfactual(
        said, percent_from_ratio(reached), is_there, service_id, before, after if is_there else 100.0
    )


def _soft(
    rerun: AvailabilityRerun,
    dependencies: Dependencies,
    part: Part,
    goal: Goal,
    softened: Callable[[str], Softened | None],
) -> tuple[float, Counterfactual] | None:
    if part.service_id is None:
        return None
    made = softened(part.service_id)
    if made is None:
        return None
    reached = rerun.published(by_source=made.factors) or 0.0
    shown = availability_text(percent_from_ratio(reached))
    is_there = reached >= goal.wanted - 1e-12
    said = (
        f"With the call to {part.service_id} made soft (a fallback that lets {made.after:.3g} instead of "
        f"{made.before:.3g} of its failures through) the target would be {shown}"
    )
    change = 1.0 - made.after / made.before
    return change, Counterfactual(
        said, percent_from_ratio(reached), is_there, part.service_id, made.before, made.after
    )


def _redundant(
    rerun: AvailabilityRerun, dependencies: Dependencies, place: int, service_id: str, goal: Goal
) -> tuple[float, Counterfactual]:
    """A second instance beside the dependency: what both have in common still fails, the rest only together."""
    own = max(dependencies.inherited.sources[source].own for source in dependencies.parts[place].sources)
    stays = DEFAULT_COMMON_CAUSE + (1.0 - DEFAULT_COMMON_CAUSE) * own
    by_part = [1.0] * len(dependencies.parts)
    by_part[place] = stays
    reached = rerun.published(by_source=dependencies.factors(by_part)) or 0.0
    said = (
        f"With an independent second {service_id} beside it (a tenth of its failures still in common) the target "
        f"would be {availability_text(percent_from_ratio(reached))}"
    )
    before, after = percent_from_ratio(1.0 - own), percent_from_ratio(1.0 - own * stays)
    is_there = reached >= goal.wanted - 1e-12
    return 1.0 - stays, Counterfactual(said, percent_from_ratio(reached), is_there, service_id, before, after)


def _own(rerun: AvailabilityRerun, goal: Goal) -> tuple[float, Counterfactual] | None:
    history = rerun.case.history
    failed = float(
        history.bad[0].sum() if rerun.dependencies is None else rerun.dependencies.failures[0].sum()
    ) / max(float(history.valid[0].sum()), 1.0)
    if failed < _SMALLEST:
        return None
    stays, reached = _least_change(lambda share: rerun.published(own=share), goal.wanted)
    before, after = percent_from_ratio(1.0 - failed), percent_from_ratio(1.0 - failed * stays)
    is_there = reached >= goal.wanted - 1e-12
    shown = availability_text(percent_from_ratio(reached))
    said = (
        f"One more nine ({shown}) takes the service itself, by its own failures, from {availability_text(before)} "
        f"to {availability_text(after)}"
        if is_there
        else f"Even if the service itself, now at {availability_text(before)} by its own failures, never failed, "
        f"the target would be {shown}"
    )
    return 1.0 - stays, Counterfactual(
        said, percent_from_ratio(reached), is_there, None, before, after if is_there else 100.0
    )


def _more_traffic(goal: Goal, ratio: float, requests: float, failures: float) -> Counterfactual:
    needed = failures / (1.0 - goal.wanted)
    said = (
        f"One more nine cannot be tested: it takes about {needed:,.0f} requests in a window, and there are about "
        f"{requests:,.0f}"
    )
    return Counterfactual(said, percent_from_ratio(ratio), False, None, requests, needed)


def _one_nine_less(
    ratio: float, met: float, probability_of: Callable[[float], float], lowest: float
) -> tuple[Counterfactual, ...]:
    looser = round_availability_down(float(f"{1.0 - (1.0 - ratio) * 10.0:.12g}"))
    if looser is None or looser < lowest - _SMALLEST:
        return ()
    after = probability_of(looser)
    kept, now = times_in_a_hundred(after), times_in_a_hundred(met)
    against = "as now" if kept == now else f"instead of {now.split(' ', maxsplit=1)[0]}"
    said = (
        f"One nine less ({availability_text(percent_from_ratio(looser))}) would be kept in {kept} {against}, "
        f"with ten times the error budget"
    )
    return (Counterfactual(said, percent_from_ratio(looser), True, None, met, after),)
