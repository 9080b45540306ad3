"""A child that ends is noticed, said and restarted; one that ends again and again stops it all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sloengine.infrastructure.embedded.child_process import wait_until
from sloengine.infrastructure.embedded.errors import EmbeddedServerFailed
from sloengine.infrastructure.embedded.supervisor import OwnProcess, Supervisor


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str], time: Time):
    supervisor = Supervisor(said.append, time)
    yield supervisor
    supervisor.stop()


def python(name: str, code: str, home: Path) -> OwnProcess:
    return OwnProcess(
        name, [sys.executable, "-c", code], {}, home=home, log=home / f"{name}.log", stop_grace_seconds=5
    )


def ended(process: OwnProcess) -> None:
    assert wait_until(lambda: process.exit_code() is not None, lambda: True, 60)


def keep_failing(supervisor: Supervisor, process: OwnProcess, time: Time) -> None:
    for _ in range(20):
        ended(process)
        supervisor.check()
        time.now += 10


def test_a_child_that_ends_is_said_and_started_again_after_a_pause(supervisor, said, time, tmp_path) -> None:
    process = python("worker", "raise SystemExit(3)", tmp_path)
    supervisor.start("worker", process)
    first = process.pid
    ended(process)

    assert supervisor.check() is False
    assert supervisor.check() is False  # the pause is not over
    time.now += 0.5
    assert supervisor.check() is True

    assert process.pid != first
    assert said == [f"worker has ended (exit code 3); starting it again in 0.5 s. Log: {tmp_path / 'worker.log'}"]


def test_a_child_that_keeps_ending_stops_it_all(supervisor, said, time, tmp_path) -> None:
    process = python("api", "raise SystemExit(1)", tmp_path)
    supervisor.start("api", process)

    with pytest.raises(EmbeddedServerFailed, match=r"api ended 6 times in a row \(exit code 1\); see .*api\.log"):
        keep_failing(supervisor, process, time)

    assert len(said) == 5


def test_old_failures_are_forgotten_once_a_child_has_run_for_long(supervisor, said, time, tmp_path) -> None:
    process = python("api", "raise SystemExit(1)", tmp_path)
    supervisor.start("api", process)

    for _ in range(8):
        ended(process)
        supervisor.check()  # notices
        time.now += 10
        supervisor.check()  # restarts
        time.now += 200
    ended(process)

    assert all("in 0.5 s" in sentence for sentence in said)


def test_everything_is_stopped_last_started_first(supervisor, said, tmp_path) -> None:
    for name in ("store", "api"):
        supervisor.start(name, python(name, "import time; time.sleep(600)", tmp_path))

    supervisor.stop()

    assert said == ["stopping api", "stopping store"]
    assert not list(tmp_path.glob("*.pid.json"))
