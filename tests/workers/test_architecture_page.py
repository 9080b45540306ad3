"""docs/architecture.md names every use case, actor and room that there is, and none that there is not."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import workers
from sloengine.bootstrap.container import UseCases

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
NO_USE_CASES = {"telemetry_name", "readiness"}


def first_column(heading: str) -> set[str]:
    """What stands in code in the first column of the table below a heading; arguments left out."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`(]+)[^`]*`", cell)}


def test_the_page_lists_the_use_cases():
    assert first_column("Use cases") == {field.name for field in fields(UseCases)} - NO_USE_CASES


def test_the_page_lists_the_actors():
    assert first_column("Actors") == set(workers.broker.actors)


@pytest.mark.parametrize("folder", ["domain", "infrastructure"])
def test_the_page_lists_the_rooms(folder: str):
    there = {child.name for child in (ROOT / "sloengine" / folder).iterdir() if (child / "__init__.py").exists()}
    section = PAGE.split("## Rooms\n")[1].split("\n## ")[0]

    missing = {name for name in there if not re.search(rf"[`/ ]{name}[`/ ]", section)}

    assert missing == set()
