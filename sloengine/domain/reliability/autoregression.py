"""Autoregression of a series: how much of a value the values before it say."""

from __future__ import annotations

import math

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

HIGHEST_ORDER = 8
_NEARLY_ONE = 0.995


def fit_autoregression(centred: FloatArray, highest_order: int = HIGHEST_ORDER) -> FloatArray:
    """Coefficients of the autoregression that describes a series of mean 0 best; empty: the past says nothing.

    ``centred``: shape (n_points,), oldest first. Answer of shape (order,), nearest lag first; always stationary.
    Source: Burg (1975) for the recursion; Hurvich & Tsai (1989), Biometrika 76:297, for the order (AICc).
    """
    n = len(centred)
    power = float(centred @ centred) / n if n else 0.0
    best = np.zeros(0)
    if power <= 0:
        return best
    forward, backward, coefficients = centred, centred, best
    least = n * math.log(power)
    for order in range(1, min(highest_order, n // 10) + 1):
        forward, backward = forward[1:], backward[:-1]
        both = float(forward @ forward + backward @ backward)
        if both <= 0:
            break
        reflection = 2 * float(forward @ backward) / both
        coefficients = np.append(coefficients - reflection * coefficients[::-1], reflection)
        forward, backward = forward - reflection * backward, backward - reflection * forward
        power *= 1 - reflection**2
        if power <= 0:
            break
        criterion = n * math.log(power) + 2 * order * n / (n - order - 2)
        if criterion < least:
            least, best = criterion, coefficients
    return best


def innovations(centred: FloatArray, coefficients: FloatArray) -> FloatArray:
    """What each value adds to what the values before it say; shape (n_points - order,)."""
    order, n = len(coefficients), len(centred)
    left = centred[order:].copy()
    for lag, coefficient in enumerate(coefficients, start=1):
        left -= coefficient * centred[order - lag : n - lag]
    return left


def long_run_gain(coefficients: FloatArray, n_points: int) -> float:
    """By how much more the mean of the series moves than that of its innovations: 1 / (1 - sum of coefficients).

    Fitted sums are too small, by about (1 + 3 sum) / n, and are raised by that.
    Source: Kendall (1954), Biometrika 41:403, for the bias.
    """
    total = float(coefficients.sum())
    if len(coefficients):
        total += (1 + 3 * max(total, 0.0)) / n_points
    return 1.0 / (1.0 - min(total, _NEARLY_ONE))
