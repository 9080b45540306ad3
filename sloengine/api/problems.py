"""What clients see of errors: one place maps the domain's typed errors to codes, and hides the rest.

Mutations answer with ``userErrors``; queries with GraphQL errors that carry ``extensions.code``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import strawberry
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import MissingQueryError, StrawberryInputCoercionError
from strawberry.extensions import MaskErrors
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext

from sloengine.api.enums import UserErrorCode
from sloengine.api.metrics import USER_ERRORS
from sloengine.domain.errors import DomainError
from sloengine.infrastructure.logs import get_logger

log = get_logger(__name__)

INTERNAL = "INTERNAL"
BAD_INPUT = "BAD_INPUT"
VALIDATION_FAILED = "VALIDATION_FAILED"
PARSE_FAILED = "PARSE_FAILED"
TOO_MANY_TOKENS = "TOO_MANY_TOKENS"

NoSubscription = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)
"""What is sent over a WebSocket and is none; by POST the endpoint answers it."""


@strawberry.type(description="Something that the caller can mend.")
class UserError:
    """An error of a mutation, in its payload."""

    code: UserErrorCode = strawberry.field(description="What to branch on.")
    message: str = strawberry.field(description="What is wrong and what to do next, in words for people.")
    path: list[str] = strawberry.field(
        description='The field to blame, outermost first, such as ["input", "targets", "0", "availabilityPercent"]'
        "; empty when no single field is."
    )

    @classmethod
    def from_domain(cls, error: DomainError) -> UserError:
        """The error as the payload shows it: paths always start at the mutation's argument."""
        path = error.path if not error.path or error.path[0] == "input" else ("input", *error.path)
        return cls(code=error.code, message=error.message, path=list(path))


class HasUserErrors(Protocol):
    """What every mutation answers with."""

    user_errors: list[UserError]


async def or_user_errors[Payload: HasUserErrors](
    work: Awaitable[Payload], payload: Callable[..., Payload]
) -> Payload:
    """The payload that ``work`` gives, or an empty one that carries the error that the caller can mend.

    Every error in the answer is counted, also those that ``work`` put there itself, row by row.
    """
    try:
        answer = await work
    except DomainError as error:
        answer = payload(user_errors=[UserError.from_domain(error)])
    for one in answer.user_errors:
        USER_ERRORS.labels(one.code.value).inc()
    return answer


class QuietSchema(strawberry.Schema):
    """Logs and hides what nobody expected, wherever it broke; the library would log what a client got wrong as an
    error of ours, with its traceback.
    """

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Every error passes here, also one that ended the operation, which extensions do not see any more."""
        for place, error in enumerate(errors):
            hidden = _hidden(error, execution_context)
            if hidden is not None:
                errors[place] = hidden


class MaskedErrors(MaskErrors):
    """Gives each error its code; what was not expected is logged with the request id and hidden."""

    def __init__(self) -> None:
        super().__init__()

    def _process_errors(self, errors: list[GraphQLError]) -> list[GraphQLError]:
        return [self._shown(error) for error in errors]

    def _shown(self, error: GraphQLError) -> GraphQLError:
        original = _root_cause(error)
        if isinstance(original, DomainError):
            extensions: dict[str, Any] = {"code": original.code.value}
            if original.path:
                extensions["argument"] = list(original.path)
            return _with_extensions(error, original.message, extensions)
        if isinstance(original, NoSubscription):
            return _with_extensions(
                error, "Send one subscription; queries and mutations go by POST.", {"code": BAD_INPUT}
            )
        hidden = _hidden(error, self.execution_context)
        if hidden is not None:
            return hidden
        extensions = dict(error.extensions or {})
        extensions.setdefault("code", _syntax_code(error) if isinstance(error, GraphQLSyntaxError) else BAD_INPUT)
        return _with_extensions(error, error.message, extensions)


def _hidden(error: GraphQLError, context: ExecutionContext | None) -> GraphQLError | None:
    """What is shown instead of an error that nobody expected, which is logged here; None for any other."""
    original = _root_cause(error)
    if original is None or isinstance(original, (DomainError, StrawberryInputCoercionError, *NoSubscription)):
        return None
    request_id = None if context is None else getattr(context.context, "request_id", None)
    log.error(
        "unexpected error in a resolver",
        request_id=request_id,
        path=error.path,
        operation=None if context is None else context.operation_name,
        exc_info=original,
    )
    shown = {"code": INTERNAL, "requestId": request_id}
    return _with_extensions(error, "Something went wrong on our side; quote the request id.", shown)


def _syntax_code(error: GraphQLSyntaxError) -> str:
    """Besides plain mistakes the parser reports documents with too many tokens."""
    return TOO_MANY_TOKENS if "tokens" in error.message else PARSE_FAILED


def _root_cause(error: BaseException) -> BaseException | None:
    """What a GraphQL error was made from; None when GraphQL itself raised it."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _with_extensions(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
