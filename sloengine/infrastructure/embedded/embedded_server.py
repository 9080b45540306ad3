"""What embedded servers have in common: a child process with a home directory and a port."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType

from sloengine.infrastructure.embedded.child_process import ChildProcess
from sloengine.infrastructure.embedded.free_port import free_port


class EmbeddedServer[Address](ABC):
    """One server with all that it keeps under ``home``; its address is what a client needs.

    ``port`` None picks a free one, and another if that is taken meanwhile.
    """

    def __init__(self, name: str, home: Path, log: Path, port: int | None, stop_grace_seconds: float) -> None:
        self.home = home
        self._wanted_port = port
        self._port = port or 0
        self._stop_grace_seconds = stop_grace_seconds
        self._child = ChildProcess(name, home, log)

    def __enter__(self) -> Address:
        """Start it and wait until it answers."""
        try:
            self.launch()
            return self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._child.pid

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self._child.log

    @property
    @abstractmethod
    def address(self) -> Address:
        """Valid once it has been launched."""

    @abstractmethod
    def launch(self) -> None:
        """Prepare the home directory and start the server; does not wait for it.

        Raises: StateNotWritable, EmbeddedServerFailed.
        """

    @abstractmethod
    def wait_ready(self) -> Address:
        """Wait until it answers; the address.

        Raises: EmbeddedServerFailed, with the end of the log.
        """

    def keep_port(self) -> None:
        """From now on start on this port only: others have been told of it."""
        self._wanted_port = self._port

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.exit_code()

    def stop(self) -> None:
        """End it cleanly."""
        self._child.stop(self._stop_grace_seconds)

    def _take_port(self) -> None:
        """The port of the next start, and an empty log: one start a file, so a failure shows its own reason."""
        self._port = self._wanted_port or free_port()
        self._child.log.unlink(missing_ok=True)
