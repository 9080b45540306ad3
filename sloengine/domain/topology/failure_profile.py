"""When components fail: what they show interval by interval, kept as a quiet level and the intervals that stand
out.

Two dependencies that are down in the same hour cost their caller that hour once. Multiplying within the smallest
stored interval shows it; the quiet rest adds up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic
from sloengine.domain.topology.system import Call

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

        ``unavailability`` and ``reach`` (probability of passing failure on): of these, shape (n,). Below 1 where
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


def failure_profile(
    traffic: ObservedTraffic,
    members: Sequence[Sequence[int]],
    calls: Sequence[Sequence[Call]],
    only: Collection[int] | None = None,
) -> FailureProfile:
    """When every component fails by itself; of a cycle, the member that fails most in each interval speaks.

    What the component's calls explain is taken off interval by interval and cut at 0. That would inflate a
    *level*; only the shape is kept, how much a component fails comes from sums. ``only``: components, closed under
    calls, that are looked at; others show nothing.
    """
    intervals = traffic.total.shape[1]
    size = len(members)
    chosen = np.arange(size) if only is None else np.array(sorted(only), np.int64)
    ratios = _ratios(traffic, members, chosen)
    passes = csr_array(
        (
            np.array([call.probability for below in calls for call in below], np.float32),
            (
                np.repeat(np.arange(size), [len(below) for below in calls]),
                np.array([call.dependency for below in calls for call in below], np.int64),
            ),
        ),
        shape=(size, size),
    )
    counts = np.zeros(size + 1, np.int64)
    quiet = np.ones(size)
    at: list[npt.NDArray[np.int32]] = []
    peak: list[npt.NDArray[np.float32]] = []
    for start in range(0, len(chosen), _ROWS_AT_ONCE):
        rows = chosen[start : start + _ROWS_AT_ONCE]
        own = np.maximum(ratios[rows] - passes[rows] @ ratios, 0.0)
        mean = own.mean(axis=1)
        relative = (own / np.where(mean > 0.0, mean, 1.0)[:, None]).astype(np.float32)
        stands_out = relative > _STANDS_OUT
        which, times = np.nonzero(stands_out)
        counts[rows + 1] = stands_out.sum(axis=1)
        at.append(times.astype(np.int32))
        peak.append(relative[which, times])
        rest = np.maximum(intervals - stands_out.sum(axis=1), 1)
        level = (intervals - (relative * stands_out).sum(axis=1)) / rest
        quiet[rows] = np.where(mean > 0.0, np.maximum(level, 0.0), 1.0)
    return FailureProfile(
        intervals,
        np.cumsum(counts),
        np.concatenate(at) if at else np.zeros(0, np.int32),
        np.concatenate(peak) if peak else np.zeros(0, np.float32),
        quiet,
    )


def _ratios(
    traffic: ObservedTraffic, members: Sequence[Sequence[int]], chosen: IntArray
) -> npt.NDArray[np.float32]:
    """Failure ratio of these components by interval, 0 where there is no data, and of all others."""
    first = np.array([services[0] for services in members], np.int64)
    ratios = np.zeros((len(members), traffic.total.shape[1]), np.float32)
    for start in range(0, len(chosen), _ROWS_AT_ONCE):
        components = chosen[start : start + _ROWS_AT_ONCE]
        rows = first[components]
        ratios[components] = _divided(traffic.bad[rows], traffic.total[rows])
    for component in chosen.tolist():
        for service in members[component][1:]:
            ratio = _divided(traffic.bad[service], traffic.total[service])
            np.maximum(ratios[component], ratio, out=ratios[component])
    return ratios


def _divided(bad: FloatArray, total: FloatArray) -> npt.NDArray[np.float32]:
    return np.divide(bad, total, out=np.zeros_like(total), where=total > 0.0).astype(np.float32)
