"""Everything a caller can act on. Adapters and doors map these; nothing else is shown to a client."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ErrorCode(StrEnum):
    """What a client can branch on; the names of the API's ``UserErrorCode``."""

    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    NOT_ACTIVE = "NOT_ACTIVE"
    RATIONALE_REQUIRED = "RATIONALE_REQUIRED"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    TOO_LARGE = "TOO_LARGE"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(eq=False)
class DomainError(Exception):
    """Something the caller can mend.

    ``message`` says what is wrong and what to do next; ``path`` names the field, outermost first
    (``("input", "targets", "0", "availabilityPercent")``), empty when no single field is to blame.
    """

    message: str
    path: tuple[str, ...] = field(default=(), kw_only=True)
    code: ErrorCode = field(default=ErrorCode.INVALID, init=False)

    def __str__(self) -> str:
        """The message, led by the field when one is known."""
        return f"{'.'.join(self.path)}: {self.message}" if self.path else self.message


class NotFound(DomainError):
    """The thing named does not exist."""

    code = ErrorCode.NOT_FOUND


class ServiceNotFound(NotFound):
    """No service has this id."""


class RecommendationNotFound(NotFound):
    """No recommendation has this id."""


class Forbidden(DomainError):
    """The actor may not do this."""

    code = ErrorCode.FORBIDDEN


class Invalid(DomainError):
    """A value is outside what is allowed."""

    code = ErrorCode.INVALID


class Conflict(DomainError):
    """Somebody else decided at the same time."""

    code = ErrorCode.CONFLICT


class NotActive(DomainError):
    """The recommendation was already decided, superseded or has expired."""

    code = ErrorCode.NOT_ACTIVE


class RationaleRequired(DomainError):
    """This decision needs a reason in words."""

    code = ErrorCode.RATIONALE_REQUIRED


class IdempotencyMismatch(DomainError):
    """The idempotency key was used before with another body."""

    code = ErrorCode.IDEMPOTENCY_MISMATCH


class TooLarge(DomainError):
    """The request is over a stated limit."""

    code = ErrorCode.TOO_LARGE


class Unavailable(DomainError):
    """A store or a telemetry source does not answer; try again later."""

    code = ErrorCode.UNAVAILABLE
