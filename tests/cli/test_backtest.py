from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sloengine.cli.main import app
from sloengine.domain.errors import Invalid


def run(*arguments: str | Path):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def sli(tmp_path: Path) -> Path:
    """Sixty days of hours; one of them, on 2026-02-20, failed altogether."""
    rows = ["timestamp,service,good,total"]
    for hour in range(24 * 60):
        good = 0 if hour == 24 * 50 + 6 else 1000
        rows.append(f"{1767225600 + 3600 * hour},web,{good},1000")
    path = tmp_path / "sli.csv"
    path.write_text("\n".join(rows))
    return path


def test_objectives_are_replayed_from_a_file_with_a_plot(sli: Path):
    found = run("backtest", "web", "--sli", sli, "--target", 99.9, "--target", 99)

    assert found.exit_code == 0
    tight, loose = found.stdout.split("web: ")[1:]
    assert "met in 1 of 2 windows" in tight
    assert "the budget spent 1.5 times" in tight
    assert "█" in tight
    assert "-100 %" in tight
    assert "met in 2 of 2 windows" in loose
    assert "-100 %" not in loose
    assert "page   over 1h  2026-02-20 07:00" in tight


def test_json_is_the_graphql_type_and_nothing_else(sli: Path):
    found = run("backtest", "web", "--sli", sli, "--target", 99.9, "--p95", 250, "--json")

    availability, latency = json.loads(found.stdout)["backtests"]
    assert availability["availabilityPercent"] == 99.9
    assert availability["backtest"]["windows"] == 2
    assert availability["backtest"]["alerts"][0]["severity"] == "page"
    assert (latency["kind"], latency["thresholdMs"], latency["backtest"]) == ("LATENCY_P95", 250.0, None)


def test_what_is_missing_is_asked_for(sli: Path):
    with pytest.raises(Invalid, match=r"--target 99\.9"):
        run("backtest", "web", "--sli", sli)
    with pytest.raises(Invalid, match="they have web"):
        run("backtest", "wep", "--sli", sli, "--target", 99)
    with pytest.raises(Invalid, match="100 % leaves no budget"):
        run("backtest", "web", "--sli", sli, "--target", 100)
