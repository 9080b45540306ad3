"""Incidents that services had together: how many observations they are, and what they leave to be expected."""

from __future__ import annotations

import numpy as np

from sloengine.domain.recommendation import shipped_prior
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


def shared_outages(count: float, independent: float, services: int) -> float:
    """Shared outages that a service had, at least, on average over an organisation's ``services``.

    ``count`` episodes worth ``independent`` ones have n^2 / n_independent - n pairs of the same day beyond chance,
    which is the sum of m (m - 1) over outages that m services shared. A service had sum m / services of them on
    average: not known from pairs, but the root of that sum is, and is never more than sum m.

    >>> shared_outages(12.0, 1.0, 50), shared_outages(12.0, 12.0, 50)
    (0.22978250586152114, 0.0)
    """
    if services == 0 or independent <= 0:
        return 0.0
    return float(np.sqrt(max(0.0, count * count / independent - count))) / services


def days_until_unseen(outages: float, seen_days: float) -> float:
    """A shared outage that is in no record yet reaches a service once in so many days; infinite: none is expected.

    All of a service's shared outages together come at a rate of gamma law with shape 1, once in b days. After s
    of them (``outages``) in t days (``seen_days``) its mean is (1 + s) / (b + t). The records of services say
    s / t of it already: what is left is (1 - s b / t) / (b + t), nothing where they say more than that.

    >>> days_until_unseen(0.0, 30.0), days_until_unseen(0.1, 48.0), days_until_unseen(0.5, 30.0)
    (270.0, 576.0, inf)
    """
    expected = shipped_prior.UNSEEN_DAYS
    left = 1.0 if outages <= 0 else 1.0 - outages * expected / max(seen_days, 1e-12)
    return (expected + seen_days) / left if left > 0 else float("inf")
