"""Transactions for neomodel entities, on the connection's own driver and bookmarks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from neo4j import READ_ACCESS, WRITE_ACCESS
from neomodel import AsyncStructuredNode, adb
from neomodel.exceptions import UniqueProperty

from sloengine.domain.errors import Conflict
from sloengine.infrastructure.neo4j.connection import Neo4jConnection


async def put(node_class: type[AsyncStructuredNode], /, *, by: str, **values: Any) -> None:
    """Make or replace the one node whose unique property ``by`` is given among the values, within a ``writing()``.

    One ``MERGE``: of two who save the first at the same moment the second waits and replaces, where looking first
    and then making would end with "already there". None removes a property.
    """
    [node] = await node_class.nodes.bulk_create_or_update(values, merge_by={"keys": [by]})
    if None in values.values():
        for name, value in values.items():
            setattr(node, name, value)
        await node.save()


class NodeSession:
    """neomodel keeps one driver a process; each transaction here puts this connection's there first.

    Between that and the opening of the transaction no other task of the event loop runs, so connections may take
    turns. Once open, the transaction is the task's own.
    """

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[None]:
        """A read transaction for the neomodel calls inside."""
        async with self._transaction(READ_ACCESS):
            yield

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[None]:
        """A write transaction for the neomodel calls inside; rolled back when they raise."""
        await self._connection.may_write()
        async with self._transaction(WRITE_ACCESS):
            yield

    @asynccontextmanager
    async def _transaction(self, access_mode: str) -> AsyncGenerator[None]:
        with self._connection.errors():
            adb.driver = self._connection.driver
            adb._database_name = self._connection.database
            try:
                await adb.begin(access_mode=access_mode, bookmark_manager=self._connection.bookmarks)
                try:
                    yield
                except BaseException:
                    await adb.rollback()
                    raise
                await adb.commit()
            except UniqueProperty as error:
                raise Conflict(f"already there: {error}") from error
