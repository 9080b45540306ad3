"""Groups of similar services."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray


class ArchetypeGrouping(Protocol):
    """Deterministic: the same rows always give the same groups."""

    def __call__(self, values: FloatArray) -> npt.NDArray[np.int64]:
        """Label 0, 1, … of each row; all 0 where no division of the rows is worth making.

        ``values``: shape (n_services, n_features), standardised, without NaN.
        """
        ...
