"""What a running ``up`` keeps on disk, and who may work on it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

import psutil

from sloengine.infrastructure.embedded.child_process import end_left_over
from sloengine.infrastructure.embedded.errors import StateInUse, StateNotWritable
from sloengine.infrastructure.embedded.private_files import (
    make_writable_directory,
    replace_private_file,
    secret_in,
)

_CONTENTS = ("neo4j", "redis", "logs", "processes", "run.json", "telemetry.json", "dev-api-key")
_LOCK_FILE = "up.lock"
_LOG_LIMIT_BYTES = 10_000_000
ENOUGH_FREE_BYTES = 300_000_000
"""The sample organisation takes a third of it; the rest is room for transaction logs."""


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Paths below ``root``; nothing is made until ``prepare``."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> Self:
        """The directory, made absolute."""
        return cls(path.expanduser().resolve())

    @property
    def neo4j(self) -> Path:
        """Home of the embedded Neo4j."""
        return self.root / "neo4j"

    @property
    def redis(self) -> Path:
        """Home of the embedded Redis."""
        return self.root / "redis"

    @property
    def processes(self) -> Path:
        """Working directory and process records of API, worker and scheduler."""
        return self.root / "processes"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.root / "logs"

    @property
    def run_file(self) -> Path:
        """Addresses, keys and process ids of the running ``up``; mode 0600."""
        return self.root / "run.json"

    @property
    def telemetry_file(self) -> Path:
        """Where the telemetry of this state comes from, from one run to the next."""
        return self.root / "telemetry.json"

    def prepare(self) -> None:
        """Make it. Raises: StateNotWritable, also on a disk that is all but full: Neo4j would hang on it."""
        for folder in (self.root, self.processes, self.logs):
            make_writable_directory(folder)
        free = shutil.disk_usage(self.root).free
        if free < ENOUGH_FREE_BYTES:
            raise StateNotWritable(
                f"only {free / 1e6:.0f} MB are free where {self.root} is, and Neo4j needs "
                f"{ENOUGH_FREE_BYTES / 1e6:.0f} MB to work: make room, or name another --state-dir"
            )

    def log(self, name: str) -> Path:
        """Log file of a process; a long one is put aside as ``<name>.log.1``."""
        file = self.logs / f"{name}.log"
        if file.exists() and file.stat().st_size > _LOG_LIMIT_BYTES:
            file.replace(file.with_name(f"{name}.log.1"))
        return file

    def development_key(self) -> str:
        """The key that stays the same from one run to the next."""
        return secret_in(self.root / "dev-api-key")

    def running(self) -> dict[str, Any] | None:
        """What ``run.json`` says, None when there is none."""
        try:
            written = json.loads(self.run_file.read_text())
        except (OSError, ValueError):
            return None
        return written if isinstance(written, dict) else None

    def write_run(self, document: dict[str, Any]) -> None:
        """Replace ``run.json``."""
        replace_private_file(self.run_file, json.dumps(document, indent=1) + "\n")

    def end_left_overs(self) -> list[str]:
        """End every child that a killed ``up`` left behind; their names."""
        ended = []
        for folder in (self.processes, self.redis, self.neo4j):
            for record in sorted(folder.glob("*.pid.json")):
                if end_left_over(record) is not None:
                    ended.append(record.name.removesuffix(".pid.json"))
        return ended

    def exists(self) -> bool:
        """Whether an ``up`` has ever worked on this directory."""
        return (self.root / _LOCK_FILE).is_file()

    def clear(self) -> None:
        """Remove all that ``up`` made, and the directory if nothing else is in it."""
        for name in _CONTENTS:
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        (self.root / _LOCK_FILE).unlink(missing_ok=True)
        if self.root.is_dir() and not any(self.root.iterdir()):
            self.root.rmdir()


class StateLock:
    """Held by the one ``up`` that works on a state directory; the kernel frees it when that process is gone."""

    def __init__(self, state: StateDirectory) -> None:
        self._file = state.root / _LOCK_FILE
        self._held: TextIO | None = None

    def acquire(self) -> None:
        """Take it. Raises: StateInUse, naming the holder."""
        lock = self._file.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise StateInUse(
                f"another `sloengine up` (process {self.holder() or 'unknown'}) runs on {self._file.parent}. "
                "See `sloengine status`, stop it with `sloengine down`, or name another --state-dir."
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._held = lock

    def release(self) -> None:
        """Give it back."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def holder(self) -> int | None:
        """Process id of whoever holds it: the process named in the file, if that has the file open indeed."""
        try:
            process = psutil.Process(int(self._file.read_text()))
            opened = {Path(file.path) for file in process.open_files()}
        except (OSError, ValueError, psutil.Error):
            return None
        return process.pid if self._file in opened else None

    def is_held(self) -> bool:
        """Whether some ``up`` works on the state directory now."""
        try:
            with self._file.open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
