"""What one operation carries: who asks, one snapshot to read from, its loaders, and the way to a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database
from holdco.changes.hub import Hub
from holdco.database import Check, Transaction
from holdco.loading import Loader
from holdco.reader import Reader
from holdco.sight import Audience
from holdco.viewer import StaffRole, Viewer

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


# So many keep the processor busy while Postgres reads for others: more at once do not get through faster, and small ones wait.
LARGE_AT_ONCE = 3


class Capacity:
    """What the operations of a process share, so that large ones do not starve small ones.

    `large` counts those with lists within lists, which never hold all connections. `computing` lets one of them at a time
    complete its rows, a piece and then the next one's, so that a small one waits for one piece only.
    """

    def __init__(self, connections: int) -> None:
        self.large = asyncio.Semaphore(max(1, min(LARGE_AT_ONCE, connections - 1)))
        self.computing = asyncio.Lock()


class Context:
    """Made for one operation and closed after it. Nothing is opened before it is needed."""

    def __init__(self, engine: AsyncEngine, viewer: Viewer, capacity: Capacity | None = None, *, hub: Hub | None = None) -> None:
        self.engine = engine
        self.viewer = viewer
        self.hub = hub
        # Asked before anything is written, and again after waiting for a lock. Nobody but an ADMIN of staff writes without.
        self.permission: Check | None = None
        self.capacity = capacity or Capacity(1)
        self._has_room = False
        # Whose denial is on record, or will be.
        self.denied_queries: set[str] = set()
        self._afterwards: list[Callable[[], Awaitable[None]]] = []
        # Whether anything that this operation changed is there to stay.
        self.has_committed = False
        self._statement_count = 0
        self.reader = self._new_reader()
        self._loaders: dict[tuple[Any, ...], Loader[Any, Any]] = {}

    @property
    def organization_id(self) -> UUID:
        return self.viewer.organization_id

    @property
    def statement_count(self) -> int:
        """Of all its snapshots and transactions; BEGIN and COMMIT left out."""
        return self._statement_count + self.reader.statement_count

    def _new_reader(self) -> Reader:
        viewer = self.viewer
        if viewer.client_user_id is None:
            return Reader(self.engine, viewer.organization_id)
        audience = Audience.MANY if viewer.sees_many else Audience.FEW
        return Reader(self.engine, viewer.organization_id, viewer.client_user_id, audience)

    def loader(self, kind: type[Loader[Key, Value]], *arguments: Hashable) -> Loader[Key, Value]:
        """The operation's one loader of this kind and these arguments."""
        identity = (kind, *arguments)
        loader = self._loaders.get(identity)
        if loader is None:
            loader = self._loaders[identity] = kind(self.reader, *arguments)
        return loader

    async def load(self, kind: type[Loader[Key, Value]], key: Key, *arguments: Hashable) -> Value:
        return await self.loader(kind, *arguments).load(key)

    async def show(self, kind: type[Loader[Key, Value]], key: Key, *arguments: Hashable) -> Any:
        """As `load`, for the graph: a row stands for the type that shows it, which a type checker cannot know."""
        return await self.load(kind, key, *arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The only way to write. What was read before is forgotten, so that the payload reads the world as it is afterwards.

        The snapshot is given up first: an operation never holds two connections, or operations could wait for one another.
        """
        await self.renew()
        if self.permission is None and self.viewer.role is not StaffRole.ADMIN:
            raise PermissionError("Nobody has asked whether this may be written.")
        transaction: Transaction | None = None
        try:
            async with database.begin(
                self.engine, organization_id=self.organization_id, actor=self.viewer.actor, viewer=self.viewer
            ) as transaction:
                transaction.permission = self.permission
                if self.permission is not None:
                    await self.permission(transaction)
                yield transaction
            if self.hub is not None and transaction.revoked:
                # Here at once; other processes hear of it from Postgres, in a moment.
                self.hub.revocations.tell(self.organization_id, transaction.revoked)
        finally:
            if transaction is not None:
                self.has_committed |= transaction.is_committed
                self._statement_count += transaction.statement_count

    def afterwards(self, act: Callable[[], Awaitable[None]]) -> None:
        """Writes when nothing reads from the snapshot any more, as a field of a query must that its siblings read beside."""
        self._afterwards.append(act)

    async def settle(self) -> None:
        """Does what was put off, before the answer is given."""
        while self._afterwards:
            await self._afterwards.pop(0)()

    def select(self, columns: Mapping[Any, frozenset[str]]) -> None:
        """From now on only these columns are read; of kinds of rows that are not named, all."""
        if self.reader.columns not in ({}, columns):
            # What was read with other columns may lack some of these.
            self._loaders.clear()
            self.reader.seen.clear()
        self.reader.columns = columns

    async def take_room(self) -> None:
        """Waits until another large operation may have a connection; `close` gives the room back.

        Who has a connection already, as a mutation has that shows what it did, does not wait: those with room may wait for it.
        """
        if not self._has_room and not self.reader.is_open:
            await self.capacity.large.acquire()
            self._has_room = True

    async def renew(self) -> None:
        """Ends the snapshot: what is read from now on is read from a new one, with all columns."""
        await self.reader.close()
        self._statement_count += self.reader.statement_count
        self.reader = self._new_reader()
        self._loaders.clear()

    def stop(self) -> None:
        """Ends the statement that is being read, if any: nobody waits for it any more."""
        self.reader.stop()

    async def close(self) -> None:
        """Also lets go of all rows: graphql-core's executor refers to itself, and would keep them until garbage is collected."""
        self._loaders.clear()
        self.reader.seen.clear()
        try:
            try:
                await self.settle()
            finally:
                await self.reader.close()
        finally:
            if self._has_room:
                self._has_room = False
                self.capacity.large.release()
