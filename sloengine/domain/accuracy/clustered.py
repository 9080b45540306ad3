"""Means over windows that are not independent: services share incidents, windows overlap.

Forty services that one outage takes down together are nearer to one observation than to forty. Whole clusters
are the unit, never single windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from sloengine.domain.reliability.intervals import clopper_pearson
from sloengine.domain.reliability.panel import FloatArray

type Labels = npt.NDArray[np.int64]

LEAST_CLUSTERS = 2
"""With one cluster nothing tells chance from truth."""


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """A mean with its 95 % interval. ``low`` and ``high`` None: too few clusters to give one.

    ``effective``: independent observations that these are worth, for a share; ``clusters``: those of the grouping
    that gave the wider interval.
    """

    value: float
    low: float | None
    high: float | None
    observations: int
    clusters: int
    effective: float


def clustered_mean(values: FloatArray, groupings: Sequence[Labels], level: float = 0.95) -> ClusteredMean:
    """Mean of ``values`` (NaN is left out), the widest of the intervals that the groupings give.

    ``groupings``: each a label per value, shape as ``values``. Variance: sums per cluster about the mean, times
    G / (G - 1); Student's t with G - 1 degrees of freedom, because three sites are three and not a thousand.
    Source: Cameron & Miller (2015), Journal of Human Resources 50:317, sections II and VI.
    Raises: ValueError, if nothing is left, or a grouping has another shape.
    """
    keep = ~np.isnan(values)
    kept = values[keep]
    if len(kept) == 0:
        raise ValueError("no value to take a mean of")
    mean = float(kept.mean())
    widest, clusters = None, 0
    for labels in groupings:
        if labels.shape != values.shape:
            raise ValueError("a grouping must have one label per value")
        found = _half_width(kept - mean, labels[keep], level)
        if found is not None and (widest is None or found[0] > widest):
            widest, clusters = found
    effective = float(len(kept))
    if widest:
        # As many independent observations as would give an interval of this width.
        effective = min(effective, max(1.0, float(kept.var()) * (float(ndtri((1 + level) / 2)) / widest) ** 2))
    elif clusters:
        effective = float(clusters)
    low, high = (None, None) if widest is None else (mean - widest, mean + widest)
    return ClusteredMean(mean, low, high, len(kept), clusters, effective)


def clustered_share(held: FloatArray, groupings: Sequence[Labels], level: float = 0.95) -> ClusteredMean:
    """Share of true values (1.0) among 0.0 and 1.0: Clopper-Pearson on the effective number of observations.

    Where every value is the same, as many observations as the coarsest grouping has clusters are counted: forty
    services that one quiet month spared are one month.
    Raises: as ``clustered_mean``.
    """
    mean = clustered_mean(held, groupings, level)
    if mean.low is None:
        return mean
    n = mean.effective
    if mean.low == mean.high:
        known = ~np.isnan(held)
        counts = [len(np.unique(labels[known])) for labels in groupings]
        n = float(min(count for count in counts if count >= LEAST_CLUSTERS))
    exact = clopper_pearson(min(n, mean.value * n), n, level)
    return ClusteredMean(mean.value, exact.low, exact.high, mean.observations, mean.clusters, n)


def _half_width(residual: FloatArray, labels: Labels, level: float) -> tuple[float, int] | None:
    """Half-width of the mean's interval and number of clusters; None: too few of them."""
    _, position = np.unique(labels, return_inverse=True)
    sums = np.bincount(position, weights=residual)
    n_clusters = len(sums)
    if n_clusters < LEAST_CLUSTERS:
        return None
    variance = float((sums**2).sum()) * n_clusters / (n_clusters - 1) / len(residual) ** 2
    return float(stdtrit(n_clusters - 1, (1 + level) / 2) * np.sqrt(variance)), n_clusters
