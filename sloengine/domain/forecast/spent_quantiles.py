"""How much of the budget will have been spent at most, with several probabilities.

The model's draws are read through the adaptive levels, which cover what they say
(:mod:`~sloengine.domain.forecast.conformal`). The probability that the budget runs out is corrected apart from
them (:mod:`~sloengine.domain.forecast.probability_map`), so the two may differ on which bounds exceed the whole
budget. There the told probability holds, and the bound goes as far as it must
(docs/decisions/0090-bounds-agree-with-the-probability.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sloengine.domain.forecast.conformal import AdaptiveLevels
from sloengine.domain.reliability.panel import FloatArray

PROBABILITIES = (0.5, 0.8, 0.9, 0.95)
"""Of these the trial has shown that they cover (docs/science/forecast.md)."""


@dataclass(frozen=True, slots=True)
class SpentAtMost:
    """With ``probability`` no more than ``spent`` of the budget has been, now or at the end of any coming day."""

    probability: float
    spent: float


def spent_at_most(
    peaks: FloatArray,
    levels: AdaptiveLevels,
    *,
    exhausted: float,
    spent: float,
    probabilities: Sequence[float] = PROBABILITIES,
) -> tuple[SpentAtMost, ...]:
    """What to give out: rising, at least ``spent``, above 1 just where ``exhausted`` says so.

    ``peaks``: draws of the largest share of the budget spent at the end of any coming day, shape (n_draws,).
    ``exhausted``: the told probability that it exceeds 1; 0 where no draw does. ``spent``: share of the budget as
    the forecast is made, at most 1; it counts as one of the moments, since in a rolling window the coming days may
    lie below it. ``probabilities``: rising.
    """
    asked = np.array(probabilities)
    found = np.quantile(peaks, levels.own_level(asked), method="inverted_cdf")
    lasts = asked <= 1.0 - exhausted
    found[lasts] = np.minimum(found[lasts], 1.0)
    over = peaks > 1.0
    if over.any():
        found[~lasts] = np.maximum(found[~lasts], peaks[over].min())
    found = np.maximum(found, spent)
    return tuple(SpentAtMost(*one) for one in zip(probabilities, found.tolist(), strict=True))
