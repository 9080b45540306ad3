"""GraphiQL at the address of the API: an HTML page for browsers, made of own files only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from sloengine.api.graphiql.examples import load_examples

HERE = Path(__file__).resolve().parent
ASSETS = HERE / "assets"

# The page may run, show and ask what comes from its own address, and nothing else. The editor writes its
# colours into style elements, keeps small pictures and its font in data URLs, and starts its workers from files.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Names carry no hashes: browsers ask each time, and get 304 with the ETag they have.
    "Cache-Control": "no-cache",
}


class Assets(StaticFiles):
    """The built files, with the page's headers: a worker is bound by those of its own script."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Answer with one file, or with 304 when the browser has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(SECURITY_HEADERS)
        return response


def graphiql_page(request: Request) -> Response:
    """Serve GraphiQL to whoever accepts HTML; tell everyone else to POST.

    The key is no business of this page: it is in the fragment of the address, which browsers keep to
    themselves, and the page's script sends it as ``X-API-Key``.
    """
    if not _accepts_html(request.headers):
        problem = {
            "type": "about:blank",
            "title": "Not Acceptable",
            "status": 406,
            "detail": "GET serves GraphiQL to browsers (Accept: text/html). Send GraphQL operations by POST.",
        }
        return JSONResponse(problem, status_code=406, media_type="application/problem+json")
    here = request.url.path.rsplit("/", 1)[-1]  # relative, so that a prefix which a proxy cuts off does no harm
    return HTMLResponse(_template().substitute(here=escape(here)), headers=SECURITY_HEADERS)


def example_operations(_request: Request) -> Response:
    """Serve the example operations as ``{"examples": [{name, title, description, kind, query}]}``."""
    examples = [asdict(example) for example in load_examples()]
    return JSONResponse({"examples": examples}, headers=SECURITY_HEADERS)


def graphiql_routes(path: str = "/graphql") -> list[BaseRoute]:
    """The page at ``path``, its files under ``path/assets``, the examples at ``path/examples``."""
    return [
        Route(path, graphiql_page, methods=["GET"], name="graphiql"),
        Route(f"{path}/examples", example_operations, methods=["GET"], name="graphiql-examples"),
        Mount(f"{path}/assets", Assets(directory=ASSETS), name="graphiql-assets"),
    ]


def install_graphiql(app: Starlette, path: str = "/graphql") -> None:
    """Put GraphiQL in front of the GraphQL endpoint that ``app`` has, or will have, at ``path``.

    POST and WebSocket at ``path`` stay with the endpoint, whose own page should be off
    (``GraphQLRouter(graphql_ide=None)``).
    """
    app.router.routes[:0] = graphiql_routes(path)


@cache
def _template() -> Template:
    return Template((HERE / "page.html").read_text(encoding="utf-8"))


def _accepts_html(headers: Mapping[str, str]) -> bool:
    media_types = [part.split(";")[0].strip().lower() for part in headers.get("accept", "").split(",")]
    return "text/html" in media_types or "application/xhtml+xml" in media_types
