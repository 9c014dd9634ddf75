"""One snapshot of the database for one operation, read by statements that were compiled once.

SQLAlchemy composes a statement and lends a connection of its pool; the SQL goes straight to asyncpg, which returns rows as
objects that need no further work. On the way through SQLAlchemy's results a tree of 888 objects took three times as long.

What is read for a client user is no more than it may see, whatever the statement says (`sight.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, PoolProxiedConnection, Select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from holdco import tenancy
from holdco.compiled import Compiled, compiled
from holdco.monitoring import tracing
from holdco.outages import DATABASE_ERRORS, outage_of
from holdco.sight import ORGANIZATION, VIEWER, Audience

_SNAPSHOT = "isolation level repeatable read read only"


class Row(asyncpg.Record):
    """A row of a statement that nobody has made a class for: a tuple that knows its columns by name."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Reader:
    """One snapshot for one operation: READ ONLY, REPEATABLE READ, on one connection.

    Nothing is opened before the first read, and nothing after the end. Reads that are asked for at the same time take turns,
    because one connection answers one statement at a time.

    `columns` tells what is wanted of a kind of row; of kinds that it does not name, every column is. `seen` is every row of a
    listing that this snapshot has given, by kind. `statement_count` leaves BEGIN and COMMIT out.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        organization_id: UUID,
        client_user_id: UUID | None = None,
        audience: Audience = Audience.STAFF,
    ) -> None:
        if (client_user_id is None) != (audience is Audience.STAFF):
            raise ValueError("What is read for a client user is written for client users.")
        self.engine = engine
        self.organization_id = organization_id
        self.client_user_id = client_user_id
        self.audience = audience
        self.columns: Mapping[Any, frozenset[str]] = {}
        self.seen: dict[Any, list[Sequence[Any]]] = {}
        self.statement_count = 0
        # One statement is a snapshot by itself. Who knows that there will be one only says so; a second is refused then.
        self.is_single = False
        self._pooled: PoolProxiedConnection | None = None
        self._connection: Any = None
        self._failure: Exception | None = None
        self._is_bare = False
        self._turn = asyncio.Lock()
        self._is_broken = False
        self._is_closed = False
        # The task that waits for Postgres, when it is not the operation's own.
        self._reading: asyncio.Task[Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it holds a connection."""
        return self._pooled is not None

    async def rows(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | None = None,
        record: type[asyncpg.Record] = Row,
        *,
        is_by_key: bool = False,
    ) -> Sequence[Any]:
        """The rows of a statement, as tuples in the order of its columns. For whom is read is bound already.

        `is_by_key`: it finds few rows by their keys, whatever the organization has.
        """
        # A field that fails cancels its siblings. A statement that is cancelled would take the connection along, and with it
        # the snapshot that others still read from.
        bound = {ORGANIZATION: self.organization_id, VIEWER: self.client_user_id, **(parameters or {})}
        # Each of the few is looked up by itself.
        is_each = is_by_key and self.audience is Audience.FEW
        ready = compiled(statement, Audience.MANY if is_each else self.audience)
        try:
            if self.is_single:
                return await self._rows(statement, ready, bound, record)
            reading = asyncio.ensure_future(self._rows(statement, ready, bound, record))
            reading.add_done_callback(_hear)
            return await asyncio.shield(reading)
        except DATABASE_ERRORS as error:
            if (outage := outage_of(error)) is None:
                raise
            raise outage from error

    async def _rows(
        self, statement: Executable, ready: Compiled, parameters: Mapping[str, Any], record: type[asyncpg.Record]
    ) -> Sequence[Any]:
        arguments = ready.arguments(parameters)
        async with self._turn:
            if self._is_closed:
                # A loader whose fields were cancelled still asks: it is cancelled likewise. A connection that was opened now
                # would be nobody's to give back.
                raise asyncio.CancelledError
            if self._connection is None:
                if self._failure is not None:
                    raise self._failure
                try:
                    # What is not a SELECT of ours may write: Postgres has to be told that it must not.
                    await self._open(is_single=self.is_single and isinstance(statement, Select))
                except Exception as failure:
                    # Who reads next would wait as long for the same, one after the other.
                    self._failure = failure
                    raise
            elif self._is_bare:
                raise SecondStatement
            self.statement_count += 1
            self._reading = None if self.is_single else asyncio.current_task()
            try:
                with tracing.statement(ready.sql):
                    rows: Sequence[Any] = await self._connection.fetch(ready.sql, *arguments, record_class=record)
            except asyncio.CancelledError:
                # Only where there is no snapshot to protect. asyncpg is still telling Postgres to stop.
                self._is_broken = True
                raise
            finally:
                self._reading = None
            return rows

    async def _open(self, *, is_single: bool) -> None:
        pooled = await self.engine.raw_connection()
        try:
            if is_single:
                await tenancy.act_for(pooled, self.organization_id)
            else:
                await tenancy.begin(pooled, self.organization_id, _SNAPSHOT)
        except BaseException:
            await greenlet_spawn(pooled.invalidate)
            raise
        self._pooled, self._connection, self._is_bare = pooled, pooled.driver_connection, is_single

    def stop(self) -> None:
        """Nobody waits for the answer any more: Postgres is told so, and nothing else is read. `close` is still to come."""
        self._is_closed = True
        if self._reading is not None:
            self._reading.cancel()

    async def close(self) -> None:
        """Gives the connection back. A client that goes away cancels its operation; its connection goes back all the same."""
        # Where nothing has to be waited for there is nothing to cancel.
        is_immediate = not self._turn.locked() and (self._is_bare or self._connection is None)
        await (self._close() if is_immediate else asyncio.shield(self._close()))

    async def _close(self) -> None:
        async with self._turn:
            self._is_closed = True
            pooled, self._pooled = self._pooled, None
            if pooled is None:
                return
            if self._is_broken:
                await greenlet_spawn(pooled.invalidate)
                return
            try:
                if not self._is_bare:
                    await tenancy.commit(pooled)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                # The connection was lost. Whoever read from it has been told; nothing was to be written.
                await greenlet_spawn(pooled.invalidate)
            else:
                await greenlet_spawn(pooled.close)


def _hear(reading: asyncio.Future[Any]) -> None:
    """What it raised is no news where whoever asked has been cancelled; asyncio would log it."""
    if not reading.cancelled():
        reading.exception()


class SecondStatement(Exception):
    """A second statement where one was announced: the two would not see the same world."""
