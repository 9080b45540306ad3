"""Availability tiers: predictive -> calibrate -> caps -> round -> P(met) of the published number.

What is shown, stored and judged is P(met) of the rounded target, never the nominal probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.data_quality import span
from sloengine.domain.recommendation.lifecycle import should_replace
from sloengine.domain.recommendation.model import (
    ErrorBudget,
    Interval,
    ObjectiveKind,
    TargetLimit,
    TargetLimitedBy,
    Tier,
    TierName,
    TierTarget,
)
from sloengine.domain.recommendation.predictive import Predictive
from sloengine.domain.recommendation.replayed import Backtest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.target_interval import unavailability_intervals
from sloengine.domain.reliability.budget import error_budget_minutes, error_budget_requests
from sloengine.domain.reliability.figures import count_text
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.percent import percent_from_ratio, percent_text
from sloengine.domain.reliability.quantile import upper_quantile
from sloengine.domain.reliability.rounding import (
    figures_tighter,
    round_availability_down,
    tightest_availability,
)
from sloengine.domain.reliability.window import ComplianceWindow

_SLACK = 1e-12
_ROUNDING_WORTH_SAYING = 1.1


@dataclass(frozen=True)
class AvailabilityCaps:
    """What keeps availability targets down, whatever the service's own past says.

    ``window_requests``: valid events expected in a window. ``composite``: unavailability of the composite in
    future windows, for the same quantile as the target's. ``promised_ratio``: availability when dependencies
    do no better than they promise. ``weakest``: the dependency with the largest share. ``share_of_time``: events
    are minutes, and how many requests come is not known.
    """

    window_requests: float
    composite: FloatArray | None = None
    promised_ratio: float | None = None
    weakest: str | None = None
    share_of_time: bool = False


def calibration_in_force(predictive: Predictive, settings: EngineSettings) -> CalibrationMap:
    """The map for what these draws are of."""
    return settings.calibration_of(
        ObjectiveKind.AVAILABILITY,
        history_days=predictive.facts.own_days,
        window_days=predictive.window_days,
    )


def probability_met(
    unavailability: FloatArray, target_ratio: float, calibration: CalibrationMap, highest_level: float
) -> float:
    """P(met) of a target: the calibrated share of the draws that stay within its budget.

    Never above ``highest_level``: more could not be checked, so it is not said.
    """
    share = float((unavailability <= 1.0 - target_ratio + _SLACK).mean())
    return min(highest_level, calibration.probability_of(share))


@dataclass(frozen=True)
class _Wanted:
    """A target before it is rounded. ``allowed``: the least of its caps."""

    ratio: float
    limits: tuple[TargetLimitedBy, ...]
    allowed: float


def availability_tiers(
    predictive: Predictive,
    caps: AvailabilityCaps,
    settings: EngineSettings,
    *,
    window: ComplianceWindow,
    data_only_probability: float,
    replay: Callable[[float], Backtest],
    recorded: Mapping[TierName, TierTarget] | None = None,
) -> tuple[Tier, ...]:
    """The three tiers, conservative first.

    ``replay`` judges past windows by a target. ``recorded``: earlier targets made from inputs of the same kind;
    they stay while they are within today's caps and their P(met), computed anew, is near the tier's. A tier whose
    target the data do not carry has no target and a reason.
    """
    calibration = calibration_in_force(predictive, settings)
    levels = {name: calibration.level_for(settings.nominal_probability[name]) for name in TierName}
    spread = unavailability_intervals(predictive, [levels[name] for name in TierName])
    intervals = dict(zip(TierName, spread, strict=True))
    tiers: dict[TierName, Tier] = {}
    ceiling = 1.0
    for name in (TierName.AGGRESSIVE, TierName.BALANCED, TierName.CONSERVATIVE):
        nominal = settings.nominal_probability[name]
        wanted = _wanted(name, levels[name], predictive, caps, settings)
        rounded = round_availability_down(min(wanted.ratio, ceiling), caps.window_requests)
        stays = _staying(name, (recorded or {}).get(name), rounded, wanted, predictive, settings)
        if stays is not None:
            rounded = min(stays, ceiling)
        reason = _missing(name, nominal, levels[name], wanted, rounded, caps, settings)
        if reason is not None or rounded is None:
            tiers[name] = Tier(name, nominal, (), reason)
            continue
        ceiling = rounded
        met = probability_met(predictive.unavailability, rounded, calibration, settings.highest_level)
        low, high = intervals[name]
        target = TierTarget(
            kind=ObjectiveKind.AVAILABILITY,
            probability_met=met,
            interval=Interval(min(1.0 - high, rounded), max(1.0 - low, rounded)),
            data_only_probability=data_only_probability,
            availability_ratio=rounded,
            error_budget=ErrorBudget(
                error_budget_minutes(rounded, window.length),
                None if caps.share_of_time else error_budget_requests(rounded, caps.window_requests),
            ),
            limited_by=_limits(wanted, rounded, caps),
            backtest=replay(rounded),
        )
        tiers[name] = Tier(name, nominal, (target,))
    return tuple(tiers[name] for name in TierName)


def _staying(
    name: TierName,
    recorded: TierTarget | None,
    fresh: float | None,
    wanted: _Wanted,
    predictive: Predictive,
    settings: EngineSettings,
) -> float | None:
    """The target on record, if it stays: it obeys today's caps and is met about as often as the tier should be."""
    before = None if recorded is None else recorded.availability_ratio
    if recorded is None or before is None or before > wanted.allowed + _SLACK:
        return None
    calibration = calibration_in_force(predictive, settings)
    met = probability_met(predictive.unavailability, before, calibration, settings.highest_level)
    gives_way = should_replace(
        recorded,
        replace(recorded, availability_ratio=-1.0 if fresh is None else fresh),
        met,
        nominal_probability=settings.nominal_probability[name],
        kind_changed=False,
        band=settings.anti_flap,
        highest_level=settings.highest_level,
        # A cap at the edge of a figure may move it by one from day to day.
        much_tighter=fresh is not None and figures_tighter(fresh, before) > 1,
    )
    return None if gives_way else before


