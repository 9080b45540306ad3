"""``sloengine simulate`` as a user meets it, and that what it prints next works."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sloengine.cli.main import app
from sloengine.domain.errors import DomainError, Invalid

UNTIL = ("--until", "2026-10-01")
TRUTH = ("--truth", "--truth-futures", 0)


def run(*arguments: str | Path):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_the_command_that_it_prints_recommends_for_every_monitored_service(tmp_path):
    simulated = run("simulate", tmp_path / "out", "--services", 12, "--days", 20, *TRUTH, *UNTIL)

    assert simulated.exit_code == 0
    command = next(line.strip() for line in simulated.stdout.splitlines() if "offline" in line)
    program, *arguments = shlex.split(command)
    assert program == "sloengine"
    found = run(*arguments, "--json")
    assert found.exit_code == 0
    recommended = {one["service"]["serviceId"] for one in json.loads(found.stdout)["recommendations"]}
    truth = json.loads((tmp_path / "out" / "truth.json").read_text())
    assert recommended == {one["serviceId"] for one in truth["services"] if one["monitored"]}


def test_flawed_telemetry_is_read_and_refused_where_it_must_be(tmp_path):
    run("simulate", tmp_path, "--services", 13, "--days", 20, "--telemetry", "flawed", *TRUTH, *UNTIL)
    services = json.loads((tmp_path / "truth.json").read_text())["services"]
    stuck = {one["serviceId"] for one in services if one["telemetry"]["successAlwaysZero"]}

    found = run("offline", "--edges", tmp_path / "edges.csv", "--sli", tmp_path / "sli.csv", "--json")

    refused = {one["serviceId"]: one["reason"] for one in json.loads(found.stdout)["unavailable"]
               if one["sliType"] == "AVAILABILITY"}  # fmt: skip
    assert stuck
    assert stuck <= refused.keys()


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("simulate", tmp_path / folder, "--services", 5, "--days", 3, "--seed", seed, "--openmetrics", *UNTIL)

    files = {path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*")}
    assert len(files) == 4 + 3 * 4
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "sli.csv").read_bytes() != (tmp_path / "c" / "sli.csv").read_bytes()


def test_a_topology_of_ones_own_at_five_minutes(tmp_path):
    edges = tmp_path / "mine.csv"
    edges.write_text("caller,dependency,criticality\nshop,cart,HARD\ncart,db,SOFT\n")

    found = run("simulate", tmp_path / "out", "--topology", edges, "--days", 2, "--step", "5m", "--json", *UNTIL)

    shape = json.loads(found.stdout)
    assert (shape["services"], shape["dependencies"]) == (3, 2)
    assert (shape["from"], shape["to"]) == ("2026-09-29T00:00:00Z", "2026-10-01T00:00:00Z")
    with (tmp_path / "out" / "sli.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * 288
    assert {row["service"] for row in rows} == {"shop", "cart", "db"}


def test_without_faults_nothing_fails(tmp_path):
    run("simulate", tmp_path, "--services", 13, "--days", 5, "--faults", "none", "--shared", "none", *UNTIL)

    with (tmp_path / "sli.csv").open() as file:
        assert all(row["good"] == row["total"] for row in csv.DictReader(file))


def test_two_topologies_are_refused(tmp_path):
    with pytest.raises(Invalid, match="one of the two"):
        run("simulate", tmp_path, "--services", 3, "--topology", tmp_path / "edges.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("caller,dependency,criticality\na,b,VERY\n", "criticality"),
        ("caller,dependency,redundancy_group,required\na,b,g,3\na,c,g,3\n", "cannot be simulated"),
        ("caller,dependency,criticality\na,b,HARD\na,b,SOFT\n", "cannot be simulated"),
    ],
)
def test_a_topology_that_cannot_be_is_refused_with_a_reason(tmp_path, text, said):
    (tmp_path / "edges.csv").write_text(text)

    with pytest.raises(DomainError, match=said):
        run("simulate", tmp_path / "out", "--topology", tmp_path / "edges.csv", *UNTIL)


def test_an_old_truth_does_not_stay_beside_new_telemetry(tmp_path):
    run("simulate", tmp_path, "--services", 3, "--days", 1, *TRUTH, "--openmetrics", *UNTIL)
    run("simulate", tmp_path, "--services", 3, "--days", 1, "--seed", 8, *UNTIL)

    assert not (tmp_path / "truth.json").exists()
    assert not list(tmp_path.glob("openmetrics/*"))


def test_the_truth_has_everything_that_the_engine_estimates(tmp_path):
    run("simulate", tmp_path, "--services", 13, "--days", 10, *TRUTH, "--faults", "frequent", *UNTIL)

    truth = json.loads((tmp_path / "truth.json").read_text())
    service = truth["services"][0]
    assert [window["days"] for window in service["comingWindows"]] == [7, 28, 30, 90]
    assert set(service["history"]["latencySeconds"]) == {"p50", "p95", "p99"}
    assert sum(cause["shareRatio"] for cause in service["history"]["causes"]) == pytest.approx(1)
    assert 0 < service["longRun"]["availabilityRatio"] < service["longRun"]["intrinsicAvailabilityRatio"] < 1
    with (tmp_path / "edges.csv").open() as file:
        declared = {(row["caller"], row["dependency"]) for row in csv.DictReader(file)}
    assert {(call["caller"], call["dependency"]) for call in truth["calls"]} == declared
    assert truth["incidents"]
    assert all(incident["startsAt"] < incident["endsAt"] for incident in truth["incidents"])
    both = [pair for pair in truth["pairs"] if pair["history"]["hitByBothRequests"]]
    assert both
    assert all(
        0 < pair["history"]["hitByBothRequests"] <= pair["history"]["hitByEitherRequests"]
        and {(pair["caller"], one) for one in pair["dependencies"]} <= declared
        for pair in both
    )
    # Nothing was played on: nothing is said of laws, and why.
    assert truth["law"] == {"playings": 0, "reason": "--truth-futures 0"}
    assert service["comingLatency"]["law"] is None
    assert {window["law"] for window in service["comingWindows"]} == {None}


def test_the_law_of_windows_to_come_is_the_same_for_the_same_seed_and_says_what_it_does_not_know(tmp_path):
    asked = ("--services", 4, "--days", 3, "--truth", "--truth-futures", 5, "--faults", "frequent")
    for name in ("a", "b"):
        run("simulate", tmp_path / name, *asked, "--until", "2026-10-03")  # inside a week of the simulator

    text = (tmp_path / "a" / "truth.json").read_text()
    assert text == (tmp_path / "b" / "truth.json").read_text()
    truth = json.loads(text)
    assert [one["holdRatio"] for one in truth["law"]["promises"]] == [None, None, pytest.approx(5 / 6)]
    for service in truth["services"]:
        laws = [window["law"] for window in service["comingWindows"]]
        laws += [{way: law[percentile] for way, law in service["comingLatency"]["law"].items()}
                 for percentile in ("p95", "p99")]  # fmt: skip
        for law in laws:
            assert set(law) == {"otherCourses", "futures"}
            for one in law.values():
                assert one["playings"] == 5
                conservative, balanced, aggressive = one["oracle"]
                for unknown, fewest in ((conservative, 49), (balanced, 12)):
                    assert unknown.get("availabilityRatio", unknown.get("latencySeconds")) is None
                    assert unknown["reason"].startswith(f"takes {fewest} playings")
                assert "reason" not in aggressive
                values = [*one["quantiles"][3].values()][1:]
                assert values[0] > 0
    first = [service["comingWindows"][1]["law"] for service in truth["services"]]
    assert first != [service["comingWindows"][3]["law"] for service in truth["services"]]
    assert all(law["otherCourses"] != law["futures"] for law in first)


def test_how_often_to_play_is_a_question_about_the_truth(tmp_path):
    with pytest.raises(Invalid, match="name --truth, too"):
        run("simulate", tmp_path, "--services", 3, "--truth-futures", 5, *UNTIL)


def test_of_large_organisations_no_law_is_played_unless_asked_for(tmp_path):
    run("simulate", tmp_path, "--services", 9, "--days", 1, "--step", "5m", "--truth", *UNTIL)

    law = json.loads((tmp_path / "truth.json").read_text())["law"]
    assert law["playings"] == 0
    assert "--truth-futures 50" in law["reason"]


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Invalid, match="file/out cannot be written"):
        run("simulate", tmp_path / "file" / "out", "--services", 2, "--days", 1, *UNTIL)
