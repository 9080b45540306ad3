"""Latency tiers: margin -> predictive -> calibrate -> bucket bound -> P(met) of the published number.

Every threshold is a bound of the service's own histogram, because only that can be alerted on; "p95 within 250 ms"
and "95 % of requests within the bucket that ends at 250 ms" are then the same event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.data_quality import span
from sloengine.domain.recommendation.latency_days import LatencyDays
from sloengine.domain.recommendation.latency_layout import COARSE, LayoutNote, Rounded, layout_note
from sloengine.domain.recommendation.latency_numbers import LatencyNumbers
from sloengine.domain.recommendation.latency_predictive import LatencyPredictive
from sloengine.domain.recommendation.latency_replay import LatencySeries
from sloengine.domain.recommendation.lifecycle import should_replace
from sloengine.domain.recommendation.model import (
    ErrorBudget,
    Interval,
    ObjectiveKind,
    RatioObjective,
    TargetLimit,
    TargetLimitedBy,
    Tier,
    TierName,
    TierTarget,
)
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.target_interval import latency_intervals
from sloengine.domain.reliability.budget import error_budget_minutes, error_budget_requests
from sloengine.domain.reliability.figures import count_text, figure_text
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.percent import percent_text
from sloengine.domain.reliability.quantile import upper_quantile
from sloengine.domain.reliability.window import ComplianceWindow

SHARES = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}
_ROUNDING_WORTH_SAYING = 1.1
_SLACK = 1e-9


@dataclass(frozen=True)
class LatencyCase:
    """What the tiers are made from. ``margin_ratio``: noise put on before calibration."""

    days: LatencyDays
    predictive: LatencyPredictive
    series: LatencySeries
    margin_ratio: float
    window_requests: float
    data_only_probability: float
    numbers: LatencyNumbers

    def draws_ms(self, kind: ObjectiveKind) -> FloatArray:
        """Draws of the window's percentile with the margin on it, in milliseconds."""
        predictive = self.predictive
        seconds = predictive.p95_seconds if kind is ObjectiveKind.LATENCY_P95 else predictive.p99_seconds
        return np.asarray(seconds * 1000.0 * (1.0 + self.margin_ratio))

    def calibration(self, kind: ObjectiveKind, settings: EngineSettings) -> CalibrationMap:
        """The map in force for one percentile of this service."""
        found = self.predictive
        return settings.calibration_of(
            kind,
            history_days=found.facts.own_days,
            window_days=found.window_days,
            spells_per_day=found.spells_per_day,
        )


def latency_probability_met(
    draws_ms: FloatArray, threshold_ms: float, calibration: CalibrationMap, highest_level: float
) -> float:
    """P(met) of a threshold: the calibrated share of windows whose percentile stays at or below it."""
    share = float((draws_ms <= threshold_ms * (1 + _SLACK)).mean())
    return min(highest_level, calibration.probability_of(share))


def latency_tiers(
    case: LatencyCase,
    settings: EngineSettings,
    window: ComplianceWindow,
    recorded: Mapping[tuple[TierName, ObjectiveKind], TierTarget] | None = None,
) -> tuple[tuple[Tier, ...], tuple[str, ...], tuple[LayoutNote, ...]]:
    """The three tiers, conservative first; warnings about objectives that had to be left out; what the layout of
    the buckets costs.

    ``recorded``: earlier targets made from inputs of the same kind; they stay while their thresholds are bounds of
    the histogram and their P(met), computed anew, is near the tier's.
    """
    targets: dict[TierName, list[TierTarget]] = {name: [] for name in TierName}
    reasons: dict[TierName, list[str]] = {name: [] for name in TierName}
    warnings: list[str] = []
    layout: list[LayoutNote] = []
    for kind, share in SHARES.items():
        if (1.0 - share) * case.window_requests < settings.testable_failures:
            warnings.append(
                f"no p{share * 100:.0f} target: with about {case.window_requests:,.0f} requests in a window one "
                f"slow request would cost more than {percent_text(1 / settings.testable_failures)} of its budget"
            )
            for name in TierName:
                reasons[name].append(warnings[-1])
            continue
        rounded = _targets_of(kind, case, settings, window, recorded or {}, targets, reasons)
        note = layout_note(round(share * 100), rounded, case.days.bounds_seconds)
        layout.extend(() if note is None else (note,))
    tiers: list[Tier] = []
    for name in TierName:
        reason = None if targets[name] else "; ".join(reasons[name])
        tiers.append(Tier(name, settings.nominal_probability[name], tuple(targets[name]), reason))
        if targets[name]:
            warnings.extend(said for said in reasons[name] if said not in warnings)
    return tuple(tiers), tuple(warnings), tuple(layout)


