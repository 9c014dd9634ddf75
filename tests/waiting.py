"""Waits until a statement waits: what makes a race a test instead of luck."""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_WAITERS = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


async def until_somebody_waits(engine: AsyncEngine, *, deadline: float = 10) -> None:
    """Returns as soon as a statement on this database waits for a lock; fails after `deadline` seconds."""
    await until_waiting(engine, 1, deadline=deadline)


async def until_waiting(engine: AsyncEngine, count: int, *, deadline: float = 10) -> None:
    """Returns as soon as that many statements on this database wait for locks; fails after `deadline` seconds."""
    async with asyncio.timeout(deadline), engine.connect() as connection:
        while await count_waiters(connection) < count:
            # The view is frozen for the length of a transaction.
            await connection.rollback()
            await asyncio.sleep(0.01)


async def count_waiters(connection: AsyncConnection) -> int:
    # The server's role may not see what others wait for.
    await connection.execute(text("set local role none"))
    count: int = (await connection.execute(_WAITERS)).scalar_one()
    return count
