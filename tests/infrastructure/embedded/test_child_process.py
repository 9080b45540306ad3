"""Children do not outlive their parent, and nobody else's process is ever ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from sloengine.infrastructure.embedded.child_process import ChildProcess, ProcessRecord, end_left_over, wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)",
]
PARENT = """
import sys, time
from pathlib import Path
from sloengine.infrastructure.embedded.child_process import ChildProcess
home = Path(sys.argv[1])
child = ChildProcess("sleeper", home, home / "log")
child.start([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def bystander(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that somebody else started, in the very directory of the state."""
    process = subprocess.Popen(SLEEP, cwd=tmp_path)
    yield process
    process.kill()
    process.wait()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def record(tmp_path: Path, written: ProcessRecord) -> Path:
    file = tmp_path / "sleeper.pid.json"
    file.write_text(json.dumps(asdict(written)))
    return file


def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert not gone(child)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert wait_until(lambda: gone(child), lambda: True, 60)


def test_stopping_kills_a_child_that_ignores_the_polite_signal(tmp_path: Path) -> None:
    child = ChildProcess("deaf", tmp_path, tmp_path / "log")
    child.start(DEAF)
    assert wait_until(lambda: "deaf" in child.tail(), lambda: True, 60)

    child.stop(grace_seconds=0.2)

    assert child.exit_code() == -signal.SIGKILL
    assert not child.record_file.exists()


def test_stopping_ends_the_children_of_the_child_too(tmp_path: Path) -> None:
    script = f"import subprocess, sys; print(subprocess.Popen({SLEEP!r}).pid, flush=True); input()"
    child = ChildProcess("parent", tmp_path, tmp_path / "log")
    child.start([sys.executable, "-c", f"import time\n{script.replace('input()', 'time.sleep(600)')}"])
    assert wait_until(lambda: child.tail().strip().isdigit(), lambda: True, 60)
    grandchild = int(child.tail())

    child.stop(grace_seconds=5)

    assert wait_until(lambda: gone(grandchild), lambda: True, 60)


def test_the_record_is_for_its_owner_only(tmp_path: Path) -> None:
    child = ChildProcess("sleeper", tmp_path, tmp_path / "log")
    child.start(SLEEP)

    assert child.record_file.stat().st_mode & 0o777 == 0o600

    child.stop(5)


def test_a_child_left_over_is_ended_at_the_next_start(tmp_path: Path, bystander: subprocess.Popen[bytes]) -> None:
    file = record(tmp_path, ProcessRecord.of(bystander.pid, tmp_path))

    assert end_left_over(file) == bystander.pid

    assert gone(bystander.pid)
    assert not file.exists()


@pytest.mark.parametrize("difference", ["start time", "home directory"])
def test_a_process_that_only_shares_the_id_is_left_alone(
    tmp_path: Path, bystander: subprocess.Popen[bytes], difference: str
) -> None:
    real = ProcessRecord.of(bystander.pid, tmp_path)
    other = (
        ProcessRecord(real.pid, real.started_at_seconds - 60, real.home)
        if difference == "start time"
        else ProcessRecord(real.pid, real.started_at_seconds, str(tmp_path / "elsewhere"))
    )
    file = record(tmp_path, other)

    assert end_left_over(file) is None

    assert bystander.poll() is None
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]"])
def test_a_damaged_record_ends_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sleeper.pid.json"
    file.write_text(text)

    assert end_left_over(file) is None


def test_waiting_stops_as_soon_as_the_process_is_gone(tmp_path: Path) -> None:
    child = ChildProcess("short", tmp_path, tmp_path / "log")
    child.start([sys.executable, "-c", "print('no good'); raise SystemExit(7)"])
    began = time.monotonic()

    assert not wait_until(lambda: False, lambda: child.exit_code() is None, 600)

    assert time.monotonic() - began < 60
    assert child.exit_code() == 7
    assert child.tail() == "no good"
    assert os.getpid() != child.pid
    child.stop(1)


def test_what_a_dead_child_had_started_is_ended_too(tmp_path: Path) -> None:
    code = f"import subprocess, time; print(subprocess.Popen({SLEEP!r}).pid, flush=True); time.sleep(600)"
    leader = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert leader.stdout is not None
    orphan = int(leader.stdout.readline())
    file = record(tmp_path, ProcessRecord.of(leader.pid, tmp_path))
    leader.kill()
    leader.wait()
    assert not gone(orphan)

    assert end_left_over(file) == leader.pid

    assert gone(orphan)