def cap_below(
    name: TierName, ratio: float, caps: AvailabilityCaps, predictive: Predictive, settings: EngineSettings
) -> TargetLimitedBy | None:
    """The cap that today keeps a target of this tier below ``ratio``; None: there is none."""
    level = calibration_in_force(predictive, settings).level_for(settings.nominal_probability[name])
    at, limit = min(_caps(name, level, caps, settings), key=lambda cap: cap[0])
    return limit if ratio > at + _SLACK else None


def _wanted(
    name: TierName, level: float, predictive: Predictive, caps: AvailabilityCaps, settings: EngineSettings
) -> _Wanted:
    """The calibrated quantile, then the caps; the cap that binds last is named first.

    A cap is named only where the published figure would be tighter without it.
    """
    ratio = 1.0 - upper_quantile(predictive.unavailability, level)
    limits: list[TargetLimitedBy] = [_evidence(predictive)]
    known = _caps(name, level, caps, settings)
    for at, limit in known:
        before, ratio = ratio, min(ratio, at)
        if _published(ratio, caps) != _published(before, caps):
            limits.insert(0, limit)
    return _Wanted(ratio, tuple(limits), min(at for at, _ in known))


def _caps(
    name: TierName, level: float, caps: AvailabilityCaps, settings: EngineSettings
) -> list[tuple[float, TargetLimitedBy]]:
    """What no target of the tier may be tighter than, and why; at least what traffic can test."""
    known: list[tuple[float, TargetLimitedBy]] = []
    if caps.composite is not None:
        composite = 1.0 - upper_quantile(caps.composite, level)
        known.append((composite, _dependency(TargetLimit.DEPENDENCY_OBSERVED, composite, caps.weakest)))
    promised = caps.promised_ratio if name is TierName.CONSERVATIVE else None
    if promised is not None:
        known.append((promised, _dependency(TargetLimit.DEPENDENCY_PROMISE, promised, caps.weakest)))
    events, failure = ("minutes", "minute of failure") if caps.share_of_time else ("requests", "failure")
    testable = TargetLimitedBy(
        TargetLimit.LOW_TRAFFIC,
        f"with about {caps.window_requests:,.0f} {events} in a window, a single {failure} would cost more "
        f"than {percent_text(1 / settings.testable_failures)} of the budget of a tighter target",
    )
    known.append((tightest_availability(caps.window_requests, settings.testable_failures), testable))
    return known


