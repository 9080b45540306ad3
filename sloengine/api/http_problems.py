"""Errors of transport and identity as RFC 9457 problem bodies; GraphQL errors stay in GraphQL answers."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response


class ProblemResponse(Response):
    """``application/problem+json``: what is wrong and what to do next."""

    media_type = "application/problem+json"

    def __init__(
        self, status: HTTPStatus, detail: str, *, code: str, headers: Mapping[str, str] | None = None
    ) -> None:
        body = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "code": code,
        }
        super().__init__(orjson.dumps(body), status_code=status.value, headers=headers)
