"""Whose failures a service's failures were, day by day.

The composite bound says which *share* of a service's failures each dependency is to answer for; telemetry says
on which days the dependency failed. Both are met by scaling a first guess until its rows and columns add up
(iterative proportional fitting: Deming & Stephan, Ann. Math. Stat. 11, 1940), which gives the table closest to the
guess that does.
"""

from __future__ import annotations

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

_ROUNDS = 25
_TINY = 1e-9


def failures_by_source(bad: FloatArray, guesses: FloatArray, shares: FloatArray) -> FloatArray:
    """Split each day's failures over the sources and the service itself.

    Parameters:
        bad: failed events by day, shape (n_days,).
        guesses: failures that each source would bring by day as it failed then, shape (n_sources, n_days); only
            their proportions over the days count. A row of zeros: not known when it failed, so evenly.
        shares: of all failures, by source; at most 1 together, shape (n_sources,).

    Returns:
        Failed events, shape (1 + n_sources, n_days), the service's own first. Columns add up to ``bad`` exactly,
        rows to their share as far as the days on which a source failed have that many failures.
    """
    total = float(bad.sum())
    own_share = max(0.0, 1.0 - float(shares.sum()))
    if total <= 0.0:
        return np.zeros((1 + len(shares), len(bad)))
    wanted = np.concatenate([[own_share], shares]) * total
    table = np.empty((1 + len(shares), len(bad)))
    for row, guess in enumerate(guesses, start=1):
        # A little everywhere keeps a day from being nobody's.
        even = np.where(guess.sum() > 0.0, _TINY * max(float(guess.mean()), _TINY), 1.0)
        table[row] = guess + even
        table[row] *= wanted[row] / max(float(table[row].sum()), 1e-300)
    table[0] = np.maximum(bad - table[1:].sum(axis=0), 0.0) + _TINY * bad
    for _ in range(_ROUNDS):
        rows = table.sum(axis=1, keepdims=True)
        table *= wanted[:, None] / np.maximum(rows, 1e-300)
        columns = table.sum(axis=0)
        table *= np.where(columns > 0.0, bad / np.maximum(columns, 1e-300), 0.0)
    missing = bad - table.sum(axis=0)
    table[0] += np.maximum(missing, 0.0)
    return table
