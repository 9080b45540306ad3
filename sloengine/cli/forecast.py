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
from sloengine.domain.forecast.absent import NoForecast, NoForecastReason
from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.forecast.shipped import FEW_REQUESTS_A_DAY
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import SliType


def forecast(
    service: Annotated[str, typer.Argument(help="Service id.", show_default=False)],
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Say how probably a service's error budget runs out, when, and how much of it will have been spent."""
    found = ask(state_dir, lambda use_cases, actor: _read(use_cases, actor, service))
    if as_json:
        output.print_json(forecast_shape(found))
        return
    if found.is_spent:
        seen = "" if found.expected_exhaustion_at is None else f", as of {_at(found.expected_exhaustion_at)}"
        share = "" if found.spent is None else f" ({_percent(found.spent)} of it)"
        output.say(f"{service}: the error budget is spent already{seen}{share}; this is counted, not forecast")
        return
    probability = _chance(found.probability_budget_exhausted)
    output.say(
        f"{service}: the error budget runs out by {_at(found.horizon_end)} with a probability of {probability}"
    )
    if found.expected_exhaustion_at is not None:
        output.say(f"  as likely as not by {_at(found.expected_exhaustion_at)}")
    if found.spent is not None:
        output.say(f"  {_percent(found.spent)} of it is spent now; by then will have been:")
        for one in found.at_most:
            output.say(f"    with a probability of {100 * one.probability:.0f} %: {_bound(one.spent)}")
    output.say(f"  {found.method}")


async def _read(use_cases: UseCases, _: Actor, service: str) -> Forecast:
    if service not in await use_cases.read_graph.services([service]):
        raise ServiceNotFound(f"no service {service!r}")
    found = (await use_cases.forecast_budgets.or_why_not([service], SliType.AVAILABILITY))[service]
    if isinstance(found, NoForecast):
        raise NotFound(_why_not(service, found))
    return found


def _why_not(service: str, absent: NoForecast) -> str:
    """What stands against a forecast, and where there is something to do, what."""
    match absent.reason:
        case NoForecastReason.NO_SLO:
            return f"{service!r} has no active availability SLO: accept a recommendation, or use set-slo"
        case NoForecastReason.WINDOW:
            window = "" if absent.window is None else f" of {absent.window.lower()}"
            why = f"forecasts{window} have not been measured; an SLO over 28 days or a calendar month can have one"
        case NoForecastReason.REFUSED:
            why = f"its telemetry cannot be true: {absent.found}"
        case NoForecastReason.NO_REQUESTS:
            upto = "" if absent.as_of is None else f" up to {_at(absent.as_of)}, the newest data"
            why = f"no valid request in the 24 hours{upto}"
        case NoForecastReason.SIMPLE_RULES:
            why = (
                f"the last 24 hours were calm, and with {FEW_REQUESTS_A_DAY:,.0f} requests a day or more and a "
                "rolling window simple rules tell nearly as much (docs/science/forecast.md); it has one while an "
                "incident runs"
            )
        case NoForecastReason.LATENCY:
            why = "latency is not forecast"
    return f"no forecast for {service!r}: {why}"


def forecast_shape(found: Forecast) -> dict[str, Any]:
    """The GraphQL type ``Forecast``."""
    expected = found.expected_exhaustion_at
    return {
        "probabilityBudgetExhausted": found.probability_budget_exhausted,
        "expectedExhaustionAt": None if expected is None else expected.isoformat(),
        "horizonEnd": found.horizon_end.isoformat(),
        "method": found.method,
        "consumedRatio": found.spent,
        "consumedAtMost": [{"probability": one.probability, "consumedRatio": one.spent} for one in found.at_most],
    }


def _chance(probability: float) -> str:
    """A probability that is neither said to be nothing nor to be certain.

    >>> _chance(0.0004), _chance(0.163), _chance(0.9997)
    ('less than 0.1 %', '16.3 %', 'more than 99.9 %')
    """
    if probability < 0.001:
        return "less than 0.1 %"
    return "more than 99.9 %" if probability > 0.999 else f"{100 * probability:.1f} %"


def _percent(share: float) -> str:
    """A share of the budget in words; neither all of it nor nothing unless it is.

    >>> _percent(0.0), _percent(0.0004), _percent(0.163), _percent(0.9997), _percent(1.003), _percent(12.5)
    ('0 %', 'less than 0.1 %', '16.3 %', 'more than 99.9 %', 'just over 100 %', '1,250 %')
    """
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.9995 <= share < 1:
        return "more than 99.9 %"
    if 1 < share < 1.005:
        return "just over 100 %"
    return f"{100 * share:,.0f} %" if share > 1 else f"{100 * share:.3g} %"


def _bound(share: float) -> str:
    """A bound on what is spent; beyond the budget that is said, too.

    >>> _bound(0.631), _bound(1.4)
    ('at most 63.1 %', 'at most 140 %, overspent')
    """
    return f"at most {_percent(share)}{', overspent' if share > 1 else ''}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
