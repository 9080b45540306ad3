"""One driver, its sessions, and what becomes of its errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    AsyncSession,
    NotificationMinimumSeverity,
    Query,
    SummaryCounters,
    unit_of_work,
)
from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ResultError,
    TransactionError,
    TransientError,
)

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.neo4j.named_queries import query
from sloengine.infrastructure.turns import in_turns

CONNECTION_TIMEOUT_SECONDS = 5.0
ACQUISITION_TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = 15.0
READ_TIMEOUT_SECONDS = 60.0
WRITE_TIMEOUT_SECONDS = 300.0
_UNKNOWN_COMMITS = 2
"""Commits without an answer, one after the other, until it is given up."""

type Row = list[Any]


class Transaction:
    """Runs named queries in one transaction."""

    def __init__(self, transaction: AsyncManagedTransaction) -> None:
        self._transaction = transaction

    async def rows(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the query, columns in its order."""
        result = await self._transaction.run(query(name), parameters)
        return [record.values() async for record in in_turns(result)]

    async def row(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row, or None."""
        rows = await self.rows(name, **parameters)
        return rows[0] if rows else None

    async def run(self, name: str, /, **parameters: Any) -> tuple[list[Row], SummaryCounters]:
        """All rows, and what the server counted (nodes and relationships created, …)."""
        result = await self._transaction.run(query(name), parameters)
        rows = [record.values() async for record in in_turns(result)]
        return rows, (await result.consume()).counters

    async def stream(self, name: str, /, **parameters: Any) -> AsyncGenerator[Row]:
        """Rows as they arrive; other tasks get their turn in between."""
        result = await self._transaction.run(query(name), parameters)
        async for record in in_turns(result):  # rows that have arrived already are handed out without waiting
            yield record.values()


class Neo4jConnection:
    """Sessions on one driver. Reads after own writes see them, on a cluster too (bookmarks).

    The driver belongs to the event loop that opened it.
    """

    def __init__(self, driver: AsyncDriver, database: str | None, url: str) -> None:
        self.driver = driver
        self.database = database
        self.url = url
        self.bookmarks = AsyncGraphDatabase.bookmark_manager()
        self._before_writing: Callable[[], Awaitable[None]] | None = None

    def ask_before_writing(self, check: Callable[[], Awaitable[None]]) -> None:
        """Let nothing be written until this has passed once; what it raises is raised by the write."""
        self._before_writing = check

    def unasked(self) -> Neo4jConnection:
        """The same driver and bookmarks, without that check: for what makes the database fit to be written."""
        other = Neo4jConnection(self.driver, self.database, self.url)
        other.bookmarks = self.bookmarks
        return other

    async def may_write(self) -> None:
        """Raise ``Unavailable`` where nothing may be written yet."""
        if self._before_writing is not None:
            await self._before_writing()
            self._before_writing = None

    def session(self, access_mode: str) -> AsyncSession:
        """A session; ``READ_ACCESS`` may be served by a replica, and the server refuses writes in it."""
        return self.driver.session(
            database=self.database, default_access_mode=access_mode, bookmark_manager=self.bookmarks
        )

    async def in_read[Result](
        self, work: Callable[[Transaction], Awaitable[Result]], *, timeout_seconds: float = READ_TIMEOUT_SECONDS
    ) -> Result:
        """Do this work in one read transaction, again after transient errors. Raises ``Unavailable``."""

        @unit_of_work(timeout=timeout_seconds)
        async def unit(transaction: AsyncManagedTransaction) -> Result:
            return await work(Transaction(transaction))

        with self.errors():
            async with self.session(READ_ACCESS) as session:
                return await session.execute_read(unit)

    async def in_write[Result](
        self,
        work: Callable[[Transaction], Awaitable[Result]],
        *,
        timeout_seconds: float = WRITE_TIMEOUT_SECONDS,
        knows_itself: bool = False,
    ) -> Result:
        """Do this work in one write transaction, again after transient errors. Raises ``Unavailable``.

        ``knows_itself``: run again, the work finds what it has written before. Then it is run again, too, when the
        connection was lost before the commit was answered: the driver does not, for it may have been done.
        """

        @unit_of_work(timeout=timeout_seconds)
        async def unit(transaction: AsyncManagedTransaction) -> Result:
            return await work(Transaction(transaction))

        await self.may_write()
        with self.errors():
            for _ in range(_UNKNOWN_COMMITS if knows_itself else 0):
                with suppress(IncompleteCommit):
                    async with self.session(WRITE_ACCESS) as session:
                        return await session.execute_write(unit)
            async with self.session(WRITE_ACCESS) as session:
                return await session.execute_write(unit)

    async def read(self, name: str, /, **parameters: Any) -> list[Row]:
        """Rows of one named query from ``cypher/read``; a replica may answer.

        One message to the server and back, where a transaction takes three. Only when that meets a transient
        error, a transaction does it again, as often as the driver sees fit: reading twice does no harm.
        """
        return await self._read_alone(READ_ACCESS, name, parameters)

    async def read_from_leader(self, name: str, /, **parameters: Any) -> list[Row]:
        """The same, from the server that takes writes: nothing committed is missed."""
        return await self._read_alone(WRITE_ACCESS, name, parameters)

    async def _read_alone(self, access_mode: str, name: str, parameters: dict[str, Any]) -> list[Row]:
        with self.errors():
            try:
                async with self.session(access_mode) as session:
                    result = await session.run(
                        Query(query(f"read/{name}"), timeout=READ_TIMEOUT_SECONDS), parameters
                    )
                    return [record.values() async for record in in_turns(result)]
            except (DriverError, Neo4jError) as error:
                if not error.is_retryable():
                    raise
        again = self.in_read if access_mode == READ_ACCESS else self.in_write
        return await again(
            lambda transaction: transaction.rows(f"read/{name}", **parameters),
            timeout_seconds=READ_TIMEOUT_SECONDS,
        )

    async def read_row(self, name: str, /, **parameters: Any) -> Row | None:
        """First row of one named query from ``cypher/read``, or None."""
        rows = await self.read(name, **parameters)
        return rows[0] if rows else None

    async def write(self, name: str, /, **parameters: Any) -> list[Row]:
        """Rows of one named query from ``cypher/write``."""
        return await self.in_write(lambda transaction: transaction.rows(f"write/{name}", **parameters))

    async def write_in_batches(self, name: str, /, **parameters: Any) -> list[Row]:
        """Rows of a named query that commits by itself as it goes (``CALL … IN TRANSACTIONS``); not retried."""
        await self.may_write()
        with self.errors():
            async with self.session(WRITE_ACCESS) as session:
                result = await session.run(query(f"write/{name}"), parameters)
                return await result.values()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the driver's errors that mean "not now" into ``Unavailable``; others are faults and pass."""
        try:
            yield
        except AuthError as error:
            raise Unavailable(
                f"Neo4j at {self.url} refuses the user name or password: check SLOENGINE_NEO4J_USER and"
                " SLOENGINE_NEO4J_PASSWORD"
            ) from error
        except (ConfigurationError, ResultError, TransactionError):
            raise
        except IncompleteCommit as error:
            raise Unavailable(
                f"Neo4j at {self.url} was lost while it wrote: look whether that was done before you ask again"
            ) from error
        except (DriverError, TransientError, OSError) as error:
            raise Unavailable(f"Neo4j at {self.url} does not answer: {_first_line(error)}") from error

    async def check(self) -> None:
        """Raise ``Unavailable`` unless the server answers a query."""
        await self.read("ping")


@asynccontextmanager
async def open_connection(
    url: str,
    user: str,
    password: str,
    *,
    database: str | None = None,
    max_pool_size: int = 50,
    retry_seconds: float = RETRY_SECONDS,
) -> AsyncGenerator[Neo4jConnection]:
    """A connection that is closed at the end.

    ``url``: ``bolt://`` for one server, ``neo4j://`` for a cluster or Aura (writes to the leader, reads to
    replicas), ``+s`` for TLS. Nothing is sent before the first query.
    """
    driver = AsyncGraphDatabase.driver(
        url,
        auth=(user, password),
        connection_timeout=CONNECTION_TIMEOUT_SECONDS,
        connection_acquisition_timeout=ACQUISITION_TIMEOUT_SECONDS,
        max_transaction_retry_time=retry_seconds,
        max_connection_pool_size=max_pool_size,
        liveness_check_timeout=30,
        telemetry_disabled=True,
        notifications_min_severity=NotificationMinimumSeverity.OFF,
        user_agent="sloengine",
    )
    async with driver:
        yield Neo4jConnection(driver, database, url)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


def first_of(rows: Sequence[Row]) -> Any:
    """First column of the first row; None when there is no row."""
    return rows[0][0] if rows else None
