"""How many independent windows an organisation's windows are worth, where its own scatter cannot tell.

Services share outages, and windows overlap: five hundred quiet services over three windows are three stretches of
luck that many shared, not fifteen hundred observations. How much they share is seen in how the share met scatters
from one block of time to the next. Where nothing was missed there is no scatter, and where little was there is
next to none; so the scatter is shrunk to what services of an organisation usually share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from sloengine.domain.accuracy.clustered import Labels, clustered_mean
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.reliability.panel import FloatArray

USUAL_LATENT = 0.14
"""Correlation of how two services of an organisation fare over the same window, on a normal scale.

Decides up to 0.9; further out :data:`USUAL_SHARED` does. One service in two windows that do not overlap is taken
to be as much alike.
"""
USUAL_SHARED = 0.054
"""Least correlation of two services meeting a target in the same window, whatever its level.

A window that breaks a careful target was broken by one large outage, and whether two services share that one does
not depend on how careful the target is; under the normal law two such events would become independent. What
simulated organisations have, counted from their truth, is 0.055 at 0.8 and 0.050 at 0.99 (``bench.shared_luck``).
"""
USUAL_FREEDOM = 8.0
"""Degrees of freedom that the usual dependence counts as beside an organisation's own scatter."""
_LEVEL = 0.95
_NODES, _MASS = np.polynomial.hermite_e.hermegauss(40)


@dataclass(frozen=True)
class Dependence:
    """Design effect of a share: the variance it has over that of as many independent windows.

    ``value`` rests on so many degrees of freedom; none: nothing was seen of it.
    """

    value: float
    freedom: float

    def shrunk_to(self, usual: float) -> Dependence:
        """This beside the usual one, each by its degrees of freedom.

        Source: Smyth (2004), Statistical Applications in Genetics and Molecular Biology 3:3, for variances
        shrunk to a common one (scaled inverse chi-squared prior).
        """
        freedom = self.freedom + USUAL_FREEDOM
        return Dependence((self.freedom * self.value + USUAL_FREEDOM * usual) / freedom, freedom)


def worth(
    met: FloatArray,
    levels: Sequence[Level],
    asked: float,
    groupings: Sequence[Labels],
    clusters: Mapping[str, str] | None = None,
) -> float:
    """Independent windows that ``met`` is worth as a share, at least 1 and at most as many as there are.

    ``met``: of each window whether a target at level ``asked`` was met, in [0, 1]; ``groupings``: windows that
    belong together, each a label per window. ``clusters``: organisation of each service; all are one organisation
    without. As many as would give an interval as wide, by Student's law: a design effect that rests on little
    makes fewer of them. Where the scatter by itself says fewer than it does shrunk, it is believed.
    """
    if len(met) == 0:
        return 0.0
    usual = usual_design_effect(levels, asked, clusters)
    found: list[float] = []
    for labels in groupings:
        shrunk = seen_design_effect(met, labels).shrunk_to(usual)
        wider = float(stdtrit(shrunk.freedom, (1 + _LEVEL) / 2) / ndtri((1 + _LEVEL) / 2))
        found.append(len(met) / (shrunk.value * wider**2))
    alone = clustered_mean(met, groupings)
    if alone.low != alone.high:
        found.append(alone.effective)
    return float(np.clip(min(found), 1.0, len(met)))


def seen_design_effect(met: FloatArray, labels: Labels) -> Dependence:
    """As the organisation's own scatter between clusters shows it.

    Degrees of freedom: those of G clusters, G - 1, where each holds many misses. The variance of few misses is
    itself hardly known: relative to its square it varies by 2 / (G - 1) + 1 / M for M misses that come by the law
    of Poisson, so they give no more than 2 M. None missed, or none met: 0.
    """
    clusters = len(np.unique(labels))
    mean, n = float(met.mean()), len(met)
    misses = min(n - float(met.sum()), float(met.sum()))
    variance = float(met.var())
    if clusters < 2 or variance <= 0.0 or misses <= 0.0:
        return Dependence(1.0, 0.0)
    _, position = np.unique(labels, return_inverse=True)
    sums = np.bincount(position, weights=met - mean)
    between = float((sums**2).sum()) * clusters / (clusters - 1)
    return Dependence(between / (n * variance), 1.0 / (1.0 / (clusters - 1) + 1.0 / (2.0 * misses)))


def usual_design_effect(levels: Sequence[Level], asked: float, clusters: Mapping[str, str] | None = None) -> float:
    """What windows like these have where services share as much as is usual.

    Variance of a sum is the sum of all covariances. Windows of two services of one organisation are correlated as
    far as they overlap in time, those of one service by more:

        corr = overlap * shared(asked)                          two services
        corr = overlap + (1 - overlap) * shared(asked)          one service

    Never below 1. However many services there are, windows over T disjoint stretches of time are worth no more
    than T / shared(asked) independent ones.
    """
    shared = usual_correlation(asked)
    names = np.array([level.service_id for level in levels])
    services, row = np.unique(names, return_inverse=True)
    starts = np.array([level.as_of.timestamp() for level in levels])
    times, column = np.unique(starts, return_inverse=True)
    length = max((level.ends_at - level.as_of).total_seconds() for level in levels)
    seen = np.zeros((len(services), len(times)))
    np.add.at(seen, (row, column), 1.0)
    overlap = np.maximum(0.0, 1.0 - np.abs(times[:, None] - times[None, :]) / max(length, 1.0))
    within = seen.T @ seen
    of = clusters or {}
    organisations = [of.get(name, name) if of else "" for name in services.tolist()]
    _, member = np.unique(np.array(organisations), return_inverse=True)
    counts = np.zeros((int(member.max()) + 1, len(times)))
    np.add.at(counts, member, seen)
    between = counts.T @ counts - within
    total = (overlap * shared * between).sum() + ((overlap + (1.0 - overlap) * shared) * within).sum()
    return max(1.0, float(total) / len(levels))


def usual_correlation(asked: float) -> float:
    """Correlation of two services of an organisation meeting a target of this level in the same window.

    >>> round(usual_correlation(0.8), 3), usual_correlation(0.98)
    (0.072, 0.054)
    """
    return max(binary_correlation(asked, USUAL_LATENT), USUAL_SHARED)


def binary_correlation(probability: float, latent: float) -> float:
    """Correlation of two events of this probability whose normal scores have correlation ``latent``.

    By one common factor: given it, the two are independent. Source: Vasicek (2002), Risk 15(12):160.

    >>> round(binary_correlation(0.8, 0.14), 3)
    0.072
    """
    score = float(ndtri(probability))
    given = ndtr((score - math.sqrt(latent) * _NODES) / math.sqrt(1.0 - latent))
    both = float((_MASS * given**2).sum() / _MASS.sum())
    return (both - probability**2) / (probability * (1.0 - probability))
