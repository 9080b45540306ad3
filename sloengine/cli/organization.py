"""``sloengine organization``: how the organisation stands as a whole."""

from __future__ import annotations

from typing import Any

from sloengine.application.accuracy.read_organization import OrganizationState
from sloengine.cli import output
from sloengine.cli.accuracy_shapes import calibration_point_shape
from sloengine.cli.graph_shapes import service_shape
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.domain.topology.service import Service


def organization(as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """Say how the organisation stands: coverage, budgets, decisions, services in danger."""

    async def read(use_cases: Any, _: object) -> tuple[OrganizationState, dict[str, Service]]:
        state = await use_cases.read_organization()
        return state, await use_cases.read_graph.services(state.overview.top_risks)

    state, services = ask(state_dir, read)
    if as_json:
        output.print_json(organization_shape(state, services))
        return
    seen = state.overview
    table = output.table("The organisation")
    table.add_column("what")
    table.add_column("services", justify="right")
    for what, count in (
        ("in the graph", seen.services),
        ("with a recommendation", seen.with_recommendation),
        ("with an active SLO", seen.with_active_slo),
        ("error budget exhausted", seen.budget_exhausted),
        ("error budget at risk", seen.budget_at_risk),
    ):
        table.add_row(what, f"{count:,}")
    output.out.print(table)
    decided = seen.accepted + seen.modified + seen.rejected
    output.say(
        f"of {decided:,} recommendations decided on, {_share(seen.acceptance_rate)} were accepted as they were, "
        f"{_share(seen.modification_rate)} with other numbers"
        if decided
        else "no recommendation has been decided on yet"
    )
    if seen.top_risks:
        output.say(f"in danger, least budget left first: {', '.join(seen.top_risks)}")
    output.note("how well promises hold: `sloengine accuracy`")


def organization_shape(state: OrganizationState, services: dict[str, Service]) -> dict[str, Any]:
    """The GraphQL type ``Organization``."""
    seen = state.overview
    return {
        "services": seen.services,
        "withActiveSlo": seen.with_active_slo,
        "withRecommendation": seen.with_recommendation,
        "budgetExhausted": seen.budget_exhausted,
        "budgetAtRisk": seen.budget_at_risk,
        "acceptanceRate": seen.acceptance_rate,
        "modificationRate": seen.modification_rate,
        "topRisks": [service_shape(services[one]) for one in seen.top_risks if one in services],
        "calibration": [calibration_point_shape(point) for record in state.calibration for point in record.points],
        "calibratedAt": None if state.calibrated_at is None else state.calibrated_at.isoformat(),
        "computedAt": state.computed_at.isoformat(),
    }


def _share(ratio: float | None) -> str:
    return "none" if ratio is None else f"{ratio:.0%}"
