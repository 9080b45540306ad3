"""Why a latency target is what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sloengine.domain.explanation.explain_availability import (
    CHANGE,
    ON_RECORD,
    ROUNDING,
    Attribute,
    explained_target,
)
from sloengine.domain.explanation.latency_game import LatencyGame
from sloengine.domain.explanation.shapley import Values
from sloengine.domain.explanation.wording import MILLISECONDS, summarize_explanation, target_text, value_text
from sloengine.domain.recommendation.latency_days import cut_history, describe_days
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_tiers import SHARES, LatencyCase, latency_probability_met
from sloengine.domain.recommendation.latency_window import latency_window
from sloengine.domain.recommendation.model import (
    Attribution,
    Counterfactual,
    Explanation,
    ObjectiveKind,
    Recommendation,
    TierName,
    TierTarget,
)
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.summary import times_in_a_hundred
from sloengine.domain.reliability.quantile import upper_quantile

_SLACK = 1e-9
REFERENCE = "this service on its usual days, with slow spells as other services have them"


@dataclass(frozen=True)
class LatencyExplainer:
    """Asks the engine what its latency target is made of. ``attribute``: how Shapley values are computed."""

    request: LatencyRequest
    case: LatencyCase
    prior: LatencyPrior
    settings: EngineSettings
    attribute: Attribute

    def explain(self, recommendation: Recommendation) -> Explanation | None:
        """Of the Balanced p95 (p99 where there is no p95), else of another tier's; None where there is none."""
        picked = explained_target(recommendation)
        if picked is None or picked[1].threshold_ms is None:
            return None
        tier, target = picked
        calibration = self.case.calibration(target.kind, self.settings)
        level = calibration.level_for(self.settings.nominal_probability[tier])
        game = self.game(level, target.kind)
        values = self.values(game)
        none, everything = np.zeros((1, game.players), bool), np.ones((1, game.players), bool)
        shapley = self.attribute(values, game.players)
        reference_value, reached = float(values(none)[0]), float(values(everything)[0])
        threshold = picked[1].threshold_ms
        attributions = [Attribution(name, float(value)) for name, value in zip(game.groups, shapley, strict=True)]
        if self.request.changed is not None:
            before, reached = reached, self.raw_ms(level, target.kind)
            attributions.append(Attribution(CHANGE, reached - before))
        bound = next((one for one in self._bounds_ms if one >= reached * (1 - _SLACK)), threshold)
        attributions.append(Attribution(ROUNDING, bound - reached))
        if bound != threshold:
            attributions.append(Attribution(ON_RECORD, threshold - bound))
        towards, beyond = self._towards(tier, target, reached), self._beyond(target)
        return Explanation(
            tier=tier,
            kind=target.kind,
            unit=MILLISECONDS,
            reference=REFERENCE,
            reference_value=reference_value,
            unrounded_value=reached,
            target_value=threshold,
            attributions=tuple(attributions),
            counterfactuals=(*towards, *beyond),
            summary=summarize_explanation(
                tier=f"{tier.lower()} {target.kind.removeprefix('LATENCY_').lower()}",
                unit=MILLISECONDS,
                target=threshold,
                reference=REFERENCE,
                reference_value=reference_value,
                attributions=attributions,
                towards=towards,
                beyond=beyond,
            ),
        )

    def game(self, level: float, kind: ObjectiveKind) -> LatencyGame:
        """The game on the recommendation's own windows."""
        usual = self.settings.latency_margin_ratio
        return LatencyGame(
            service_id=self.request.service_id,
            days=self.case.days,
            prior=self.prior,
            numbers=self.case.numbers,
            window_days=self.case.predictive.window_days,
            level=level,
            tail_share=1.0 - SHARES[kind],
            margins=(usual, self.case.margin_ratio),
            most_ms=float(self.case.days.bounds_seconds[-2] * 1000.0),
            history_days=float(self.settings.lookback_days),
            from_below=self._from_below(),
        )

    def _from_below(self) -> npt.NDArray[np.bool_]:
        """Of each slow spell, whether a service that this one waits for was slow on the day it began."""
        if not len(self.case.days.episode_ages):
            return np.zeros(0, bool)
        slow: set[float] = set()
        for history in self.request.waits_for.values():
            counts, ages = cut_history(
                history, as_of=self.request.as_of, lookback_days=self.settings.lookback_days
            )
            days = describe_days(history.bounds_seconds, counts, ages)
            if days is not None:
                slow.update(days.ages[days.bad].tolist())
        return np.array([age in slow for age in self.case.days.episode_ages.tolist()], bool)

    def raw_ms(self, level: float, kind: ObjectiveKind) -> float:
        """The engine's own unrounded target, in milliseconds."""
        return upper_quantile(self.case.draws_ms(kind), level)

    @staticmethod
    def values(game: LatencyGame) -> Values:
        """Coalitions' targets in milliseconds; that of all groups is the engine's own, unscaled."""
        return game.milliseconds

    def _towards(self, tier: TierName, target: TierTarget, raw_ms: float) -> tuple[Counterfactual, ...]:
        """What it takes to reach the next lower bound of the histogram."""
        bounds = self._bounds_ms
        lower = [bound for bound in bounds if bound < (target.threshold_ms or 0.0) * (1 - _SLACK)]
        if not lower:
            return ()
        goal = lower[-1]
        usual = self.case.days.scale_seconds * 1000.0
        needed = usual * goal / raw_ms
        found = [
            Counterfactual(
                f"The next bound, {target_text(goal, MILLISECONDS)}, takes a usual p95 of "
                f"{value_text(needed, MILLISECONDS)} instead of {value_text(usual, MILLISECONDS)}",
                goal,
                True,
                None,
                usual,
                needed,
            )
        ]
        spells = len(self.case.days.shapes)
        if spells:
            reached = self.without_slow_spells(tier, target.kind)
            bound = next((bound for bound in bounds if bound >= reached * (1 - _SLACK)), None)
            if bound is not None:
                said = "slow spell" if spells == 1 else "slow spells"
                found.append(
                    Counterfactual(
                        f"Without its own {spells:g} {said} on record the target would be "
                        f"{target_text(bound, MILLISECONDS)}",
                        bound,
                        bound <= goal * (1 + _SLACK),
                        None,
                        float(spells),
                        0.0,
                    )
                )
        return tuple(sorted(found, key=lambda one: (not one.feasible, one.after != 0.0)))

    def without_slow_spells(self, tier: TierName, kind: ObjectiveKind) -> float:
        """The unrounded target had its slow days been as its usual ones, in milliseconds.

        At the level that its map then asks for: maps go by how often the service is believed to get slow.
        """
        days = self.case.days
        clean = replace(
            days,
            shapes=days.shapes[:0],
            episode_ages=days.episode_ages[:0],
            bad=np.zeros_like(days.bad),
        )
        predictive = latency_window(
            clean,
            self.prior,
            self.request.service_id,
            self.case.numbers,
            window_days=self.case.predictive.window_days,
            changed=self.request.changed,
        )
        case = replace(self.case, predictive=predictive)
        level = case.calibration(kind, self.settings).level_for(self.settings.nominal_probability[tier])
        return upper_quantile(case.draws_ms(kind), level)

    @property
    def _bounds_ms(self) -> list[float]:
        """Finite bounds of the histogram."""
        return [float(f"{bound * 1000:.12g}") for bound in self.case.days.bounds_seconds[:-1]]

    def _beyond(self, target: TierTarget) -> tuple[Counterfactual, ...]:
        """P(met) at the next higher bound of the histogram."""
        bounds = self._bounds_ms
        higher = [bound for bound in bounds if bound > (target.threshold_ms or 0.0) * (1 + _SLACK)]
        if not higher:
            return ()
        after = latency_probability_met(
            self.case.draws_ms(target.kind),
            higher[0],
            self.case.calibration(target.kind, self.settings),
            self.settings.highest_level,
        )
        kept, now = times_in_a_hundred(after), times_in_a_hundred(target.probability_met)
        against = "as now" if kept == now else f"instead of {now.split(' ', maxsplit=1)[0]}"
        said = f"The next looser bound, {target_text(higher[0], MILLISECONDS)}, would be kept in {kept} {against}"
        return (Counterfactual(said, higher[0], True, None, target.probability_met, after),)
