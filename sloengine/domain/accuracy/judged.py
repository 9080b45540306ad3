"""Published targets beside the window that followed them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from sloengine.domain.accuracy.clustered import Labels
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from sloengine.domain.reliability.panel import FloatArray


class TrafficClass(StrEnum):
    """Valid events a day: LOW below 1,000, HIGH from 100,000 on."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"

    @classmethod
    def of(cls, daily_traffic: float) -> TrafficClass:
        """The class of this many events a day."""
        return cls.LOW if daily_traffic < 1_000 else cls.HIGH if daily_traffic >= 100_000 else cls.MEDIUM


@dataclass(frozen=True, slots=True)
class JudgedTarget:
    """What one tier, or a simple rule in its place, said, and whether it held.

    ``target``: availability ratio, or milliseconds; None: no target, and then ``held`` is None too. ``promised``:
    P(met) as published; None: the rule makes no promise. ``estimator``: ENGINE, or the name of the rule.
    """

    service_id: str
    cluster: str
    kind: ObjectiveKind
    tier: TierName
    estimator: str
    as_of: datetime
    train_days: int
    traffic: TrafficClass
    target: float | None
    promised: float | None
    held: bool | None
    confidence: float | None = None

    @property
    def sli_type(self) -> SliType:
        """Whose target it is."""
        return self.kind.sli_type


ENGINE = "ENGINE"


@dataclass(frozen=True, slots=True)
class Level:
    """Where the outcome of one window lay in what the model said of it, before any calibration.

    ``low`` and ``high``: share of the model's draws better than the outcome, and not worse than it; they differ
    where draws tie with it. ``ends_at``: when the window was over, and the level could be known.
    ``history_days``: own history that the model had seen; ``spells_per_day``: how often it believed the service
    to get slow, in spells of usual length, None for availability and where it is not on record; records of before
    lengths were asked say how often alone, which is as if all had the usual one.
    """

    service_id: str
    kind: ObjectiveKind
    as_of: datetime
    ends_at: datetime
    low: float
    high: float
    history_days: float
    spells_per_day: float | None = None


def columns(rows: Sequence[JudgedTarget]) -> tuple[FloatArray, FloatArray]:
    """Promised and held, NaN where there is none; shape (n_rows,)."""
    promised = np.array([np.nan if row.promised is None else row.promised for row in rows], dtype=np.float64)
    held = np.array([np.nan if row.held is None else float(row.held) for row in rows], dtype=np.float64)
    return promised, held


def groupings(rows: Sequence[JudgedTarget], horizon: timedelta) -> list[Labels]:
    """Two ways in which windows belong together: the cluster a service is in, and the time.

    Windows that begin within two lengths of each other are one block: they overlap, and an incident that all
    services share falls into the same block for all of them. Where all lie in one block, and
    nobody said what services belong to, there is only that one block. Raises ValueError without any row.
    """
    first = min(row.as_of for row in rows)
    blocks = [(row.as_of - first) // (2 * horizon) for row in rows]
    in_time = _labels(str(block) for block in blocks)
    if len(set(blocks)) == 1 and all(row.cluster == row.service_id for row in rows):
        # One organisation in one block of time: what its services share cannot be told from a fault of the engine.
        return [in_time]
    return [_labels(row.cluster for row in rows), in_time]


def _labels(names: Iterable[str]) -> Labels:
    return np.unique(np.array(list(names), dtype=str), return_inverse=True)[1].astype(np.int64)
