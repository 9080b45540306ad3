"""Recommendations for people: sentences and tables on stdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sloengine.cli import output
from sloengine.cli.explanation_text import print_explanation
from sloengine.cli.tables import bound_table, overview_table, tiers_table
from sloengine.domain.recommendation.data_quality import span
from sloengine.domain.recommendation.model import (
    CompositeBound,
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
    SliType,
    TargetLimit,
)
from sloengine.domain.reliability.percent import percent_from_ratio, percent_text
from sloengine.domain.topology.service import Service


def print_overview(
    results: Sequence[RecommendationResult], services: Mapping[str, Service], title: str = "Recommended SLOs"
) -> None:
    """A row for each service; below, why some have no availability target."""
    output.out.print(overview_table(results, services, title))
    for line in missing_lines(results):
        output.say(line, style="yellow")


def missing_lines(results: Sequence[RecommendationResult]) -> list[str]:
    """Why there is no availability target, a line for each service without one."""
    return [
        _no_target(result)
        for result in sorted(results, key=lambda r: r.service_id)
        if isinstance(result, RecommendationUnavailable) and result.sli_type is SliType.AVAILABILITY
    ]


def print_result(result: RecommendationResult) -> None:
    """Everything that a person wants to know about one answer."""
    if isinstance(result, RecommendationUnavailable):
        output.say(_no_target(result), style="yellow")
        output.out.print()
        return
    output.out.print(tiers_table(result))
    output.say(result.summary)
    for line in limit_lines(result):
        output.say(line, style="dim")
    if result.bound is not None:
        _print_bound(result, result.bound)
    if result.explanation is not None:
        print_explanation(result.explanation)
    quality = result.data_quality
    output.say(
        f"data: {span(quality.days_of_history)}, {percent_text(quality.completeness, 1)} complete, "
        f"{quality.sample_count:,.0f} requests; confidence {result.confidence:.2f}",
        style="dim",
    )
    told = set() if result.bound is None else {found.message for found in result.bound.contradictions}
    for warning in quality.warnings:
        if warning not in told:
            output.say(f"note: {warning}", style="yellow")
    output.out.print()


def _print_bound(recommendation: Recommendation, bound: CompositeBound) -> None:
    output.say(
        f"bound {percent_from_ratio(bound.observed_ratio):.4f} % as observed, "
        f"{percent_from_ratio(bound.independent_ratio):.4f} % if failures were independent, "
        f"{percent_from_ratio(bound.intrinsic_ratio):.4f} % the service alone; what takes of it:"
    )
    table = bound_table(recommendation)
    if table is not None:
        output.out.print(table)
    for found in bound.contradictions:
        output.say(f"contradicted by the data: {found.message}")
    for assumption in bound.assumptions:
        output.say(f"assumed: {assumption}", style="dim")


def _no_target(result: RecommendationUnavailable) -> str:
    return f"no {result.sli_type.lower()} target for {result.service_id}: {result.message}"


def limit_lines(recommendation: Recommendation) -> list[str]:
    """What keeps targets from being tighter, as far as the summary has not said it; a line for each reason.

    That a figure was rounded is worth a line only where nothing else limits it.
    """
    reasons: dict[str, list[str]] = {}
    for tier in recommendation.tiers:
        for target in tier.targets:
            limits = [limited for limited in target.limited_by if limited.limit is not TargetLimit.ROUNDING]
            for limited in limits or target.limited_by:
                tiers = reasons.setdefault(limited.message, [])
                if tier.name.lower() not in tiers:
                    tiers.append(tier.name.lower())
    return [
        f"{', '.join(tiers)} limited by: {message}"
        for message, tiers in reasons.items()
        if message not in recommendation.summary
    ]
