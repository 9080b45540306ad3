"""Limits of pass-through that no model can lower: of f calls that failed, at most min(B, E) failed the caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic

#: Evidence below which nothing is said about an edge.
FAILED_CALLS, FAILED_WINDOWS = 20.0, 12
#: Contradicted: the upper limit of f is below this part of what is declared.
CONTRADICTED_BELOW = 0.5
#: Less than declared: the upper limit is below this part of it. Retries and caches do that to a hard dependency.
LESS_BELOW = 0.9
BOOTSTRAP_DRAWS = 400
_UPPER_QUANTILE = 0.975
_BLOCK = timedelta(hours=1)
_EPISODE = timedelta(days=1)
#: Attributed failed calls are expected counts. Below this many an interval says little: a caller that fails once
#: in three intervals in which a third of a failed call is expected would seem to have dodged two thirds of them.
_LEAST_EXPECTED = 4.0


@dataclass(frozen=True)
class Evidence:
    """Edges with enough failed calls, their caps, and one-hour sums of min(B, E) and B.

    ``chance``: by how much chance alone keeps Σ min(B, E) below Σ B where B is expected, not counted; at least 1.
    """

    edges: IntArray
    cap: FloatArray
    chance: FloatArray
    passed: npt.NDArray[np.float32]
    failed: npt.NDArray[np.float32]


def failed_call_evidence(
    traffic: ObservedTraffic, candidates: IntArray, expected: npt.NDArray[np.bool_], failed_calls: FloatArray
) -> Evidence:
    """Sum up B and min(B, E) of the candidates; fills ``failed_calls``.

    ``expected``: whether an edge's B is an expected share and no count. It and ``failed_calls``: of each edge of
    the graph, shape (n_edges,).
    """
    day = np.arange(traffic.total.shape[1]) // max(1, _EPISODE // traffic.step)
    starts = _block_starts(traffic)
    edges: list[IntArray] = [np.zeros(0, np.int64)]
    caps: list[FloatArray] = [np.zeros(0)]
    chances: list[FloatArray] = [np.ones(0)]
    passed: list[npt.NDArray[np.float32]] = [np.zeros((0, len(starts)), np.float32)]
    failed: list[npt.NDArray[np.float32]] = [np.zeros((0, len(starts)), np.float32)]
    for portion in traffic.blocks_of(candidates):
        attributed, own = traffic.attributed(portion)
        sums = attributed.sum(axis=1)
        failed_calls[portion] = sums
        enough = (sums >= FAILED_CALLS) & ((attributed > 0.0).sum(axis=1) >= FAILED_WINDOWS)
        if not enough.any():
            continue
        attributed, own = attributed[enough], own[enough]
        through = np.minimum(attributed, own)
        chance = np.ones(len(attributed))
        for row in np.flatnonzero(expected[portion[enough]]).tolist():
            attributed[row], through[row] = _without_sparse(attributed[row], own[row], day)
            chance[row] = attributed[row].sum() / _least_seen(attributed[row]).sum()
        edges.append(portion[enough])
        caps.append(through.sum(axis=1) / attributed.sum(axis=1))
        chances.append(chance)
        passed.append(np.add.reduceat(through, starts, axis=1).astype(np.float32))
        failed.append(np.add.reduceat(attributed, starts, axis=1).astype(np.float32))
    joined = np.concatenate(edges), np.concatenate(caps), np.concatenate(chances)
    return Evidence(*joined, np.vstack(passed), np.vstack(failed))


def _least_seen(expected: FloatArray) -> FloatArray:
    """Mean of min(B, X) for a Poisson number X of failed calls where B are expected: B (1 - P(X = floor B)).

    That is what a caller shows that every failed call fails, and that never fails but for them.
    """
    return np.asarray(expected * (1.0 - np.exp(_log_poisson(np.floor(expected), expected))))


def _log_poisson(count: FloatArray, mean: FloatArray) -> FloatArray:
    return np.asarray(xlogy(count, mean) - mean - gammaln(count + 1.0))


def _without_sparse(attributed: FloatArray, own: FloatArray, day: IntArray) -> tuple[FloatArray, FloatArray]:
    """B and min(B, E) of one edge where B is expected, not counted.

    Intervals with few expected failed calls are left out where the others are evidence enough. Else these
    intervals are compared by the day, and quiet days as one: a sum's minimum is never below the sum of minima,
    so the limit stays a limit.
    """
    through = np.minimum(attributed, own)
    quiet = attributed < _LEAST_EXPECTED
    if (~quiet).sum() >= FAILED_WINDOWS:
        return np.where(quiet, 0.0, attributed), np.where(quiet, 0.0, through)
    expected = np.bincount(day[quiet], weights=attributed[quiet], minlength=int(day[-1]) + 1)
    label = np.where(expected < _LEAST_EXPECTED, len(expected), np.arange(len(expected)))[day[quiet]]
    expected = np.bincount(label, weights=attributed[quiet], minlength=len(expected) + 1)
    seen = np.bincount(label, weights=own[quiet], minlength=len(expected))
    share = np.divide(np.minimum(expected, seen), expected, out=np.zeros_like(expected), where=expected > 0.0)
    through[quiet] = attributed[quiet] * share[label]
    return attributed, through


def _block_starts(traffic: ObservedTraffic) -> IntArray:
    per_block = max(1, _BLOCK // traffic.step)
    return np.arange(0, max(1, traffic.total.shape[1]), per_block)


def upper_limits(
    traffic: ObservedTraffic, evidence: Evidence, declared: FloatArray, seed: int
) -> tuple[dict[int, float], frozenset[int]]:
    """Upper limit of f for the edges that pass on less than declared, and which of them the data contradict."""
    claimed = declared[evidence.edges]
    # A bootstrap's upper limit is never below the value itself, so most edges need none.
    rows = np.flatnonzero(evidence.cap < LESS_BELOW * claimed)
    if not len(rows):
        return {}, frozenset()
    blocks = evidence.failed.shape[1]
    weights = _bootstrap_weights(blocks, seed)
    upper = _upper(weights, evidence.passed[rows], evidence.failed[rows])
    kept = np.flatnonzero(upper < LESS_BELOW * claimed[rows])
    rows, upper = rows[kept], upper[kept]
    if not len(rows):
        return {}, frozenset()
    length = _worst_length(blocks, traffic.step)
    passed, failed = evidence.passed[rows].copy(), evidence.failed[rows].copy()
    sums = np.cumsum(np.hstack([np.zeros((len(rows), 1)), failed]), axis=1)
    worst = np.argmax(sums[:, length:] - sums[:, :-length], axis=1)
    for row, start in enumerate(worst.tolist()):
        passed[row, start : start + length] = 0.0
        failed[row, start : start + length] = 0.0
    without_worst = _upper(weights, passed, failed)
    enough = failed.sum(axis=1) >= FAILED_CALLS
    limit = CONTRADICTED_BELOW * claimed[rows]
    contradicted = enough & (upper < limit) & (without_worst < limit)
    # Nearer to what is declared, chance must be taken out before less can be said to pass.
    highest = np.maximum(upper, without_worst) * evidence.chance[rows]
    standing = contradicted | (enough & (highest < LESS_BELOW * claimed[rows]))
    limits = np.where(contradicted, upper, np.minimum(1.0, upper * evidence.chance[rows]))
    edges = evidence.edges[rows]
    found = dict(zip(edges[standing].tolist(), limits[standing].tolist(), strict=True))
    return found, frozenset(edges[contradicted].tolist())


@lru_cache(maxsize=8)
def _bootstrap_weights(blocks: int, seed: int) -> npt.NDArray[np.float32]:
    """How often each one-hour block is in each resample; the same for every edge. Shape (draws, blocks)."""
    drawn = np.random.default_rng([seed, blocks]).integers(0, blocks, (BOOTSTRAP_DRAWS, blocks))
    flat = (drawn + np.arange(BOOTSTRAP_DRAWS)[:, None] * blocks).ravel()
    return (
        np.bincount(flat, minlength=BOOTSTRAP_DRAWS * blocks).reshape(BOOTSTRAP_DRAWS, blocks).astype(np.float32)
    )


def _upper(
    weights: npt.NDArray[np.float32], passed: npt.NDArray[np.float32], failed: npt.NDArray[np.float32]
) -> FloatArray:
    numerator, denominator = weights @ passed.T, weights @ failed.T
    # A resample without failed calls says nothing; it counts as if all had passed.
    ratio = np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator > 0.0)
    return np.asarray(np.quantile(ratio, _UPPER_QUANTILE, axis=0), np.float64)


def _worst_length(blocks: int, step: timedelta) -> int:
    """A day's worth of blocks, but no more than a quarter of a short history."""
    return max(1, min(int(_EPISODE / max(step, _BLOCK)), blocks // 4))
