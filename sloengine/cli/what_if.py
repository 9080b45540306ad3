"""``sloengine what-if``: what would be achievable if the graph were another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sloengine.application.what_if.explore_edits import ExploreEditsCommand
from sloengine.cli import output
from sloengine.cli.impact import composed_shape, composed_text
from sloengine.cli.options import AsJson, StateDir, Window
from sloengine.cli.session import ask
from sloengine.cli.shapes import service_reference
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.what_if.documents import edit_document, edits_of_document
from sloengine.domain.what_if.model import WhatIfResult, WhatIfRow
from sloengine.infrastructure.files.small_document import read_list


def what_if(
    file: Annotated[
        Path,
        typer.Argument(
            help="YAML or JSON: a list of edits in the shape of the GraphQL input GraphEditInput, such as "
            "`- soften: {caller: orders, dependency: tax}`; or makeAsync, cut, addFallback, addReplica, improve, "
            "addCache.",
            show_default=False,
        ),
    ],
    focus: Annotated[
        list[str],
        typer.Option(help="Service whose targets are wanted; may be repeated.", show_default=False),
    ],
    window: Window = ComplianceWindow.ROLLING_28D,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Say what services could promise if the graph were another; nothing is stored."""
    edits = edits_of_document(read_list(file, "edits"))
    found = ask(
        state_dir,
        lambda use_cases, actor: use_cases.explore_edits(ExploreEditsCommand(edits, focus, window), actor=actor),
    )
    if as_json:
        output.print_json(what_if_shape(found))
    else:
        _print(found)


def _print(found: WhatIfResult) -> None:
    output.say(found.summary)
    targets = output.table()
    for heading in ("service", "number", "tier", "before", "after", "composed", "note"):
        targets.add_column(heading, overflow="fold")
    for row in found.focus:
        kind = row.kind.lower().replace("latency_", "")
        figures = (_figure(row, row.before), _figure(row, row.after), composed_text(row.composed))
        cells = (*figures, row.note or "")
        targets.add_row(row.service_id, kind, row.tier.lower(), *cells)
    output.out.print(targets)
    gains = output.table()
    for heading in ("edit", "budget minutes\ngained alone"):
        gains.add_column(heading, overflow="fold")
    for one in found.edits:
        [(name, body)] = edit_document(one.edit).items()
        said = ", ".join(f"{key} {value}" for key, value in body.items())
        gains.add_row(f"{name}: {said}", f"{one.budget_minutes_gained:+.3g}")
    output.out.print(gains)
    untold = dict.fromkeys(
        f"{row.service_id}: latency is not composed: {row.composed.reason}"
        for row in found.focus
        if row.composed is not None and row.composed.low_ms is None
    )
    for note in (*found.notes, *untold):
        output.say(f"note: {note}")


def _figure(row: WhatIfRow, value: float | None) -> str:
    if value is None:
        return "none"
    if row.kind is ObjectiveKind.AVAILABILITY:
        return f"{percent_from_ratio(value)} %"
    return f"{figure_text(value, 6)} ms"


def what_if_shape(found: WhatIfResult) -> dict[str, Any]:
    """The GraphQL type ``WhatIfResult``."""

    def shown(row: WhatIfRow, value: float | None) -> float | None:
        is_ratio = row.kind is ObjectiveKind.AVAILABILITY and value is not None
        return percent_from_ratio(value) if is_ratio and value is not None else value

    return {
        "summary": found.summary,
        "focus": [
            {
                "service": service_reference(row.service_id),
                "kind": row.kind.value,
                "tier": row.tier.value,
                "before": shown(row, row.before),
                "after": shown(row, row.after),
                "note": row.note,
                "composed": composed_shape(row.composed),
            }
            for row in found.focus
        ],
        "edits": [
            {"edit": edit_document(one.edit), "budgetMinutesGained": one.budget_minutes_gained}
            for one in found.edits
        ],
        "budgetMinutesGained": found.budget_minutes_gained,
        "notes": list(found.notes),
    }
