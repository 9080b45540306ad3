"""Hold rate and tightness side by side, by SLI, tier, history length and traffic class, beside simple rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from sloengine.domain.accuracy.clustered import ClusteredMean, Labels, clustered_mean, clustered_share
from sloengine.domain.accuracy.judged import ENGINE, JudgedTarget, TrafficClass, columns, groupings
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from sloengine.domain.reliability.panel import FloatArray

CONFIDENT = 0.85
"""Recommendations at least this confident should hold at least as often at Balanced."""


@dataclass(frozen=True, slots=True)
class TierAccuracy:
    """How one estimator's targets of one tier did.

    ``traffic`` None: all classes together. ``attained``: share that held; ``over_promise``: mean of P(met) less
    held, None for a rule that promises nothing. ``median_target``: availability ratio, or milliseconds;
    ``without_target``: windows in which the tier was left out.
    """

    kind: ObjectiveKind
    tier: TierName
    estimator: str
    train_days: int
    traffic: TrafficClass | None
    windows: int
    without_target: int
    promised: float | None
    attained: ClusteredMean
    over_promise: ClusteredMean | None
    median_target: float

    @property
    def sli_type(self) -> SliType:
        """Whose target it is."""
        return self.kind.sli_type

    @property
    def over_promises(self) -> bool:
        """Whether less held than was promised, beyond what chance explains."""
        return self.over_promise is not None and self.over_promise.low is not None and self.over_promise.low > 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Engine and rule on the same windows: a rule beats the engine when it holds as often and is tighter.

    ``engine_target``, ``rule_target``: medians, availability ratio or milliseconds.
    """

    kind: ObjectiveKind
    tier: TierName
    train_days: int
    rule: str
    windows: int
    engine_attained: float
    rule_attained: float
    engine_target: float
    rule_target: float

    @property
    def rule_is_better(self) -> bool:
        """It holds at least as often, and its median target is tighter: more availability, fewer milliseconds."""
        by = self.rule_target - self.engine_target
        tighter = by > 0 if self.kind is ObjectiveKind.AVAILABILITY else by < 0
        return tighter and self.rule_attained >= self.engine_attained


@dataclass(frozen=True, slots=True)
class ConfidenceAccuracy:
    """Recommendations at least 0.85 confident: how often their Balanced targets held. None: there are none."""

    sli_type: SliType
    windows: int
    attained: ClusteredMean | None


def tier_accuracies(rows: Sequence[JudgedTarget], horizon: timedelta) -> list[TierAccuracy]:
    """One per estimator, kind, tier, history length and traffic class, and over all classes."""
    found: list[TierAccuracy] = []
    for train_days in sorted({row.train_days for row in rows}):
        for kind in ObjectiveKind:
            for estimator in dict.fromkeys(row.estimator for row in rows):
                for tier in TierName:
                    mine = [
                        row
                        for row in rows
                        if (row.train_days, row.kind, row.estimator, row.tier)
                        == (train_days, kind, estimator, tier)
                    ]
                    for traffic in (None, *TrafficClass):
                        part = [row for row in mine if traffic is None or row.traffic is traffic]
                        if any(row.held is not None for row in part):
                            found.append(_accuracy(part, traffic, horizon))
    return found


def _accuracy(rows: Sequence[JudgedTarget], traffic: TrafficClass | None, horizon: timedelta) -> TierAccuracy:
    kept = [row for row in rows if row.held is not None]
    promised, held = columns(kept)
    labels = groupings(kept, horizon)
    makes_promises = not bool(np.isnan(promised).any())
    attained = clustered_share(held, labels)
    return TierAccuracy(
        kind=kept[0].kind,
        tier=kept[0].tier,
        estimator=kept[0].estimator,
        train_days=kept[0].train_days,
        traffic=traffic,
        windows=len(kept),
        without_target=len(rows) - len(kept),
        promised=float(promised.mean()) if makes_promises else None,
        attained=attained,
        over_promise=_over_promise(promised, held, labels, attained) if makes_promises else None,
        median_target=_median_target(kept),
    )


def _over_promise(
    promised: FloatArray, held: FloatArray, labels: Sequence[Labels], attained: ClusteredMean
) -> ClusteredMean:
    """Promised less held; its interval is no narrower than that of what held.

    Else windows without a miss would prove a promise to a tenth of a point.
    """
    found = clustered_mean(promised - held, labels)
    if found.low is None or found.high is None or attained.low is None or attained.high is None:
        return found
    promise = float(promised.mean())
    return replace(
        found, low=min(found.low, promise - attained.high), high=max(found.high, promise - attained.low)
    )


def comparisons(rows: Sequence[JudgedTarget]) -> list[Comparison]:
    """Every rule beside the engine, on the windows in which both have a target."""
    engine = {_key(row): row for row in rows if row.estimator == ENGINE and row.held is not None}
    by_rule: dict[tuple[int, ObjectiveKind, TierName, str], list[tuple[JudgedTarget, JudgedTarget]]] = {}
    for row in rows:
        mine = engine.get(_key(row))
        if row.estimator != ENGINE and row.held is not None and mine is not None:
            by_rule.setdefault((row.train_days, row.kind, row.tier, row.estimator), []).append((mine, row))
    return [
        Comparison(
            kind=kind,
            tier=tier,
            train_days=train_days,
            rule=rule,
            windows=len(pairs),
            engine_attained=_share(mine for mine, _ in pairs),
            rule_attained=_share(other for _, other in pairs),
            engine_target=_median_target([mine for mine, _ in pairs]),
            rule_target=_median_target([other for _, other in pairs]),
        )
        for (train_days, kind, tier, rule), pairs in by_rule.items()
    ]


def confidence_accuracy(rows: Sequence[JudgedTarget], horizon: timedelta, sli_type: SliType) -> ConfidenceAccuracy:
    """How often Balanced targets held of recommendations with a confidence of 0.85 or more."""
    sure = [
        row
        for row in rows
        if row.estimator == ENGINE
        and row.tier is TierName.BALANCED
        and row.sli_type is sli_type
        and row.held is not None
        and row.confidence is not None
        and row.confidence >= CONFIDENT
    ]
    if not sure:
        return ConfidenceAccuracy(sli_type, 0, None)
    return ConfidenceAccuracy(sli_type, len(sure), clustered_share(columns(sure)[1], groupings(sure, horizon)))


def _key(row: JudgedTarget) -> tuple[object, ...]:
    return row.service_id, row.kind, row.tier, row.as_of, row.train_days


def _share(rows: Iterable[JudgedTarget]) -> float:
    return float(np.mean([bool(row.held) for row in rows]))


def _median_target(rows: Sequence[JudgedTarget]) -> float:
    return float(np.median([row.target for row in rows if row.target is not None]))
