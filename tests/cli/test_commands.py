"""What a person sees: text, exit codes, and errors that say what to do next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind
from tests.application.organisation import Engine
from tests.cli.conftest import Run
from tests.cli.files import edges_file, latency_file, sli_file

NOWHERE = "start `sloengine up`"


def test_offline_tells_a_table_of_all_and_the_whole_of_one(run: Run, tmp_path: Path):
    files = ("--edges", edges_file(tmp_path), "--sli", sli_file(tmp_path))

    overview = run("offline", *files)
    one = run("offline", *files, "--service", "front")

    assert (overview.code, one.code) == (0, 0)
    assert "front" in overview.out
    assert "conservative" in one.out.lower()
    assert "confidence" in one.out


def test_who_has_no_target_is_named_also_where_its_name_is_a_common_word(run: Run, tmp_path: Path):
    file = tmp_path / "sli.csv"
    days = [f"2026-01-{day:02}T00:00:00Z,{name},1,1" for name in ("a", "target") for day in range(1, 31)]
    file.write_text("\n".join(["timestamp,service,good,total", *days]) + "\n")

    found = run("offline", "--sli", str(file))

    assert found.code == 0
    assert "no availability target for a: " in found.out
    assert "no availability target for target: " in found.out


def test_names_are_shown_as_they_are(connected: Callable[[Engine], Run], tmp_path: Path):
    odd = ["[fe80::1]:443", "a[/red]b", "cart:key:1"]
    document = tmp_path / "graph.json"
    document.write_text(json.dumps({"services": [{"serviceId": one} for one in odd], "dependencies": []}))
    ask = connected(Engine())

    taken, listed = ask("ingest", str(document)), ask("services")

    assert (taken.code, listed.code) == (0, 0), listed.err
    assert [one for one in odd if one not in listed.out] == []


def test_offline_ignores_data_from_as_of_on(run: Run, tmp_path: Path):
    arguments = ("offline", "--sli", sli_file(tmp_path), "--service", "front", "--json")

    whole = run(*arguments).json["recommendations"][0]["dataQuality"]["daysOfHistory"]
    early = run(*arguments, "--as-of", "2026-02-10").json["recommendations"][0]["dataQuality"]["daysOfHistory"]

    assert whole == pytest.approx(40)
    assert early == pytest.approx(21)


def test_offline_writes_json_only_to_stdout_and_warnings_into_it(run: Run, tmp_path: Path):
    edges = tmp_path / "edges.csv"
    edges.write_text("caller,dependency,kind\nfront,cart,http\nfront,metrics,telemetry\n")

    answer = run("offline", "--edges", str(edges), "--sli", sli_file(tmp_path), "--json")

    assert answer.code == 0
    assert any("telemetry" in warning for warning in answer.json["warnings"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timestamp,service,good,total\n2026-03-01,a,5,x\n", "line 2"),
        ("timestamp,service,good,total\n2026-03-01,a,6,5\n", "line 2"),
        ("time,name\n1,2\n", "timestamp"),
        ("", "empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(run: Run, tmp_path: Path, text: str, said: str):
    file = tmp_path / "sli.csv"
    file.write_text(text)

    for arguments in (("offline", "--sli", str(file), "--json"), ("load-sli", str(file))):
        answer = run(*arguments)

        assert (answer.code, answer.out) == (2, "")
        assert "sli.csv" in answer.err
        assert said in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("offline",), "--sli FILE"),
        (("offline", "--sli", "absent.csv"), "absent.csv"),
        (("offline", "--sli", "sli.csv", "--as-of", "yesterday"), "2026-03-01"),
        (("offline", "--sli", "sli.csv", "--service", "nobody"), "nobody"),
        (("offline", "--sli", "sli.csv", "--window", "fortnight"), "rolling_28d"),
        (("load-sli",), "--latency FILE"),
        (("recommend",), "SERVICE"),
        (("graph", "front", "--depth", "11"), "10"),
        (("accept", "front", "--tier", "brave"), "balanced"),
        (("modify", "front", "--tier", "balanced", "--target", "p95=fast", "--rationale", "so"), "p95=250"),
        (("set-slo", "front", "--target", "99.9", "--rationale", "so"), "availability=99.95"),
        (("set-slo", "front", "--target", "availability=99.9"), "--rationale"),
        (("audit", "list", "--first", "201"), "200"),
        (("nonsense",), "nonsense"),
        (("services", "--nonsense"), "--nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input_ends_with_2_and_says_what_is_allowed(
    connected: Callable[[Engine], Run], tmp_path: Path, arguments: tuple[str, ...], said: str
):
    ask = connected(Engine())
    sli_file(tmp_path)

    answer = ask(*arguments)

    assert answer.code == 2, answer
    assert answer.out == ""
    assert said.lower() in answer.err.lower()
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", "front"),
        ("services", "--json"),
        ("graph", "front"),
        ("accept", "front", "--tier", "balanced"),
        ("modify", "front", "--tier", "balanced", "--target", "p95=250", "--rationale", "so"),
        ("reject", "front", "--rationale", "so"),
        ("set-slo", "front", "--target", "p95=250", "--sli", "latency", "--rationale", "so"),
        ("audit", "verify"),
        ("audit", "list"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_without_an_engine_a_command_ends_with_3_and_says_how_to_start_one(run: Run, arguments: tuple[str, ...]):
    answer = run(*arguments)

    assert (answer.code, answer.out) == (3, "")
    assert NOWHERE in answer.err


@pytest.mark.parametrize("arguments", [("cypher", "RETURN 1"), ("migrate", "up"), ("migrate", "status")])
def test_without_a_database_its_commands_end_with_3(run: Run, arguments: tuple[str, ...]):
    answer = run(*arguments)

    assert (answer.code, answer.out) == (3, "")
    assert "SLOENGINE_NEO4J_URL" in answer.err


def test_files_are_read_before_anybody_is_asked(run: Run, tmp_path: Path):
    assert run("ingest", str(tmp_path / "absent.json")).code == 2
    assert run("ingest", edges_file(tmp_path)).code == 3
    assert run("load-sli", sli_file(tmp_path)).code == 3


def test_a_setting_that_cannot_be_is_named(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLOENGINE_HTTP_PORT", "many")

    answer = run("services")

    assert answer.code == 2
    assert "SLOENGINE_HTTP_PORT" in answer.err


def test_recommend_tells_tiers_bound_and_data(ask: Run):
    answer = ask("recommend", "front", "--sli", "availability")

    assert answer.code == 0
    for word in ("conservative", "balanced", "aggressive", "cart", "confidence"):
        assert word in answer.out.lower()


def test_an_unknown_service_is_named(ask: Run):
    for arguments in (
        ("recommend", "nobody"),
        ("graph", "nobody"),
        ("accept", "nobody", "--tier", "balanced"),
        ("set-slo", "nobody", "--target", "availability=99", "--rationale", "so"),
    ):
        answer = ask(*arguments)
        assert (answer.code, answer.out) == (2, ""), arguments
        assert "nobody" in answer.err


def test_services_are_listed_and_searched(ask: Run):
    everything = ask("services")
    found = ask("services", "--search", "AR", "--json").json

    assert "3 services" in everything.out
    assert "payments" in everything.out
    assert [service["serviceId"] for service in found["services"]] == ["cart"]
    assert ask("services", "--team", "web", "--criticality", "LOW", "--json").json["totalCount"] == 0


def test_the_graph_is_drawn_in_both_directions(ask: Run):
    down, up = ask("graph", "front").out, ask("graph", "db", "--callers").out

    assert down.index("front") < down.index("cart") < down.index("db")
    assert up.index("db") < up.index("cart") < up.index("front")
    assert "db" not in ask("graph", "front", "--depth", "1").out


def test_ingesting_tells_counts_and_ends_with_1_when_rows_are_refused(
    connected: Callable[[Engine], Run], tmp_path: Path
):
    ask = connected(Engine())
    mixed = tmp_path / "mixed.json"
    mixed.write_text(json.dumps({"services": [{"serviceId": ""}, {"serviceId": "ok"}], "dependencies": []}))

    good, bad = ask("ingest", edges_file(tmp_path)), ask("ingest", str(mixed))

    assert good.code == 0
    assert "3 services and 2 dependencies created" in good.out
    assert bad.code == 1
    assert "rejected" in bad.out


def test_the_same_key_gives_the_same_ingestion(connected: Callable[[Engine], Run], tmp_path: Path):
    ask = connected(Engine())
    arguments = ("ingest", edges_file(tmp_path), "--idempotency-key", "k", "--json")

    first, again = ask(*arguments), ask(*arguments)
    (tmp_path / "edges.csv").write_text("caller,dependency\nx,y\n")
    other = ask(*arguments)

    assert first.json["id"] == again.json["id"]
    assert (other.code, other.out) == (2, "")
    assert "idempotency key" in other.err


def test_loading_series_tells_what_came_in_and_what_to_do_next(connected: Callable[[Engine], Run], tmp_path: Path):
    ask = connected(Engine())

    answer = ask("load-sli", sli_file(tmp_path), "--latency", latency_file(tmp_path))
    document = ask("load-sli", sli_file(tmp_path), "--json").json

    assert answer.code == 0
    assert "3 services" in answer.out
    assert "sloengine recommend" in answer.err
    assert document.keys() == {"services", "intervals", "latencyDays", "from", "to", "registered"}
    assert document["intervals"] == 3 * 40 * 24


def test_a_decision_is_told_with_its_delta_and_found_in_the_trail(ask: Run):
    ask("recommend", "front")
    accepted = ask("accept", "front", "--tier", "balanced", "--rationale", "agreed")
    again = ask("accept", "front", "--tier", "balanced")
    changed = ask("set-slo", "front", "--target", "availability=99.999", "--rationale", "contract")
    trail, integrity = ask("audit", "list", "--service", "front"), ask("audit", "verify")

    assert accepted.code == 0
    assert "accept recorded as audit entry 1 for front" in accepted.out
    assert "P(met" in accepted.out
    assert again.code == 2
    assert "99.999 %" in changed.out
    assert "warning" in changed.err
    assert "contract" in trail.out
    assert (integrity.code, integrity.out[:17]) == (0, "intact: 2 entries")


@pytest.mark.parametrize("decision", ["accepted", "rejected", "expired"])
def test_who_decides_too_late_is_told_a_command_that_makes_a_new_recommendation(
    ask: Run, engine: Engine, decision: str
):
    ask("recommend", "front", "--window", "rolling_30d")
    match decision:
        case "accepted":
            ask("accept", "front", "--tier", "balanced")
        case "rejected":
            ask("reject", "front", "--rationale", "no")
        case _:
            engine.clock.advance(timedelta(days=15))

    late = ask("accept", "front", "--tier", "balanced")
    [_, command, *_] = late.err.split("`")
    made = ask(*shlex.split(" ".join(command.split()))[1:])
    accepted = ask("accept", "front", "--tier", "balanced")

    assert (late.code, late.out) == (2, "")
    assert "input." not in late.err
    assert made.code == 0
    assert accepted.code == 0, accepted.err


def test_a_retried_decision_gives_the_same_answer(ask: Run):
    arguments = ("set-slo", "front", "--target", "availability=99", "--rationale", "so", "--idempotency-key", "k")

    first, again = (ask(*arguments, "--json").json for _ in range(2))

    assert again["auditEvent"] == first["auditEvent"]
    assert ask("audit", "list", "--json").json["totalCount"] == 1


def test_a_changed_trail_is_a_finding(ask: Run, engine: Engine):
    ask("set-slo", "front", "--target", "availability=99", "--rationale", "so")
    engine.db.trail[0] = replace(engine.db.trail[0], rationale="something else")

    told, document = ask("audit", "verify"), ask("audit", "verify", "--json")

    assert (told.code, document.code) == (1, 1)
    assert "BROKEN at entry 1" in told.out
    assert document.json["firstBrokenSequence"] == 1


def test_doctor_ends_with_1_when_something_is_red(run: Run):
    told, document = run("doctor"), run("doctor", "--json")

    assert (told.code, document.code) == (1, 1)
    findings = {finding["part"]: finding for finding in document.json["findings"]}
    assert findings["python"]["health"] == "ok"
    assert findings["neo4j"]["health"] == "red"
    assert [word in told.out for word in (" ok ", " red ", "[")] == [True, True, False]
    assert "sloengine up" in findings["neo4j"]["message"]
    assert all(finding.keys() == {"part", "health", "message"} for finding in document.json["findings"])


def test_doctor_says_when_tempo_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch):
    unset = {finding["part"]: finding for finding in run("doctor", "--json").json["findings"]}["traces"]
    monkeypatch.setenv("SLOENGINE_TEMPO_URL", "http://127.0.0.1:1")
    away = {finding["part"]: finding for finding in run("doctor", "--json").json["findings"]}["traces"]

    assert (unset["health"], away["health"]) == ("ok", "red")
    assert "Tempo at http://127.0.0.1:1 did not answer" in away["message"]


def test_nothing_runs_on_an_empty_state_directory(run: Run, tmp_path: Path):
    state = str(tmp_path / "state")

    told, document = run("status", "--state-dir", state), run("status", "--state-dir", state, "--json")

    assert (told.code, document.code) == (3, 3)
    assert "make up" in told.out
    assert document.json["running"] is False
    assert run("down", "--state-dir", state).code == 0
    assert run("reset", "--state-dir", state, "--yes").code == 0
    assert not (tmp_path / "state" / "neo4j").exists()


def test_the_version_is_printed(run: Run):
    answer = run("--version")

    assert answer.code == 0
    assert answer.out.strip().count(".") == 2


def test_a_target_says_what_it_is():
    from sloengine.cli.governance import parse_target

    assert parse_target(" P95 = 250") == SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=250)
    assert parse_target("availability=99.95").availability_ratio == pytest.approx(0.9995)
