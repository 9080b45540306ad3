"""Why an availability target is what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from sloengine.domain.explanation.availability_counterfactuals import availability_counterfactuals
from sloengine.domain.explanation.availability_game import AvailabilityGame
from sloengine.domain.explanation.availability_rerun import AvailabilityRerun
from sloengine.domain.explanation.deciding_windows import on_fewer_windows
from sloengine.domain.explanation.dependency_parts import Dependencies, main_parts, split_failures
from sloengine.domain.explanation.own_groups import OWN_GROUPS
from sloengine.domain.explanation.reference import Reference
from sloengine.domain.explanation.shapley import BoolArray, Values
from sloengine.domain.explanation.wording import PERCENT, summarize_explanation
from sloengine.domain.recommendation.availability_case import AvailabilityCase, streams
from sloengine.domain.recommendation.model import (
    Attribution,
    Explanation,
    Recommendation,
    TierName,
    TierTarget,
)
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import calibration_in_force, probability_met
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.rounding import round_availability_down
from sloengine.domain.topology.bound_softened import Softened
from sloengine.domain.topology.joint_draws import DrawnSources

OTHER_DEPENDENCIES, DEPENDENCY, ROUNDING = "other dependencies", "dependency", "rounding"
PROMISED, ON_RECORD = "dependencies' promises", "target on record"
"""What dependencies' promises cost a Conservative target; what it differs by because the one before stays."""
CHANGE = "confirmed change"
"""What a confirmed change of behaviour costs on top: the more cautious of all days and of the days since."""
_PREFERRED = (TierName.BALANCED, TierName.AGGRESSIVE, TierName.CONSERVATIVE)

type Attribute = Callable[[Values, int], FloatArray]
"""Exact Shapley values of a game with so many players, shape (players,)."""


@runtime_checkable
class SplitBound(Protocol):
    """A composite bound that tells its sources apart."""

    def drawn_sources(self, n: int, rng: np.random.Generator) -> DrawnSources | None:
        """The sources in ``n`` future windows: those that ``joint_draws`` of the same numbers is composed of."""
        ...

    def failures_by_cause(self, causes: Sequence[str]) -> SliPanel | None:
        """The service's requests, by each of these services those that it caused to fail; None: not known."""
        ...

    def softened(self, dependency: str) -> Softened | None:
        """What making the call to this dependency soft leaves; None: it is not called, or soft already."""
        ...


