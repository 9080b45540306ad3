"""The command line in this process: its own ``main``, what it prints, and its exit code.

``engine`` connects commands to use cases on memory adapters; what a worker would do is done when it is enqueued.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.cli import output, session
from sloengine.cli.main import main
from tests.application.organisation import Engine, shop


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


type Run = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output as wide as this, whatever the terminal was when the module was first imported."""
    monkeypatch.setenv("COLUMNS", "200")
    for stream in ("out", "err"):
        monkeypatch.setattr(output, stream, output.console(stderr=stream == "err"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command in an empty directory, in an environment that names no server."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLOENGINE_NEO4J_URL", "SLOENGINE_REDIS_URL", "SLOENGINE_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["sloengine", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return run


@pytest.fixture
def connected(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[Engine], Run]:
    """Commands talk to this engine instead of to servers."""

    def connect(engine: Engine) -> Run:
        @asynccontextmanager
        async def opened(_: Settings) -> AsyncGenerator[UseCases]:
            yield engine.use

        enqueue = engine.queue.enqueue

        async def work_at_once(actor: str, **ids: str) -> None:
            await enqueue(actor, **ids)
            if actor == "topology.merge_ingestion":
                await engine.use.merge_ingestion(**ids)

        monkeypatch.setattr(engine.queue, "enqueue", work_at_once)
        monkeypatch.setattr(session, "open_use_cases", opened)
        monkeypatch.setenv("SLOENGINE_NEO4J_URL", "bolt://127.0.0.1:1")
        monkeypatch.setenv("SLOENGINE_REDIS_URL", "redis://127.0.0.1:1/0")
        return run

    return connect


@pytest.fixture(scope="session")
def stocked() -> Engine:
    return asyncio.run(shop())


@pytest.fixture
def engine(stocked: Engine) -> Engine:
    """front calls cart calls db, with sixty days of history; a copy of its own for each test."""
    fresh = Engine(stocked.source)
    vars(fresh.db).update(vars(copy.deepcopy(stocked.db)))
    return fresh


@pytest.fixture
def ask(engine: Engine, connected: Callable[[Engine], Run]) -> Run:
    """Runs a command on ``engine``."""
    return connected(engine)
