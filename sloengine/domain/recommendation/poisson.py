"""Quantiles of the Poisson and gamma laws that are monotone in their mean.

Sampling by quantile keeps the random numbers common: the same seed with a larger mean never gives a smaller
value, so a change in a target comes from the data and not from a reshuffle.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv, ndtri

from sloengine.domain.reliability.panel import FloatArray

_SMALL_MEAN = 30.0
_SMALL_SHAPE = 50.0


def poisson_quantile(level: FloatArray, mean: FloatArray, normal: FloatArray | None = None) -> FloatArray:
    """Smallest k with P(X <= k) >= level. Exact up to a mean of 30, Cornish-Fisher above (within one count).

    ``normal``: the normal quantiles of ``level``, where they are at hand; shape as ``level``.
    """
    result = np.zeros(np.broadcast(level, mean).shape)
    level, mean = np.broadcast_arrays(level, mean)
    small = mean <= _SMALL_MEAN
    if small.any():
        result[small] = _by_recurrence(level[small], mean[small])
    large = ~small
    if large.any():
        z, m = ndtri(level[large]) if normal is None else normal[large], mean[large]
        root = np.sqrt(m)
        corrected = m + root * z + (z * z - 1) / 6 + (z - z**3) / (72 * root) - 0.5
        result[large] = np.maximum(0.0, np.ceil(corrected))
    return result


def _by_recurrence(level: FloatArray, mean: FloatArray) -> FloatArray:
    count = np.zeros(level.shape)
    term = np.exp(-mean)
    cumulative = term.copy()
    pending = np.flatnonzero(level > cumulative)
    k = 0
    while pending.size and k < 200:
        k += 1
        term[pending] *= mean[pending] / k
        cumulative[pending] += term[pending]
        count[pending] = k
        pending = pending[level[pending] > cumulative[pending]]
    return count


def gamma_quantile(level: FloatArray, shape: float) -> FloatArray:
    """Quantile of the gamma law with this shape and scale 1 (Wilson-Hilferty above a shape of 50)."""
    if shape > _SMALL_SHAPE:
        z = ndtri(level)
        return np.asarray(shape * np.maximum(0.0, 1 - 1 / (9 * shape) + z / (3 * np.sqrt(shape))) ** 3)
    return np.asarray(gammaincinv(shape, level))
