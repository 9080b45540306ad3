"""``sloengine up`` as a user meets it: the real command, real Neo4j and Redis, the sample organisation."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from sloengine.infrastructure.embedded.child_process import wait_until

pytestmark = [pytest.mark.neo4j, pytest.mark.redis, pytest.mark.timeout(3600)]

READY = re.compile(r"^sloengine ready (http://\S+)$", re.MULTILINE)
QUERY = """{
  services(first: 100) { totalCount nodes { serviceId recommendation(sliType: AVAILABILITY) { __typename } } }
}"""


LATER_START_SECONDS = 45  # the goal on two cores that have nothing else to do
LATER_STARTS = 3  # of which one reaches it: a machine that was busy during all of them says so in its load


def busy_factor() -> float:
    """How much longer things take because others use the machine: 1 on an idle one."""
    return max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


class Up:
    """One running command, its output collected."""

    def __init__(self, state: Path, *arguments: str) -> None:
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith("SLOENGINE_") or k == "SLOENGINE_CACHE_DIR"
        }
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sloengine.cli.main", "up", "--state-dir", str(state), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(self.process.stdout)

    @property
    def said(self) -> str:
        return "".join(self._lines)

    def wait_ready(self, seconds: float = 1200) -> str:
        """The address it prints last."""
        wait_until(lambda: READY.search(self.said) is not None, lambda: self.process.poll() is None, seconds)
        found = READY.search(self.said)
        assert found, f"not ready after {time.monotonic() - self.began:.0f} s:\n{self.said}"
        return found[1]

    def ended(self, seconds: float = 120) -> int:
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code


def sloengine(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sloengine.cli.main", *arguments], capture_output=True, text=True, check=False
    )


def children(state: Path) -> dict[str, int]:
    run = json.loads((state / "run.json").read_text())
    return {name: child["pid"] for name, child in run["children"].items()}


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def working_on(state: Path) -> list[str]:
    """Every process that was told of this state directory, whoever started it."""
    found = []
    for process in psutil.process_iter():
        try:
            named = process.environ().get("SLOENGINE_STATE_DIR") == str(state) or str(state) in process.cmdline()
            if named and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid}: {' '.join(process.cmdline())[:200]}")
        except psutil.Error:
            continue
    return found


def ask(base: str, key: str) -> dict[str, Any]:
    answer = httpx.post(f"{base}/graphql", json={"query": QUERY}, headers={"X-API-Key": key}, timeout=120)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert "errors" not in body, body
    return body["data"]


@pytest.fixture
def started() -> Iterator[list[Up]]:
    """Whatever a test starts is ended, however it goes."""
    runs: list[Up] = []
    yield runs
    for run in runs:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(120)


def test_one_command_leads_to_recommendations_and_survives_every_kind_of_end(tmp_path, started) -> None:
    state = tmp_path / "state"
    first = Up(state, "--http-port", "0")
    started.append(first)
    base = first.wait_ready()

    # the table, and where to look
    assert "simulated sample organisation" in first.said
    key = re.search(r"/graphql#key=(\S+)", first.said)
    assert key
    assert f"{base}/health/ready" in first.said
    run_file = state / "run.json"
    assert run_file.stat().st_mode & 0o777 == 0o600
    assert set(children(state)) == {"neo4j", "redis", "api", "worker", "scheduler"}

    # the API
    assert httpx.get(f"{base}/health/ready", timeout=60).status_code == 200
    data = ask(base, key[1])
    total = data["services"]["totalCount"]
    assert 30 <= total <= 60
    kinds = [node["recommendation"]["__typename"] for node in data["services"]["nodes"]]
    assert kinds.count("Recommendation") > total / 2
    assert httpx.post(f"{base}/graphql", json={"query": QUERY}, timeout=60).status_code == 401

    # status, from another shell
    status = sloengine("status", "--state-dir", str(state), "--json")
    assert status.returncode == 0, status.stderr
    shape = json.loads(status.stdout)
    assert shape["ready"]
    assert shape["pid"] == first.process.pid
    assert all(Path(process["log"]).is_file() for process in shape["processes"])

    # nobody else on the same state, or on the same port
    second = sloengine("up", "--state-dir", str(state), "--http-port", "0")
    assert second.returncode == 3
    assert f"process {first.process.pid}" in second.stderr
    other = sloengine("up", "--state-dir", str(tmp_path / "other"), "--http-port", base.rsplit(":", 1)[1])
    assert other.returncode == 3
    assert "is taken: name another with --http-port" in " ".join(other.stderr.split())
    assert sloengine("reset", "--yes", "--state-dir", str(state)).returncode == 2

    # a child that dies comes back
    worker = children(state)["worker"]
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: children(state).get("worker") not in {None, worker}, lambda: True, 120)
    assert wait_until(lambda: "worker has ended (signal SIGKILL)" in first.said, lambda: True, 120)

    # killed outright: no child stays, and nothing stops the next one
    again = first
    for _ in range(LATER_STARTS):
        before = children(state)
        again.process.kill()
        again.process.wait()
        assert all(wait_until(partial(gone, pid), lambda: True, 120) for pid in before.values())
        assert wait_until(lambda: not working_on(state), lambda: True, 120), working_on(state)
        again = Up(state, "--http-port", "0")
        started.append(again)
        base = again.wait_ready()
        seconds = time.monotonic() - again.began
        if seconds < LATER_START_SECONDS * busy_factor():
            break
    else:
        pytest.fail(f"{seconds:.0f} s to the table:\n{again.said}")
    assert ask(base, key[1])["services"]["totalCount"] == total

    # Ctrl-C stops every child, and says so
    before = children(state)
    again.process.send_signal(signal.SIGINT)
    assert again.ended() == 0, again.said
    assert all(gone(pid) for pid in before.values())
    assert not working_on(state)
    assert not run_file.exists()
    assert sloengine("status", "--state-dir", str(state)).returncode == 3

    # and reset leaves nothing
    assert sloengine("reset", "--yes", "--state-dir", str(state)).returncode == 0
    assert not state.exists()


def test_without_the_sample_it_says_what_to_do_next_and_down_stops_it(tmp_path, started) -> None:
    state = tmp_path / "state"
    killed = Up(state, "--http-port", "0", "--no-sample")
    started.append(killed)
    assert wait_until(lambda: "starting API" in killed.said, lambda: killed.process.poll() is None, 600), (
        killed.said
    )
    killed.process.kill()  # while Neo4j makes its first databases
    killed.ended()
    assert wait_until(lambda: not working_on(state), lambda: True, 120), working_on(state)

    run = Up(state, "--http-port", "0", "--no-sample")
    started.append(run)
    run.wait_ready()

    assert "The graph is empty" in run.said
    assert "sloengine ingest FILE" in run.said
    assert "--prometheus-url" in run.said
    before = children(state)

    assert sloengine("down", "--state-dir", str(state)).returncode == 0

    assert run.ended() == 0
    assert all(gone(pid) for pid in before.values())


def test_bad_input_is_told_before_anything_is_made(tmp_path) -> None:
    edges = tmp_path / "edges.csv"
    edges.write_text("caller\na\n")
    state = tmp_path / "state"

    refused = sloengine("up", "--state-dir", str(state), "--edges", str(edges))

    assert refused.returncode == 2
    assert "edges.csv" in refused.stderr
    assert not state.exists()


def test_a_disk_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")

    refused = sloengine("up", "--state-dir", str(tmp_path / "file" / "state"))

    assert refused.returncode == 3
    assert "cannot write to" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_leaves_no_servers_behind(tmp_path) -> None:
    state = tmp_path / "state"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        refused = sloengine("up", "--state-dir", str(state), "--http-port", str(taken.getsockname()[1]))

    assert refused.returncode == 3
    assert "is taken" in refused.stderr
    assert not (state / "neo4j").exists()
    assert not (state / "run.json").exists()


def test_a_python_that_is_too_old_is_named_with_what_to_do(tmp_path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    find_python = Path(__file__).parents[2] / "scripts" / "find_python"

    found = subprocess.run(  # with no HOME either
        [find_python],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 3
    assert f"PYTHON={old} is not a CPython 3.12 or newer" in found.stderr
