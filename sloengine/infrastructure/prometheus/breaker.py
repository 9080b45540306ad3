"""A circuit breaker: a source that keeps failing is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class CircuitBreaker:
    """Opens after ``threshold`` failures in a row, for ``open_seconds``; then lets one request try.

    ``monotonic``: seconds of a clock that never goes back. Not shared between processes: each finds out by itself.
    """

    monotonic: Callable[[], float]
    threshold: int = 10
    open_seconds: float = 30.0
    _failures: int = field(default=0, init=False)
    _opened_at: float | None = field(default=None, init=False)
    _probing: bool = field(default=False, init=False)

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        if self._opened_at is None:
            return "closed"
        return "half-open" if self.monotonic() - self._opened_at >= self.open_seconds else "open"

    @property
    def retry_after_seconds(self) -> float:
        """Seconds until the next request may try; 0 when one may now."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self.open_seconds - (self.monotonic() - self._opened_at))

    def admits(self) -> bool:
        """Whether a request may go out now. When half-open only one at a time may."""
        state = self.state
        if state == "closed":
            return True
        if state == "open" or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The source answered: close."""
        self._failures, self._opened_at, self._probing = 0, None, False

    def failed(self) -> None:
        """The source did not answer; the probe of a half-open breaker opens it again at once."""
        self._failures += 1
        if self._probing or self._failures >= self.threshold:
            self._opened_at = self.monotonic()
        self._probing = False

    def released(self) -> None:
        """The request ended without saying anything about the source (cancelled): let another one probe."""
        self._probing = False
