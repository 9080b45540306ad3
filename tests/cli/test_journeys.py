from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.shapes import check

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


def test_a_file_that_is_none_is_refused_with_the_place(ask: Run, tmp_path: Path):
    file = tmp_path / "journeys.yaml"
    file.write_text("- name: buy\n  entryPoints: [front]\n  rotes: []\n", encoding="utf-8")

    answer = ask("journeys", "save", str(file))

    assert answer.code == 2
    assert "journey 1: rotes is not known" in answer.err
