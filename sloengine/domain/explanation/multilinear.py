"""Shapley values of a product of many independent parts, without enumeration and without sampling.

A service fails when any of its dependencies does: v(S) = 1 − Π over S of (1 − p). The Shapley value of a game is
the integral of its multilinear extension's derivative along the diagonal (Owen, "Multilinear extensions of games",
Management Science 18, 1972, P64–P79). Here that is ∫ p_i Π over j ≠ i of (1 − q p_j) dq over [0, 1]: a polynomial
of degree n − 1, which Gauss–Legendre quadrature with n/2 nodes integrates exactly.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from scipy.special import roots_legendre

from sloengine.domain.reliability.panel import FloatArray

MOST_NODES = 64
"""Up to 128 parts one rule is exact; beyond, so many nodes on each piece are as good as exact (see ``_rule``)."""
_NODES_A_PIECE = 20


def failure_shares(probabilities: FloatArray) -> FloatArray:
    """Shapley value of each part in the probability that at least one fails; shape as ``probabilities``.

    ``probabilities``: in [0, 1]. The values sum to 1 − Π(1 − p).

    >>> np.round(failure_shares(np.array([0.5, 0.5])), 12)
    array([0.375, 0.375])
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.size == 0:
        return np.zeros(0)
    nodes, weights = _rule(p.size, float(p.sum()))
    good = np.log1p(-nodes[:, None] * p)
    others = np.exp(good.sum(axis=1)[:, None] - good)
    return np.asarray(p * (weights @ others))


def _rule(parts: int, total: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on [0, 1].

    The integrand falls about as e^(-total q). Where so many parts would need too many nodes, [0, 1] is cut at
    1/total, 2/total, 4/total and so on, so that it changes little on each piece; from 64/total on nothing is left.
    """
    needed = (parts + 1) // 2
    if needed <= MOST_NODES:
        return _nodes(needed)
    cuts = [0.0]
    cut = 1.0 / max(total, 1.0)
    end = min(1.0, 64.0 * cut)
    while cut < end:
        cuts.append(cut)
        cut *= 2.0
    cuts.append(end)
    nodes, weights = _nodes(_NODES_A_PIECE)
    pieces = list(pairwise(cuts))
    return (
        np.concatenate([low + (high - low) * nodes for low, high in pieces]),
        np.concatenate([(high - low) * weights for low, high in pieces]),
    )


@cache
def _nodes(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss–Legendre nodes and weights on [0, 1]."""
    nodes, weights = roots_legendre(count)
    return np.asarray((nodes + 1.0) / 2.0), np.asarray(weights / 2.0)
