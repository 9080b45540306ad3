"""Percentiles of the true latency distribution over a stretch of time: exact, not from buckets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray
from sloengine.domain.simulation.latency import share_within
from sloengine.domain.simulation.parameters import Parameters

_HALVINGS = 40
_SHORTEST, _LONGEST = np.log(1e-6), np.log(1e5)  # seconds
_PIECE_CELLS = 2_000_000  # services x slots worked on at once


def latency_percentiles(
    parameters: Parameters, requests: FloatArray, typical: FloatArray, load: FloatArray, shares: Sequence[float]
) -> FloatArray:
    """Seconds that these shares of all requests do not exceed, shape (n_services, len(shares)).

    ``requests``, ``typical`` (median seconds) and ``load``: shape (n_services, slots). By halving; NaN where there
    is no request.
    """
    size = max(1, _PIECE_CELLS // max(1, requests.shape[1]))
    pieces = [slice(first, first + size) for first in range(0, len(requests), size)]
    return np.concatenate(
        [_of_piece(parameters, requests[piece], typical[piece], load[piece], shares) for piece in pieces]
    )


def _of_piece(
    parameters: Parameters, requests: FloatArray, typical: FloatArray, load: FloatArray, shares: Sequence[float]
) -> FloatArray:
    total = requests.sum(axis=1)
    found = np.full((len(requests), len(shares)), np.nan)
    for place, wanted in enumerate(shares):
        low, high = np.full(len(requests), _SHORTEST), np.full(len(requests), _LONGEST)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            within = share_within(parameters, typical, load, np.exp(middle)[:, None])
            below = (within * requests).sum(axis=1) < wanted * total
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found[:, place] = np.where(total > 0, np.exp(high), np.nan)
    return found
