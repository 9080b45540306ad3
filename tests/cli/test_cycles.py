from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application.organisation import Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check


@pytest.fixture
def circle(connected: Callable[[Engine], Run], tmp_path: Path) -> Run:
    """Seven services that call each other in a circle."""
    file = tmp_path / "circle.csv"
    names = "abcdefg"
    rows = [f"{one},{names[(place + 1) % len(names)]}" for place, one in enumerate(names)]
    file.write_text("\n".join(["caller,dependency", *rows]))
    ask = connected(Engine())
    assert ask("ingest", str(file)).code == 0
    return ask


def test_alerts_are_listed_acknowledged_resolved_and_reopened(circle: Run):
    listed = circle("cycles")
    (alert,) = circle("cycles", "--json").json["circularDependencyAlerts"]
    stored = next(word for word in listed.out.split() if word.startswith("alert-"))

    acknowledged = circle("cycles", "acknowledge", stored, "--note", "known since the merger")
    resolved = circle("cycles", "resolve", alert["id"], "--json")
    still_open = circle("cycles", "--status", "open")
    reopened = circle("cycles", "reopen", stored)
    shown = circle("cycles", "--status", "open", "--json").json

    assert "a → b → c → d → e → … 2 more … → a" in listed.out
    assert (acknowledged.code, resolved.code, reopened.code) == (0, 0, 0), acknowledged.err
    assert acknowledged.out.startswith(f"{stored} is acknowledged")
    check(resolved.json, "UpdateCircularDependencyAlertPayload")
    assert resolved.json["alert"]["note"] == "known since the merger"
    assert "no alert is open" in still_open.out
    assert shown["totalCount"] == 1
    assert [line["status"] for line in shown["circularDependencyAlerts"][0]["history"]] == [
        "OPEN",
        "ACKNOWLEDGED",
        "RESOLVED",
        "OPEN",
    ]


def test_an_unknown_alert_and_options_before_the_command_are_refused(circle: Run):
    unknown = circle("cycles", "acknowledge", "alert-none")
    misplaced = circle("cycles", "--json", "acknowledge", "alert-none")

    assert (unknown.code, misplaced.code) == (2, 2)
    assert "no alert 'alert-none'" in unknown.err
    assert "put options behind `acknowledge`" in misplaced.err


def test_no_alert_is_said(ask: Run):
    assert "no alert" in ask("cycles").out
