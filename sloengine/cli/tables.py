"""Tables for people. Numbers are those of the recommendation, formatted, never computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
    SliType,
    TierName,
    TierTarget,
)
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.topology.service import Service

_TIERS = (TierName.CONSERVATIVE, TierName.BALANCED, TierName.AGGRESSIVE)


def overview_table(results: Sequence[RecommendationResult], services: Mapping[str, Service]) -> Table:
    """One row a service: team, availability and latency tiers, bound, what limits it, confidence."""
    table = Table(title="Recommended SLOs", caption=_CAPTION, header_style="bold", pad_edge=False)
    table.add_column("service", no_wrap=True, overflow="fold")
    table.add_column("team")
    for tier in _TIERS:
        table.add_column(f"{tier.lower()}\n% avail.", justify="right")
    table.add_column("bound\n%", justify="right")
    table.add_column("p95 / p99\nbalanced ms", justify="right")
    table.add_column("limited by")
    table.add_column("confi-\ndence", justify="right")
    for service_id, by_type in _by_service(results).items():
        table.add_row(*_overview_row(service_id, by_type, services.get(service_id)))
    return table


_CAPTION = (
    "conservative, balanced and aggressive targets differ in how often they may be missed; "
    "bound: the availability that the dependencies allow"
)


def _by_service(
    results: Sequence[RecommendationResult],
) -> dict[str, dict[SliType, RecommendationResult]]:
    grouped: dict[str, dict[SliType, RecommendationResult]] = {}
    for result in sorted(results, key=lambda r: r.service_id):
        grouped.setdefault(result.service_id, {})[result.sli_type] = result
    return grouped


def _overview_row(
    service_id: str, by_type: Mapping[SliType, RecommendationResult], service: Service | None
) -> list[str | Text]:
    team = (service.team if service else None) or "–"
    availability = by_type.get(SliType.AVAILABILITY)
    latency = _latency_cell(by_type.get(SliType.LATENCY))
    if not isinstance(availability, Recommendation):
        reason = _unavailable_cell(availability)
        return [service_id, team, "–", "–", "–", "–", latency, reason, "–"]
    tiers = [_availability_cell(availability, tier) for tier in _TIERS]
    composite = availability.bound
    bound = "–" if composite is None else f"{percent_from_ratio(composite.observed_ratio):.3f}"
    return [
        service_id,
        team,
        *tiers,
        bound,
        latency,
        limits(availability),
        _confidence(availability.confidence),
    ]


def _availability_cell(recommendation: Recommendation, tier: TierName) -> str:
    targets = recommendation.tier(tier).targets
    return _figure(targets[0]) if targets else "none"


def _latency_cell(result: RecommendationResult | None) -> str:
    if not isinstance(result, Recommendation):
        return "–"
    by_kind = {target.kind: target for target in result.tier(TierName.BALANCED).targets}
    kinds = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
    return " / ".join(_figure(by_kind[kind]) if kind in by_kind else "none" for kind in kinds)


def _unavailable_cell(result: RecommendationResult | None) -> Text:
    if isinstance(result, RecommendationUnavailable):
        return Text(f"no target: {result.message}", style="yellow")
    return Text("not asked for", style="dim")


def _figure(target: TierTarget) -> str:
    if target.availability_ratio is not None:
        return str(percent_from_ratio(target.availability_ratio))
    return f"{target.threshold_ms:g}"


def limits(recommendation: Recommendation) -> str:
    """What limits the Balanced tier, or the first tier that has a target."""
    order = (TierName.BALANCED, TierName.AGGRESSIVE, TierName.CONSERVATIVE)
    for tier in order:
        for target in recommendation.tier(tier).targets:
            parts = [
                limited.limit.lower().replace("_", " ")
                + (f" ({limited.service_id})" if limited.service_id else "")
                for limited in target.limited_by
            ]
            return ", ".join(dict.fromkeys(parts)) or "–"
    return "data carry no tier"


def _confidence(confidence: float) -> Text:
    style = "green" if confidence >= 0.85 else "yellow" if confidence >= 0.5 else "red"
    return Text(f"{confidence:.2f}", style=style)


def tiers_table(recommendation: Recommendation) -> Table:
    """Every tier's targets of one recommendation with P(met), interval, budget and replay."""
    table = Table(
        title=f"{recommendation.service_id}: {recommendation.sli_type.lower()}, {recommendation.window.lower()}",
        header_style="bold",
        pad_edge=False,
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
        interval = f"{low:g} – {high:g} ms"
        figure = f"{target.kind.removeprefix('LATENCY_').lower()} {_figure(target)} ms"
    replay = "–" if target.backtest is None else f"{target.backtest.met} of {target.backtest.windows}"
    budget = "–" if target.error_budget is None else f"{target.error_budget.minutes:.1f}"
    return [figure, f"{target.probability_met:.3f}", interval, budget, replay]


def limit_lines(recommendation: Recommendation) -> list[str]:
    """What keeps each target from being tighter, a line for each different reason."""
    reasons: dict[str, list[str]] = {}
    for tier in recommendation.tiers:
        for target in tier.targets:
            for limited in target.limited_by:
                tiers = reasons.setdefault(limited.message, [])
                if tier.name.lower() not in tiers:
                    tiers.append(tier.name.lower())
    return [f"{', '.join(tiers)} limited by: {message}" for message, tiers in reasons.items()]


def bound_table(recommendation: Recommendation) -> Table | None:
    """What each dependency takes of the budget; None without a bound."""
    bound = recommendation.bound
    if bound is None:
        return None
    title = (
        f"bound {percent_from_ratio(bound.observed_ratio):.4f} % as observed, "
        f"{percent_from_ratio(bound.independent_ratio):.4f} % if failures were independent, "
        f"{percent_from_ratio(bound.intrinsic_ratio):.4f} % the service alone"
    )
    table = Table(title=title, header_style="bold", pad_edge=False)
    table.add_column("dependency", overflow="fold")
    table.add_column("share of\nbudget", justify="right")
    table.add_column("minutes\na window", justify="right")
    table.add_column("one more\nnine")
    for part in bound.contributions:
        nine = "–" if part.one_more_nine is None else "yes" if part.one_more_nine else "no"
        table.add_row(part.service_id, f"{part.share_ratio:.1%}", f"{part.budget_minutes:.2f}", nine)
    return table
