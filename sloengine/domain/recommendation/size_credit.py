"""How many of its own incidents a service needs before their sizes are believed as much as other services'.

Source: Bühlmann (1967), "Experience rating and credibility", ASTIN Bulletin 4:199: n own observations are believed
with n / (n + k), k = variance within services / variance between them. Both are those of the logarithm of sizes,
by one-way analysis of variance with unequal groups (Searle, "Variance Components", 1992, ch. 3).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.reliability.panel import FloatArray


def own_size_weight(severity: FloatArray, owner: npt.NDArray[np.int64]) -> float:
    """k, in incidents, from all services' incidents and the shipped variances beside them.

    Where one size is as good as another whoever has it, own incidents say little about the next and k is large;
    where each service has its own, k is small. The shipped variances count as so many incidents and services as
    the shipped prior does elsewhere, so that few incidents hardly move k and none leaves it as shipped.

    ``severity`` and ``owner``: shape (n_episodes,).

    >>> own_size_weight(np.zeros(0), np.zeros(0, dtype=np.int64))
    4.0
    """
    pseudo_within, pseudo_between = shipped_prior.PSEUDO_EPISODES, shipped_prior.PSEUDO_SERVICES
    between_shipped = shipped_prior.SEVERITY_LOG_SD**2 / (1.0 + shipped_prior.OWN_SIZE_WEIGHT)
    within_shipped = shipped_prior.OWN_SIZE_WEIGHT * between_shipped
    if len(severity) == 0:
        return shipped_prior.OWN_SIZE_WEIGHT
    logs = np.log(np.maximum(severity, 1e-12))
    _, rows, counts = np.unique(owner, return_inverse=True, return_counts=True)
    sizes, total, number = counts.astype(np.float64), float(len(logs)), len(counts)
    means = np.bincount(rows, weights=logs) / sizes
    squares = float(((logs - means[rows]) ** 2).sum())
    within = (squares + pseudo_within * within_shipped) / (total - number + pseudo_within)
    if number < 2:
        return within / between_shipped
    typical = (total - float((sizes**2).sum()) / total) / (number - 1)
    mean_square = float((sizes * (means - logs.mean()) ** 2).sum()) / (number - 1)
    seen = max(0.0, (mean_square - within) / typical)
    between = ((number - 1) * seen + pseudo_between * between_shipped) / (number - 1 + pseudo_between)
    return within / between
