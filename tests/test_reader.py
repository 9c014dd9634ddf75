"""The snapshot of an operation: opened once, given back at the end, whatever happens to those who read from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco.context import Context
from holdco.database import create_engine
from holdco.reader import Reader
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from waiting import until_somebody_waits

ORGANIZATION = text("select id from organizations where id = :organization_id")


@pytest.fixture
async def narrow(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine with one connection: whoever does not give it back leaves nothing for the next."""
    made = create_engine(database_url, pool_size=1)
    yield made
    await made.dispose()


def checked_out(engine: AsyncEngine) -> int:
    pool: Any = engine.sync_engine.pool
    count: int = pool.checkedout()
    return count


async def test_who_reads_after_the_end_opens_nothing(narrow: AsyncEngine, organization_id: UUID) -> None:
    reader = Reader(narrow, organization_id)
    parameters = {"organization_id": organization_id}
    assert [tuple(row) for row in await reader.rows(ORGANIZATION, parameters)] == [(organization_id,)]
    assert checked_out(narrow) == 1
    await reader.close()
    with pytest.raises(asyncio.CancelledError):
        await reader.rows(ORGANIZATION, parameters)
    await reader.close()
    assert checked_out(narrow) == 0


async def test_a_read_that_is_cancelled_costs_neither_the_connection_nor_the_snapshot(
    narrow: AsyncEngine, engine: AsyncEngine, organization_id: UUID
) -> None:
    parameters = {"organization_id": organization_id}
    invalidated: list[Any] = []
    event.listen(narrow.sync_engine, "invalidate", lambda *_: invalidated.append(_))
    reader = Reader(narrow, organization_id)
    snapshot = text("select cast(pg_current_snapshot() as text), pg_backend_pid()")
    before = await reader.rows(snapshot)
    async with directly(engine) as blocking:
        await blocking.execute(text("select pg_advisory_xact_lock(1234567)"))
        waiting = asyncio.create_task(reader.rows(text("select pg_advisory_lock_shared(1234567)")))
        await until_somebody_waits(engine)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        # Takes its turn behind the statement that nobody waits for any more.
        following = asyncio.create_task(reader.rows(snapshot))
    assert await following == before
    await reader.rows(text("select pg_advisory_unlock_all()"))
    assert [tuple(row) for row in await reader.rows(ORGANIZATION, parameters)] == [(organization_id,)]
    await reader.close()
    assert (invalidated, checked_out(narrow)) == ([], 0)


DOCUMENT = """query ($first: Int!) {
  customers(first: $first) { nodes { id } } organization { name } invoices { nodes { customer { name } } }
  payments { nodes { allocations { nodes { id } } } } customerGroups { nodes { customers { nodes { id } } } }
}"""


async def ask(engine: AsyncEngine, organization_id: UUID, first: int) -> Any:
    context = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))
    try:
        return await schema.execute(DOCUMENT, variable_values={"first": first}, context_value=context)
    finally:
        await context.close()


async def test_an_operation_that_fails_leaves_its_connection_to_the_next(narrow: AsyncEngine, organization_id: UUID) -> None:
    invalidated: list[Any] = []
    event.listen(narrow.sync_engine, "invalidate", lambda *_: invalidated.append(_))
    for _ in range(20):
        failed = await ask(narrow, organization_id, 500)
        assert [error.message for error in failed.errors] == ["first must be from 0 to 200, not 500."]
        assert (await ask(narrow, organization_id, 1)).errors is None
    assert (invalidated, checked_out(narrow)) == ([], 0)


async def test_an_operation_that_is_cancelled_leaves_its_connection_to_the_next(
    narrow: AsyncEngine, engine: AsyncEngine, organization_id: UUID
) -> None:
    invalidated: list[Any] = []
    event.listen(narrow.sync_engine, "invalidate", lambda *_: invalidated.append(_))
    async with directly(engine) as blocking:
        await blocking.execute(text("lock table customers in access exclusive mode"))
        asking = asyncio.create_task(ask(narrow, organization_id, 1))
        await until_somebody_waits(engine)
        asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await ask(narrow, organization_id, 1)).errors is None
    assert (invalidated, checked_out(narrow)) == ([], 0)
