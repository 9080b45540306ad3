"""Quantiles of the Poisson and gamma laws that are monotone in their mean.

Sampling by quantile keeps the random numbers common: the same seed with a larger mean never gives a smaller
value, so a change in a target comes from the data and not from a reshuffle.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gammaincinv, ndtr, ndtri, pdtr

from sloengine.domain.reliability.panel import FloatArray

_SMALL_MEAN = 30.0
_SMALL_SHAPE = 50.0
_MOST_STEPS = 200
_LEAST_EXPANDED, _USUAL_NORMAL = 6.0, 3.25
_ERRS_BELOW, _ERRS_ABOVE = 0.15, 0.06
"""By how much Cornish-Fisher's expansion can lie below and above a count whose level it is asked for, from a mean
of 6 on and within 3.25 standard deviations (found by trying them all)."""
_STEPS_BETWEEN = 4
_WORTH_LEAVING_OUT = 0.7
_LEAST_TABLED_SHAPE = 0.1
_STEP = np.log(_SMALL_SHAPE / _LEAST_TABLED_SHAPE) / 400
"""Between two shapes whose quantiles are kept, on the logarithm of the shape."""
_GRID = np.linspace(-5.0, 5.0, 321)
_GRID_LEVELS = ndtr(_GRID)


def poisson_quantile(level: FloatArray, mean: FloatArray, normal: FloatArray | None = None) -> FloatArray:
    """Smallest k with P(X <= k) >= level. Exact up to a mean of 30, Cornish-Fisher above (within one count).

    ``normal``: the normal quantiles of ``level``, where they are at hand; shape as ``level``.
    """
    if normal is not None:
        return _with_normals(level, mean, normal)
    level, mean = np.broadcast_arrays(level, mean)
    adding_up = mean <= _SMALL_MEAN
    if adding_up.all():
        return _by_recurrence(level.ravel(), mean.ravel()).reshape(mean.shape)
    result = np.zeros(mean.shape)
    expanded = ~adding_up
    result[expanded] = np.maximum(0.0, np.ceil(_expanded(ndtri(level[expanded]), mean[expanded])))
    result[adding_up] = _by_recurrence(level[adding_up], mean[adding_up])
    return result


def _expanded(z: FloatArray, mean: FloatArray) -> FloatArray:
    """Cornish-Fisher's expansion at these normal quantiles; broadcast against each other."""
    root = np.sqrt(mean)
    corrected = root * z
    corrected += mean
    corrected += (z * z - 1) / 6
    root *= 72
    corrected += (z - z * z * z) / root
    corrected -= 0.5
    return np.asarray(corrected)


def _with_normals(level: FloatArray, mean: FloatArray, normal: FloatArray) -> FloatArray:
    """The same with the normal quantiles at hand, which are as many as there are levels."""
    corrected = _expanded(normal, np.maximum(mean, _LEAST_EXPANDED))
    result = np.ceil(corrected)
    # The expansion errs by less than these: where no count lies so near, it is exact for smaller means, too.
    short = result - corrected
    sure = (short > _ERRS_BELOW) & (short < 1.0 - _ERRS_ABOVE) & (np.abs(normal) < _USUAL_NORMAL)
    sure &= mean > _LEAST_EXPANDED
    sure |= mean > _SMALL_MEAN
    np.maximum(result, 0.0, out=result)
    open_ones = np.flatnonzero(~sure)
    if open_ones.size:
        levels = np.broadcast_to(level, result.shape).ravel()[open_ones]
        means = np.broadcast_to(mean, result.shape).ravel()[open_ones]
        small = means <= _LEAST_EXPANDED
        count = result.reshape(-1)[open_ones]
        count[small] = _by_recurrence(levels[small], means[small])
        near = ~small
        count[near] = _from_near(count[near], levels[near], means[near])
        result.reshape(-1)[open_ones] = count
    return result


