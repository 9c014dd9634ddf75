"""Asks the database past the program, as what tests want to know or to spoil is not what the server's role may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from holdco import database


@asynccontextmanager
async def directly(engine: AsyncEngine, organization_id: UUID | None = None) -> AsyncIterator[AsyncConnection]:
    """A transaction as the owner of the tables, who sees this organization or none; it commits unless an exception is raised."""
    async with engine.begin() as connection:
        await become_owner(connection, organization_id)
        yield connection


async def become_owner(connection: AsyncConnection, organization_id: UUID | None = None) -> None:
    """Until the end of the connection's transaction."""
    await connection.execute(text("set local role none"))
    if organization_id is not None:
        await database.act_for(connection, organization_id)
