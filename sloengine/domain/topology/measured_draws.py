"""Requests drawn from daily histograms, so many of each day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
from scipy.special import ndtri

from sloengine.domain.reliability.panel import FloatArray, LatencyHistory

A_DAY = 240
"""Requests drawn of each day."""
_DAY = timedelta(days=1)


def measured_draws(history: LatencyHistory, rng: np.random.Generator) -> FloatArray:
    """Seconds, shape (days, ``A_DAY``), in a drawn order; NaN: a day without data; infinite: beyond all bounds.

    Between bounds the logarithm of the time is linear in the normal score of the share of requests: latencies are
    nearer to lognormal than to even within a wide bucket, and what is composed is a sum of them. Below the first
    bound it is linear in the share.
    """
    counts = np.nan_to_num(history.counts)
    finite = np.isfinite(history.bounds_seconds)
    bounds = history.bounds_seconds[finite]
    drawn = np.full((len(counts), A_DAY), np.nan)
    levels = even_levels(len(counts), rng)
    for day, row in enumerate(counts):
        whole = row.sum()
        if whole > 0.0 and len(bounds):
            within = np.minimum(np.cumsum(row)[finite] / whole, 1.0)
            drawn[day] = _at(levels[day], bounds, within, 0.5 / whole)
    return drawn


def on_same_days(histories: Mapping[str, LatencyHistory]) -> Mapping[str, LatencyHistory]:
    """The same over one stretch of days, those that a history does not reach as days without data."""
    if not histories:
        return histories
    begins = min(history.start_at for history in histories.values())
    skipped = {name: (history.start_at - begins) // _DAY for name, history in histories.items()}
    days = max(skipped[name] + len(history.counts) for name, history in histories.items())
    found = {}
    for name, history in histories.items():
        counts = np.full((days, len(history.bounds_seconds)), np.nan)
        counts[skipped[name] : skipped[name] + len(history.counts)] = history.counts
        found[name] = replace(history, start_at=begins, counts=counts)
    return found


def even_levels(days: int, rng: np.random.Generator) -> FloatArray:
    """Levels of [0, 1], one in each of equal parts, in a drawn order for each day; shape (days, ``A_DAY``)."""
    levels = (np.arange(A_DAY) + rng.random((days, A_DAY))) / A_DAY
    return np.asarray(rng.permuted(levels, axis=1))


def _at(levels: FloatArray, bounds: FloatArray, within: FloatArray, least: float) -> FloatArray:
    """``least``: half a request; a share that is nothing or all of them stands half a request away from it."""
    used = np.r_[True, np.diff(within) > 0.0]
    if within[0] <= 0.0:  # the bound below the first request
        used[: int(np.argmax(within > 0.0))] = False
        used[max(0, int(np.argmax(within > 0.0)) - 1)] = True
    scores = ndtri(np.clip(within[used], least, 1.0 - least))
    seconds = np.exp(np.interp(ndtri(np.clip(levels, least, 1.0 - least)), scores, np.log(bounds[used])))
    if within[0] > 0.0:
        seconds = np.where(levels <= within[0], bounds[0] * levels / within[0], seconds)
    return np.asarray(np.where(levels > within[-1], np.inf, seconds))
