from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from sloengine.application.ports.drift_store import WatchUpdate
from sloengine.cli.drift_text import events_table, plot
from sloengine.domain.drift.alarm import DriftEvent, TargetMove
from sloengine.domain.drift.model import Detector, hour_of
from sloengine.domain.drift.watch import Watch
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from sloengine.domain.topology.service import Service
from tests.application.organisation import HOUR, NOW, Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check


@pytest.fixture
def shifted(tmp_path: Path) -> Path:
    """Six weeks with a daily rhythm; the value rises on 2026-02-05."""
    values = 100 + 10 * np.sin(np.arange(1_008) / 24 * 2 * np.pi) + np.random.default_rng(1).standard_normal(1_008)
    values[840:] += 8
    rows = [f"{1767225600 + 3600 * hour},{value}" for hour, value in enumerate(values)]
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["timestamp,value", *rows]))
    return path


def test_a_change_in_a_file_is_found_and_drawn_with_no_server(run: Run, shifted: Path):
    found = run("drift", "--series", shifted, "--plot")

    assert found.code == 0, found.err
    assert "2026-02-05 00:00" in found.out
    assert "page-hinkley" in found.out
    assert "█" in found.out
    assert "^" in found.out


def test_a_change_in_a_file_as_json(run: Run, shifted: Path):
    document = run("drift", "--series", shifted, "--json").json

    [change] = document["changes"]
    assert change["startedAt"] == "2026-02-05T00:00:00+00:00"
    assert change["after"] - change["before"] > 5
    assert document["judgedFrom"] < change["startedAt"]


def test_a_file_whose_last_days_are_not_judged_says_so(run: Run, tmp_path: Path):
    values = 100 + np.random.default_rng(1).standard_normal(1_008)
    values[-60:] += 8
    path = tmp_path / "series.csv"
    rows = [f"{1767225600 + 3600 * hour},{value}" for hour, value in enumerate(values)]
    path.write_text("\n".join(["timestamp,value", *rows]))

    text, document = run("drift", "--series", path), run("drift", "--series", path, "--json").json

    assert "at its end:" in text.out
    assert "hours are too few: 168, from 2026-02-" in document["notJudged"]


def test_too_little_is_said_so(run: Run, tmp_path: Path):
    path = tmp_path / "short.csv"
    path.write_text("timestamp,value\n0,1\n3600,2\n")

    found = run("drift", "--series", path)

    assert found.code == 2
    assert "too few" in found.err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([f"{1767225600 + 86_400 * day},{day}" for day in range(200)], "56 hours with a value, of the last 1344"),
        ([f"{1767225600 + 3_600 * hour}," for hour in range(500)], "not a single hour has a value"),
        (["0,1"], "1 hour is too few"),
    ],
)
def test_what_nobody_has_looked_at_is_not_called_unchanged(run: Run, tmp_path: Path, rows: list[str], said: str):
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["timestamp,value", *rows]))

    found = run("drift", "--series", path, "--json")

    assert found.code == 2
    assert said in " ".join(found.err.split())
    assert not found.out.strip()


FELL = DriftEvent(
    event_id="e",
    service_id="front",
    sli_type=SliType.AVAILABILITY,
    kind=ObjectiveKind.AVAILABILITY,
    detected_at=NOW,
    started_at=NOW - 5 * HOUR,
    votes=(Detector.ADWIN, Detector.KOLMOGOROV_SMIRNOV),
    before=0.9995,
    after=0.99,
    last_alarm_at=NOW,
    recommendation_id="r",
    targets=(TargetMove(TierName.BALANCED, ObjectiveKind.AVAILABILITY, 0.999, 0.98),),
)


async def keep(engine: Engine) -> None:
    await engine.graph.register([Service("front")], now=NOW)
    update = WatchUpdate("front", FELL.kind, Watch(hour_of(NOW), 0), 0, events=(FELL,))
    await engine.stores.drift.save([update])
    await engine.stores.drift.finish(FELL, actor="engine", rationale="why", now=NOW)


def test_events_of_a_service_say_what_became_of_its_target(connected: Callable[[Engine], Run]):
    engine = Engine()
    asyncio.run(keep(engine))
    ask = connected(engine)

    text, document = ask("drift", "front"), ask("drift", "--json").json
    named = ask("drift", "front", "--json").json

    assert "99.95 %" in text.out
    assert "98 %" in text.out
    assert "draw" not in text.out
    assert "nothing to draw: no hourly value of front" in ask("drift", "front", "--plot").out
    assert "availability: not a single hour has a value" in text.out
    assert named["notJudged"] == [{"kind": "AVAILABILITY", "reason": "not a single hour has a value"}]
    assert "notJudged" not in document
    [event] = document["driftEvents"]
    check(event, "DriftEvent", stored=True)
    assert document["totalCount"] == 1


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_narrow_terminal_shows_times_levels_and_targets_whole(width: int):
    named = replace(
        FELL,
        service_id="a-service-with-a-long-name",
        before=0.999987,
        votes=tuple(Detector),
        reevaluated_at=NOW,
    )
    console = Console(width=width)

    with console.capture() as captured:
        console.print(events_table([named], width))

    said = captured.get()
    assert "…" not in said
    for whole in (f"{FELL.started_at:%Y-%m-%d}", f"{FELL.detected_at:%H:%M}", "99.9987 %", "→ 99 %", "→ 98 %"):
        assert whole in said
    assert ("kolmogorov-smirnov" in said) is (width == 120)
    assert max(map(len, said.splitlines())) <= width


def test_a_plot_fits_the_terminal_and_explains_its_marks():
    lines = plot(np.arange(500.0), 1_000, [(1_100, 1_300)], "t", width=60).splitlines()

    assert max(map(len, lines)) <= 60
    assert "^ likely since, ! seen" in lines[-1]
    assert "^" not in plot(np.arange(500.0), 1_000, [], "t")
    assert plot(np.full(9, np.nan), 1_000, [], "t") == "t: no hourly value on record"


@pytest.mark.parametrize("width", [1, 10, 500])
def test_a_plot_is_as_wide_as_there_is_room_and_marks_the_hour(width: int):
    values = np.arange(width, dtype=float)
    values[1::3] = np.nan

    lines = plot(values, 1_000, [(1_000, 1_000 + width - 1)], "t").splitlines()

    assert max(map(len, lines[1:7])) <= 84 + 8
    assert "^" in lines[7]
