"""One snapshot of the database for a whole export, read by server-side cursors: memory does not grow with the organization."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from holdco import tenancy
from holdco.compiled import compiled
from holdco.imports.problems import OrganizationUnknown
from holdco.outages import DATABASE_ERRORS, outage_of
from holdco.reader import Row

# Documents that are fetched together, with what belongs to them: few statements, little memory.
BATCH: Final = 1000

_MODES: Final = "isolation level repeatable read read only"
_TIMEZONE: Final = text("select timezone from organizations where id = :organization_id")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`now` is when it was taken, in the organization's time zone."""

    organization_id: UUID
    now: datetime
    connection: Any

    @property
    def today(self) -> date:
        return self.now.date()

    async def rows(self, statement: TextClause, **parameters: Any) -> Sequence[Any]:
        """All rows of a statement that finds no more than belong to one batch."""
        sql, arguments = self._ready(statement, parameters)
        found: Sequence[Any] = await self.connection.fetch(sql, *arguments, record_class=Row)
        return found

    async def batches(self, statement: TextClause, **parameters: Any) -> AsyncIterator[Sequence[Any]]:
        """The rows of a statement, BATCH at a time."""
        sql, arguments = self._ready(statement, parameters)
        cursor = await self.connection.cursor(sql, *arguments, record_class=Row)
        while rows := await cursor.fetch(BATCH):
            yield rows

    def _ready(self, statement: TextClause, parameters: dict[str, Any]) -> tuple[str, list[Any]]:
        ready = compiled(statement)
        return ready.sql, ready.arguments({"organization_id": self.organization_id, **parameters})


@asynccontextmanager
async def snapshot(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[Snapshot]:
    """READ ONLY and REPEATABLE READ, on a connection of its own. Raises OrganizationUnknown; Outage."""
    try:
        async with _opened(engine, organization_id) as taken:
            yield taken
    except DATABASE_ERRORS as error:
        if (outage := outage_of(error)) is None:
            raise
        raise outage from error


@asynccontextmanager
async def _opened(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[Snapshot]:
    pooled = await engine.raw_connection()
    try:
        await tenancy.begin(pooled, organization_id, _MODES)
        taken = Snapshot(organization_id, datetime.now(UTC), pooled.driver_connection)
        yield Snapshot(organization_id, taken.now.astimezone(await _timezone(taken)), taken.connection)
        await tenancy.commit(pooled)
    except BaseException:
        # Nothing was written; whatever the connection was in the middle of is over with it.
        await asyncio.shield(greenlet_spawn(pooled.invalidate))
        raise
    pooled.close()


async def _timezone(taken: Snapshot) -> ZoneInfo:
    found = await taken.rows(_TIMEZONE)
    if not found:
        raise OrganizationUnknown
    return ZoneInfo(found[0].timezone)
