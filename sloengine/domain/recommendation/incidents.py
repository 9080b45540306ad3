"""Days split into base and incidents; adjoining incident days are one episode.

A service fails in two ways that must not be mixed: a little all the time (base), and a lot, rarely (incidents).
The look-back seldom holds enough incidents to resample them, so their rate and size are estimated apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray

OVER_MEDIAN = 10.0
"""An incident day fails at least this many times the service's median day."""
LEAST_RATIO = 1e-3
"""... and at least this share of its valid events."""
LEAST_FAILURES = 2.0
"""... and at least this many events."""
LARGEST_DAY_SEVERITY = 3.0
"""Retries in an outage can make a day count for more than its usual traffic, but not without limit."""
_NEIGHBOURHOOD = 7
_BLOCK_DAYS = 7


@dataclass(frozen=True)
class IncidentSplit:
    """Sufficient statistics of many services' histories.

    ``severity``: failed share of a usual day's traffic above base, summed over the days of the episode, so that
    0.02 is 29 minutes of full outage; shape (n_episodes,), with ``owner`` (row), ``age`` (days before as-of) and
    ``length`` (days). Per service, shape (n_services,): ``base_bad`` and ``base_valid`` events of the days that
    are no incident, and ``base_days``, how many these are; ``dispersion`` (variance of weekly base failures over
    Poisson's) with the number of weeks behind it, ``running`` (the last day is an incident).
    """

    severity: FloatArray
    owner: npt.NDArray[np.int64]
    age: FloatArray
    length: FloatArray
    base_bad: FloatArray
    base_valid: FloatArray
    base_days: FloatArray
    dispersion: FloatArray
    dispersion_weeks: FloatArray
    running: npt.NDArray[np.bool_]

    def of(self, row: int) -> tuple[FloatArray, FloatArray]:
        """Severities and ages of one service's episodes."""
        mine = self.owner == row
        return self.severity[mine], self.age[mine]


def split_incidents(history: DailyHistory) -> IncidentSplit:
    """Find the incidents of all services at once."""
    bad, valid = history.bad, history.valid
    n_services, n_days = valid.shape
    if n_days == 0:
        nothing, zeros = np.zeros(0), np.zeros(n_services)
        return IncidentSplit(
            nothing,
            np.zeros(0, dtype=np.int64),
            nothing,
            nothing,
            zeros,
            zeros,
            zeros,
            np.ones(n_services),
            zeros,
            np.zeros(n_services, dtype=bool),
        )
    known = valid > 0
    ratio = np.where(known, bad / np.where(known, valid, 1.0), np.nan)
    median = _row_median(ratio)
    # A service that fails a tenth of its requests every day still has incidents: never ask for more than half way.
    threshold = np.maximum(LEAST_RATIO, np.minimum(OVER_MEDIAN * median, 0.5 + median / 2))
    incident = known & (np.nan_to_num(ratio) > threshold[:, None]) & (bad >= LEAST_FAILURES)
    base_bad = np.where(incident, 0.0, bad).sum(axis=1)
    base_valid = np.where(incident, 0.0, valid).sum(axis=1)
    base_rate = base_bad / np.maximum(base_valid, 1.0)
    usual = _usual_traffic(valid, history.exposure)
    excess = np.maximum(0.0, bad - base_rate[:, None] * valid)
    day_severity = np.where(incident, np.minimum(excess / np.maximum(usual, 1e-12), LARGEST_DAY_SEVERITY), 0.0)
    starts = incident & ~np.c_[np.zeros((n_services, 1), dtype=bool), incident[:, :-1]]
    label = np.cumsum(starts.ravel()) - 1
    inside = incident.ravel()
    n_episodes = int(starts.sum())
    rows, columns = np.nonzero(starts)
    dispersion, weeks = _dispersion(np.where(incident, 0.0, bad), np.where(incident, 0.0, valid), base_rate)
    return IncidentSplit(
        severity=np.bincount(label[inside], weights=day_severity.ravel()[inside], minlength=n_episodes),
        owner=rows.astype(np.int64),
        age=history.ages[columns],
        length=np.bincount(label[inside], minlength=n_episodes).astype(np.float64),
        base_bad=base_bad,
        base_valid=base_valid,
        base_days=np.asarray((known & ~incident).sum(axis=1), dtype=np.float64),
        dispersion=dispersion,
        dispersion_weeks=weeks,
        running=incident[:, -1],
    )


def _row_median(ratio: FloatArray) -> FloatArray:
    """Median of each row without NaN; 0 where the row has none."""
    count = (~np.isnan(ratio)).sum(axis=1)
    ordered = np.sort(ratio, axis=1)
    rows = np.arange(len(ratio))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, ratio.shape[1] - 1)
    middle = (ordered[rows, low] + ordered[rows, high]) / 2
    return np.where(count > 0, np.nan_to_num(middle), 0.0)


def _usual_traffic(valid: FloatArray, exposure: FloatArray) -> FloatArray:
    """Valid events of a full day in the week before and after, shape as ``valid``."""
    n_days = valid.shape[1]
    left = np.maximum(0, np.arange(n_days) - _NEIGHBOURHOOD)
    right = np.minimum(n_days, np.arange(n_days) + _NEIGHBOURHOOD + 1)
    events = np.c_[np.zeros(len(valid)), np.cumsum(valid, axis=1)]
    observed = np.c_[np.zeros(len(valid)), np.cumsum(exposure, axis=1)]
    seen = observed[:, right] - observed[:, left]
    return np.where(seen > 0, (events[:, right] - events[:, left]) / np.maximum(seen, 1e-12), 0.0)


def _dispersion(bad: FloatArray, valid: FloatArray, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Variance of weekly base failures over what Poisson would give, and the number of weeks."""
    n_weeks = valid.shape[1] // _BLOCK_DAYS
    if n_weeks == 0:
        return np.ones(len(valid)), np.zeros(len(valid))
    kept = n_weeks * _BLOCK_DAYS
    weekly_bad = bad[:, -kept:].reshape(len(bad), n_weeks, _BLOCK_DAYS).sum(axis=2)
    weekly_valid = valid[:, -kept:].reshape(len(bad), n_weeks, _BLOCK_DAYS).sum(axis=2)
    expected = rate[:, None] * weekly_valid
    # Weeks that expect less than one failure say nothing of the spread.
    counted = expected > 1.0
    squares = np.where(counted, (weekly_bad - expected) ** 2 / np.maximum(expected, 1e-12), 0.0).sum(axis=1)
    weeks = np.maximum(counted.sum(axis=1) - 1.0, 0.0)
    return np.where(weeks > 0, squares / np.maximum(weeks, 1.0), 1.0), weeks
