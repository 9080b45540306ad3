"""One ``up`` a state directory; what it made can be removed without touching anything else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sloengine.infrastructure.embedded.errors import StateInUse, StateNotWritable
from sloengine.infrastructure.embedded.state_directory import StateDirectory, StateLock

HOLD = """
import sys
from pathlib import Path
from sloengine.infrastructure.embedded.state_directory import StateDirectory, StateLock
lock = StateLock(StateDirectory.at(Path(sys.argv[1])))
lock.acquire()
print("held", flush=True)
input()
"""


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    state = StateDirectory.at(tmp_path / "state")
    state.prepare()
    return state


def test_a_second_up_on_the_same_state_is_told_who_holds_it(state: StateDirectory) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lock = StateLock(state)

        assert lock.is_held()
        assert lock.holder() == holder.pid
        with pytest.raises(StateInUse, match=rf"process {holder.pid}\) runs on .*sloengine down"):
            lock.acquire()
    finally:
        holder.kill()
        holder.wait()

    assert not lock.is_held()
    assert lock.holder() is None
    lock.acquire()
    assert lock.is_held()
    lock.release()


def test_the_development_key_stays_the_same(state: StateDirectory) -> None:
    assert state.development_key() == state.development_key()
    assert (state.root / "dev-api-key").stat().st_mode & 0o777 == 0o600


def test_what_was_written_about_the_run_is_private_and_read_back(state: StateDirectory) -> None:
    assert state.running() is None

    state.write_run({"neo4j_password": "secret"})

    assert state.running() == {"neo4j_password": "secret"}
    assert state.run_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_damaged_run_file_is_no_run(state: StateDirectory, text: str) -> None:
    state.run_file.write_text(text)

    assert state.running() is None


def test_clearing_leaves_what_is_not_ours(state: StateDirectory) -> None:
    foreign = state.root / "notes.txt"
    foreign.write_text("mine")
    state.development_key()
    (state.neo4j / "data").mkdir(parents=True)

    state.clear()

    assert [path.name for path in state.root.iterdir()] == ["notes.txt"]


def test_clearing_removes_a_directory_that_was_all_ours(state: StateDirectory) -> None:
    state.clear()

    assert not state.root.exists()


def test_only_a_directory_that_up_has_worked_on_is_a_state_directory(state: StateDirectory) -> None:
    assert not state.exists()

    lock = StateLock(state)
    lock.acquire()
    lock.release()

    assert state.exists()


def test_a_disk_that_is_all_but_full_is_refused_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=3_000_000))

    with pytest.raises(StateNotWritable, match=r"only 3 MB are free .* make room, or name another --state-dir"):
        StateDirectory.at(tmp_path / "state").prepare()
