"""Groups of similar services by scikit-learn: k-means, as many groups as the silhouette likes best."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray

MOST_GROUPS = 8
LEAST_OF_A_GROUP = 5
"""Services per group on average, at least: smaller groups have too little to teach."""
LEAST_SILHOUETTE = 0.15
"""Below it the groups are arbitrary cuts through one cloud."""
_SEED, _STARTS, _SAMPLE = 0, 5, 1_000


class SilhouetteGroups:
    """Keeps the ``ArchetypeGrouping`` port.

    Source: Rousseeuw (1987), "Silhouettes", J. Comput. Appl. Math. 20:53.
    """

    def __call__(self, values: FloatArray) -> npt.NDArray[np.int64]:
        """Labels of the division with the largest mean silhouette; all 0 where none reaches the least."""
        nothing = np.zeros(len(values), dtype=np.int64)
        distinct = len(np.unique(np.round(values, 9), axis=0)) if values.size else 0
        most = min(MOST_GROUPS, len(values) // LEAST_OF_A_GROUP, distinct - 1)
        if most < 2:
            return nothing
        # Seconds of importing, which only learning is worth.
        from sklearn.cluster import KMeans  # noqa: PLC0415
        from sklearn.metrics import silhouette_score  # noqa: PLC0415

        best, chosen = LEAST_SILHOUETTE, nothing
        sample = _SAMPLE if len(values) > _SAMPLE else None
        for groups in range(2, most + 1):
            labels = KMeans(groups, n_init=_STARTS, random_state=_SEED).fit_predict(values)
            if len(np.unique(labels)) < 2:
                continue
            score = float(silhouette_score(values, labels, sample_size=sample, random_state=_SEED))
            if score > best:
                best, chosen = score, labels.astype(np.int64)
        return np.asarray(chosen, dtype=np.int64)
