"""Answers of a kube-apiserver, kept to be replayed. ``record.py`` makes them; see ``recorded/README.md``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

FOLDER = Path(__file__).parent / "recorded"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question, without who asked, and its answer."""

    path: str
    parameters: dict[str, str]
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
        asked = dict(request.url.params)
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
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.asked.append((request.url.path, asked))
        answers = self._answers[_question(request.url.path, asked)]
        exchange = answers.pop(0) if len(answers) > 1 else answers[0]
        return httpx.Response(exchange.status, json=exchange.body)


def save(name: str, exchanges: Sequence[Exchange]) -> None:
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps([asdict(exchange) for exchange in exchanges], indent=1, sort_keys=True)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def load(name: str) -> list[Exchange]:
    return [Exchange(**exchange) for exchange in json.loads((FOLDER / f"{name}.json").read_text())]


def _question(path: str, parameters: dict[str, str]) -> tuple[str, str]:
    return path, json.dumps(parameters, sort_keys=True)
