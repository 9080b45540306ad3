"""A quantile of drawn windows, some of which stand for many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.panel import FloatArray


@dataclass(frozen=True)
class WindowQuantile:
    """At ``level`` in (0, 1), of windows drawn with these numbers."""

    numbers: WindowNumbers
    level: float

    def of(self, drawn: FloatArray) -> FloatArray:
        """The quantile of each row as the engine takes it, over the windows that these stand for.

        It is the largest value that windows standing for ``above`` reach. With the j largest of the windows that
        stand for many among them, that is the lesser of the j-th of these and of the window that is as far down
        among the others as is still missing.
        """
        single, above, missing = self._single, self._above, self._missing_with_others
        if not len(missing):
            return np.asarray(np.partition(drawn, single - above, axis=1)[:, single - above])
        few = np.sort(drawn[:, :single], axis=1)
        many = np.sort(drawn[:, single:], axis=1)[:, ::-1][:, : len(missing) - 1]
        reached = np.full((len(drawn), len(missing)), -np.inf)
        enough = missing <= single
        reached[:, enough] = few[:, np.minimum(single - missing[enough], single - 1)]
        reached[:, missing <= 0] = np.inf
        return np.asarray(np.maximum(reached[:, 0], np.minimum(reached[:, 1:], many).max(axis=1)))

    @cached_property
    def _single(self) -> int:
        """Windows that stand for themselves only; they come first."""
        weights = self.numbers.weights
        return self.numbers.n if weights is None else int((weights == 1.0).sum())

    @cached_property
    def _above(self) -> int:
        """Windows that lie at or above the quantile."""
        weights = self.numbers.weights
        whole = self.numbers.n if weights is None else round(float(weights.sum()))
        return whole - min(whole - 1, int(np.ceil(self.level * (whole - 1))))

    @cached_property
    def _missing_with_others(self) -> npt.NDArray[np.int64]:
        """How many of those that stand for themselves it takes beside 0, 1, 2 … that stand for many."""
        weights = self.numbers.weights
        if weights is None or self._single == self.numbers.n:
            return np.zeros(0, np.int64)
        each = float(weights[-1])
        most = min(self.numbers.n - self._single, int(np.ceil(self._above / each)))
        return np.ceil(self._above - each * np.arange(most + 1) - 1e-9).astype(np.int64)