def _from_near(count: FloatArray, level: FloatArray, mean: FloatArray) -> FloatArray:
    """Counted up or down from counts that are near, until they are right."""
    # At a level of 0 or 1 the expansion says nothing.
    count = np.where(np.isfinite(count), count, np.floor(mean))
    asked = np.flatnonzero(level > pdtr(count, mean))
    upwards = asked
    while asked.size:
        count[asked] += 1.0
        asked = asked[(count[asked] < _MOST_STEPS) & (level[asked] > pdtr(count[asked], mean[asked]))]
    falling = count > 0.0
    falling[upwards] = False
    asked = np.flatnonzero(falling)
    while asked.size:
        asked = asked[(count[asked] > 0.0) & (level[asked] <= pdtr(count[asked] - 1.0, mean[asked]))]
        count[asked] -= 1.0
    return count


def _by_recurrence(level: FloatArray, mean: FloatArray) -> FloatArray:
    """Term after term of the distribution function, until it reaches the level."""
    count = np.zeros(level.shape)
    term = np.exp(-mean)
    pending = np.flatnonzero(level > term)
    term, level, mean = term[pending], level[pending], mean[pending]
    cumulative, reached = term.copy(), np.ones(len(pending))
    k = 0
    while pending.size and k < _MOST_STEPS:
        k += 1
        term *= mean
        term /= k
        cumulative += term
        left = level > cumulative
        reached += left
        if k % _STEPS_BETWEEN == 0:
            # Leaving out those that are done costs as much as some steps for them, so it is done now and then.
            going_on = np.flatnonzero(left)
            if going_on.size < _WORTH_LEAVING_OUT * pending.size:
                count[pending] = reached
                pending, reached, term = pending[going_on], reached[going_on], term[going_on]
                cumulative, level, mean = cumulative[going_on], level[going_on], mean[going_on]
        elif not left.any():
            break
    count[pending] = np.minimum(reached, _MOST_STEPS)
    return count


def gamma_quantile(level: FloatArray, shape: float, normal: FloatArray | None = None) -> FloatArray:
    """Quantile of the gamma law with this shape and scale 1, level by level.

    Wilson-Hilferty above a shape of 50. Below, many levels are read off a fine grid, linear in the logarithm over
    the normal quantile of the level (``normal``, where it is at hand): within 3e-4 for shapes from 0.5, 2e-3 for
    one of 0.1, at a sixth of the price, and still monotone in level and shape. With ``normal`` few levels are read
    off it, too, so that a level's quantile does not depend on how many others are asked for.
    """
    if shape > _SMALL_SHAPE:
        z = ndtri(level) if normal is None else normal
        return np.asarray(shape * np.maximum(0.0, 1 - 1 / (9 * shape) + z / (3 * np.sqrt(shape))) ** 3)
    if normal is None and level.size <= 2 * len(_GRID):
        return np.asarray(gammaincinv(shape, level))
    z = ndtri(level) if normal is None else normal
    return np.asarray(np.exp(np.interp(z, _GRID, _log_quantiles(shape))))


def _log_quantiles(shape: float) -> FloatArray:
    """Logarithm of the quantiles on the grid of levels, shape (n_grid,).

    Third-order interpolation between four shapes that are worked out once, within 1e-6 of the values themselves:
    a service asks for dozens of shapes, and each would cost hundreds of incomplete gamma functions.
    """
    place = float(np.log(shape / _LEAST_TABLED_SHAPE) / _STEP)
    if place < 1.0:
        return np.asarray(np.log(np.maximum(gammaincinv(shape, _GRID_LEVELS), 1e-300)))
    first = int(place) - 1
    x = place - first
    weights = (
        -(x - 1) * (x - 2) * (x - 3) / 6,
        x * (x - 2) * (x - 3) / 2,
        -x * (x - 1) * (x - 3) / 2,
        x * (x - 1) * (x - 2) / 6,
    )
    found = np.zeros(len(_GRID))
    for position, weight in enumerate(weights):
        found += weight * _tabled(first + position)
    return found


@cache
def _tabled(place: int) -> FloatArray:
    shape = _LEAST_TABLED_SHAPE * np.exp(place * _STEP)
    return np.asarray(np.log(np.maximum(gammaincinv(shape, _GRID_LEVELS), 1e-300)))
