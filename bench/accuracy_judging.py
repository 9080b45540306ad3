"""Forecasts judged: what would be published, whether it held, beside an oracle and simple rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.accuracy_forecasts import BUDGETS, Forecasts
from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.recommendation.settings import EngineSettings

type Floats = npt.NDArray[np.floating]
type Flags = npt.NDArray[np.bool_]
type Positions = npt.NDArray[np.int64]

TIERS = tuple(TierName)
_SLACK = 1e-12
_TIE = 1e-9


@dataclass(frozen=True)
class Published:
    """Positions in ``BUDGETS``, shape (rows,), and where there is no target."""

    position: Positions
    missing: Flags

    @property
    def budget(self) -> Floats:
        """What may fail, NaN without a target."""
        return np.where(self.missing, np.nan, BUDGETS[self.position])


def publish(within: Floats, level: Floats | float, requests: Floats, settings: EngineSettings) -> Published:
    """The tightest budget that level, traffic and grid allow: the tiers' own steps on shares of draws.

    ``level``: one for all rows, or of each.
    """
    testable = BUDGETS[None, :] >= settings.testable_failures / requests[:, None] - _SLACK
    allowed = (within >= np.reshape(level, (-1, 1)) - _TIE) & testable
    position = allowed.argmax(axis=1).astype(np.int64)
    missing = ~allowed.any(axis=1) | (BUDGETS[position] > 1 - settings.lowest_target_ratio + _TIE)
    return Published(position, missing)


def publish_ratio(unavailability: Floats, requests: Floats, settings: EngineSettings) -> Published:
    """What a rule that states one number would publish, with the same caps and rounding."""
    return publish((BUDGETS[None, :] >= unavailability[:, None] - _SLACK).astype(float), 1.0, requests, settings)


@dataclass(frozen=True)
class TierResult:
    """One tier over many organisations, on the windows where engine and oracle both have a target.

    Shares in [0, 1]; ``difference``: engine's less oracle's; ``over_promise``: P(met) less held;
    ``expected_``: the same over all the windows that the truth allows, as the oracle draws them; ``price``: median
    budget over the oracle's; ``without_target``: share of windows in which the tier is left out.
    """

    tier: TierName
    windows: int
    held: float
    oracle_held: float
    difference: ClusteredMean
    over_promise: ClusteredMean
    expected_difference: ClusteredMean
    expected_over_promise: ClusteredMean
    price: float
    median_target: float
    oracle_median: float
    without_target: float


@dataclass(frozen=True)
class RuleResult:
    """A simple rule on the windows where the engine has a target too."""

    rule: str
    tier: TierName
    windows: int
    held: float
    engine_held: float
    median_target: float
    engine_median: float

    @property
    def is_better(self) -> bool:
        """Holds at least as often, and is tighter."""
        return self.held >= self.engine_held and self.median_target > self.engine_median


def judge(forecasts: Forecasts, settings: EngineSettings) -> list[TierResult]:
    """Every tier; intervals resample nothing but count whole organisations."""
    results: list[TierResult] = []
    for tier in TIERS:
        nominal = settings.nominal_probability[tier]
        mine = publish(forecasts.engine, _levels(forecasts, tier, settings), forecasts.requests, settings)
        known = publish(forecasts.oracle, nominal, forecasts.requests, settings)
        both = ~(mine.missing | known.missing)
        held, oracle_held = (_held(forecasts, one)[both] for one in (mine, known))
        promised = _promised(forecasts, mine, settings)[both]
        labels = [forecasts.organization[both].astype(np.int64)]
        expected, oracle_expected = (_expected(forecasts, one)[both] for one in (mine, known))
        results.append(
            TierResult(
                tier=tier,
                windows=int(both.sum()),
                held=float(held.mean()),
                oracle_held=float(oracle_held.mean()),
                difference=clustered_mean(held - oracle_held, labels),
                over_promise=clustered_mean(promised - held, labels),
                expected_difference=clustered_mean(expected - oracle_expected, labels),
                expected_over_promise=clustered_mean(promised - expected, labels),
                price=float(np.median(mine.budget[both] / known.budget[both])),
                median_target=1 - float(np.median(mine.budget[both])),
                oracle_median=1 - float(np.median(known.budget[both])),
                without_target=float(mine.missing.mean()),
            )
        )
    return results


def judge_rules(forecasts: Forecasts, settings: EngineSettings) -> list[RuleResult]:
    """Own bootstrap, mean of 30 days, worst window, fixed 99.5 and 99.9 beside every tier."""
    results: list[RuleResult] = []
    for tier in TIERS:
        nominal = settings.nominal_probability[tier]
        mine = publish(forecasts.engine, _levels(forecasts, tier, settings), forecasts.requests, settings)
        rules: Mapping[str, Published] = {
            "own bootstrap": publish(forecasts.own, nominal, forecasts.requests, settings),
            "mean 30 days": publish_ratio(forecasts.mean_30, forecasts.requests, settings),
            "worst window": publish_ratio(forecasts.worst, forecasts.requests, settings),
            "fixed 99.5": _fixed(0.005, len(forecasts)),
            "fixed 99.9": _fixed(0.001, len(forecasts)),
        }
        for name, theirs in rules.items():
            both = ~(mine.missing | theirs.missing)
            if not both.any():
                continue
            results.append(
                RuleResult(
                    rule=name,
                    tier=tier,
                    windows=int(both.sum()),
                    held=float(_held(forecasts, theirs)[both].mean()),
                    engine_held=float(_held(forecasts, mine)[both].mean()),
                    median_target=1 - float(np.median(theirs.budget[both])),
                    engine_median=1 - float(np.median(mine.budget[both])),
                )
            )
    return results


def _maps(forecasts: Forecasts, settings: EngineSettings) -> list[CalibrationMap]:
    """The map in force for each row."""
    return [
        settings.calibration_of(ObjectiveKind.AVAILABILITY, history_days=history, window_days=window)
        for history, window in zip(forecasts.days.tolist(), forecasts.horizon.tolist(), strict=True)
    ]


def _levels(forecasts: Forecasts, tier: TierName, settings: EngineSettings) -> Floats:
    """Level to ask of the model for each row; above the highest one nothing is published."""
    nominal = settings.nominal_probability[tier]
    levels = np.array([found.level_for(nominal) for found in _maps(forecasts, settings)])
    return np.where(levels <= settings.highest_level, levels, 2.0)


def _fixed(budget: float, n: int) -> Published:
    position = int(np.argmin(np.abs(BUDGETS - budget)))
    return Published(np.full(n, position, dtype=np.int64), np.zeros(n, dtype=bool))


def _held(forecasts: Forecasts, published: Published) -> Floats:
    return (forecasts.truth <= BUDGETS[published.position] + _SLACK).astype(float)


def _expected(forecasts: Forecasts, published: Published) -> Floats:
    """Share of the windows drawn from the truth that meet it."""
    return forecasts.oracle[np.arange(len(forecasts)), published.position].astype(float)


def _promised(forecasts: Forecasts, published: Published, settings: EngineSettings) -> Floats:
    share = forecasts.engine[np.arange(len(forecasts)), published.position]
    maps = _maps(forecasts, settings)
    return np.array(
        [
            min(settings.highest_level, found.probability_of(float(one)))
            for found, one in zip(maps, share, strict=True)
        ]
    )