def _published(ratio: float, caps: AvailabilityCaps) -> float | None:
    return round_availability_down(ratio, caps.window_requests)


def _evidence(predictive: Predictive) -> TargetLimitedBy:
    facts = predictive.facts
    incidents = count_text(facts.own_episodes, "incident") if facts.own_episodes else "no incident"
    own = f"{incidents} in {span(facts.own_days)} of own history"
    if facts.own_weight < 0.5:
        others = "the shipped default, having nothing else"
        if facts.peers:
            others = count_text(facts.peers, "other service")
        return TargetLimitedBy(
            TargetLimit.PRIOR,
            f"{own}, which says little: {percent_text(1 - facts.own_weight)} of the incident rate comes from "
            f"{others}",
        )
    more = "" if facts.own_episodes else ", which does not rule one out"
    return TargetLimitedBy(TargetLimit.HISTORY, f"{own}{more}")


def _dependency(limit: TargetLimit, ratio: float, weakest: str | None) -> TargetLimitedBy:
    shown = percent_from_ratio(1.0 - float(f"{1.0 - ratio:.3g}"))
    most = f"; of what it inherits most comes from {weakest}" if weakest else ""
    said = (
        f"together with its dependencies it does no better than {shown} %{most}"
        if limit is TargetLimit.DEPENDENCY_OBSERVED
        else f"with its dependencies no better than they promise it gets no more than {shown} %{most}"
    )
    return TargetLimitedBy(limit, said, weakest)


def _limits(wanted: _Wanted, rounded: float, caps: AvailabilityCaps) -> tuple[TargetLimitedBy, ...]:
    """Why it is no tighter. Looser than what is wanted rounds to, it is so for a target on record, its tier's or a
    looser tier's.
    """
    fresh = _published(wanted.ratio, caps)
    if fresh is not None and figures_tighter(fresh, rounded) > 0:
        said = (
            f"today's data give {percent_from_ratio(fresh):.9g} %; an earlier target stays while it holds as often"
        )
        return (TargetLimitedBy(TargetLimit.ON_RECORD, f"{said} as it should"), *wanted.limits)
    if (1.0 - rounded) <= _ROUNDING_WORTH_SAYING * (1.0 - wanted.ratio):
        return wanted.limits
    exact = percent_from_ratio(1.0 - float(f"{1.0 - wanted.ratio:.3g}"))
    said = f"{exact} % rounded to a figure people use, to the safe side"
    return (*wanted.limits, TargetLimitedBy(TargetLimit.ROUNDING, said))


def _missing(
    name: TierName,
    nominal: float,
    level: float,
    wanted: _Wanted,
    rounded: float | None,
    caps: AvailabilityCaps,
    settings: EngineSettings,
) -> str | None:
    """Why the tier has no target; None: it has one."""
    title = name.value.capitalize()
    if level > settings.highest_level:
        return (
            f"no {title} target: targets that should hold in {percent_text(nominal)} of windows "
            f"held too seldom in the past to promise that"
        )
    if rounded is not None and rounded >= settings.lowest_target_ratio:
        return None
    shown = percent_from_ratio(round(max(0.0, wanted.ratio), 3))
    least = percent_from_ratio(settings.lowest_target_ratio)
    if wanted.limits[0].limit is TargetLimit.LOW_TRAFFIC:
        return (
            f"no {title} target: with about {caps.window_requests:,.0f} requests in a window a target that can be "
            f"tested would be {shown} %, below {least:g} %"
        )
    return (
        f"no {title} target: the data do not carry it; what holds in {percent_text(nominal)} of windows "
        f"is {shown} %, below {least:g} %"
    )


def order_is_right(tiers: Sequence[Tier]) -> bool:
    """Conservative <= balanced <= aggressive, among the tiers that have a target."""
    ratios = [t.availability_ratio for tier in tiers for t in tier.targets if t.availability_ratio is not None]
    return all(a <= b for a, b in pairwise(ratios))
