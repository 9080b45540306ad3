"""Shapley values by enumeration of all coalitions.

Source: Shapley, "A value for n-person games" (1953). Attribution to inputs: Lundberg & Lee, "A unified approach to
interpreting model predictions", NIPS 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import factorial

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray

type BoolArray = npt.NDArray[np.bool_]
type Values = Callable[[BoolArray], FloatArray]
"""A game: coalitions of shape (n, players) in, their values of shape (n,) out."""

MOST_PLAYERS = 16


def coalitions(players: int) -> BoolArray:
    """All coalitions, shape (2 ** players, players); player j is in row i where bit j of i is set.

    Raises: ValueError, above 16 players.
    """
    if not 0 <= players <= MOST_PLAYERS:
        raise ValueError(f"at most {MOST_PLAYERS} players can be enumerated")
    return np.asarray((np.arange(1 << players)[:, None] >> np.arange(players)) & 1 == 1)


def shapley_values(values: FloatArray) -> FloatArray:
    """Each player's mean marginal contribution over all orders of arrival, shape (players,).

    ``values``: of the coalitions in the order of :func:`coalitions`, shape (2 ** players,). They sum to the value
    of all players less that of none.

    >>> shapley_values(np.array([0.0, 1.0, 2.0, 5.0]))
    array([2., 3.])
    """
    players = len(values).bit_length() - 1
    if len(values) != 1 << players:
        raise ValueError("the number of values must be a power of two")
    if players == 0:
        return np.zeros(0)
    without, worth = _marginals(players)
    marginal = values[without | (1 << np.arange(players))] - values[without]
    return np.asarray((marginal * worth).sum(axis=0))


@cache
def _marginals(players: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Rows of the coalitions without each player, and the share of all orders in which just these come first.

    Both of shape (2 ** (players - 1), players).
    """
    rows = np.arange(1 << players)
    size = np.array([int(row).bit_count() for row in rows])
    orders = np.array([factorial(k) * factorial(players - k - 1) / factorial(players) for k in range(players)])
    without = np.stack([rows[rows >> player & 1 == 0] for player in range(players)], axis=1)
    return without, orders[size[without]]
