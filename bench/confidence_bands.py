"""Is confidence earned? Share of Balanced targets that held, by how confident their recommendations were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean

type Floats = npt.NDArray[np.float64]

BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 1.0)
"""Ends of the bands; each holds its lower end."""
SURE = 0.85
"""What auto-approval rules ask for, and the share that should hold at it."""


@dataclass(frozen=True)
class Band:
    """Recommendations with a confidence in [``low``, ``high``); ``held``: share of Balanced windows, clustered."""

    low: float
    high: float
    recommendations: int
    held: ClusteredMean

    def text(self) -> str:
        """One line."""
        said = f"confidence {self.low:.2f} to {self.high:.2f}"
        spread = "" if self.held.low is None else f" [{self.held.low:.1%}, {self.held.high:.1%}]"
        return f"{said}: {self.recommendations:5d}, {self.held.value:.1%}{spread} hold"


def bands(
    confidence: Floats, held: Floats, organization: npt.NDArray[np.int64], ends: Sequence[float] = BANDS
) -> list[Band]:
    """One a band that has any, ascending. ``held``: shares of windows, NaN without a Balanced target.

    All of shape (n_recommendations,). Intervals count whole organisations.
    """
    found = []
    for low, high in pairwise(ends):
        rows = ~np.isnan(held) & (confidence >= low - 1e-9) & (confidence < high - 1e-9)
        if rows.any():
            found.append(Band(low, high, int(rows.sum()), clustered_mean(held[rows], [organization[rows]])))
    return found


def sure(confidence: Floats, held: Floats, organization: npt.NDArray[np.int64]) -> Band | None:
    """All with a confidence of ``SURE`` or more; None: nobody is so sure."""
    return next(iter(bands(confidence, held, organization, (SURE, 1.0))), None)
