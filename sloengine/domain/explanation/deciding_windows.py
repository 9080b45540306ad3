"""A game on fewer windows: those that can decide a coalition's value, and a few that stand for all others.

Values are quantiles, and a window that is better than the quantile in every coalition may be any such window. Some
means over all windows go into them, too (how much of what is inherited a service can have seen; how much its base
failures vary). Weights for these are calibrated so that, with all groups in, each mean over the few windows is
the one over all of them; so all groups together are worth exactly what the engine made of all windows.

Source of the weights: Deville & Särndal, "Calibration estimators in survey sampling", JASA 87, 1992 (chi-square
distance, so that they are linear in what is calibrated).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sloengine.domain.explanation.availability_game import AvailabilityGame
from sloengine.domain.explanation.dependency_parts import Dependencies
from sloengine.domain.explanation.own_groups import CLUSTERING, TREND
from sloengine.domain.reliability.panel import FloatArray

_TAIL_MARGIN = 1.3
_TOLERANCE = 1e-9


def on_fewer_windows(
    whole: AvailabilityGame, others: int, drawn: Sequence[FloatArray] | None = None
) -> AvailabilityGame:
    """The game on the windows that decide and about ``others`` more; ``whole`` where these cannot stand for all.

    The value of all groups is that of ``whole``: it is compared, not assumed. ``drawn``: ``whole.draws`` of all
    groups, where they are at hand.
    """
    n = whole.numbers.n
    everything = np.ones(whole.players, bool)
    drawn = whole.draws(everything) if drawn is None else drawn
    rows, standing = _deciding_windows(whole, drawn, others)
    if len(rows) >= n or not standing:
        return whole
    weights = np.ones(len(rows))
    weights[-standing:] = (n - len(rows) + standing) / standing
    averaged = whole.averaged(drawn)
    means = calibrated(weights, standing, [one[rows] for one in averaged], [float(one.mean()) for one in averaged])
    if (means <= 0.0).any():
        return whole
    below = whole.dependencies
    if below is not None:
        below = Dependencies(below.drawn.take(rows, means), below.parts, below.failures)
    fewer = replace(whole, numbers=whole.numbers.take(rows, weights, means), dependencies=below)
    here, there = float(fewer.unavailability(everything[None, :])[0]), whole.value_of(drawn)
    return fewer if abs(here - there) <= _TOLERANCE * there else whole


def _deciding_windows(
    game: AvailabilityGame, drawn: Sequence[FloatArray], others: int
) -> tuple[npt.NDArray[np.int64], int]:
    """Windows near or above the quantile in some coalition, then some of the others; and how many these are.

    ``drawn``: of the coalition of all groups.
    """
    n = game.numbers.n
    tail = n - int(np.ceil(game.level * (n - 1)))
    kept = min(n, int(tail * _TAIL_MARGIN))
    everything = np.ones(game.players, bool)
    looked_at = list(drawn)
    # Where the worst windows change most: incidents as large, or as many, as others have them.
    for group in (CLUSTERING, TREND):
        looked_at.extend(game.draws(everything ^ (np.arange(game.players) == group)))
    looked_at.extend(game.draws(~everything))
    decides = np.zeros(n, bool)
    for values in looked_at:
        decides[np.argpartition(values, n - kept)[n - kept :]] = True
    rest = np.flatnonzero(~decides)
    chosen = rest[:: max(1, len(rest) // max(1, others))]
    return np.concatenate([np.flatnonzero(decides), chosen]), len(chosen)


def calibrated(
    weights: FloatArray, standing: int, values: Sequence[FloatArray], means: Sequence[float]
) -> FloatArray:
    """Weights near these with which each of ``values`` has exactly this mean, and which sum to as much as before.

    ``weights``: shape (n,); only the last ``standing`` are moved. ``values``: each of shape (n,).
    """
    whole = float(weights.sum())
    scale = [mean if mean > 0.0 else 1.0 for mean in means]
    known = np.array([np.ones(len(weights)), *(row / by for row, by in zip(values, scale, strict=True))])
    wanted = whole * np.array([1.0, *(mean / by for mean, by in zip(means, scale, strict=True))])
    moved = known[:, -standing:]
    missing = wanted - known @ weights
    moves = np.linalg.pinv((moved * weights[-standing:]) @ moved.T, rcond=1e-12, hermitian=True) @ missing
    found = weights.copy()
    found[-standing:] *= 1.0 + moves @ moved
    return found
