"""The quantile that targets are taken from."""

from __future__ import annotations

import numpy as np

from sloengine.domain.reliability.panel import FloatArray


def upper_quantile(draws: FloatArray, level: float) -> float:
    """Smallest draw that is not below the quantile: ``np.quantile`` of ``method="higher"``, many times as fast.

    ``draws``: shape (n,), without NaN; ``level`` in [0, 1].

    >>> upper_quantile(np.array([3.0, 1.0, 2.0, 4.0]), 0.5)
    3.0
    """
    place = min(len(draws) - 1, int(np.ceil((len(draws) - 1) * level)))
    return float(np.partition(draws, place)[place])
