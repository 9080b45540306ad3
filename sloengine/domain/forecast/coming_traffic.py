"""How many valid events the coming days bring: the rhythm of the week, and how far days stray from it.

A window's budget is a share of its events, so where few days are left what they bring decides as much as what
fails: without it the spread of coming days is next to nothing, and what comes lies outside.
Source: Bühlmann & Straub (1970), "Glaubwürdigkeit für Schadensätze", credibility of a group's mean; the variances
by one-way analysis (Searle, Casella & McCulloch, "Variance Components", 1992, ch. 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray

_WEEK = 7
_RECENT_DAYS = 28
_WHOLE = 0.95
"""Of a day's intervals: with less the hours that are missing would look like a weekday."""
_LEAST_REPEATS = 7


@dataclass(frozen=True)
class ComingTraffic:
    """``daily``: valid events of an average day. ``expected``: of each step, shape (n_steps,). ``stray``: standard
    deviation of a day's events over what its weekday brings; 0 where less than two whole days are known.
    """

    daily: float
    expected: FloatArray
    stray: float

    def draws(self, rng: np.random.Generator, n_draws: int) -> FloatArray:
        """Valid events of each step, shape (n_draws, n_steps): log-normal with mean ``expected``."""
        if self.stray <= 0:
            return np.broadcast_to(self.expected, (n_draws, len(self.expected)))
        log_variance = float(np.log1p(self.stray**2))
        noise = rng.standard_normal((n_draws, len(self.expected)))
        return np.asarray(self.expected * np.exp(np.sqrt(log_variance) * noise - log_variance / 2))


def coming_traffic(history: DailyHistory, step_days: FloatArray) -> ComingTraffic | None:
    """What the last 28 days say of the single service in ``history``; None where there is no traffic.

    ``step_days``: lengths of the steps from its end on, of a day each but the last, shape (n_steps,).
    """
    daily = float(history.expected_daily_traffic()[0])
    if not np.isfinite(daily) or daily <= 0:
        return None
    exposure = history.exposure[0, -_RECENT_DAYS:]
    whole = exposure >= _WHOLE
    events = history.valid[0, -_RECENT_DAYS:][whole] / exposure[whole]
    # Counted from the end, so that the first step is day 0 of the week, as seven days ago was.
    weekday = (np.arange(-len(exposure), 0) % _WEEK)[whole]
    factors, stray = _rhythm(events, weekday)
    steps = np.arange(len(step_days)) % _WEEK
    return ComingTraffic(daily, daily * factors[steps] * step_days, stray)


def _rhythm(events: FloatArray, weekday: np.ndarray) -> tuple[FloatArray, float]:
    """Each weekday over the average one, shape (7,), and how far a coming day strays from it."""
    number, flat = len(events), np.ones(_WEEK)
    middle = float(events.mean()) if number else 0.0
    if number < 2 or middle <= 0:
        return flat, 0.0
    counts = np.bincount(weekday, minlength=_WEEK).astype(np.float64)
    sums = np.bincount(weekday, weights=events, minlength=_WEEK)
    means = np.where(counts > 0, sums / np.maximum(counts, 1.0), middle)
    groups = int((counts > 0).sum())
    credit = np.zeros(_WEEK)
    if groups > 1 and number - groups >= _LEAST_REPEATS:
        within = float(((events - means[weekday]) ** 2).sum()) / (number - groups)
        between = float((counts * (means - middle) ** 2).sum()) / (groups - 1)
        typical = (number - float((counts**2).sum()) / number) / (groups - 1)
        variance = (between - within) / typical
        if variance > 0:
            credit = counts / (counts + within / variance)
    fitted = middle + credit * (means - middle)
    # Estimated numbers: the average, and each weekday as far as it is believed.
    spent = 1.0 + float(credit[counts > 0].sum()) * (groups - 1) / groups
    off = float(((events - fitted[weekday]) ** 2).sum()) / float((fitted[weekday] ** 2).sum())
    return fitted / middle, float(np.sqrt(off * number / (number - spent) * (1.0 + spent / number)))
