"""Locks across processes."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Locks(Protocol):
    """Named locks that expire when their holder dies and are prolonged while it lives."""

    def hold(self, name: str, *, ttl_seconds: float) -> AbstractAsyncContextManager[bool]:
        """Enter with True when the lock was got, False when somebody else has it."""
        ...
