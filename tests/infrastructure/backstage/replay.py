"""A replay of Backstage's catalogue API over HTTP, on entities written by hand. It is no Backstage.

What it has in common with one: paths, parameters, pages, cursors that carry the filter, `fields` that cut entities
down, and errors, as in backstage/backstage, `plugins/catalog-backend/src/service/createRouter.ts`.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DEFAULT_LIMIT = 20


@dataclass
class Replay:
    """What it serves and what it was asked. ``has_by_query`` False: as catalogues before 1.10."""

    entities: list[dict[str, Any]]
    token: str | None = None
    has_by_query: bool = True
    failures: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, target: str, authorization: str | None) -> tuple[int, object]:
        self.asked.append(target)
        if self.failures:
            status = self.failures.pop(0)
            return status, error("ServiceUnavailableError", "try again", status)
        if self.token is not None and authorization != f"Bearer {self.token}":
            return 401, error("AuthenticationError", "Illegal token", 401)
        address = urlsplit(target)
        query = parse_qs(address.query)
        if address.path == "/api/catalog/entities/by-query" and self.has_by_query:
            return self.by_query(query)
        if address.path == "/api/catalog/entities":
            return 200, self.listed(query)
        return 404, error("NotFoundError", "Not found", 404)

    def by_query(self, query: dict[str, list[str]]) -> tuple[int, object]:
        limit = int(query.get("limit", [str(DEFAULT_LIMIT)])[0])
        if "cursor" in query:
            cursor = json.loads(base64.b64decode(query["cursor"][0]))
            filters, start = cursor["filter"], cursor["start"]
        else:
            filters, start = query.get("filter", []), 0
        matching = [entity for entity in self.entities if matches(entity, filters)]
        page = matching[start : start + limit]
        info = {}
        if start + limit < len(matching):
            text = json.dumps({"filter": filters, "start": start + limit, "totalItems": len(matching)})
            info["nextCursor"] = base64.b64encode(text.encode()).decode()
        return 200, {
            "items": [cut(entity, query.get("fields", [])) for entity in page],
            "totalItems": len(matching),
            "pageInfo": info,
        }

    def listed(self, query: dict[str, list[str]]) -> object:
        start = int(query.get("offset", ["0"])[0])
        matching = [entity for entity in self.entities if matches(entity, query.get("filter", []))]
        page = matching[start : start + int(query.get("limit", [str(len(matching))])[0])]
        return [cut(entity, query.get("fields", [])) for entity in page]


def matches(entity: dict[str, Any], filters: list[str]) -> bool:
    """Any of the filters; within one, all of its parts. Values compare without regard to case."""
    return not filters or any(
        all(
            entity.get(key, "").lower() == value.lower()
            for key, _, value in (p.partition("=") for p in f.split(","))
        )
        for f in filters
    )


def cut(entity: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    if not fields:
        return entity
    kept: dict[str, Any] = {}
    for path in ",".join(fields).split(","):
        source: Any = entity
        for part in path.split("."):
            source = source.get(part) if isinstance(source, dict) else None
        if source is not None:
            into = kept
            *parents, last = path.split(".")
            for part in parents:
                into = into.setdefault(part, {})
            into[last] = source
    return kept


def error(name: str, message: str, status: int) -> object:
    return {"error": {"name": name, "message": message}, "response": {"statusCode": status}}


@contextmanager
def serving(replay: Replay) -> Iterator[Replay]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = replay.answer(self.path, self.headers.get("Authorization"))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    replay.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
