from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sloengine.infrastructure.sample.organisation import sample_document
from tests.application.impact.test_analyse_impact import organisation
from tests.application.organisation import Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check

ROOT = Path(__file__).parents[2]


def test_a_file_of_edits_is_explored(connected: Callable[[Engine], Run], tmp_path: Path):
    ask = connected(asyncio.run(organisation(store=2, cart=2.5, checkout=5)))
    (tmp_path / "edits.yaml").write_text("- soften: {caller: cart, dependency: store}\n")

    text = ask("what-if", "edits.yaml", "--focus", "cart").out
    document = ask("what-if", "edits.yaml", "--focus", "cart", "--json").json

    assert "soften: caller cart, dependency store" in text
    check(document, "WhatIfResult")
    assert document["budgetMinutesGained"] > 0
    week = ask("what-if", "edits.yaml", "--focus", "cart", "--window", "rolling_7d", "--json").json
    assert 4 * week["budgetMinutesGained"] == pytest.approx(document["budgetMinutesGained"], rel=1e-6)


def test_bad_edits_end_with_2_and_name_the_field(connected: Callable[[Engine], Run], tmp_path: Path):
    ask = connected(asyncio.run(organisation()))
    (tmp_path / "edits.json").write_text('[{"addReplica": {"serviceId": "store", "replicas": 2, "required": 3}}]')

    answer = ask("what-if", "edits.json", "--focus", "cart")

    assert answer.code == 2
    assert "edits.0.addReplica.required" in answer.err


def test_the_documented_example_runs(connected: Callable[[Engine], Run], tmp_path: Path):
    page = (ROOT / "docs" / "science" / "what-if.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    (tmp_path / "edits.yaml").write_text(example.group(1), encoding="utf-8")
    engine = Engine()
    asyncio.run(engine.ingest(document=sample_document()))

    document = connected(engine)("what-if", "edits.yaml", "--focus", "checkout", "--json").json

    assert len(document["edits"]) == 4
