from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from sloengine.cli import output
from sloengine.cli.main import app
from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.errors import Invalid, Unavailable
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.infrastructure.files.sli_csv import write_sli
from tests.domain.accuracy.test_points import START, levels
from tests.domain.recommendation.organizations import organization


@pytest.fixture
def sli(tmp_path: Path) -> Path:
    path = tmp_path / "sli.csv"
    write_sli(path, organization(services=5, days=100))
    return path


def test_json_has_hold_rate_and_tightness_of_every_tier(sli: Path, tmp_path: Path):
    svg = tmp_path / "plot.svg"

    asked = ["accuracy", "--sli", str(sli), "--every-days", "21", "--svg", str(svg), "--json"]
    result = CliRunner().invoke(app, asked)

    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    engine = [row for row in said["tiers"] if row["estimator"] == "ENGINE" and row["trafficClass"] is None]
    assert [row["tier"] for row in engine] == ["CONSERVATIVE", "BALANCED", "AGGRESSIVE"]
    assert all(90 <= row["medianAvailability"] < 100 and 0 <= row["attained"]["value"] <= 1 for row in engine)
    assert said["calibration"][0].keys() == {"sliType", "kind", "promised", "attained", "low", "high", "windows"}
    assert svg.read_text().count("<circle ") == len(said["calibration"])


def test_people_get_tables_and_a_plot(sli: Path):
    result = CliRunner().invoke(app, ["accuracy", "--sli", str(sli), "--every-days", "21"])

    assert result.exit_code == 0, result.stderr
    assert "What the engine promised" in result.stdout
    assert "own bootstrap" in result.stdout
    assert "o attained, | promised" in result.stdout


@pytest.mark.parametrize("columns", [80, 100])
def test_a_narrow_terminal_keeps_every_name_and_number(
    columns: int, sli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sites = tmp_path / "sites.csv"
    sites.write_text("service,site\n" + "".join(f"service-{i},{'ab'[i % 2]}\n" for i in range(5)))
    narrow = Console(width=columns, markup=False, emoji=False, file=io.StringIO())
    monkeypatch.setattr(output, "out", narrow)
    asked = ["accuracy", "--sli", str(sli), "--every-days", "35", "--train-days", "7", "--train-days", "30"]

    result = CliRunner().invoke(app, [*asked, "--clusters", str(sites)])

    assert result.exit_code == 0, result.stderr
    said = narrow.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in said
    for name in ("from", "30 days", "conservative", "bootstrap", "99.5 %", "windows", "target"):
        assert name in said
    assert all(len(line) <= columns for line in said.splitlines() if line.startswith((" tier", " conserv")))


def test_services_of_one_site_count_together(sli: Path, tmp_path: Path):
    sites = tmp_path / "sites.csv"
    sites.write_text("service,site\n" + "".join(f"service-{i},{'ab'[i % 2]}\n" for i in range(5)))

    asked = ["accuracy", "--sli", str(sli), "--every-days", "21", "--clusters", str(sites), "--json"]
    said = json.loads(CliRunner().invoke(app, asked).stdout)

    assert said["clusters"] == 2


def test_edges_alone_are_not_enough():
    result = CliRunner().invoke(app, ["accuracy", "--edges", "edges.csv"])

    assert isinstance(result.exception, Invalid)
    assert "--sli FILE" in str(result.exception)


def test_without_a_file_the_running_engine_is_asked(monkeypatch: pytest.MonkeyPatch):
    taught = levels(np.random.default_rng(15).random(480))
    later = START + timedelta(days=400)
    empty = CalibrationRecord.empty(ObjectiveKind.AVAILABILITY, later)
    record = empty.with_windows([one.as_of for one in taught], taught, EngineSettings(), later)
    monkeypatch.setattr("sloengine.cli.session.ask", lambda _state_dir, _work: [record])

    plain = CliRunner().invoke(app, ["accuracy"])
    said = json.loads(CliRunner().invoke(app, ["accuracy", "--json"]).stdout)

    assert "o attained, | promised" in plain.stdout
    assert "else shipped" in plain.stdout
    assert said["calibration"][6]["promised"] == 0.92
    assert record.own is not None
    assert said["maps"]["AVAILABILITY"]["ownWindows"] == record.own.own_windows > 0


def test_without_anything_running_it_says_what_to_start(tmp_path: Path):
    result = CliRunner().invoke(app, ["accuracy", "--state-dir", str(tmp_path)])

    assert isinstance(result.exception, Unavailable)
