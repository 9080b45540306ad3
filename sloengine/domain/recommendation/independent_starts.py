"""Incidents that services had together, and how many observations they are."""

from __future__ import annotations

import numpy as np

from sloengine.domain.reliability.panel import FloatArray


def evenly_seen_days(services: FloatArray) -> float:
    """Days on which incidents meet by chance as often as on these, had each been seen alike: (Σ m)² / Σ m².

    ``services``: m, how many were observed on each day. A day on which nobody was observed is none, and thirty
    services seen for a month beside one seen for a year are nearer to a month than to a year.

    >>> evenly_seen_days(np.array([0.0, 30.0, 30.0]))
    2.0
    >>> round(evenly_seen_days(np.r_[np.ones(335), np.full(30, 31.0)]))
    55
    """
    squares = float((services**2).sum())
    return float(services.sum()) ** 2 / squares if squares > 0 else 0.0


def independent_starts(ages: FloatArray, seen_days: float) -> float:
    """Independent events that these episodes are worth, given the days over which services were seen.

    The relative variance of a sum of independent clusters is Σ m² / (Σ m)² (Kish's effective size, m: the number
    that began on a day): one outage of a zone that thirty services feel says no more about how often such things
    happen than one. Σ m² = n + pairs of the same day; n (n - 1) / days of them would meet by chance, which makes
    no cluster; where less than two days were seen, nothing shows that they are independent.

    ``ages``: days before as-of at which each began. ``seen_days``: see :func:`evenly_seen_days`.

    >>> independent_starts(np.array([3.5, 10.5, 20.5]), 30), round(independent_starts(np.full(30, 3.5), 30), 2)
    (3.0, 1.03)
    """
    count = float(len(ages))
    if count == 0:
        return 0.0
    _, together = np.unique(np.floor(ages), return_counts=True)
    pairs = float((together.astype(np.float64) * (together - 1.0)).sum())
    by_chance = count * (count - 1.0) / seen_days if seen_days >= 2 else 0.0
    return count * count / (count + max(0.0, pairs - by_chance))
