"""When components fail: what they show interval by interval, kept as a quiet level and the intervals that stand
out.

Two dependencies that are down in the same hour cost their caller that hour once. Multiplying within the smallest
stored interval shows it; the quiet rest adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic

# Above this multiple of its mean an interval stands out; by Markov's inequality a quarter at most can.
_STANDS_OUT = 4.0
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class FailureProfile:
    """Failure ratios of components over ``intervals``, relative to their mean.

    Component c stands out in intervals ``at[first[c]:first[c + 1]]`` with ``peak`` times its mean failure ratio;
    in all others it shows ``quiet[c]`` times the mean.
    """

    intervals: int
    first: IntArray
    at: npt.NDArray[np.int32]
    peak: npt.NDArray[np.float32]
    quiet: FloatArray

    def overlap(self, components: IntArray, unavailability: FloatArray, reach: FloatArray) -> float:
        """Joint over independent probability that one of these reaches the root, interval by interval.

        ``unavailability`` and ``reach`` (probability of passing failure on): by component. Below 1 where
        components fail in the same intervals; slightly above where they avoid each other.
        """
        independent = -np.expm1(np.log1p(-np.minimum(reach * unavailability, 1.0 - 1e-12)).sum())
        if independent <= 0.0 or self.intervals == 0:
            return 1.0
        level = np.minimum(unavailability * self.quiet[components], 1.0 - 1e-9)
        quiet = -np.log1p(-reach * level)
        starts, ends = self.first[components], self.first[components + 1]
        counts = ends - starts
        position = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(
            counts.sum()
        )
        which = np.repeat(np.arange(len(components)), counts)
        height = np.minimum(unavailability[which] * self.peak[position], 1.0 - 1e-9)
        added = -np.log1p(-reach[which] * height) - quiet[which]
        hazard = np.bincount(self.at[position], weights=added, minlength=self.intervals) + quiet.sum()
        joint = float(-np.expm1(-hazard).mean())
        return joint / float(independent)


def failure_profile(traffic: ObservedTraffic, members: Sequence[Sequence[int]]) -> FailureProfile:
    """Profile of every component; of a cycle, that of the member that fails most in each interval."""
    intervals = traffic.total.shape[1]
    size = len(members)
    counts = np.zeros(size + 1, np.int64)
    quiet = np.ones(size)
    at: list[npt.NDArray[np.int32]] = []
    peak: list[npt.NDArray[np.float32]] = []
    for start in range(0, size, _ROWS_AT_ONCE):
        ratios = np.zeros((min(_ROWS_AT_ONCE, size - start), intervals), np.float32)
        seen = np.zeros_like(ratios, bool)
        for row, services in enumerate(members[start : start + _ROWS_AT_ONCE]):
            totals = traffic.total[services]
            ratio = np.divide(traffic.bad[services], totals, out=np.zeros_like(totals), where=totals > 0.0)
            ratios[row], seen[row] = ratio.max(axis=0), (totals > 0.0).any(axis=0)
        present = np.maximum(seen.sum(axis=1), 1)
        mean = ratios.sum(axis=1) / present
        relative = (ratios / np.where(mean > 0.0, mean, 1.0)[:, None]).astype(np.float32)
        # Intervals without data count as quiet; all intervals together keep the mean at 1.
        stands_out = (relative > _STANDS_OUT) & (mean > 0.0)[:, None]
        rows, times = np.nonzero(stands_out)
        counts[start + 1 : start + 1 + len(ratios)] = stands_out.sum(axis=1)
        at.append(times.astype(np.int32))
        peak.append(relative[rows, times])
        rest = np.maximum(intervals - stands_out.sum(axis=1), 1)
        level = (intervals - (relative * stands_out).sum(axis=1)) / rest
        quiet[start : start + len(ratios)] = np.where(mean > 0.0, np.maximum(level, 0.0), 1.0)
    return FailureProfile(
        intervals,
        np.cumsum(counts),
        np.concatenate(at) if at else np.zeros(0, np.int32),
        np.concatenate(peak) if peak else np.zeros(0, np.float32),
        quiet,
    )
