"""The additive fits of all callers of a graph: how much of each dependency's failed calls their failures need."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import numpy as np

from sloengine.domain.content_memo import ContentMemo
from sloengine.domain.topology.additive_fit import AdditiveFit, additive_fit
from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic
from sloengine.domain.topology.pass_through_limits import Evidence

#: Columns of a fit that correlate above this cannot be told apart. Services of one zone fail together in large
#: incidents and alone in small ones: 0.9 would take them for one, and give an innocent one the other's share.
_ALIKE = 0.995
#: Rounds in which the fit learns that a request fails only once, whatever hits it.
_SATURATION_ROUNDS, _SETTLED = 4, 0.005


def caller_fits(
    traffic: ObservedTraffic,
    evidence: Evidence,
    candidates: IntArray,
    failed_calls: FloatArray,
    remembered: ContentMemo[AdditiveFit] | None,
) -> dict[int, tuple[float, float]]:
    """Additive fit of every caller that has an edge with evidence: value and standard error by edge.

    ``candidates``: edges that may be in a fit. ``failed_calls``: of each edge of the graph, shape (n_edges,).
    ``remembered``: fits made before; new ones are added.
    """
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
