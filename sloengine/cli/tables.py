"""Tables for people. Numbers are those of the recommendation, formatted, never computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from sloengine.cli import output
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
    SliType,
    TargetLimit,
    TierName,
    TierTarget,
    UnavailableReason,
)
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.topology.service import Service

_REASONS = {
    UnavailableReason.NO_DATA: "no data",
    UnavailableReason.NOT_ENOUGH_DATA: "not enough data",
    UnavailableReason.BAD_TELEMETRY: "bad telemetry",
    UnavailableReason.NO_HISTOGRAM: "no histogram",
    UnavailableReason.NOT_TESTABLE: "not testable",
    UnavailableReason.SOURCE_DOWN: "source down",
}
_LIMITS = {
    TargetLimit.HISTORY: "own history",
    TargetLimit.PRIOR: "few own incidents",
    TargetLimit.LOW_TRAFFIC: "low traffic",
    TargetLimit.DEPENDENCY_OBSERVED: "dependency",
    TargetLimit.DEPENDENCY_PROMISE: "promise of",
    TargetLimit.ROUNDING: "rounding",
    TargetLimit.ON_RECORD: "target on record",
}
_TIERS = (TierName.CONSERVATIVE, TierName.BALANCED, TierName.AGGRESSIVE)


def overview_table(
    results: Sequence[RecommendationResult], services: Mapping[str, Service], title: str = "Recommended SLOs"
) -> Table:
    """One row a service: team, availability and latency tiers, bound, what limits it, confidence.

    Fits into 120 columns: long ids are folded, the team is left out where nobody stated one.
    """
    has_teams = any(service.team for service in services.values())
    table = output.table(title, _CAPTION)
    table.add_column("service", overflow="fold", min_width=16)
    if has_teams:
        table.add_column("team", overflow="fold")
    for heading in ("conser-\nvative %", "balanced\n%", "aggres-\nsive %", "bound\n%", "balanced\np95/p99 ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("limited by", overflow="fold", min_width=12)
    table.add_column("confi-\ndence", justify="right", no_wrap=True)
    for service_id, by_type in _by_service(results).items():
        service = services.get(service_id)
        team = [(service.team if service else None) or "–"] if has_teams else []
        table.add_row(service_id, *team, *_overview_cells(by_type))
    return table


_CAPTION = (
    "availability and latency targets; bound: the availability that the dependencies allow on average\n"
    "(most windows are better than the average, so that a tier may lie above it)"
)


def _by_service(
    results: Sequence[RecommendationResult],
) -> dict[str, dict[SliType, RecommendationResult]]:
    grouped: dict[str, dict[SliType, RecommendationResult]] = {}
    for result in sorted(results, key=lambda r: r.service_id):
        grouped.setdefault(result.service_id, {})[result.sli_type] = result
    return grouped


def _overview_cells(by_type: Mapping[SliType, RecommendationResult]) -> list[str | Text]:
    availability = by_type.get(SliType.AVAILABILITY)
    latency = _latency_cell(by_type.get(SliType.LATENCY))
    if not isinstance(availability, Recommendation):
        return ["–", "–", "–", "–", latency, _unavailable_cell(availability), "–"]
    tiers = [_availability_cell(availability, tier) for tier in _TIERS]
    composite = availability.bound
    bound = "–" if composite is None else _bound_cell(composite.observed_ratio)
    return [*tiers, bound, latency, limits(availability), _confidence(availability.confidence)]


def _bound_cell(ratio: float) -> str:
    """In percent; what has not failed yet is no 100 %."""
    percent = percent_from_ratio(ratio)
    return f"{percent:.3f}" if percent < 99.9995 else "> 99.999"


def _availability_cell(recommendation: Recommendation, tier: TierName) -> str:
    targets = recommendation.tier(tier).targets
    return _figure(targets[0]) if targets else "none"


def _latency_cell(result: RecommendationResult | None) -> str:
    if not isinstance(result, Recommendation):
        return "–"
    by_kind = {target.kind: target for target in result.tier(TierName.BALANCED).targets}
    kinds = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
    return "/".join(_figure(by_kind[kind]) if kind in by_kind else "none" for kind in kinds)


def _unavailable_cell(result: RecommendationResult | None) -> Text:
    if isinstance(result, RecommendationUnavailable):
        return Text(f"no target: {_REASONS[result.reason]}", style="yellow")
    return Text("not asked for", style="dim")


def _figure(target: TierTarget) -> str:
    if target.availability_ratio is not None:
        return str(percent_from_ratio(target.availability_ratio))
    return figure_text(target.threshold_ms or 0.0, 6)


def limits(recommendation: Recommendation) -> str:
    """What limits the Balanced tier, or the first tier that has a target."""
    order = (TierName.BALANCED, TierName.AGGRESSIVE, TierName.CONSERVATIVE)
    for tier in order:
        for target in recommendation.tier(tier).targets:
            parts = [
                _LIMITS[limited.limit] + (f" {limited.service_id}" if limited.service_id else "")
                for limited in target.limited_by
                if limited.limit is not TargetLimit.ROUNDING or len(target.limited_by) == 1
            ]
            return ", ".join(dict.fromkeys(parts)) or "–"
    return "the data carry no tier"


def _confidence(confidence: float) -> Text:
    style = "green" if confidence >= 0.85 else "yellow" if confidence >= 0.5 else "red"
    return Text(f"{confidence:.2f}", style=style)


def tiers_table(recommendation: Recommendation) -> Table:
    """Every tier's targets of one recommendation with P(met), interval, budget and replay."""
    table = output.table(
        f"{recommendation.service_id}: {recommendation.sli_type.lower()}, "
        f"{recommendation.window.lower().replace('_', ' ')}"
    )
    table.add_column("tier", no_wrap=True)
    table.add_column("target", no_wrap=True, justify="right")
    for name in ("P(met)", "95 % interval", "budget\nminutes", "windows\nmet"):
        table.add_column(name, justify="right")
    for tier in recommendation.tiers:
        if not tier.targets:
            table.add_row(tier.name.lower(), "none", "", tier.missing_reason or "", "", "")
        for target in tier.targets:
            table.add_row(tier.name.lower(), *_target_cells(target))
    return table


