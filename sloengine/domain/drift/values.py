"""Hourly values that a baseline can be learnt of: one number an hour, NaN where there is no data."""

from __future__ import annotations

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

FEWEST_REQUESTS_P95 = 40.0
FEWEST_REQUESTS_P99 = 200.0
"""Requests in an hour below which its percentile says little: two of them lie beyond it."""
_LEFT_OUT = 0.05
"""Share of hours, the worst ones, that the expected ratio leaves out: they are incidents, not what is expected."""


def expected_bad_ratio(bad: FloatArray, total: FloatArray) -> float:
    """Failures per request of an ordinary hour, in (0, 1).

    The worst twentieth of the hours is left out. Where nothing has failed it is half a failure over all requests
    (Jeffreys), never 0. ``bad``, ``total``: shape (n_hours,), NaN or 0 requests is no data.
    """
    known = total > 0
    if not known.any():
        return float("nan")
    failed, valid = bad[known], total[known]
    keep = np.argsort(failed / valid, kind="stable")[: max(1, int(np.ceil(len(valid) * (1 - _LEFT_OUT))))]
    return float((failed[keep].sum() + 0.5) / (valid[keep].sum() + 1.0))


def failure_deviations(bad: FloatArray, total: FloatArray, expected_ratio: float) -> FloatArray:
    """How far each hour's failures are from what its traffic lets expect; above 0: worse.

    The signed root of the Poisson deviance: near standard normal when failures are independent, whatever the
    traffic, so that a quiet night weighs no more than what it has seen. An hour without requests is NaN.
    Source: McCullagh and Nelder, Generalized Linear Models, 2nd ed. 1989, 2.4 (deviance residuals).

    >>> failure_deviations(np.array([10.0, 100.0, np.nan]), np.array([1e4, 1e4, np.nan]), 0.001).round(1)
    array([ 0. , 16.7,  nan])
    """
    expected = np.where(total > 0, total, np.nan) * expected_ratio
    ratio = np.where(bad > 0, bad, 1.0) / expected
    deviance = 2.0 * (np.where(bad > 0, bad * np.log(ratio), 0.0) - (bad - expected))
    result: FloatArray = np.sign(bad - expected) * np.sqrt(np.maximum(deviance, 0.0))
    return result


def log_latencies(percentile_ms: FloatArray, requests: FloatArray, fewest: float) -> FloatArray:
    """Natural logarithm of an hourly percentile; NaN where there are too few requests for it."""
    known = (requests >= fewest) & (percentile_ms > 0)
    result: FloatArray = np.where(known, np.log(np.where(known, percentile_ms, 1.0)), np.nan)
    return result
