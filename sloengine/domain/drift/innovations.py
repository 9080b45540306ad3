"""What each hour adds to what the hours before it let expect, whether or not the hours just before were seen."""

from __future__ import annotations

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

CARRIED_HOURS = 2 * 168
"""So far back a value may tell of the next one; a memory of 0.98 an hour has a thousandth of it left by then."""


def innovations(adjusted: FloatArray, memory: FloatArray, reach: float, first: int = 0) -> FloatArray:
    """What each hour adds to what the hours before let expect, in units of one hour's own; NaN without data.

    Behind a gap the prediction is carried across it, and what is new is divided by how much more it may be: of an
    autoregression of order 1, φ, k hours behind the last value x, φᵏ x is expected, and the variance is
    (1 − φ²ᵏ)/(1 − φ²) times that of one hour. So innovations are alike and without memory wherever hours are
    missing. A value beyond ``reach`` counts as far as that for the next ones, so that a single wild hour does not
    make its neighbours wild.

    ``adjusted``: values without level and rhythm, shape (n_hours,), oldest first, before which nothing is known.
    ``memory``: stationary, the last hour first. ``first``: hours before it are only looked back to, and NaN.
    Source: Jones, Maximum likelihood fitting of ARMA models to time series with missing observations,
    Technometrics 1980 (Kalman's filter).
    """
    order = len(memory)
    padded = np.concatenate((np.full(order, np.nan), np.clip(adjusted, -reach, reach)))
    lagged = np.stack([padded[order - lag - 1 : len(padded) - lag - 1] for lag in range(order)], axis=1)
    predicted, spread = lagged @ memory, np.ones(len(adjusted))
    asked = ~np.isnan(adjusted)
    asked[:first] = False
    behind_gaps = np.flatnonzero(asked & np.isnan(predicted))
    if len(behind_gaps):
        _carry(predicted, spread, lagged, padded[order:], memory, int(behind_gaps[-1]) + 1)
    result: FloatArray = np.where(asked, (adjusted - predicted) / spread, np.nan)
    return result


def to_build_on(adjusted: FloatArray, order: int) -> FloatArray:
    """Those of these hours that tell of the next: back to ``order`` values in a row, two weeks at most."""
    recent = adjusted[-CARRIED_HOURS:]
    if len(recent) <= order or not np.isnan(recent[-order:]).any():
        return recent[-order:]
    in_a_row = np.convolve(~np.isnan(recent), np.ones(order), mode="valid")
    runs = np.flatnonzero(in_a_row == order)
    return recent[runs[-1] :] if len(runs) else recent


def _carry(
    predicted: FloatArray, spread: FloatArray, lagged: FloatArray, values: FloatArray, memory: FloatArray, end: int
) -> None:
    """Fill in what is predicted before ``end``, and its standard deviation, where hours before are not known.

    State: the last ``order`` values, those that are missing with what is known of them.
    """
    order = len(memory)
    onwards = np.eye(order, k=-1)
    onwards[0] = memory
    one_hour = np.zeros((order, order))
    one_hour[0, 0] = 1.0
    mean, covariance, last = np.zeros(order), one_hour, -1
    for hour in np.flatnonzero(np.isnan(predicted[:end])).tolist():
        if hour == 0:
            covariance = _of_any_hours(onwards, one_hour)
        elif hour != last + 1:
            # Up to here all was known, so of the last values the newest alone is missing.
            mean, covariance = np.concatenate(([predicted[hour - 1]], lagged[hour, 1:])), one_hour
        mean = onwards @ mean
        covariance = onwards @ covariance @ onwards.T + one_hour
        predicted[hour], spread[hour] = mean[0], np.sqrt(covariance[0, 0])
        if not np.isnan(values[hour]):
            gain = covariance[:, 0] / covariance[0, 0]
            mean = mean + gain * (values[hour] - mean[0])
            covariance = covariance - np.outer(gain, covariance[0])
        last = hour


def _of_any_hours(onwards: FloatArray, one_hour: FloatArray) -> FloatArray:
    """The covariance P of hours of which nothing is known: P = F P Fᵀ + Q."""
    order = len(onwards)
    left = np.eye(order * order) - np.kron(onwards, onwards)
    result: FloatArray = np.linalg.solve(left, one_hour.ravel()).reshape(order, order)
    return result
