from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sloengine.application.journeys import save_journeys
from sloengine.domain.journeys.derive import TracedRequest
from sloengine.infrastructure.memory.journey_traces import MemoryJourneyTraces
from tests.application.organisation import Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check
from tests.infrastructure.exports.openslo_rules import problems

BUY = {
    "name": "buy",
    "entryPoints": ["front"],
    "routes": [{"name": "all", "weight": 1, "services": ["front", "cart", "db"]}],
}


def test_save_list_show_delete(ask: Run, tmp_path: Path):
    file = tmp_path / "journeys.json"
    file.write_text(json.dumps(BUY), encoding="utf-8")

    saved = ask("journeys", "save", str(file), "--json")
    listed, text = ask("journeys", "list", "--json"), ask("journeys", "list")
    shown, said = ask("journeys", "show", "buy", "--json"), ask("journeys", "show", "buy")
    gone = ask("journeys", "delete", "buy", "--json")
    none = ask("journeys", "show", "buy")

    assert [answer.code for answer in (saved, listed, text, shown, said, gone)] == [0] * 6, said.err
    assert listed.json["totalCount"] == 1
    assert "buy" in text.out
    check(shown.json, "Journey")
    assert "weakest links" in said.out
    assert "the service alone" not in said.out
    assert "journey buy, entered by front: 1 route" in said.out
    check(gone.json, "DeletePayload")
    assert none.code == 2
    assert "journeys list" in none.err


def test_deriving_says_what_it_would_save_in_the_shape_that_save_reads(ask: Run, tmp_path: Path):
    dry = ask("journeys", "derive", "--from-graph", "--dry-run", "--json")
    none = ask("journeys", "list", "--json")
    file = tmp_path / "derived.json"
    file.write_text(dry.out, encoding="utf-8")
    saved = ask("journeys", "save", str(file))
    kept = ask("journeys", "derive", "--from-graph")
    both = ask("journeys", "derive")
    tempo = ask("journeys", "derive", "--from-tempo")

    assert [draft["name"] for draft in dry.json["journeys"]] == ["front"]
    assert none.json["totalCount"] == 0
    assert "saved front" in saved.out
    assert "is there, kept" in kept.out
    assert (both.code, tempo.code) == (2, 3)
    assert "SLOENGINE_TEMPO_URL" in tempo.err


def test_what_could_not_be_saved_is_reported_beside_what_was(
    connected: Callable[[Engine], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "edges.csv"
    file.write_text("caller,dependency\na,x\nb,x\n")
    seen = [TracedRequest("nobody", "", ("nobody", "x")), *(TracedRequest(one, "", (one, "x")) for one in "ab")]
    ask = connected(Engine(journey_traces=MemoryJourneyTraces(seen)))
    ask("ingest", str(file))
    monkeypatch.setattr(save_journeys, "MOST_JOURNEYS", 1)

    said = ask("journeys", "derive", "--from-tempo")
    again = ask("journeys", "derive", "--from-tempo", "--json")

    assert (said.code, again.code) == (1, 1)
    assert "not saved" in said.out
    assert "b was not saved: more than 1 journeys" in said.err
    assert "nobody is not in the graph" in said.err
    assert (again.json["saved"], again.json["kept"]) == ([], ["a"])
    assert [one["name"] for one in again.json["failed"]] == ["b"]
    assert len(again.json["warnings"]) == 1


def test_a_file_that_is_none_is_refused_with_the_place(ask: Run, tmp_path: Path):
    file = tmp_path / "journeys.yaml"
    file.write_text("- name: buy\n  entryPoints: [front]\n  rotes: []\n", encoding="utf-8")

    answer = ask("journeys", "save", str(file))

    assert answer.code == 2
    assert "journey 1: rotes is not known" in answer.err


def test_a_file_is_saved_whole_or_not_and_every_mistake_is_told_with_its_row(ask: Run, tmp_path: Path):
    file = tmp_path / "journeys.json"
    wrong = [BUY, {"name": "gone", "entryPoints": ["no-such"]}, {"name": "odd", "entryPoints": ["nor-this"]}]
    file.write_text(json.dumps(wrong), encoding="utf-8")
    misshapen = tmp_path / "misshapen.json"
    misshapen.write_text(json.dumps([{"name": 1}, BUY, {"name": "x", "entryPoints": "front"}]), encoding="utf-8")

    text, answer = ask("journeys", "save", str(file)), ask("journeys", "save", str(file), "--json")
    listed, shapes = ask("journeys", "list", "--json"), ask("journeys", "save", str(misshapen))

    assert (text.code, answer.code, shapes.code) == (2, 2, 2)
    assert "journey 2 (gone): entryPoints.0: no service 'no-such'" in text.err
    assert "journey 3 (odd): entryPoints.0: no service 'nor-this'" in text.err
    assert "nothing was saved" in text.err
    assert [error["path"] for error in answer.json["userErrors"]] == [
        ["input", "journeys", "1", "entryPoints", "0"],
        ["input", "journeys", "2", "entryPoints", "0"],
    ]
    assert listed.json["totalCount"] == 0
    assert "journey 1" in shapes.err
    assert "journey 3" in shapes.err


def test_what_is_exported_is_what_save_reads_and_tiers_are_openslo(ask: Run, tmp_path: Path):
    file = tmp_path / "journeys.json"
    file.write_text(json.dumps([BUY, {"name": "look", "entryPoints": ["front"]}]), encoding="utf-8")
    ask("journeys", "save", str(file))

    exported = ask("journeys", "export")
    again = tmp_path / "again.yaml"
    again.write_text(exported.out, encoding="utf-8")
    for name in ("buy", "look"):
        ask("journeys", "delete", name)
    saved = ask("journeys", "save", str(again), "--json")
    reexported = ask("journeys", "export")
    openslo = ask("journeys", "export", "buy", "--format", "openslo")
    shape = ask("journeys", "export", "buy", "--format", "openslo", "--json")
    missing = ask("journeys", "export", "nothing")

    assert (exported.code, saved.code, openslo.code, missing.code) == (0, 0, 0, 2), saved.err
    assert saved.json.keys() == {"journeys", "userErrors"}
    assert reexported.out == exported.out
    documents = list(yaml.safe_load_all(openslo.out))
    assert [problems(document) for document in documents] == [[]] * len(documents)
    assert {document["kind"] for document in documents} == {"Service", "SLO"}
    check(shape.json, "JourneyExport")
    assert "'nothing'" in missing.err


def test_a_journey_is_drawn_with_its_steps_marked(ask: Run, tmp_path: Path):
    file = tmp_path / "journeys.json"
    file.write_text(json.dumps([BUY, {"name": "all", "entryPoints": ["front"]}]), encoding="utf-8")
    ask("journeys", "save", str(file))

    dot = ask("journeys", "draw", "buy")
    mermaid = ask("journeys", "draw", "all", "--format", "mermaid")
    elements = json.loads(ask("journeys", "draw", "buy", "--format", "cytoscape").out)["elements"]

    assert dot.out.startswith("digraph")
    assert "journeys: buy" in dot.out
    assert "linkStyle" in mermaid.out
    assert {one["data"]["label"] for one in elements["nodes"] if "journey" in one["classes"]} == {
        "front",
        "cart",
        "db",
    }
