"""A child process that does not outlive its parent, and that a later start can recognise as its own."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from sloengine.infrastructure.embedded.private_files import replace_private_file

if TYPE_CHECKING:
    from typing import Self

_PR_SET_PDEATHSIG = 1
# Start times are stored to the clock tick; the boot time they are counted from may be corrected by NTP.
_START_TIME_TOLERANCE_SECONDS = 2.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Enough to tell later whether a process id still means the process that was started."""

    pid: int
    started_at_seconds: float
    home: str

    @classmethod
    def of(cls, pid: int, home: Path) -> Self:
        """Describe a running child whose working directory is ``home``."""
        return cls(pid, psutil.Process(pid).create_time(), str(home.resolve()))

    def process(self) -> psutil.Process | None:
        """The process, if it is verifiably the recorded one: same id, start time and home directory."""
        try:
            process = psutil.Process(self.pid)
            same_start = abs(process.create_time() - self.started_at_seconds) < _START_TIME_TOLERANCE_SECONDS
            if not same_start or process.status() == psutil.STATUS_ZOMBIE or process.cwd() != self.home:
                return None
        except psutil.Error:
            return None
        return process

    def descendants(self) -> list[psutil.Process]:
        """What the recorded process started, even if it is gone itself: same session and home, and later."""
        found = []
        for process in psutil.process_iter():
            try:
                if (
                    process.pid != self.pid
                    and os.getsid(process.pid) == self.pid
                    and process.create_time() > self.started_at_seconds - _START_TIME_TOLERANCE_SECONDS
                    and process.cwd() == self.home
                ):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found


class ChildProcess:
    """One child with its home directory, log file and process record.

    Start it from a thread that lives as long as the child should: on Linux the kernel ends the child when that
    thread is gone, even after ``kill -9`` of the parent.
    """

    def __init__(self, name: str, home: Path, log: Path) -> None:
        self.name = name
        self.home = home
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._record: ProcessRecord | None = None

    @property
    def record_file(self) -> Path:
        """Where the process record lies while the child runs."""
        return self.home / f"{self.name}.pid.json"

    @property
    def pid(self) -> int:
        """Id of the running child."""
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process.pid

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        """Start the child in its own session, with its output appended to its log.

        ``death_signal`` is what the kernel sends when the parent dies: SIGKILL for stores, which are safe after a
        crash; SIGTERM for processes that have children of their own to end.
        """
        self._end_descendants()  # of an earlier start that has died
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command is built here, never from input
                list(command),
                cwd=self.home,
                env=dict(environment) if environment is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509 - calls prctl and getppid only
            )
        try:
            self._record = ProcessRecord.of(self._process.pid, self.home)
        except psutil.Error:
            return  # gone already; whoever waits for readiness finds out
        replace_private_file(self.record_file, json.dumps(asdict(self._record)))

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process is not None else None

    def stop(self, grace_seconds: float) -> None:
        """SIGTERM, then SIGKILL after the grace; returns when it and what it started are gone."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._end_descendants()
        self.record_file.unlink(missing_ok=True)

    def _end_descendants(self) -> None:
        """Kill what the child started and left: a worker's own workers outlive it when it is killed."""
        if self._record is not None:
            _end(self._record.descendants(), grace_seconds=0)

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        return tail(self.log, lines)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file; empty when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def end_left_over(record_file: Path, grace_seconds: float = 10.0) -> int | None:
    """End the child that an earlier, killed parent left behind; its process id, or None if there is none.

    A process is touched only when id, start time and home directory are those of the record: an id that has
    gone to somebody else's process is left alone.
    """
    try:
        record = ProcessRecord(**json.loads(record_file.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        record_file.unlink(missing_ok=True)
        return None
    leader = record.process()
    ours = [*([leader] if leader is not None else []), *record.descendants()]
    _end(ours, grace_seconds)
    record_file.unlink(missing_ok=True)
    return record.pid if ours else None


def wait_until(ready: Callable[[], bool], alive: Callable[[], bool], timeout_seconds: float) -> bool:
    """Poll until ready; False when the process ended or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    pause = _POLL_SECONDS
    while time.monotonic() < deadline:
        if ready():
            return True
        if not alive():
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return False


def _end(processes: Sequence[psutil.Process], grace_seconds: float) -> None:
    """SIGTERM, then SIGKILL after the grace."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, grace_seconds)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, 5)


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A function for the child between fork and exec; None where the kernel has no such request."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()
    number = int(death_signal)

    def request() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the request was in place
            os._exit(1)

    return request
