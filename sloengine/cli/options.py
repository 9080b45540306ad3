"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sloengine.domain.reliability.window import ComplianceWindow

StateDir = Annotated[
    Path | None,
    typer.Option(
        help="State directory of the running `sloengine up`; default $SLOENGINE_STATE_DIR, else .sloengine.",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON in the shape of the GraphQL types, and nothing else on stdout.")
]
Window = Annotated[ComplianceWindow, typer.Option(case_sensitive=False, help="Compliance window of the SLO.")]
