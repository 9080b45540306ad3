"""``sloengine accept | modify | reject | set-slo``: decide."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from sloengine.application.governance.accept_recommendation import AcceptRecommendationCommand
from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.application.governance.modify_recommendation import ModifyRecommendationCommand
from sloengine.application.governance.reject_recommendation import RejectRecommendationCommand
from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.decision_shapes import outcome_shape
from sloengine.cli.decision_text import delta_text
from sloengine.cli.options import AsJson, StateDir, Window
from sloengine.cli.session import ask
from sloengine.domain.errors import Invalid, NotActive, NotFound
from sloengine.domain.governance.model import Actor, SloTarget
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationStatus,
    SliType,
    TierName,
)
from sloengine.domain.reliability.percent import ratio_from_percent
from sloengine.domain.reliability.window import ComplianceWindow

ServiceId = Annotated[str, typer.Argument(help="Service id.", show_default=False)]
Sli = Annotated[SliType, typer.Option(case_sensitive=False, help="Which of its recommendations.")]
Tier = Annotated[TierName, typer.Option(case_sensitive=False, help="Tier to take.")]
Key = Annotated[
    str | None, typer.Option(help="A retry with the same key gives the same answer.", show_default=False)
]
Targets = Annotated[
    list[str],
    typer.Option(
        "--target",
        help="availability=99.95 (percent), p95=250 or p99=800 (ms); may be repeated.",
        show_default=False,
    ),
]
Rationale = Annotated[str, typer.Option(help="Why; kept in the audit trail.", show_default=False)]


def accept(
    service: ServiceId,
    tier: Tier,
    sli: Sli = SliType.AVAILABILITY,
    rationale: Annotated[str | None, typer.Option(help="Why.", show_default=False)] = None,
    idempotency_key: Key = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Make a recommended tier the active SLO of its service."""

    async def decide(use_cases: UseCases, actor: Actor) -> DecisionOutcome:
        async with _newest(use_cases, service, sli) as newest:
            command = AcceptRecommendationCommand(newest, tier, rationale, idempotency_key)
            return await use_cases.accept_recommendation(command, actor=actor)

    _decided(state_dir, decide, as_json=as_json)


def modify(
    service: ServiceId,
    tier: Tier,
    target: Targets,
    rationale: Rationale,
    sli: Sli = SliType.AVAILABILITY,
    idempotency_key: Key = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Make other numbers than the recommended ones the active SLO, with a reason."""
    targets = tuple(parse_target(text) for text in target)

    async def decide(use_cases: UseCases, actor: Actor) -> DecisionOutcome:
        async with _newest(use_cases, service, sli) as newest:
            command = ModifyRecommendationCommand(newest, tier, targets, rationale, idempotency_key)
            return await use_cases.modify_recommendation(command, actor=actor)

    _decided(state_dir, decide, as_json=as_json)


def reject(
    service: ServiceId,
    rationale: Rationale,
    sli: Sli = SliType.AVAILABILITY,
    idempotency_key: Key = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Turn a recommendation down, with a reason; the active SLO stays as it is."""

    async def decide(use_cases: UseCases, actor: Actor) -> DecisionOutcome:
        async with _newest(use_cases, service, sli) as newest:
            command = RejectRecommendationCommand(newest, rationale, idempotency_key)
            return await use_cases.reject_recommendation(command, actor=actor)

    _decided(state_dir, decide, as_json=as_json)


def set_slo(
    service: ServiceId,
    target: Targets,
    rationale: Rationale,
    sli: Sli = SliType.AVAILABILITY,
    window: Window = ComplianceWindow.ROLLING_28D,
    idempotency_key: Key = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Set an SLO by hand, audited like the rest."""
    targets = tuple(parse_target(text) for text in target)
    command = SetSloCommand(service, sli, targets, rationale, window, idempotency_key)

    async def decide(use_cases: UseCases, actor: Actor) -> DecisionOutcome:
        return await use_cases.set_slo(command, actor=actor)

    _decided(state_dir, decide, as_json=as_json)


_KINDS = {
    "availability": ObjectiveKind.AVAILABILITY,
    "p95": ObjectiveKind.LATENCY_P95,
    "p99": ObjectiveKind.LATENCY_P99,
}


def parse_target(text: str) -> SloTarget:
    """``availability=99.95``, ``p95=250`` or ``p99=800``. Raises ``Invalid``."""
    name, equals, figure = text.partition("=")
    kind = _KINDS.get(name.strip().lower())
    try:
        value = float(figure)
    except ValueError:
        value = float("nan")
    if not equals or kind is None or not value > 0:
        raise Invalid(
            f"{text!r} is not a target: write availability=99.95, p95=250 or p99=800", path=("--target",)
        )
    if kind is ObjectiveKind.AVAILABILITY:
        return SloTarget(kind, availability_ratio=ratio_from_percent(value))
    return SloTarget(kind, threshold_ms=value)


@asynccontextmanager
async def _newest(use_cases: UseCases, service_id: str, sli: SliType) -> AsyncGenerator[str]:
    """Id of the newest recommendation; where that can no longer be decided on, how to get one that can."""
    found = (await use_cases.read_recommendations.newest([service_id], sli)).get(service_id)
    if not isinstance(found, Recommendation) or found.recommendation_id is None:
        reason = "" if found is None or isinstance(found, Recommendation) else f": {found.message}"
        raise NotFound(f"no {sli.lower()} recommendation for {service_id!r}{reason}")
    try:
        yield found.recommendation_id
    except NotActive as over:
        raise NotActive(_what_next(found)) from over


_OVER = {
    RecommendationStatus.ACCEPTED: "was accepted already",
    RecommendationStatus.REJECTED: "was rejected already",
    RecommendationStatus.EXPIRED: "has expired",
}


def _what_next(found: Recommendation) -> str:
    name, sli = shlex.quote(found.service_id), found.sli_type.lower()
    command = f"sloengine recommend {name} --sli {sli}"
    if found.window is not ComplianceWindow.ROLLING_28D:
        command += f" --window {found.window.lower()}"
    by_hand = ""
    if found.status is RecommendationStatus.ACCEPTED:
        command += " --force"  # else one that was accepted is given again while its inputs stay
        by_hand = f"; `sloengine set-slo {name}` sets other numbers by hand"
    over = _OVER.get(found.status, "can no longer be decided on")
    return (
        f"the {sli} recommendation for {found.service_id!r} {over}: "
        f"`{command}` makes a new one to decide on{by_hand}"
    )


def _decided(
    state_dir: Path | None,
    decide: Callable[[UseCases, Actor], Awaitable[DecisionOutcome]],
    *,
    as_json: bool,
) -> None:
    outcome = ask(state_dir, decide)
    if as_json:
        output.print_json(outcome_shape(outcome))
        return
    event = outcome.audit_event
    output.say(f"{event.action.lower()} recorded as audit entry {event.sequence} for {event.service_id}")
    for delta in outcome.delta:
        output.say(f"  {delta_text(delta)}")
    if outcome.probability_met is not None:
        output.say(f"  P(met over the next window) {outcome.probability_met:.3f}")
    for warning in outcome.warnings:
        output.warn(warning)
