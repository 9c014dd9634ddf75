"""A read whose field was cancelled may fail without anybody being told: asyncio has nothing to log."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.reader import Reader
from waiting import until_somebody_waits

# A lock gives nothing, of which the length is 0.
FAILING = text("select 1 / length(cast(pg_advisory_xact_lock_shared(7654321) as text))")


async def test_what_a_cancelled_read_raises_is_not_logged(engine: AsyncEngine, organization_id: UUID) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    reader = Reader(engine, organization_id)
    async with engine.begin() as blocking:
        await blocking.execute(text("select pg_advisory_xact_lock(7654321)"))
        waiting = asyncio.create_task(reader.rows(FAILING))
        await until_somebody_waits(engine)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await reader.close()
    del waiting
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert told == []
