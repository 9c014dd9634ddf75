"""Listens to Postgres, on one connection for each process, and passes on to the hub what it hears.

Postgres knows nobody who was away: after a connection was lost, and when more comes than can be passed on, every subscriber is
told to fetch again. On a cluster NOTIFY reaches those who listen on the same node (distributed.md 2.3): all processes connect
to the coordinator, and so they do hear one another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from holdco import tenancy
from holdco.changes import revocations, work
from holdco.changes.hub import Hub, Place
from holdco.changes.notice import CHANNEL, Notice, read

log = structlog.get_logger(__name__)

# Notices that were heard and not passed on yet.
BACKLOG_MAX = 1_000
# Seconds.
HEARTBEAT = 30.0
RECONNECT_AFTER = 1.0
ANSWER_MAX = 10.0
START_MAX = 1.0

_PLACES = """
select descendant_id, ancestor_id, depth from customer_closure
where organization_id = $1 and descendant_id = any($2::uuid[])
"""
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError, OSError, TimeoutError)


class Listener:
    """`engine` is the listener's own: it keeps one connection, which it does not share with operations."""

    def __init__(self, engine: AsyncEngine, hub: Hub, *, reconnect_after: float = RECONNECT_AFTER) -> None:
        self._engine = engine
        self._hub = hub
        self._reconnect_after = reconnect_after
        self._backlog: deque[str] = deque()
        self._heard = asyncio.Event()
        self._tried = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when it listens, or when it is clear that it cannot yet, or after START_MAX: it goes on trying."""
        self._running = asyncio.create_task(self._run())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), START_MAX)

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self._engine.dispose()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except _LOST as problem:
                log.warning("not listening for changes", problem=str(problem))
            except Exception:
                # Whatever it is, subscribers must not wait for events that never come.
                log.exception("listening for changes failed")
            self._tried.set()
            await asyncio.sleep(self._reconnect_after)

    async def _listen(self) -> None:
        pooled = await self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        try:
            connection.add_termination_listener(self._lost)
            await connection.add_listener(CHANNEL, self._hear)
            await connection.add_listener(revocations.CHANNEL, self._hear_revocation)
            await connection.add_listener(work.CHANNEL, self._hear_work)
            self._hub.revocations.listen(is_listening=True)
            self._hub.work.set()
            self._backlog.clear()
            self._hub.refetch()
            self._tried.set()
            while not connection.is_closed():
                await self._pass_on(pooled)
        finally:
            self._hub.revocations.listen(is_listening=False)
            await greenlet_spawn(pooled.invalidate)

    def _lost(self, _connection: Any) -> None:
        self._hub.revocations.listen(is_listening=False)
        self._heard.set()

    def _hear_revocation(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        self._hub.revocations.tell(*revocations.read(str(payload)))

    def _hear_work(self, _connection: Any, _process: int, _channel: str, _payload: object) -> None:
        self._hub.work.set()

    def _hear(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        if len(self._backlog) >= BACKLOG_MAX:
            self._backlog.clear()
            self._hub.refetch()
        self._backlog.append(str(payload))
        self._heard.set()

    async def _pass_on(self, pooled: PoolProxiedConnection) -> None:
        """What was heard meanwhile; or, when it was quiet for long, a question whether anybody is still there."""
        connection: Any = pooled.driver_connection
        try:
            await asyncio.wait_for(self._heard.wait(), HEARTBEAT)
        except TimeoutError:
            await connection.execute("select 1", timeout=ANSWER_MAX)
        self._heard.clear()
        notices = [read(payload) for payload in self._backlog]
        self._backlog.clear()
        for organization_id in dict.fromkeys(notice.organization_id for notice in notices):
            of_one = [notice for notice in notices if notice.organization_id == organization_id]
            places = await self._places(pooled, organization_id, of_one)
            for notice in of_one:
                self._hub.deliver(notice, places)

    async def _places(
        self, pooled: PoolProxiedConnection, organization_id: UUID, notices: Sequence[Notice]
    ) -> dict[UUID, list[Place]] | None:
        """The ancestors of all customers that changed, read once for all subscribers; None where nobody needs them."""
        if not any(self._hub.needs_places(notice) for notice in notices):
            return None
        changed = {key for notice in notices for key in notice.customer_ids}
        connection: Any = pooled.driver_connection
        await tenancy.act_for(pooled, organization_id)
        rows = await connection.fetch(_PLACES, organization_id, list(changed), timeout=ANSWER_MAX)
        places: dict[UUID, list[Place]] = {}
        for descendant_id, ancestor_id, depth in rows:
            places.setdefault(descendant_id, []).append((ancestor_id, depth))
        return places
