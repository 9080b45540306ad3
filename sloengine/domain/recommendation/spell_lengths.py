"""How long an organisation's slow spells last beside usual ones, and how much that makes each count for.

How often a service gets slow says little of a percentile over a month while nothing is known of how long: over 28
days p95 gives way where spells take more than 34 hours together, which one in fifty does that lasts three hours in
the middle, and one in seven that lasts nine. So a longer spell counts as several, by the square of its length.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray

USUAL_DAYS = 0.157
"""Middle length of spells that are found in the usual worlds of ``bench/latency_organizations.py``, those below
``LEAST_DAYS`` counted as that long."""
LEAST_DAYS = 0.1
"""2.4 hours: what is shorter moves neither p95 of a week nor p99 of a month, and restless days have much of it."""
USUAL_COUNTS_AS = 2.0
"""Independent spells that the usual length counts as."""
POWER = 2.0


def length_beside_usual(days: FloatArray, owner: npt.NDArray[np.int64], independent: float) -> float:
    """Middle length of the organisation's slow spells over the usual one; 1 where none was seen.

    ``days``: of a spell, in days of all requests slow, shape (n_spells,); ``owner``: whose each is;
    ``independent``: how many observations they are, n. The mean of the logarithms, with n against
    ``USUAL_COUNTS_AS`` of the usual one: a normal law's mean with a normal prior. Services with many spells count
    for less, as in the pool of sizes.

    >>> length_beside_usual(np.zeros(0), np.zeros(0, dtype=np.int64), 0.0)
    1.0
    """
    if not len(days):
        return 1.0
    weight = 1.0 / np.sqrt(np.bincount(owner)[owner])
    logs = np.log(np.maximum(days, LEAST_DAYS) / USUAL_DAYS)
    mean = float((weight * logs).sum() / weight.sum())
    return float(np.exp(independent * mean / (independent + USUAL_COUNTS_AS)))
