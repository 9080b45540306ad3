"""Answers of real servers, kept to be replayed: see ``recorded/README.md`` of who uses them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question, without who asked, and its answer."""

    path: str
    parameters: dict[str, list[str]]
    status: int
    body: Any


class Recording(httpx.AsyncBaseTransport):
    """Passes requests on and keeps what comes back."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.exchanges: list[Exchange] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        content = await answer.aread()
        asked = parameters_of(request)
        self.exchanges.append(Exchange(request.url.path, asked, answer.status_code, json.loads(content)))
        return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, content=content)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Replaying(httpx.AsyncBaseTransport):
    """Answers each question as it was answered; of several answers to one question the next, the last for ever."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._answers: dict[tuple[str, str], list[Exchange]] = {}
        for exchange in exchanges:
            self._answers.setdefault(_question(exchange.path, exchange.parameters), []).append(exchange)
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = parameters_of(request)
        self.asked.append((request.url.path, asked))
        answers = self._answers[_question(request.url.path, asked)]
        exchange = answers.pop(0) if len(answers) > 1 else answers[0]
        return httpx.Response(exchange.status, json=exchange.body)


def parameters_of(request: httpx.Request) -> dict[str, list[str]]:
    return {name: request.url.params.get_list(name) for name in request.url.params}


def save(folder: Path, name: str, exchanges: Sequence[Exchange]) -> None:
    text = json.dumps([asdict(exchange) for exchange in exchanges], indent=1, sort_keys=True)
    (folder / f"{name}.json").write_text(text + "\n")


def load(folder: Path, name: str) -> list[Exchange]:
    return [Exchange(**exchange) for exchange in json.loads((folder / f"{name}.json").read_text())]


def _question(path: str, parameters: dict[str, list[str]]) -> tuple[str, str]:
    return path, json.dumps(parameters, sort_keys=True)
