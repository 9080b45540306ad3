"""The ratio of odds that forecasts start with, and how it goes with what is spent: learnt from many organisations.

Logistic regression on what the draws tell (slope held at 1), drawn towards no correction at all: a normal law of
sd 1 around 0 for either coefficient, against as many independent outcomes as the scatter between organisations
leaves. Without evidence nothing is corrected.
Source: Cox (1958), Biometrika 45:562 (recalibration of odds); Kish (1965), Survey Sampling, 5.4 (design effect).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.stats import t as student_t

from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels
from sloengine.domain.forecast.learnt import FinishedOrigin
from sloengine.domain.forecast.probability_map import ProbabilityMap, design_effect
from sloengine.domain.reliability.panel import FloatArray

PRIOR_SD = 1.0
LEAST = 0.5 / 1_001
"""No share of a thousand draws is nearer to 0 or 1 than this tells."""
type Interval = tuple[float, float]


def shipped_map(rows: FloatArray) -> ProbabilityMap:
    """The map that fits; ``rows``: as ``bench.forecast_map.told_and_came``."""
    told, came, spent = rows[:, 3], rows[:, 4], np.clip(rows[:, 5], 0.0, 1.0)
    constant, slope = coefficients(np.c_[np.ones(len(rows)), spent], log_odds(told), came, rows[:, 0])
    return ProbabilityMap(float(np.exp(constant)), by_spent=float(slope))


def coefficients(
    columns: FloatArray,
    offset: FloatArray,
    came: FloatArray,
    clusters: FloatArray,
    middle: FloatArray | None = None,
) -> FloatArray:
    """Of columns, shape (n, k), on the log odds beside ``offset``, shape (n,); drawn towards ``middle``, or 0."""
    middle = np.zeros(columns.shape[1]) if middle is None else middle
    if len(columns) == 0:
        return middle

    def mode(worth: float) -> FloatArray:
        def loss(at: FloatArray) -> tuple[float, FloatArray]:
            odds = offset + columns @ at
            pull = (at - middle) / PRIOR_SD**2
            told = 1.0 / (1.0 + np.exp(-odds))
            value = worth * float((np.logaddexp(0.0, odds) - came * odds).sum())
            return value + float(pull @ (at - middle)) / 2, worth * columns.T @ (told - came) + pull

        return np.asarray(minimize(loss, middle, jac=True, method="BFGS").x)

    alone = offset + columns @ mode(1.0)
    return mode(1.0 / design_effect(came - 1.0 / (1.0 + np.exp(-alone)), clusters))


def starting_levels(every: Sequence[Sequence[FinishedOrigin]]) -> AdaptiveLevels:
    """For each level the model's own below which that part of outcomes lay, organisations counting alike."""
    ranks = [np.concatenate([origin.ranks for origin in one]) for one in every]
    weights = np.concatenate([np.full(len(one), 1.0 / len(one)) for one in ranks])
    used = np.quantile(np.concatenate(ranks), LEVELS, method="inverted_cdf", weights=weights)
    return AdaptiveLevels(np.asarray(used))


def log_odds(told: FloatArray) -> FloatArray:
    """Of probabilities, kept off 0 and 1."""
    safe = np.clip(told, LEAST, 1.0 - LEAST)
    return np.asarray(np.log(safe / (1.0 - safe)))


def log_loss(told: FloatArray, came: FloatArray) -> float:
    """Mean negative log-likelihood, probabilities kept off 0 and 1."""
    odds = log_odds(told)
    return float((np.logaddexp(0.0, odds) - came * odds).mean())


def one_left_out(
    rows: FloatArray, fit: Callable[[FloatArray], ProbabilityMap] = shipped_map
) -> tuple[Interval, Interval]:
    """95 % intervals of the ratio and of what is spent, by leaving out one organisation at a time."""
    every = np.unique(rows[:, 0])
    maps = [fit(rows[rows[:, 0] != one]) for one in every]
    found = np.array([(one.ratio, one.by_spent) for one in maps])
    whole = fit(rows)
    error = np.sqrt((len(every) - 1) / len(every) * np.square(found - found.mean(axis=0)).sum(axis=0))
    half = float(student_t.ppf(0.975, len(every) - 1)) * error
    return (
        (whole.ratio - float(half[0]), whole.ratio + float(half[0])),
        (whole.by_spent - float(half[1]), whole.by_spent + float(half[1])),
    )
