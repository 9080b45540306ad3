"""``sloengine recommend``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from sloengine.application.recommendation.recommend import RecommendCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.session import AsJson, StateDir, ask
from sloengine.cli.shapes import output_shape
from sloengine.cli.tables import bound_table, limit_lines, tiers_table
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import Recommendation, RecommendationResult, SliType
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow

BOTH = (SliType.AVAILABILITY, SliType.LATENCY)

Window = Annotated[ComplianceWindow, typer.Option(case_sensitive=False, help="Compliance window of the SLO.")]


def recommend(
    service: Annotated[list[str], typer.Argument(help="Service ids.", show_default=False)],
    sli: Annotated[
        SliType | None, typer.Option(case_sensitive=False, help="Default: both.", show_default=False)
    ] = None,
    window: Window = ComplianceWindow.ROLLING_28D,
    force: Annotated[bool, typer.Option("--force", help="Compute again even if today's answer holds.")] = False,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Recommend availability and latency SLOs for services of the running engine."""
    command = RecommendCommand(
        service_ids=service, sli_types=BOTH if sli is None else (sli,), window=window, force=force
    )

    async def work(use_cases: UseCases, actor: Actor) -> Sequence[RecommendationResult]:
        return await use_cases.recommend(command, actor=actor)

    results = ask(state_dir, work)
    if as_json:
        output.print_json(output_shape(results))
    else:
        for result in results:
            print_result(result)


def print_result(result: RecommendationResult) -> None:
    """Everything that a person wants to know about one answer."""
    if not isinstance(result, Recommendation):
        output.out.print(
            f"{result.service_id}, {result.sli_type.lower()}: no target ({result.reason}). {result.message}",
            style="yellow",
            markup=False,
            highlight=False,
        )
        return
    output.out.print(tiers_table(result))
    for line in limit_lines(result):
        output.out.print(line, style="dim", markup=False, highlight=False)
    output.out.print(result.summary, markup=False, highlight=False)
    table = bound_table(result)
    if table is not None:
        output.out.print(table)
    if result.bound is not None:
        for found in result.bound.contradictions:
            estimate = found.measured_pass_through
            output.out.print(
                f"contradicted by the data: {found.caller} → {found.dependency}: declared pass-through "
                f"{found.declared_pass_through:g}, measured {estimate.value:.3f} "
                f"[{estimate.low:.3f}, {estimate.high:.3f}]. {found.message}",
                markup=False,
                highlight=False,
            )
        for assumption in result.bound.assumptions:
            output.out.print(f"assumed: {assumption}", style="dim", markup=False, highlight=False)
    quality = result.data_quality
    output.out.print(
        f"data: {quality.days_of_history:g} days, {percent_from_ratio(quality.completeness):.1f} % complete, "
        f"{quality.sample_count:,.0f} requests; confidence {result.confidence:.2f}",
        style="dim",
        highlight=False,
    )
    told = set() if result.bound is None else {found.message for found in result.bound.contradictions}
    for warning in (warning for warning in quality.warnings if warning not in told):
        output.out.print(f"note: {warning}", style="yellow", markup=False, highlight=False)
    output.out.print()
