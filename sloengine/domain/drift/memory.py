"""How much of an hour the hours before it let expect: an autoregression, learnt of pairs of hours."""

from __future__ import annotations

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

_ORDERS = (1, 2, 3)
_MOST_MEMORY = 0.98
_CAUTION = 0.5
"""Of the standard error that missing hours add to a correlation."""
_FEWEST_PAIRS = 10
"""Of a lag, for a longer memory than of one hour to be tried."""


def memory_of(adjusted: FloatArray) -> FloatArray:
    """Autoregressive coefficients by Yule and Walker, the last hour first; shape (order,), 1 to 3 chosen by BIC.

    ``adjusted``: values without level and rhythm, shape (n_hours,), oldest first, NaN is no data.

    The estimate of the lag-1 correlation falls short by about (1 + 3 r)/n for n values, which is corrected. Its
    variance is (1 − r²)/n for n pairs of hours that both have a value: where one hour in eight has one, there are
    64 times fewer pairs. Too little memory leaves waves that look like drift, too much only makes a step a little
    smaller; so where hours are missing, half the standard error that this adds is added to what is estimated.
    And where hours are missing, products of pairs are compared with the squares of these pairs: values that were
    hourly of late have had the level of their hours learnt of themselves and vary less than those of the sparse
    weeks before, whose squares would make the memory of all seem shorter.
    Source: Kendall, Note on bias in the estimation of autocorrelation, Biometrika 1954; Bartlett, On the
    theoretical specification of the sampling properties of autocorrelated time series, JRSS Supplement 1946.
    """
    known = ~np.isnan(adjusted)
    filled = np.where(known, adjusted, 0.0)
    most = max(_ORDERS)
    variance = float((filled**2).sum()) / int(known.sum())
    if variance <= 0:
        return np.zeros(1)
    correlations = np.ones(most + 1)
    pairs = np.zeros(most + 1)
    for lag in range(1, most + 1):
        both = known[lag:] & known[:-lag]
        pairs[lag] = int(both.sum())
        products = float((filled[lag:] * filled[:-lag]).sum())
        square = variance
        if pairs[lag] and not known.all():
            square = float((filled[lag:][both] ** 2 + filled[:-lag][both] ** 2).mean()) / 2
        correlations[lag] = products / pairs[lag] / square if pairs[lag] and square > 0 else 0.0
    lags, seen = np.arange(1, most + 1), correlations[1:]
    n = pairs[1:] + lags
    short_of = np.where(seen > 0, (1 + 3 * seen) / int(known.sum()), 0.0)
    strays = np.sqrt(np.maximum(1 - seen**2, 0.0) * (1 / n - 1 / len(adjusted)))
    correlations[1:] = np.clip(seen + short_of + _CAUTION * strays, -_MOST_MEMORY, _MOST_MEMORY)
    best, best_cost = np.zeros(1), np.inf
    for order in _ORDERS:
        if order > 1 and pairs[1 : order + 1].min() < _FEWEST_PAIRS:
            break
        toeplitz = correlations[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
        try:
            coefficients = np.linalg.solve(toeplitz, correlations[1 : order + 1])
        except np.linalg.LinAlgError:
            break
        left_over = 1.0 - float(coefficients @ correlations[1 : order + 1])
        if left_over <= 0 or np.abs(coefficients).sum() > 2.5:
            break
        cost = n[0] * np.log(left_over) + order * np.log(n[0])
        if cost < best_cost:
            best, best_cost = coefficients, cost
    return best
