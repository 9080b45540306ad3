"""``sloengine accept | modify | reject | set-slo | audit``: decide, and see what was decided."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from sloengine.application.governance.accept_recommendation import AcceptRecommendationCommand
from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.application.governance.modify_recommendation import ModifyRecommendationCommand
from sloengine.application.governance.reject_recommendation import RejectRecommendationCommand
from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.slo_ledger import AuditFilter
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.session import AsJson, StateDir, ask
from sloengine.cli.shapes import audit_shape, delta_shape, integrity_shape, slo_shape, snapshot_shape
from sloengine.domain.errors import Invalid, NotFound
from sloengine.domain.governance.model import Actor, SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType, TierName
from sloengine.domain.reliability.percent import ratio_from_percent
from sloengine.domain.reliability.window import ComplianceWindow

audit = typer.Typer(help="The audit trail of decisions.", no_args_is_help=True)

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
        found = await _newest(use_cases, service, sli)
        command = AcceptRecommendationCommand(found, tier, rationale, idempotency_key)
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
        found = await _newest(use_cases, service, sli)
        command = ModifyRecommendationCommand(found, tier, targets, rationale, idempotency_key)
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
        found = await _newest(use_cases, service, sli)
        command = RejectRecommendationCommand(found, rationale, idempotency_key)
        return await use_cases.reject_recommendation(command, actor=actor)

    _decided(state_dir, decide, as_json=as_json)


def set_slo(
    service: ServiceId,
    target: Targets,
    rationale: Rationale,
    sli: Sli = SliType.AVAILABILITY,
    window: Annotated[ComplianceWindow, typer.Option(case_sensitive=False)] = ComplianceWindow.ROLLING_28D,
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


@audit.command("verify")
def audit_verify(as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """Recompute the hash chain; exit 1 when any entry was changed, removed or reordered."""
    integrity = ask(state_dir, lambda use_cases, _: use_cases.read_ledger.verify())
    if as_json:
        output.print_json(integrity_shape(integrity))
    elif integrity.intact:
        output.out.print(f"intact: {integrity.checked} entries, head {integrity.head_hash or 'none yet'}")
    else:
        output.out.print(
            f"BROKEN at entry {integrity.first_broken_sequence} of {integrity.checked} checked", style="bold red"
        )
    if not integrity.intact:
        raise typer.Exit(output.EXIT_FINDING)


@audit.command("list")
def audit_list(
    service: Annotated[str | None, typer.Option(help="Entries of this service.", show_default=False)] = None,
    first: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """The newest entries."""
    page = ask(
        state_dir,
        lambda use_cases, _: use_cases.read_ledger.audit(
            AuditFilter(service_id=service), PageRequest(first=first)
        ),
    )
    if as_json:
        output.print_json(
            {"auditLog": [audit_shape(event) for event in page.rows], "totalCount": page.total_count}
        )
        return
    table = Table(header_style="bold", pad_edge=False)
    for column in ("#", "at", "action", "service", "by", "change", "rationale"):
        table.add_column(column)
    for event in page.rows:
        change = ", ".join(_change(delta_shape(delta)) for delta in event.delta)
        table.add_row(
            str(event.sequence),
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            event.action.lower(),
            event.service_id,
            event.actor,
            change,
            event.rationale or "",
        )
    output.out.print(table)


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


async def _newest(use_cases: UseCases, service_id: str, sli: SliType) -> str:
    found = (await use_cases.read_recommendations.newest([service_id], sli)).get(service_id)
    if not isinstance(found, Recommendation) or found.recommendation_id is None:
        reason = "" if found is None or isinstance(found, Recommendation) else f": {found.message}"
        raise NotFound(f"no {sli.lower()} recommendation for {service_id!r}{reason}")
    return found.recommendation_id


def _decided(
    state_dir: Path | None,
    decide: Callable[[UseCases, Actor], Awaitable[DecisionOutcome]],
    *,
    as_json: bool,
) -> None:
    outcome = ask(state_dir, decide)
    if as_json:
        output.print_json(_outcome_shape(outcome))
        return
    event = outcome.audit_event
    output.out.print(f"{event.action.lower()} recorded as audit entry {event.sequence} for {event.service_id}")
    for delta in outcome.delta:
        output.out.print(f"  {_change(delta_shape(delta))}", highlight=False)
    if outcome.probability_met is not None:
        output.out.print(f"  P(met over the next window) {outcome.probability_met:.3f}", highlight=False)
    for warning in outcome.warnings:
        output.warn(warning)


def _outcome_shape(outcome: DecisionOutcome) -> dict[str, Any]:
    return {
        "slo": None if outcome.slo is None else slo_shape(outcome.slo),
        "previous": snapshot_shape(outcome.previous),
        "delta": [delta_shape(delta) for delta in outcome.delta],
        "probabilityMet": outcome.probability_met,
        "auditEvent": audit_shape(outcome.audit_event),
        "warnings": list(outcome.warnings),
    }


def _change(delta: dict[str, Any]) -> str:
    unit = "%" if delta["kind"] is ObjectiveKind.AVAILABILITY else "ms"
    before, after = ("none" if delta[end] is None else f"{delta[end]} {unit}" for end in ("from", "to"))
    return f"{str(delta['kind']).lower().replace('_', ' ')}: {before} → {after}"