def _target_cells(target: TierTarget) -> list[str]:
    low, high = target.interval.low, target.interval.high
    if target.kind is ObjectiveKind.AVAILABILITY:
        interval = f"{percent_from_ratio(low):.4f} – {percent_from_ratio(high):.4f} %"
        figure = f"{_figure(target)} %"
    else:
        interval = f"{_milliseconds(low)} – {_milliseconds(high)} ms"
        figure = f"{target.kind.removeprefix('LATENCY_').lower()} {_figure(target)} ms"
    replay = "–" if target.backtest is None else f"{target.backtest.met} of {target.backtest.windows}"
    budget = "–" if target.error_budget is None else f"{target.error_budget.minutes:.1f}"
    return [figure, f"{target.probability_met:.3f}", interval, budget, replay]


def _milliseconds(value: float) -> str:
    """Three digits are more than a histogram carries.

    >>> _milliseconds(6965.74), _milliseconds(7.5)
    ('6,966', '7.5')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bound_table(recommendation: Recommendation) -> Table | None:
    """What each dependency takes of the budget; None without a bound."""
    bound = recommendation.bound
    if bound is None:
        return None
    table = output.table()
    table.add_column("dependency", overflow="fold")
    table.add_column("share of\nbudget", justify="right")
    table.add_column("minutes\na window", justify="right")
    table.add_column("one more\nnine")
    for part in bound.contributions:
        nine = "–" if part.one_more_nine is None else "yes" if part.one_more_nine else "no"
        table.add_row(part.service_id, f"{part.share_ratio:.1%}", f"{part.budget_minutes:.2f}", nine)
    if bound.others is not None:
        others = bound.others
        table.add_row(
            f"{others.services:,} more", f"{others.share_ratio:.1%}", f"{others.budget_minutes:.2f}", "–"
        )
    return table
