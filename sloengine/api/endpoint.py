"""GraphQL over HTTP: one operation a POST, JSON in and out."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import orjson
import strawberry
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from sloengine.api.authentication import DevelopmentKey, Unauthenticated
from sloengine.api.context import Context
from sloengine.api.encoding import encoded
from sloengine.api.http_problems import ProblemResponse
from sloengine.api.large_json import loads_in_steps
from sloengine.api.metrics import GRAPHQL_ERRORS

MAX_BODY_BYTES = 10 * 1024 * 1024
LARGE_BODY_BYTES = 512 * 1024
OPERATIONS = frozenset({OperationType.QUERY, OperationType.MUTATION})


class Refused(Exception):
    """The request never reaches GraphQL."""

    def __init__(self, status: HTTPStatus, detail: str, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.response = ProblemResponse(status, detail, code=code, headers=headers)


class GraphQLEndpoint:
    """An ASGI application for POST. The use cases are those that the lifespan put into the app's state."""

    def __init__(self, schema: strawberry.Schema, keys: DevelopmentKey) -> None:
        self._schema = schema
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one operation."""
        try:
            response = await self._answer(scope, receive)
        except Refused as refused:
            response = refused.response
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        headers = dict(scope["headers"])
        try:
            actor = self._keys.actor(headers.get(b"x-api-key"))
        except Unauthenticated as unknown:
            raise Refused(
                HTTPStatus.UNAUTHORIZED, unknown.detail, "UNAUTHENTICATED", {"WWW-Authenticate": "ApiKey"}
            ) from unknown
        if not headers.get(b"content-type", b"").lower().startswith(b"application/json"):
            raise Refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "Send the operation as JSON, with Content-Type: application/json.",
                "UNSUPPORTED_MEDIA_TYPE",
            )
        query, variables, operation_name = _operation(await _parsed(await _body(headers, receive)))
        context = Context(scope["app"].state.use_cases, actor, scope.get("request_id", ""))
        try:
            result = await self._schema.execute(
                query,
                variable_values=variables,
                context_value=context,
                operation_name=operation_name,
                allowed_operation_types=OPERATIONS,
            )
        except (CannotGetOperationTypeError, MissingQueryError) as error:
            named = f" named {operation_name!r}" if operation_name else "; name one in operationName"
            raise Refused(
                HTTPStatus.BAD_REQUEST, f"The document does not hold one operation{named}.", "NO_OPERATION"
            ) from error
        except InvalidOperationTypeError as error:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                "Subscriptions go over a WebSocket to this address, protocol graphql-transport-ws.",
                "SUBSCRIPTION_BY_POST",
            ) from error
        return Response(_encoded(result), media_type="application/json")


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise _too_large()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(HTTPStatus.BAD_REQUEST, "The client went away.", "DISCONNECTED")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is over {MAX_BODY_BYTES // (1024 * 1024)} MB; send the rows in several ingestions.",
        "TOO_LARGE",
        {"Connection": "close"},
    )


async def _parsed(body: bytes) -> Any:
    try:
        if len(body) > LARGE_BODY_BYTES:
            return await asyncio.to_thread(loads_in_steps, body)
        return orjson.loads(body)
    except ValueError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.", "BAD_JSON") from error


def _operation(request: Any) -> tuple[str, dict[str, Any] | None, str | None]:
    if not isinstance(request, dict):
        raise _malformed("The body must be one JSON object with query, variables and operationName.")
    query, variables = request.get("query"), request.get("variables")
    operation_name = request.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise _malformed("query must be a GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise _malformed("variables must be a JSON object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _malformed("operationName must be a string.")
    return query, variables, operation_name or None


def _malformed(detail: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, detail, "BAD_REQUEST")


def _encoded(result: ExecutionResult) -> bytes:
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
        for error in result.errors:
            GRAPHQL_ERRORS.labels((error.extensions or {}).get("code", "UNKNOWN")).inc()
    return encoded(answer)
