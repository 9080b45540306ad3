"""How much of a dependency's failure reaches its caller: as declared, and as the data say.

Declared is not true. f of an edge is at most Σ min(B, E) / Σ B, whatever else may have failed; where the upper
97.5 % limit of that lies below what is declared, on enough evidence, f̂ from an additive Poisson fit takes the
declared value's place, and where it lies below half of that, the dependency is *contradicted by the data*. One
episode is no evidence: the finding must survive leaving out the worst day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

from sloengine.domain.content_memo import ContentMemo
from sloengine.domain.recommendation.model import Contradiction, Estimate
from sloengine.domain.topology.additive_fit import Z_95, AdditiveFit, additive_fit, interval
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic
from sloengine.domain.topology.system import (
    ASYNC_PASS_THROUGH,
    DEGRADED_PASS_THROUGH,
    HARD_PASS_THROUGH,
    SOFT_PASS_THROUGH,
)

#: Evidence below which nothing is said about an edge.
FAILED_CALLS, FAILED_WINDOWS = 20.0, 12
#: Contradicted: the upper limit of f is below this part of what is declared.
CONTRADICTED_BELOW = 0.5
#: Less than declared: the upper limit is below this part of it. Retries and caches do that to a hard dependency.
LESS_BELOW = 0.9
#: Edges that would bring this many times what the caller failed bring too much.
_EXCESS = 1.1
BOOTSTRAP_DRAWS = 400
_UPPER_QUANTILE = 0.975
_BLOCK = timedelta(hours=1)
_EPISODE = timedelta(days=1)
#: A measured pass-through below this is none: such an edge passes nothing on and closes no cycle.
_NOTHING = 1e-3
#: Columns of a fit that correlate above this cannot be told apart. Services of one zone fail together in large
#: incidents and alone in small ones: 0.9 would take them for one, and give an innocent one the other's share.
_ALIKE = 0.995
#: Attributed failed calls are expected counts. Below this many an interval says little: a caller that fails once
#: in three intervals in which a third of a failed call is expected would seem to have dodged two thirds of them.
_LEAST_EXPECTED = 4.0
#: Rounds in which the fit learns that a request fails only once, whatever hits it.
_SATURATION_ROUNDS, _SETTLED = 4, 0.005

_BY_CRITICALITY = {
    DependencyCriticality.HARD: HARD_PASS_THROUGH,
    DependencyCriticality.DEGRADED: DEGRADED_PASS_THROUGH,
    DependencyCriticality.SOFT: SOFT_PASS_THROUGH,
}


@dataclass(frozen=True)
class PassThrough:
    """Pass-through of each edge, in the order of ``ObservedTraffic.edges``.

    ``declared`` and ``in_use``: shape (n_edges,). ``failed_calls``: Σ B. ``measured``: by edge, where the evidence
    suffices. ``contradictions``: by edge. ``less``: edges that surely pass on less than declared.
    """

    declared: FloatArray
    in_use: FloatArray
    failed_calls: FloatArray
    measured: Mapping[int, Estimate]
    contradictions: Mapping[int, Contradiction]
    less: frozenset[int]


@dataclass(frozen=True)
class _Evidence:
    """Edges with enough failed calls, their caps, and one-hour sums of min(B, E) and B.

    ``chance``: by how much chance alone keeps Σ min(B, E) below Σ B where B is expected, not counted; at least 1.
    """

    edges: IntArray
    cap: FloatArray
    chance: FloatArray
    passed: npt.NDArray[np.float32]
    failed: npt.NDArray[np.float32]


def declared_pass_through(dependency: Dependency) -> float:
    """f by declaration: hard 1, degraded 0.5, soft 0.1; asynchronous 0."""
    if dependency.mode is DependencyMode.ASYNC:
        return ASYNC_PASS_THROUGH
    return _BY_CRITICALITY[dependency.criticality]


def learn_pass_through(
    traffic: ObservedTraffic,
    refused: Mapping[str, str],
    *,
    seed: int,
    callers: Collection[str] | None = None,
    fits: ContentMemo[AdditiveFit] | None = None,
) -> PassThrough:
    """Pass-through of every edge of a graph; with ``callers``, of their edges, while others stay as declared.

    ``refused``: services whose series cannot be true as their own SLI, with the reason. As dependencies they are
    evidence like any other; as callers they are none. ``fits``: those made before. Deterministic per edge: the
    same edge over the same intervals gets the same answer in a subgraph that holds its callers and its caller's
    dependencies.
    """
    count = len(traffic.edges)
    declared = np.array([declared_pass_through(edge) for edge in traffic.edges])
    in_use = declared.copy()
    failed_calls = np.zeros(count)
    ids = [service.service_id for service in traffic.graph.services]
    believed = np.array([service_id not in refused for service_id in ids], bool)
    failing = traffic.bad.sum(axis=1) > 0.0
    counted = np.zeros(count, bool)
    counted[list(traffic.counted)] = True
    observed = believed & traffic.has_data.any(axis=1)
    if callers is not None:
        observed &= np.array([service_id in callers for service_id in ids], bool)
    candidates = np.flatnonzero(observed[traffic.callers] & (failing[traffic.dependencies] | counted))
    # A dependency's failures are its only caller's; several callers get an expected part each.
    caller_count = np.bincount(traffic.dependencies, minlength=len(ids))
    expected = ~counted & (caller_count[traffic.dependencies] > 1)
    evidence = _evidence(traffic, candidates, expected, failed_calls)
    # A replica whose failures do not reach the caller does what it was declared for.
    claimed = np.where(_stands_in(traffic.edges), 0.0, declared)
    upper, contradicted = _upper_limits(traffic, evidence, claimed, seed)
    fitted = _fits(traffic, evidence, candidates, failed_calls, fits)
    measured: dict[int, Estimate] = {}
    contradictions: dict[int, Contradiction] = {}
    less: set[int] = set()
    for edge in evidence.edges.tolist():
        fit, error = fitted[edge]
        limit = upper.get(edge)
        value = fit if limit is None else min(fit, limit)
        low, high = interval(value, error, float(failed_calls[edge]))
        if limit is not None:
            high = max(min(high, max(limit, 3.69 / float(failed_calls[edge]))), value)
        measured[edge] = Estimate(value, min(low, value), min(1.0, high))
        if limit is not None:
            in_use[edge] = value if value >= _NOTHING else 0.0
            if edge not in contradicted:
                less.add(edge)
                continue
            contradictions[edge] = _contradiction(
                traffic.edges[edge], float(declared[edge]), measured[edge], float(failed_calls[edge]), refused
            )
    for edge in _brought_too_much(traffic, evidence, claimed, in_use, failed_calls, fitted):
        in_use[edge] = measured[edge].value
        less.add(edge)
    return PassThrough(declared, in_use, failed_calls, measured, contradictions, frozenset(less))


def _brought_too_much(
    traffic: ObservedTraffic,
    evidence: _Evidence,
    claimed: FloatArray,
    in_use: FloatArray,
    failed_calls: FloatArray,
    fits: Mapping[int, tuple[float, float]],
) -> list[int]:
    """Edges whose fit says surely less than declared, of callers that failed less than their edges would bring.

    The limit of such an edge may be high, because something else failed the caller at the same time; but the
    totals do not add up, and the fit says where.
    """
    single = np.array([edge.redundancy_group is None for edge in traffic.edges], bool)
    brought = np.bincount(
        traffic.callers, weights=np.where(single, in_use * failed_calls, 0.0), minlength=len(traffic.bad)
    )
    excessive = brought > _EXCESS * traffic.bad.sum(axis=1)
    found: list[int] = []
    for row, edge in enumerate(evidence.edges.tolist()):
        value, error = fits[edge]
        if (
            excessive[traffic.callers[edge]]
            and in_use[edge] == claimed[edge]
            and value + Z_95 * error < LESS_BELOW * claimed[edge]
            and _outside_worst_day(evidence.failed[row], traffic.step) >= FAILED_CALLS
        ):
            found.append(edge)
    return found


def _outside_worst_day(failed: npt.NDArray[np.float32], step: timedelta) -> float:
    length = _worst_length(len(failed), step)
    sums = np.concatenate([[0.0], np.cumsum(failed, dtype=np.float64)])
    return float(sums[-1] - (sums[length:] - sums[:-length]).max())


def _worst_length(blocks: int, step: timedelta) -> int:
    """A day's worth of blocks, but no more than a quarter of a short history."""
    return max(1, min(int(_EPISODE / max(step, _BLOCK)), blocks // 4))


def _stands_in(edges: Sequence[Dependency]) -> npt.NDArray[np.bool_]:
    """Edges to members of a redundancy group that can do without one of them; shape (n_edges,)."""
    sizes = Counter((edge.caller, edge.redundancy_group) for edge in edges if edge.redundancy_group is not None)
    required: dict[tuple[str, str | None], int] = {}
    for edge in edges:
        key = edge.caller, edge.redundancy_group
        required[key] = max(required.get(key, 1), edge.required or 1)
    return np.array(
        [
            edge.redundancy_group is not None
            and required[edge.caller, edge.redundancy_group] < sizes[edge.caller, edge.redundancy_group]
            for edge in edges
        ],
        bool,
    )


def _evidence(
    traffic: ObservedTraffic, candidates: IntArray, expected: npt.NDArray[np.bool_], failed_calls: FloatArray
) -> _Evidence:
    """Sum up B and min(B, E); fills ``failed_calls``. ``expected``: whether an edge's B is no count."""
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
    return _Evidence(*joined, np.vstack(passed), np.vstack(failed))


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


def _upper_limits(
    traffic: ObservedTraffic, evidence: _Evidence, declared: FloatArray, seed: int
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


def _fits(
    traffic: ObservedTraffic,
    evidence: _Evidence,
    candidates: IntArray,
    failed_calls: FloatArray,
    remembered: ContentMemo[AdditiveFit] | None,
) -> dict[int, tuple[float, float]]:
    """Additive fit of every caller that has an edge with evidence: value and standard error by edge."""
    per_day = max(1, timedelta(days=1) // traffic.step)
    wanted = set(traffic.callers[evidence.edges].tolist())
    by_caller: dict[int, list[int]] = {}
    for edge in candidates.tolist():
        caller = int(traffic.callers[edge])
        if caller in wanted and failed_calls[edge] > 0.0:
            by_caller.setdefault(caller, []).append(edge)
    fits: dict[int, tuple[float, float]] = {}
    for caller, edges in by_caller.items():
        # One column per distinct series: two names of the same thing could not be told apart.
        attributed, _ = traffic.attributed(edges)
        columns, label = _distinct(attributed)
        inputs = traffic.bad[caller], traffic.total[caller], columns
        if remembered is None:
            fit = _saturated_fit(*inputs, per_day)
        else:
            fit = remembered(inputs, (str(per_day),), partial(_saturated_fit, *inputs, per_day))
        for position, edge in enumerate(edges):
            column = label[position]
            fits[edge] = (float(fit.pass_through[column]), float(fit.standard_error[column]))
    return fits


def _saturated_fit(
    failed: FloatArray, requests: FloatArray, columns: FloatArray, intervals_per_day: int
) -> AdditiveFit:
    """The additive fit where failures add up; where several strike the same requests, each request fails once.

    The mean is N·(1 − (1 − a)·Π(1 − f·B/N)). Its ratio to the sum that the fit believes in scales that interval's
    columns, and the fit is made again.
    """
    fit = additive_fit(failed, requests, columns, intervals_per_day)
    rate = np.divide(columns, requests, out=np.zeros_like(columns), where=requests > 0.0)
    for _ in range(_SATURATION_ROUNDS):
        adding = fit.base + fit.pass_through @ rate
        once = 1.0 - (1.0 - fit.base) * np.prod(1.0 - fit.pass_through[:, None] * rate, axis=0)
        ratio = np.divide(once, adding, out=np.ones_like(adding), where=adding > 1e-9)
        before = fit.pass_through
        fit = additive_fit(failed, requests * ratio, columns * ratio, intervals_per_day)
        if np.abs(fit.pass_through - before).max(initial=0.0) < _SETTLED:
            break
    return fit


def _distinct(attributed: FloatArray, correlation: float = _ALIKE) -> tuple[FloatArray, list[int]]:
    """Columns that move together are taken as one, the largest of them in each interval."""
    centred = attributed - attributed.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1))
    norms[norms <= 0.0] = 1.0
    alike = (centred / norms[:, None]) @ (centred / norms[:, None]).T
    columns: list[FloatArray] = []
    leaders: list[int] = []
    label: list[int] = []
    for row in range(len(attributed)):
        found = next((c for c, leader in enumerate(leaders) if alike[row, leader] > correlation), None)
        if found is None:
            found = len(leaders)
            leaders.append(row)
            columns.append(attributed[row])
        else:
            columns[found] = np.maximum(columns[found], attributed[row])
        label.append(found)
    return np.array(columns), label


def _contradiction(
    edge: Dependency, declared: float, measured: Estimate, failed_calls: float, refused: Mapping[str, str]
) -> Contradiction:
    message = (
        f"{edge.dependency} is declared to pass {declared:.0%} of its failures on to {edge.caller}, but of "
        f"{failed_calls:,.0f} failed calls about {measured.value:.1%} did (at most {measured.high:.1%}); "
        "the measured share is used."
    )
    if edge.dependency in refused:
        message += f" Its own series is not believed: {refused[edge.dependency]}."
    return Contradiction(edge.caller, edge.dependency, declared, measured, message)
