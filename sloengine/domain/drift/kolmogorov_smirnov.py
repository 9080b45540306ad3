"""Is the last day drawn from what the baseline knows? Kolmogorov's and Smirnov's test, every hour."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.stats import kstwo

from sloengine.domain.reliability.panel import FloatArray

WINDOW = 24
P_VALUE = 3e-4


def distances(windows: FloatArray, reference: FloatArray) -> FloatArray:
    """Largest distance between the distribution of each window and that of the reference.

    ``windows``: shape (n_windows, size); ``reference``: sorted. Result: shape (n_windows,); the same statistic as
    ``scipy.stats.ks_2samp``, for many windows at once.
    """
    size = windows.shape[1]
    ordered = np.sort(windows, axis=1)
    at = np.searchsorted(reference, ordered, "right") / len(reference)
    below = np.searchsorted(reference, ordered, "left") / len(reference)
    step = np.arange(1, size + 1) / size
    # Equal values jump together: the window's own distribution stands at its last, and before its first, of them.
    last = np.ones_like(ordered, dtype=bool)
    last[:, :-1] = ordered[:, 1:] > ordered[:, :-1]
    first = np.ones_like(ordered, dtype=bool)
    first[:, 1:] = ordered[:, 1:] > ordered[:, :-1]
    above = np.where(last, np.abs(step - at), 0.0).max(axis=1)
    beneath = np.where(first, np.abs(below - (step - 1 / size)), 0.0).max(axis=1)
    result: FloatArray = np.maximum(above, beneath)
    return result


@lru_cache(maxsize=4096)
def critical_distance(window: int, reference: int, p_value: float = P_VALUE) -> float:
    """The distance that equal distributions exceed with probability ``p_value``.

    The asymptotic form that ``scipy.stats.ks_2samp`` uses (``kstwo`` at the effective sample size).
    """
    return float(kstwo.isf(p_value, round(window * reference / (window + reference))))
