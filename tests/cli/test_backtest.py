from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sloengine.cli.backtest_text import budget_plot
from sloengine.cli.main import app
from sloengine.domain.errors import Invalid
from sloengine.domain.recommendation.replayed import BacktestPoint


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
    assert "the worst of the 2, to 2026-03-02: the budget spent 1.49 times" in tight
    assert "1 page and 1 ticket would have come" in tight
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
    with pytest.raises(Invalid) as bad:
        run("backtest", "web", "--sli", sli, "--p95", -1)
    assert bad.value.path == ("--p95",)


def point(day: int, left: float) -> BacktestPoint:
    at = datetime(2026, 1, 1, tzinfo=UTC) + day * timedelta(days=1)
    return BacktestPoint(at - timedelta(days=28), at, left >= 0, left, 0.999)


def test_a_window_missed_by_little_is_drawn_and_days_that_do_not_fit_are_told():
    drawn = budget_plot([point(day, -0.03 if day == 40 else 0.5) for day in range(50)], 48).plain.splitlines()

    assert drawn[6].strip() == "█"
    assert "newest 40 of 50 windows" in drawn[-1]
    assert max(map(len, drawn)) <= 80


def test_the_worst_day_is_told_where_windows_that_do_not_overlap_hide_it(sli: Path, tmp_path: Path):
    rows = sli.read_text().splitlines()
    # Failures on both sides of the border of two windows: neither has them all.
    border = 1 + 24 * 32
    for hour in (border - 5, border + 5):
        rows[hour] = rows[hour].replace(",1000,1000", ",500,1000")
    path = tmp_path / "split.csv"
    path.write_text("\n".join(rows))

    said = run("backtest", "web", "--sli", path, "--target", 99.9, "--no-plot").stdout

    assert "the worst of the 2, to 2026-03-02: the budget spent 2.24 times" in said
    assert "the worst of all days, to 2026-02-21: the budget spent 2.98 times" in said


def test_calendar_windows_say_what_they_are_replayed_by(sli: Path):
    said = run("backtest", "web", "--sli", sli, "--target", 99, "--window", "calendar_month").stdout

    assert "past windows are 30.4 days, a mean month, back from the newest data" in said
