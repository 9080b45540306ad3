"""``sloengine forecast``: will the error budget last?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.domain.errors import NotFound, ServiceNotFound
from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import SliType


def forecast(
    service: Annotated[str, typer.Argument(help="Service id.", show_default=False)],
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Say how probably a service's error budget runs out, and when."""
    found = ask(state_dir, lambda use_cases, actor: _read(use_cases, actor, service))
    if as_json:
        output.print_json(forecast_shape(found))
        return
    probability = found.probability_budget_exhausted
    output.say(
        f"{service}: the error budget runs out by {_at(found.horizon_end)} with a probability of {probability:.1%}"
    )
    if found.expected_exhaustion_at is not None:
        output.say(f"  as likely as not by {_at(found.expected_exhaustion_at)}")
    output.say(f"  {found.method}")


async def _read(use_cases: UseCases, _: Actor, service: str) -> Forecast:
    if service not in await use_cases.read_graph.services([service]):
        raise ServiceNotFound(f"no service {service!r}")
    found = (await use_cases.forecast_budgets([service], SliType.AVAILABILITY)).get(service)
    if found is not None:
        return found
    if service not in await use_cases.read_ledger.active([service], SliType.AVAILABILITY):
        raise NotFound(f"{service!r} has no active availability SLO: accept a recommendation, or use set-slo")
    raise NotFound(
        f"no forecast for {service!r}: no valid request in the last 24 hours, telemetry that cannot be true, or "
        "a class of service for which simple rules do nearly as well (docs/science/forecast.md says which)"
    )


def forecast_shape(found: Forecast) -> dict[str, Any]:
    """The GraphQL type ``Forecast``."""
    expected = found.expected_exhaustion_at
    return {
        "probabilityBudgetExhausted": found.probability_budget_exhausted,
        "expectedExhaustionAt": None if expected is None else expected.isoformat(),
        "horizonEnd": found.horizon_end.isoformat(),
        "method": found.method,
    }


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
