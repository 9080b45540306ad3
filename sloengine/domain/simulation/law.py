"""What many playings say of a value to come: its quantiles, and what may be promised of it how often.

Counting only: the places of a new value among n others, all drawn alike, are equally probable, so that it is below
the k-th smallest of them with probability k / (n + 1), whatever the distribution.

Source: order statistics as tolerance limits: Wilks, "Determination of sample sizes for setting tolerance limits",
1941; how often such a limit holds is beta distributed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from sloengine.domain.simulation.blocks import FloatArray

PROMISES = {"CONSERVATIVE": 0.98, "BALANCED": 0.92, "AGGRESSIVE": 0.80}
"""How often what is promised is to hold, by the names of the tiers; written twice, as all that is judged."""
LEVELS = (0.02, 0.08, 0.2, 0.5, 0.8, 0.92, 0.98)
_SLACK = 1e-9
_INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Carried:
    """How often a promise at one place of n playings holds: on average, and between which bounds with 95 %."""

    rank: int
    hold_ratio: float
    low: float
    high: float


def fewest_playings(probability: float) -> int:
    """How many playings it takes to say what holds so often.

    >>> fewest_playings(0.98), fewest_playings(0.8)
    (49, 4)
    """
    return int(np.ceil(1 / (1 - probability) - 1 - _SLACK))


def carried(playings: int, probability: float) -> Carried | None:
    """The strictest place that still holds so often; None where there are too few playings.

    >>> carried(99, 0.98).rank, round(carried(99, 0.98).hold_ratio, 6), carried(48, 0.98)
    (2, 0.98, None)
    """
    rank = int(np.floor((1 - probability) * (playings + 1) + _SLACK))
    if rank < 1:
        return None
    low, high = (float(betaincinv(playings + 1 - rank, rank, level)) for level in _INTERVAL)
    return Carried(rank, 1 - rank / (playings + 1), low, high)


def known(draws: FloatArray) -> FloatArray:
    """The playings in which there was anything, in order."""
    return np.sort(draws[~np.isnan(draws)])


def quantiles(draws: FloatArray, levels: Sequence[float] = LEVELS) -> list[float | None]:
    """Values below which a new one lies so often; None beyond what so many playings tell."""
    ordered = known(draws)
    n = len(ordered)
    return [
        float(np.quantile(ordered, level, method="weibull"))
        if 1 - _SLACK <= level * (n + 1) <= n + _SLACK
        else None
        for level in levels
    ]


def highest_held(draws: FloatArray, probability: float) -> float | None:
    """The highest floor that a new value keeps so often: an oracle's availability target, not rounded."""
    ordered = known(draws)
    place = carried(len(ordered), probability)
    return None if place is None else float(ordered[place.rank - 1])


def lowest_held(draws: FloatArray, probability: float) -> float | None:
    """The lowest ceiling that a new value keeps so often: an oracle's latency threshold, not rounded."""
    lowest = highest_held(-draws, probability)
    return None if lowest is None else -lowest
