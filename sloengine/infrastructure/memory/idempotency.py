"""Idempotency keys in a dict."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.domain.errors import IdempotencyMismatch
from sloengine.infrastructure.memory.database import MemoryDatabase

LIFETIME = timedelta(days=7)


def earlier_answer(database: MemoryDatabase, request: KeyedRequest, now: datetime) -> Any | None:
    """The answer that the first use of the key got; None: this is the first. Raises ``IdempotencyMismatch``."""
    found = database.answered.get((request.actor, request.mutation, request.key))
    if found is None or found[0] + LIFETIME < now:
        return None
    _, digest, answer = found
    if not request.is_retry_of(digest):
        raise IdempotencyMismatch(
            "this idempotency key was used before with another body; take a new key",
            path=("input", "idempotencyKey"),
        )
    return answer


def keep(database: MemoryDatabase, request: KeyedRequest, answer: object, now: datetime) -> None:
    """Store the answer for the next use of the key."""
    database.answered[request.actor, request.mutation, request.key] = (now, request.body_digest, answer)
