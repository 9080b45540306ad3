"""Promised against attained, on anyone's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sloengine.application.accuracy.past import Past
from sloengine.application.accuracy.rolling_backtests import DAY, Plan, days_to_look, looks
from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.application.recommendation.recommend_from_files import graph_of_document
from sloengine.domain.accuracy.calibrate import as_promised, calibrated
from sloengine.domain.accuracy.judged import JudgedTarget, Level
from sloengine.domain.accuracy.points import CalibrationPoint, calibration_points
from sloengine.domain.accuracy.report import (
    Comparison,
    ConfidenceAccuracy,
    TierAccuracy,
    comparisons,
    confidence_accuracy,
    tier_accuracies,
)
from sloengine.domain.errors import Invalid
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow

WINDOWS: Mapping[int, ComplianceWindow] = {
    7: ComplianceWindow.ROLLING_7D,
    28: ComplianceWindow.ROLLING_28D,
    30: ComplianceWindow.ROLLING_30D,
}
"""Lengths in days that can be asked for."""
PRIOR_DAYS = 365
"""Daily sums are kept for a year."""


@dataclass(frozen=True, slots=True)
class MeasureAccuracyCommand:
    """``document``: services and dependencies as an ingestion takes them.

    ``train_days``: lengths of own history to try; ``prior_days``: history from which it is learnt what services
    have in common, no less than the own; ``every_days``: days between two looks. ``clusters``: what a service
    belongs to (site, organisation), itself by default. ``grouping``: tells kinds of services apart as the product
    does; None: all count as of one kind. ``progress``: called with looks done and looks in all.
    """

    document: Mapping[str, Any]
    panel: SliPanel | None
    latency: Mapping[str, LatencyHistory] | None
    train_days: Sequence[int] = (30,)
    prior_days: int = PRIOR_DAYS
    horizon_days: int = 28
    every_days: int = 7
    clusters: Mapping[str, str] = field(default_factory=dict)
    settings: EngineSettings = field(default_factory=EngineSettings)
    grouping: ArchetypeGrouping | None = None
    progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True)
class AccuracyReport:
    """What was found. ``maps``: the calibration map in force at the end, per kind of objective that was judged;
    for latency that of the longest history looked back from.
    """

    train_days: tuple[int, ...]
    horizon_days: int
    every_days: int
    services: int
    clusters: int
    looks: int
    from_at: datetime
    to_at: datetime
    tiers: tuple[TierAccuracy, ...]
    comparisons: tuple[Comparison, ...]
    calibration: tuple[CalibrationPoint, ...]
    confidence: tuple[ConfidenceAccuracy, ...]
    maps: Mapping[ObjectiveKind, CalibrationMap]
    warnings: tuple[str, ...]


def measure_accuracy(command: MeasureAccuracyCommand) -> AccuracyReport:
    """Look back from many days, each with only its past, and judge by what came.

    Raises ``Invalid``, when there is no series, or none long enough for a single look.
    """
    past, noticed = _past(command)
    plans = [
        Plan(
            train_days=days,
            prior_days=max(days, command.prior_days),
            window=_window(command.horizon_days),
            every_days=command.every_days,
            settings=command.settings,
        )
        for days in dict.fromkeys(command.train_days)
    ]
    total = sum(len(days_to_look(past, plan)) for plan in plans)
    if total == 0:
        raise Invalid(
            f"{(past.ends_at - past.starts_at) / DAY:.0f} days are too short: the shortest history asked for and "
            f"the window after it need {min(command.train_days) + command.horizon_days}"
        )
    targets: list[JudgedTarget] = []
    levels: list[Level] = []
    points: list[CalibrationPoint] = []
    maps: dict[ObjectiveKind, CalibrationMap] = {}
    done = 0
    for plan in plans:
        mine: list[Level] = []
        for look in looks(past, plan):
            targets += look.targets
            mine += look.levels
            done += 1
            if command.progress is not None:
                command.progress(done, total)
        levels = levels or mine
    if not targets:
        raise Invalid("no service has a history long enough, with a window known after it")
    final = calibrated(command.settings, levels)
    for kind in ObjectiveKind:
        found = calibration_points(
            as_promised(levels, command.settings, kind), CalibrationMap(), kind, clusters=command.clusters
        )
        if found:
            points += found
            longest = max(level.history_days for level in levels if level.kind is kind)
            maps[kind] = final.calibration_of(kind, history_days=longest, window_days=command.horizon_days)
    horizon = plans[0].horizon
    judged_types = dict.fromkeys(kind.sli_type for kind in maps)
    judged = {row.service_id for row in targets}
    return AccuracyReport(
        train_days=tuple(plan.train_days for plan in plans),
        horizon_days=command.horizon_days,
        every_days=command.every_days,
        services=len(judged),
        clusters=len({command.clusters.get(service_id, service_id) for service_id in judged}),
        looks=total,
        from_at=min(row.as_of for row in targets),
        to_at=max(row.as_of for row in targets) + horizon,
        tiers=tuple(tier_accuracies(targets, horizon)),
        comparisons=tuple(comparisons(targets)),
        calibration=tuple(points),
        confidence=tuple(confidence_accuracy(targets, horizon, sli_type) for sli_type in judged_types),
        maps=maps,
        warnings=(*noticed, *_warnings(targets, horizon)),
    )


def _past(command: MeasureAccuracyCommand) -> tuple[Past, tuple[str, ...]]:
    latency = command.latency or {}
    if command.panel is None and not latency:
        raise Invalid("name a file of good and total events, or of latency")
    services = set(latency) | set(() if command.panel is None else command.panel.service_ids)
    ends = [history.start_at + DAY * len(history.counts) for history in latency.values()]
    as_of = max([*ends, *([] if command.panel is None else [command.panel.ends_at])])
    graph, noticed = graph_of_document(command.document, services, as_of)
    return Past(graph, command.panel, latency, command.clusters, command.grouping), noticed


def _window(days: int) -> ComplianceWindow:
    if days not in WINDOWS:
        raise Invalid(f"{days} is no length of a window: 7, 28 or 30 days", path=("--horizon-days",))
    return WINDOWS[days]


def _warnings(targets: Sequence[JudgedTarget], horizon: timedelta) -> list[str]:
    said: list[str] = []
    span = max(row.as_of for row in targets) - min(row.as_of for row in targets)
    if span < 2 * horizon:
        said.append(
            f"all windows begin within {span / DAY:.0f} days: what all services have in common then cannot be "
            f"told from a fault of the engine; there is no interval, unless --clusters names independent "
            f"organisations"
        )
    return said