@dataclass(frozen=True)
class AvailabilityExplainer:
    """Asks the engine what its target is made of. ``attribute``: how Shapley values are computed."""

    request: AvailabilityRequest
    case: AvailabilityCase
    settings: EngineSettings
    attribute: Attribute
    reference: Reference

    def explain(self, recommendation: Recommendation) -> Explanation | None:
        """The Balanced target's explanation, else that of another tier; None where no tier has a target."""
        picked = explained_target(recommendation)
        if picked is None:
            return None
        tier, target = picked
        calibration = calibration_in_force(self.case.predictive, self.settings)
        level = calibration.level_for(self.settings.nominal_probability[tier])
        dependencies = self._dependencies()
        game = self.game(level, dependencies)
        unrounded = AvailabilityRerun(self.case, level, self.settings.testable_failures, dependencies)
        values = self.values(game)
        none, everything = np.zeros((1, game.players), bool), np.ones((1, game.players), bool)
        shapley = self.attribute(values, game.players)
        reference_value, reached = float(values(none)[0]), float(values(everything)[0])
        published = percent_from_ratio(target.availability_ratio or 0.0)
        attributions = self._named(shapley, dependencies)
        if self.case.changed is not None:
            before, reached = reached, 100.0 * (1.0 - unrounded.unavailability())
            attributions.append(Attribution(CHANGE, reached - before))
        attributions.extend(self._to_published(tier, reached, published))
        towards, beyond = availability_counterfactuals(
            unrounded,
            target,
            self._probability_met,
            self._softened(),
            lowest=self.settings.lowest_target_ratio,
        )
        return Explanation(
            tier=tier,
            kind=target.kind,
            unit=PERCENT,
            reference=self.reference.name,
            reference_value=reference_value,
            unrounded_value=reached,
            target_value=published,
            attributions=tuple(attributions),
            counterfactuals=(*towards, *beyond),
            summary=summarize_explanation(
                tier=tier.lower(),
                unit=PERCENT,
                target=published,
                reference=self.reference.name,
                reference_value=reference_value,
                attributions=attributions,
                towards=towards,
                beyond=beyond,
            ),
        )

    def game(self, level: float, dependencies: Dependencies | None) -> AvailabilityGame:
        """The game on those of the recommendation's own windows that can decide a coalition's value."""
        whole = AvailabilityGame(
            history=self.case.history,
            prior=self.case.prior,
            numbers=self.case.numbers,
            reference=self.reference,
            window_days=self.case.window_days,
            daily_traffic=self.case.daily_traffic,
            level=level,
            testable_failures=self.settings.testable_failures,
            dependencies=dependencies,
        )
        if self.settings.explanation_draws >= self.case.numbers.n:
            return whole
        return on_fewer_windows(whole, self.settings.explanation_draws, self._own_draws(dependencies))

    def _own_draws(self, dependencies: Dependencies | None) -> list[FloatArray] | None:
        """What the game draws when all groups are in: the recommendation's own windows. None: it has others.

        After a confirmed change these are more cautious than what the game, which knows nothing of it, draws.
        """
        case = self.case
        if case.changed is not None:
            return None
        if dependencies is None or not dependencies.parts:
            return [case.predictive.unavailability]
        composite = case.caps.composite
        return None if composite is None else [case.predictive.unavailability, composite]

    def _to_published(self, tier: TierName, reached: float, published: float) -> list[Attribution]:
        """What leads from the unrounded target, in percent, on to the published one."""
        caps, lines, at = self.case.caps, [], reached
        promised = None if caps.promised_ratio is None else percent_from_ratio(caps.promised_ratio)
        if tier is TierName.CONSERVATIVE and promised is not None and promised < at:
            lines.append(Attribution(PROMISED, promised - at))
            at = promised
        rounded = round_availability_down(at / 100.0, caps.window_requests)
        figure = published if rounded is None else percent_from_ratio(rounded)
        lines.append(Attribution(ROUNDING, figure - at))
        if figure != published:
            lines.append(Attribution(ON_RECORD, published - figure))
        return lines

    @staticmethod
    def values(game: AvailabilityGame) -> Values:
        """Coalitions' targets in percent.

        That of all groups is the engine's own unrounded target. Nothing is scaled to make it so: the game is made
        of the same windows and means.
        """

        def of(coalitions: BoolArray) -> FloatArray:
            unavailability = game.with_traffic_limit(game.unavailability(coalitions), coalitions)
            return np.asarray(100.0 * (1.0 - unavailability))

        return of

    def _dependencies(self) -> Dependencies | None:
        return dependencies_of(self.request, self.case, self.settings)

    def _softened(self) -> Callable[[str], Softened | None]:
        bound: object = self.request.bound
        return bound.softened if isinstance(bound, SplitBound) else lambda _: None

    def _probability_met(self, ratio: float) -> float:
        return probability_met(
            self.case.predictive.unavailability,
            ratio,
            calibration_in_force(self.case.predictive, self.settings),
            self.settings.highest_level,
        )

    @staticmethod
    def _named(shapley: FloatArray, dependencies: Dependencies | None) -> list[Attribution]:
        names: list[tuple[str, str | None]] = [(name, None) for name in OWN_GROUPS]
        for part in () if dependencies is None else dependencies.parts:
            names.append((OTHER_DEPENDENCIES if part.service_id is None else DEPENDENCY, part.service_id))
        return [
            Attribution(feature, float(value), service_id)
            for (feature, service_id), value in zip(names, shapley, strict=True)
        ]


def dependencies_of(
    request: AvailabilityRequest, case: AvailabilityCase, settings: EngineSettings
) -> Dependencies | None:
    """What reaches the service of a case from below; None: nothing does, or its bound does not tell sources apart.

    A member of a cycle that calls nobody else, or a service whose dependencies have not failed, has no parts; its
    composite is drawn again all the same where its own failures change.
    """
    bound: object = request.bound
    if not isinstance(bound, SplitBound):
        return None
    drawn = bound.drawn_sources(settings.n_draws, streams(case.seed)[1])
    if drawn is None:
        return None
    parts = main_parts(drawn.inherited)
    history = case.history
    if not parts:
        return Dependencies(drawn, parts, history.bad[:1])
    failures = split_failures(
        history.bad[0],
        history.valid[0],
        parts,
        drawn.inherited,
        request.panel,
        settings.lookback_days,
        caused=bound.failures_by_cause,
    )
    return Dependencies(drawn, parts, failures)


def explained_target(recommendation: Recommendation) -> tuple[TierName, TierTarget] | None:
    """The tier and target that an explanation is about: Balanced where it has one."""
    for name in _PREFERRED:
        targets = recommendation.tier(name).targets
        if targets:
            return name, targets[0]
    return None
