"""One command's connection to the running engine."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.domain.errors import Unavailable
from sloengine.domain.governance.model import Actor, Role


def settings_for(state_dir: Path | None) -> Settings:
    """Settings of the environment, filled from what a running ``up`` wrote into its state directory."""
    given: dict[str, Any] = {} if state_dir is None else {"state_dir": state_dir}
    return Settings(**given)


def ask[Answer](state_dir: Path | None, work: Callable[[UseCases, Actor], Awaitable[Answer]]) -> Answer:
    """Open the use cases, do the work, close. Raises ``Unavailable`` when there is nothing to connect to."""
    settings = settings_for(state_dir)
    if settings.neo4j_url is None or settings.redis_url is None:
        raise Unavailable(
            f"nothing runs on state directory {settings.state_dir}: start `sloengine up` (or `make up`), name its "
            "--state-dir, or set SLOENGINE_NEO4J_URL and SLOENGINE_REDIS_URL"
        )

    async def run() -> Answer:
        async with open_use_cases(settings) as use_cases:
            return await work(use_cases, operator())

    return asyncio.run(run())


def operator() -> Actor:
    """Whoever holds the database's password may do all; the audit trail names the operating-system user."""
    return Actor(subject=f"cli:{getpass.getuser()}", role=Role.SRE_ADMIN)
