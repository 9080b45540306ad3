"""Idempotency keys: per actor and mutation, for seven days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.domain.errors import IdempotencyMismatch
from sloengine.infrastructure.neo4j.connection import Transaction

LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class IdempotencyKey(KeyedRequest):
    """A key as the client sent it, and a digest of what it sent with it."""

    @classmethod
    def of(cls, request: KeyedRequest) -> IdempotencyKey:
        """The key of this request."""
        return cls(request.actor, request.mutation, request.key, request.body_digest, request.earlier_digests)

    async def earlier_answer(self, transaction: Transaction, now: datetime) -> str | None:
        """The answer that the first use of the key got; None when this is the first.

        Locks the key until the transaction ends. Raises ``IdempotencyMismatch`` when the body was another.
        """
        [row] = await transaction.rows(
            "write/claim_idempotency_key",
            actor=self.actor,
            mutation=self.mutation,
            key=self.key,
            body_digest=self.body_digest,
            now=now,
            expires_at=now + LIFETIME,
        )
        is_new, body_digest, answer = row
        return None if is_new else self._checked(body_digest, answer)

    async def look_up(self, transaction: Transaction, now: datetime) -> str | None:
        """As ``earlier_answer``, without locking or writing anything."""
        row = await transaction.row(
            "read/idempotency_key", actor=self.actor, mutation=self.mutation, key=self.key, now=now
        )
        return None if row is None else self._checked(*row)

    def _checked(self, body_digest: str, answer: str) -> str:
        if not self.is_retry_of(body_digest):
            raise IdempotencyMismatch(
                "this idempotency key was used before with another body; take a new key",
                path=("input", "idempotencyKey"),
            )
        return answer

    def answered(self, answer: str) -> dict[str, str]:
        """The key and its answer, for a write that stores the answer along with its own changes."""
        return {"actor": self.actor, "mutation": self.mutation, "key": self.key, "answer": answer}

    async def keep(self, transaction: Transaction, answer: str) -> None:
        """Store the answer for the next use of the key."""
        await transaction.rows("write/answer_idempotency_key", **self.answered(answer))
