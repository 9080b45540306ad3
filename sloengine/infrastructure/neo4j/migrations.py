"""Schema migrations: numbered Cypher files with a way back, recorded with their checksums."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from neo4j import WRITE_ACCESS

from sloengine.domain.errors import Conflict, Invalid, Unavailable
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, first_of
from sloengine.infrastructure.neo4j.named_queries import cypher_directory

_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.(up|down)\.cypher$")
_LOCK_SECONDS = 120
_LOCK_CONSTRAINT = (
    "CREATE CONSTRAINT migration_lock IF NOT EXISTS FOR (lock:MigrationLock) REQUIRE lock.name IS UNIQUE"
)


class MigrationChanged(Invalid):
    """A migration that was applied reads differently now."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: ``up`` and ``down`` are the texts of its files."""

    number: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the way up, blanks at line ends aside."""
        lines = "\n".join(line.rstrip() for line in self.up.strip().splitlines())
        return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MigrationState:
    """One line of ``migrate status``. ``applied_at`` None: still to do. ``changed``: the file was edited since.

    ``is_newer``: applied by a newer version of the code, unknown here.
    """

    number: int
    name: str
    applied_at: datetime | None
    changed: bool
    is_newer: bool = False


def migrations_in(folder: Path) -> tuple[Migration, ...]:
    """The migrations of a folder in order.

    Raises: Invalid, on a gap in the numbers, a number that is there twice, a missing way back or a name that does
    not fit.
    """
    found: dict[int, dict[str, tuple[str, str]]] = {}
    for file in sorted(folder.glob("*.cypher")):
        match = _FILE_NAME.match(file.name)
        if match is None:
            raise Invalid(f"{file.name} is not named like 0001_name.up.cypher")
        ways = found.setdefault(int(match[1]), {})
        if match[3] in ways:
            raise Invalid(f"two migrations have the number {match[1]}: {ways[match[3]][0]} and {match[2]}")
        ways[match[3]] = (match[2], file.read_text(encoding="utf-8"))
    if sorted(found) != list(range(1, len(found) + 1)):
        raise Invalid(f"migrations must be numbered 1 to {len(found)} without gaps, not {sorted(found)}")
    for number, ways in found.items():
        if set(ways) != {"up", "down"} or ways["up"][0] != ways["down"][0]:
            raise Invalid(f"migration {number:04d} needs an up and a down file of the same name")
    return tuple(
        Migration(number, ways["up"][0], ways["up"][1], ways["down"][1]) for number, ways in sorted(found.items())
    )


def statements(script: str) -> tuple[str, ...]:
    """The statements of a script: they end with a semicolon at the end of a line; comment lines are dropped."""
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("//"))
    return tuple(part.strip() for part in re.split(r";\s*(?:\n|$)", code) if part.strip())


class Migrator:
    """Brings a database up to this version of the code, or back.

    One migrator works at a time; a second waits. A migration that breaks half-way is not recorded and is
    run again from its start the next time, so every statement must bear being run twice.
    """

    def __init__(
        self,
        connection: Neo4jConnection,
        migrations: Sequence[Migration] | None = None,
        *,
        wait_seconds: float = 60.0,
    ) -> None:
        self._connection = connection.unasked()
        self._migrations = tuple(
            migrations if migrations is not None else migrations_in(cypher_directory() / "migrations")
        )
        self._wait_seconds = wait_seconds
        self._holder = secrets.token_hex(8)
        self._locked_at = 0.0

    async def status(self) -> Sequence[MigrationState]:
        """All migrations that the code or the database knows."""
        applied = await self._applied()
        known = {migration.number: migration for migration in self._migrations}
        states = []
        for number in sorted({*applied, *known}):
            migration = known.get(number)
            name, checksum, applied_at = applied.get(number, (None, None, None))
            states.append(
                MigrationState(
                    number,
                    migration.name if migration else str(name),
                    applied_at,
                    applied_at is not None and migration is not None and migration.checksum != checksum,
                    migration is None,
                )
            )
        return states

    async def up(self) -> Sequence[Migration]:
        """Apply what is missing, in order; the migrations that were applied.

        Raises: MigrationChanged, when an applied file was edited or the database is newer than the code.
        """
        async with self._locked():
            applied = await self._applied()
            self._check(applied)
            missing = [migration for migration in self._migrations if migration.number not in applied]
            for migration in missing:
                await self._run(migration.up)
                await self._connection.write(
                    "record_migration",
                    number=migration.number,
                    name=migration.name,
                    checksum=migration.checksum,
                )
        return missing

    async def down(self, to: int) -> Sequence[Migration]:
        """Take back all migrations above this number, newest first; the migrations that were taken back."""
        async with self._locked():
            applied = await self._applied()
            self._check(applied)
            undone = [m for m in reversed(self._migrations) if m.number > to and m.number in applied]
            for migration in undone:
                await self._run(migration.down)
                await self._connection.write("forget_migration", number=migration.number)
        return undone

    async def require_current(self) -> None:
        """Raise ``Unavailable`` unless every migration that this code knows has been applied.

        More than those do no harm: while versions are mixed the older one works on the newer one's schema.
        """
        applied = await self._applied()
        missing = [f"{one.number:04d}_{one.name}" for one in self._migrations if one.number not in applied]
        if missing:
            shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise Unavailable(
                f"the database at {self._connection.url} is of an older version, or empty: it lacks {shown}. "
                "Run `sloengine migrate up` once, then this goes on by itself"
            )

    def _check(self, applied: dict[int, tuple[str, str, datetime]]) -> None:
        known = {migration.number: migration for migration in self._migrations}
        for number, (name, checksum, _) in applied.items():
            migration = known.get(number)
            if migration is None:
                raise MigrationChanged(f"migration {number:04d}_{name} was applied by a newer sloengine")
            if migration.checksum != checksum:
                raise MigrationChanged(
                    f"migration {number:04d}_{name} was edited after it had been applied; put the old text back"
                    " and write a new migration"
                )

    async def _applied(self) -> dict[int, tuple[str, str, datetime]]:
        rows = await self._connection.read("applied_migrations")
        return {number: (name, checksum, at.to_native()) for number, name, checksum, at in rows}

    async def _run(self, script: str) -> None:
        """Each statement commits by itself: Neo4j takes no schema and data changes in one transaction."""
        with self._connection.errors():
            for statement in statements(script):
                async with self._connection.session(WRITE_ACCESS) as session:
                    await (await session.run(statement)).consume()
                await self._prolong_lock()

    async def _prolong_lock(self) -> None:
        if time.monotonic() - self._locked_at > _LOCK_SECONDS / 4 and not await self._take_lock():
            raise Conflict("this migration took so long that another migrator has started; run it again")

    async def _take_lock(self) -> bool:
        self._locked_at = time.monotonic()
        rows = await self._connection.write("take_migration_lock", holder=self._holder, seconds=_LOCK_SECONDS)
        return bool(first_of(rows) == self._holder)

    @asynccontextmanager
    async def _locked(self) -> AsyncGenerator[None]:
        with self._connection.errors():
            async with self._connection.session(WRITE_ACCESS) as session:
                await (await session.run(_LOCK_CONSTRAINT)).consume()
        waited = 0.0
        while not await self._take_lock():
            if waited >= self._wait_seconds:
                raise Conflict("another migration is running; try again when it is done")
            await asyncio.sleep(0.2)
            waited += 0.2
        try:
            yield
        finally:
            await self._connection.write("release_migration_lock", holder=self._holder)
