"""The calibration plot: of windows promised with p, how many held, and what chance alone would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from scipy.special import bdtr

from sloengine.domain.accuracy.clustered import Labels
from sloengine.domain.accuracy.independent import worth
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.panel import FloatArray

PROMISED = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.95, 0.98, 0.99)
"""Promises looked at; those of the tiers are among them."""


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Of windows promised with ``promised``, the share ``attained`` held.

    ``low`` and ``high``: where 95 % of the attained shares lie by chance alone, were the promise exactly right;
    windows that share incidents or overlap are counted as the fewer they are worth. All in [0, 1]; from 0 to 1
    where they all lie in one block of time and nobody said which services are independent: it cannot be told then.
    """

    kind: ObjectiveKind
    promised: float
    attained: float
    low: float
    high: float
    windows: int

    @property
    def sli_type(self) -> SliType:
        """Of what it is a number."""
        return self.kind.sli_type


def calibration_points(
    levels: Sequence[Level],
    calibration: CalibrationMap,
    kind: ObjectiveKind,
    *,
    promised: Sequence[float] = PROMISED,
    clusters: Mapping[str, str] | None = None,
) -> tuple[CalibrationPoint, ...]:
    """One point per promise; none without any finished window.

    ``clusters``: what a service belongs to (site, organisation), itself by default.
    """
    mine = [level for level in levels if level.kind is kind]
    if not mine:
        return ()
    groupings = groupings_of(mine, clusters)
    names, blocks = (len(np.unique(labels)) for labels in groupings)
    tells = blocks > 1 or (bool(clusters) and names > 1)
    points: list[CalibrationPoint] = []
    for promise in promised:
        share = share_met(mine, calibration.level_for(promise))
        windows = worth(share, mine, promise, groupings, clusters)
        low, high = chance_band(promise, windows) if tells else (0.0, 1.0)
        points.append(CalibrationPoint(kind, promise, float(share.mean()), low, high, len(mine)))
    return tuple(points)


def share_met(levels: Sequence[Level], asked: float) -> FloatArray:
    """Whether a target at this level of the model was met; where draws tie with the outcome, the share of them."""
    low = np.array([level.low for level in levels])
    high = np.array([level.high for level in levels])
    return np.asarray(np.clip((asked - low) / np.maximum(high - low, 1e-9), 0.0, 1.0))


def chance_band(promised: float, observations: float, level: float = 0.95) -> tuple[float, float]:
    """Where the share of so many independent windows lies with probability ``level`` if each holds with p.

    >>> chance_band(0.92, 25.0)
    (0.8, 1.0)
    """
    n = max(1, int(observations))
    cumulative = bdtr(np.arange(n + 1), n, promised)
    tail = (1 - level) / 2
    low, high = (int(np.searchsorted(cumulative, at)) for at in (tail, 1 - tail))
    return low / n, min(n, high) / n


def groupings_of(levels: Sequence[Level], clusters: Mapping[str, str] | None = None) -> list[Labels]:
    """Windows of one service (or of its cluster), and windows that begin within two lengths of each other."""
    of = clusters or {}
    first = min(level.as_of for level in levels)
    length = max((level.ends_at - level.as_of for level in levels), default=timedelta(days=1))
    names = np.array([of.get(level.service_id, level.service_id) for level in levels])
    blocks = np.array([(level.as_of - first) // (2 * length) for level in levels])
    return [np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (names, blocks)]
