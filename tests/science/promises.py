"""Recommendations of simulated organisations beside the window that came after them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration_trial import own_bootstrap, published
from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.daily import daily_sums
from tests.science.organisations import WINDOW_DAYS, recommend, world

type Floats = npt.NDArray[np.float64]
TIERS = list(TierName)


@dataclass(frozen=True)
class Promises:
    """One organisation. All of shape (services, 3), NaN where there is no target.

    ``target``: what was published; ``promised``: its P(met); ``held``: whether the next window met it;
    ``own_held``: whether it met what a bootstrap of the service's own days would have published.
    """

    target: Floats
    promised: Floats
    held: Floats
    own_held: Floats

    def excess(self, position: int) -> float:
        """Mean of promised less held of one tier, in points."""
        return 100 * float(np.nanmean(self.promised[:, position] - self.held[:, position]))

    def own_excess(self, position: int, nominal: float) -> float:
        """The same of the bootstrap."""
        return 100 * float(nominal - np.nanmean(self.own_held[:, position]))


def judged(
    seed: int, days: int, settings: EngineSettings | None = None, *, counted: bool = True, **changes: float
) -> Promises:
    """Recommend for every service with a window to come, bound, caps and rounding included; then look."""
    settings = settings or EngineSettings(n_draws=2_000)
    made = world(seed, days=days, **changes)
    outcome = made.outcome
    names = sorted(outcome)
    answers = recommend(made.evidence(counted=counted), names, settings=settings)
    days_of = daily_sums(made.panel, as_of=made.as_of, lookback_days=90)
    random = np.random.default_rng(seed)
    shape = len(names), len(TIERS)
    target, promised, held, own_held = (np.full(shape, np.nan) for _ in range(4))
    for row, name in enumerate(names):
        result = answers[name]
        if not isinstance(result, Recommendation):
            continue
        mine = days_of.row(name)
        seen = mine.valid[0] > 0
        bad, valid = mine.bad[0, seen], mine.valid[0, seen]
        resampled = own_bootstrap(bad, valid, random)
        traffic = float(days_of.row(name).expected_daily_traffic()[0]) * WINDOW_DAYS
        for position, tier_name in enumerate(TIERS):
            tier = result.tier(tier_name)
            if not tier.targets or tier.targets[0].availability_ratio is None:
                continue
            target[row, position] = tier.targets[0].availability_ratio
            promised[row, position] = tier.targets[0].probability_met
            held[row, position] = outcome[name] >= target[row, position] - 1e-12
            own = published(resampled, settings.nominal_probability[tier_name], traffic, settings)
            if own is not None:
                own_held[row, position] = outcome[name] >= own - 1e-12
    return Promises(target, promised, held, own_held)


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """Mean over organisations and its standard error: services of one organisation share incidents."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
