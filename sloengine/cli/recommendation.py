"""``sloengine recommend``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.options import AsJson, StateDir, Window
from sloengine.cli.recommendation_shapes import output_shape
from sloengine.cli.recommendation_text import print_result
from sloengine.cli.session import ask
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.domain.reliability.window import ComplianceWindow

BOTH = (SliType.AVAILABILITY, SliType.LATENCY)


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
