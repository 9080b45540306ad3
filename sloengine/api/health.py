"""Is this process alive, and can it do its work?"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from sloengine.bootstrap.container import UseCases

# Without these nothing works; anything else that readiness knows is told and does not count.
NEEDED = frozenset({"neo4j", "redis"})
PATIENCE_SECONDS = 3.0


def live(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """Whether Neo4j and Redis answer; the telemetry source is told, but an engine without it still serves."""
    use_cases: UseCases = request.app.state.use_cases
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = dict(await use_cases.readiness())
    except TimeoutError:
        found = dict.fromkeys(sorted(NEEDED), f"did not answer within {PATIENCE_SECONDS:g} s")
    checks = [
        {"name": name, "ok": problem is None, "needed": name in NEEDED, "problem": problem}
        for name, problem in sorted(found.items())
    ]
    is_ready = not any(check["needed"] and not check["ok"] for check in checks)
    return JSONResponse(
        {"status": "ready" if is_ready else "not ready", "telemetry": use_cases.telemetry_name, "checks": checks},
        status_code=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )
