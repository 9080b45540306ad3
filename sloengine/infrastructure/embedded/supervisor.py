"""Keeps children running: notices one that ends, starts it again after a pause, gives up when that is no help."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sloengine.infrastructure.embedded.child_process import ChildProcess
from sloengine.infrastructure.embedded.errors import EmbeddedServerFailed

_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
_SETTLED_AFTER_SECONDS = 120.0


class Supervised(Protocol):
    """What can be watched: an embedded server, or one of our own processes."""

    @property
    def pid(self) -> int:
        """Process id."""

    @property
    def log(self) -> Path:
        """Where its output goes."""

    def launch(self) -> None:
        """Start it; not waiting until it is ready."""

    def exit_code(self) -> int | None:
        """None while it runs."""

    def stop(self) -> None:
        """End it cleanly."""


class OwnProcess:
    """The API, the worker or the scheduler."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        home: Path,
        log: Path,
        stop_grace_seconds: float,
    ) -> None:
        self._command = tuple(command)
        self._environment = dict(environment)
        self._stop_grace_seconds = stop_grace_seconds
        self._child = ChildProcess(name, home, log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._child.log

    def launch(self) -> None:
        """Start it. Its own children must go with it, so a dead parent means SIGTERM, not SIGKILL."""
        self._child.start(self._command, self._environment, signal.SIGTERM)

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.exit_code()

    def stop(self) -> None:
        """End it cleanly."""
        self._child.stop(self._stop_grace_seconds)

    def tail(self) -> str:
        """The end of its log."""
        return self._child.tail()


@dataclass
class _Watched:
    process: Supervised
    started_at: float
    failures: int = 0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Call ``check`` every half second or so, from the thread that starts the children.

    ``say`` is told what happens, in one sentence each.
    """

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _watched: dict[str, _Watched] = field(default_factory=dict)

    def start(self, name: str, process: Supervised) -> None:
        """Start a process and watch it from now on."""
        self.adopt(name, process)
        process.launch()

    def adopt(self, name: str, process: Supervised) -> None:
        """Watch a process that is being started elsewhere."""
        self._watched[name] = _Watched(process, self.clock())

    def processes(self) -> dict[str, Supervised]:
        """What is watched, in the order of starting."""
        return {name: watched.process for name, watched in self._watched.items()}

    def check(self) -> bool:
        """Restart what has ended and waited long enough; whether anything was restarted.

        Raises: EmbeddedServerFailed, when a process ends again and again.
        """
        restarted = False
        for name, watched in self._watched.items():
            now = self.clock()
            if watched.restart_at is not None:
                if now >= watched.restart_at:
                    watched.restart_at, watched.started_at = None, now
                    watched.process.launch()
                    restarted = True
                continue
            code = watched.process.exit_code()
            if code is None:
                continue
            if now - watched.started_at > _SETTLED_AFTER_SECONDS:
                watched.failures = 0
            if watched.failures == len(_PAUSES_SECONDS):
                raise EmbeddedServerFailed(
                    f"{name} ended {watched.failures + 1} times in a row ({_how(code)}); see {watched.process.log}"
                )
            pause = _PAUSES_SECONDS[watched.failures]
            watched.failures += 1
            watched.restart_at = now + pause
            self.say(
                f"{name} has ended ({_how(code)}); starting it again in {pause:g} s. Log: {watched.process.log}"
            )
        return restarted

    def remove(self, name: str) -> None:
        """End one process and watch it no longer."""
        self._watched.pop(name).process.stop()

    def stop(self) -> None:
        """End everything, last started first."""
        for name, watched in reversed(self._watched.items()):
            if watched.process.exit_code() is None:
                self.say(f"stopping {name}")
            watched.process.stop()
        self._watched.clear()


def _how(code: int) -> str:
    if code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
