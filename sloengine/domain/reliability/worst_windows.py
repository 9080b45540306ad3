"""The worst that a service did over windows of each length: what an objective has to live with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.replay import window_sums

LENGTHS = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 72, 7 * 24, 28 * 24))


@dataclass(frozen=True, slots=True)
class WorstStretch:
    """The window of this length with the largest share of bad events; the newest of equals."""

    length: timedelta
    bad_ratio: float
    from_at: datetime


def worst_stretches(
    bad: FloatArray,
    valid: FloatArray,
    *,
    start_at: datetime,
    step: timedelta,
    lengths: Sequence[timedelta] = LENGTHS,
) -> tuple[WorstStretch, ...]:
    """One per length that the series can tell: no shorter than ``step``, no longer than the series.

    Parameters: bad, valid: events of each step, shape (n_steps,), oldest first; NaN is no data. A window without
    valid events says nothing and is passed over.
    """
    found: list[WorstStretch] = []
    for wanted in lengths:
        length = round(wanted / step)
        if length < 1 or length > len(valid) or abs(length * step - wanted) > step / 2:
            continue
        ends = np.arange(length, len(valid) + 1, dtype=np.int64)
        asked = window_sums(valid, ends, length)
        if not (asked > 0).any():
            continue
        ratio = np.divide(window_sums(bad, ends, length), asked, out=np.full(len(ends), -1.0), where=asked > 0)
        position = len(ratio) - 1 - int(np.argmax(ratio[::-1]))
        found.append(
            WorstStretch(wanted, float(np.clip(ratio[position], 0.0, 1.0)), start_at + step * int(position))
        )
    return tuple(found)


def length_text(length: timedelta) -> str:
    """A length as people write it.

    >>> length_text(timedelta(hours=6)), length_text(timedelta(days=28)), length_text(timedelta(minutes=5))
    ('6h', '28d', '5m')
    """
    minutes = round(length / timedelta(minutes=1))
    if minutes % (24 * 60) == 0:
        return f"{minutes // (24 * 60)}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