def _targets_of(
    kind: ObjectiveKind,
    case: LatencyCase,
    settings: EngineSettings,
    window: ComplianceWindow,
    recorded: Mapping[tuple[TierName, ObjectiveKind], TierTarget],
    targets: dict[TierName, list[TierTarget]],
    reasons: dict[TierName, list[str]],
) -> list[Rounded]:
    calibration, share = case.calibration(kind, settings), SHARES[kind]
    levels = {name: calibration.level_for(settings.nominal_probability[name]) for name in TierName}
    draws = case.draws_ms(kind)
    predictive = case.predictive
    spans = latency_intervals(
        draws,
        predictive.rate_episodes,
        predictive.rate_weights,
        predictive.window_days,
        [levels[name] for name in TierName],
        predictive.level_log_sd,
    )
    intervals = dict(zip(TierName, spans, strict=True))
    floor = 0.0
    rounded: list[Rounded] = []
    for name in (TierName.AGGRESSIVE, TierName.BALANCED, TierName.CONSERVATIVE):
        title = name.value.capitalize()
        if levels[name] > settings.highest_level:
            reasons[name].append(f"no {title} p{share * 100:.0f} target: the past does not carry its probability")
            continue
        # No tier below a less careful one, and no p99 below the same tier's p95: maps differ by percentile.
        floor = max([floor, *(target.threshold_ms or 0.0 for target in targets[name])])
        raw = upper_quantile(draws, levels[name])
        fresh = bound_at_least(raw, case.days.bounds_seconds)
        threshold = bound_at_least(max(raw, floor), case.days.bounds_seconds)
        before = recorded.get((name, kind))
        threshold = _staying(name, before, threshold, draws, case, calibration, settings) or threshold
        if threshold is not None and threshold < floor:
            threshold = floor
        if threshold is None:
            reasons[name].append(
                f"no {title} p{share * 100:.0f} target: what holds in "
                f"{percent_text(settings.nominal_probability[name])} of windows lies above the "
                f"histogram's last bound, {figure_text(case.days.bounds_seconds[-2] * 1000, 6)} ms; "
                f"add larger buckets"
            )
            continue
        floor = threshold
        rounded.append(Rounded(name, raw, threshold))
        low, high = intervals[name]
        targets[name].append(
            TierTarget(
                kind=kind,
                probability_met=latency_probability_met(draws, threshold, calibration, settings.highest_level),
                interval=Interval(min(low, threshold), _finite(max(high, threshold), threshold)),
                data_only_probability=case.data_only_probability,
                threshold_ms=threshold,
                error_budget=ErrorBudget(
                    error_budget_minutes(share, window.length),
                    error_budget_requests(share, case.window_requests),
                ),
                ratio_objective=_ratio_objective(threshold, share, raw, case.days),
                limited_by=_limits(raw, threshold, fresh, predictive),
                backtest=case.series.replay(threshold, share),
            )
        )
    return rounded


def _staying(
    name: TierName,
    recorded: TierTarget | None,
    fresh: float | None,
    draws_ms: FloatArray,
    case: LatencyCase,
    calibration: CalibrationMap,
    settings: EngineSettings,
) -> float | None:
    """The threshold on record, if it stays: still a bucket bound, and met about as often as the tier should be."""
    before = None if recorded is None else recorded.threshold_ms
    bounds = case.days.bounds_seconds[:-1] * 1000.0
    if recorded is None or before is None or not bool(np.isclose(bounds, before, rtol=1e-9).any()):
        return None
    gives_way = should_replace(
        recorded,
        replace(recorded, threshold_ms=-1.0 if fresh is None else fresh),
        latency_probability_met(draws_ms, before, calibration, settings.highest_level),
        nominal_probability=settings.nominal_probability[name],
        kind_changed=False,
        band=settings.anti_flap,
        highest_level=settings.highest_level,
        much_tighter=fresh is not None and fresh < before,
    )
    return None if gives_way else before


def bound_at_least(milliseconds: float, bounds_seconds: FloatArray) -> float | None:
    """Smallest finite bucket bound, in milliseconds, that is no tighter."""
    for bound in bounds_seconds[:-1]:
        candidate = float(f"{bound * 1000:.12g}")
        if candidate >= milliseconds * (1 - _SLACK):
            return candidate
    return None


def _finite(value: float, threshold: float) -> float:
    """An upper end beyond the last bucket cannot be given: the threshold's decade stands for it."""
    return value if np.isfinite(value) else threshold * 10.0


def _ratio_objective(threshold: float, share: float, raw: float, days: LatencyDays) -> RatioObjective:
    """The objective as it is alerted on, and what the bucket layout cannot tell apart."""
    bounds = days.bounds_seconds * 1000.0
    position = int(np.argmin(np.abs(bounds[:-1] - threshold)))
    counts = days.counts.sum(axis=0)
    resolution = float(counts[position] / counts.sum())
    below = bounds[position - 1] if position else 0.0
    warning = None
    if threshold > COARSE * raw and raw > below:
        warning = (
            f"the histogram has no bound between {figure_text(below, 6)} and {figure_text(threshold, 6)} ms: "
            f"with one near {figure_text(raw, 2)} ms the promise could be that tight"
        )
    return RatioObjective(threshold, share, resolution, warning)


def _limits(
    raw: float, threshold: float, fresh: float | None, predictive: LatencyPredictive
) -> tuple[TargetLimitedBy, ...]:
    """Why it is no tighter. ``fresh``: the bound that today's data give; a slower one is on record."""
    facts = predictive.facts
    slow = count_text(facts.own_episodes, "slow spell") if facts.own_episodes else "no slow spell"
    own = f"{slow} in {span(facts.own_days)} of own history"
    more = "" if facts.own_episodes else ", which does not rule one out"
    limits = [
        TargetLimitedBy(TargetLimit.HISTORY, f"{own}{more}")
        if facts.own_weight >= 0.5
        else TargetLimitedBy(
            TargetLimit.PRIOR,
            f"{own}, which says little: {percent_text(1 - facts.own_weight)} of how often it gets slow comes from "
            + (count_text(facts.peers, "other service") if facts.peers else "the shipped default"),
        )
    ]
    if fresh is not None and threshold > fresh * (1 + _SLACK):
        said = f"today's data give {figure_text(fresh, 6)} ms; an earlier target stays while it holds as often"
        limits.insert(0, TargetLimitedBy(TargetLimit.ON_RECORD, f"{said} as it should"))
    elif threshold > _ROUNDING_WORTH_SAYING * raw:
        said = f"{figure_text(raw, 3)} ms raised to the next bound of the histogram"
        limits.append(TargetLimitedBy(TargetLimit.ROUNDING, said))
    return tuple(limits)
