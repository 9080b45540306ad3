"""Days counted back from as-of: what the predictive distribution is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray, SliPanel

_DAY = timedelta(days=1)
_TRAFFIC_DAYS = 28
_SLIGHTLY_MORE = 1.0 + 1e-6
_MINUTES = 1440.0


@dataclass(frozen=True)
class DailyHistory:
    """Sums of 24 hours each, oldest first, the last one ending at ``ends_at``.

    ``bad``, ``valid``: events, shape (n_services, n_days), 0 where there was no data. ``exposure``: share of the
    day that was seen, in [0, 1]: a partial day counts with it.
    """

    service_ids: tuple[str, ...]
    ends_at: datetime
    bad: FloatArray
    valid: FloatArray
    exposure: FloatArray

    @property
    def n_days(self) -> int:
        """Days covered, with data or without."""
        return int(self.valid.shape[1])

    @property
    def ages(self) -> FloatArray:
        """Age of each day's middle in days before ``ends_at``, shape (n_days,)."""
        return np.arange(self.n_days, dtype=np.float64)[::-1] + 0.5

    def row(self, service_id: str) -> DailyHistory:
        """The history of one service; an unknown one has no exposure at all."""
        return self.rows([service_id])

    def rows(self, service_ids: Sequence[str]) -> DailyHistory:
        """The histories of these services, in this order."""
        index = {known: position for position, known in enumerate(self.service_ids)}
        shape = (len(service_ids), self.n_days)
        bad, valid, exposure = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for position, service_id in enumerate(service_ids):
            source = index.get(service_id)
            if source is not None:
                bad[position] = self.bad[source]
                valid[position] = self.valid[source]
                exposure[position] = self.exposure[source]
        return DailyHistory(tuple(service_ids), self.ends_at, bad, valid, exposure)

    def expected_daily_traffic(self) -> FloatArray:
        """Valid events to expect per full day, shape (n_services,): the last 28 days that have data.

        NaN where there is no data at all.
        """
        seen = np.cumsum(self.exposure[:, ::-1], axis=1)[:, ::-1]
        recent = (self.exposure > 0) & (seen <= _TRAFFIC_DAYS + 0.5)
        observed = np.where(recent, self.exposure, 0.0).sum(axis=1)
        events = np.where(recent, self.valid, 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(observed > 0, events / observed, np.nan)

    def in_events(self) -> tuple[DailyHistory, npt.NDArray[np.bool_]]:
        """Shares of time turned into minutes, and which rows they were.

        A row with fractions that never has more on a day than the share of it that was observed does not count
        requests but states shares of time (a day is 1): each of its minutes then counts as one event. A few
        requests counted by ``increase``, which extrapolates, are fractions too, but come to more than 1 on days
        that have any.
        """
        observed = self.exposure.sum(axis=1)
        per_day = self.valid.sum(axis=1) / np.maximum(observed, 1e-12)
        fractional = (np.abs(self.bad - np.round(self.bad)) > 1e-6).any(axis=1)
        within_time = (self.valid <= self.exposure * _SLIGHTLY_MORE).all(axis=1)
        shares = fractional & within_time & (per_day > 0)
        if not shares.any():
            return self, shares
        scale = np.where(shares, _MINUTES / np.maximum(per_day, 1e-12), 1.0)[:, None]
        return replace(self, bad=self.bad * scale, valid=self.valid * scale), shares


def daily_sums(panel: SliPanel, *, as_of: datetime, lookback_days: int) -> DailyHistory:
    """Sum a panel of any step up to days back from ``as_of``.

    Intervals that end after as-of, and those older than the look-back, are ignored. Days nobody has data for at
    the old end are left out: how far back was read changes nothing. Steps that do not divide a day go to the day
    in which they end.
    """
    step = panel.step
    n_services, n_intervals = panel.total.shape
    end = (as_of - panel.start_at) // step
    first = max(0, end - int(timedelta(days=lookback_days) / step))
    last = max(first, min(n_intervals, end))
    ends_at = panel.start_at + step * end
    known = ~(np.isnan(panel.total[:, first:last]) | np.isnan(panel.good[:, first:last]))
    seen = np.flatnonzero(known.any(axis=0))
    if seen.size == 0:
        empty = np.zeros((n_services, 0))
        return DailyHistory(panel.service_ids, ends_at, empty, empty.copy(), empty.copy())
    known, first = known[:, seen[0] :], first + int(seen[0])
    age_intervals = end - 1 - np.arange(first, last)
    day = (age_intervals * (step / _DAY) + 1e-9).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
    total, good = panel.total[:, first:last], panel.good[:, first:last]
    n_days = int(day[0]) + 1
    columns = n_days - 1 - day[starts]
    bad, valid, exposure = (np.zeros((n_services, n_days)) for _ in range(3))
    bad[:, columns] = np.add.reduceat(np.where(known, total - good, 0.0), starts, axis=1)
    valid[:, columns] = np.add.reduceat(np.where(known, total, 0.0), starts, axis=1)
    per_day = max(1.0, _DAY / step)
    shares = known.astype(np.float64)
    if panel.coverage is not None:
        shares = np.where(known, panel.coverage[:, first:last], 0.0)
    counted = np.add.reduceat(shares, starts, axis=1)
    exposure[:, columns] = np.minimum(1.0, counted / np.floor(per_day + 1e-9))
    return DailyHistory(panel.service_ids, ends_at, np.maximum(bad, 0.0), valid, exposure)
