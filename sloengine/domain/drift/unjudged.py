"""Why nothing is said of a series: what is missing for its hours to be judged."""

from __future__ import annotations

import numpy as np

from sloengine.domain.drift.baseline import FEWEST_DAYS, FEWEST_HOURS, HOURS_A_WEEK, Baseline, at_known_hours
from sloengine.domain.drift.model import HourlySeries, start_of
from sloengine.domain.drift.watch import LEARNING_HOURS, REFERENCE_HOURS, Watch


def why_unjudged(series: HourlySeries, watch: Watch | None) -> str | None:
    """A sentence without its subject; None: every hour that has a value is judged.

    ``series``: the last eight weeks at least, as far as there are values. ``watch``: what is remembered of it.
    """
    if watch is not None and watch.baseline is not None:
        return _hours_left_out(watch.baseline)
    known = np.isfinite(series.values) if series.total is None else series.total > 0
    if not known.any():
        return "not a single hour has a value"
    first = series.first_hour + int(np.flatnonzero(known)[0]) if watch is None else watch.learnt_from
    span = series.ends - first
    if span <= LEARNING_HOURS:
        hours = "1 hour is" if span == 1 else f"{span} hours are"
        since = f"{start_of(first):%Y-%m-%d %H:%M} UTC"
        return f"{hours} too few: {LEARNING_HOURS}, from {since} on, are learnt from before the first is judged"
    past = series.between(max(first, series.ends - REFERENCE_HOURS), series.ends)
    values = np.where(known[len(known) - len(past.values) :], 0.0, np.nan)
    count = int(np.isfinite(values).sum())
    weeks = REFERENCE_HOURS // HOURS_A_WEEK
    if np.isfinite(at_known_hours(values, past.first_hour)).sum() < FEWEST_HOURS:
        return (
            f"{count} hours with a value, of the last {len(values)}, are too sparse for anything to be judged: "
            f"values of {FEWEST_HOURS} hours within {weeks} weeks are learnt from, at hours of the day that had "
            f"one on {FEWEST_DAYS} days and more, over a week or longer"
        )
    return "there has only just been enough to learn from: judged within a day"


def _hours_left_out(baseline: Baseline) -> str | None:
    unknown = baseline.unknown_hours
    if not unknown:
        return None
    hours = "1 hour of the day is" if unknown == 1 else f"{unknown} hours of the day are"
    return f"{hours} not judged: values there are fewer than {FEWEST_DAYS}, or of less than a week"
