"""A pooled connection serves one organization after the other, and never answers for the one before (tenancy.py)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco import database
from holdco.context import Context
from holdco.database import create_engine
from holdco.organizations.models import Organization
from holdco.reader import Reader
from holdco.viewer import StaffRole, Viewer
from statements import ISSUED
from waiting import until_somebody_waits
from wall.conftest import Walled

# No condition: what comes back is what the wall lets through.
EVERYBODY = select(Organization.__table__.c.id)
BEGIN = "begin isolation level repeatable read read only; select set_tenant('{}')"


@pytest.fixture(autouse=True)
def _unheard() -> Iterator[None]:
    """What is asked here by way of a snapshot's own task looks like Holdco's, and would be found to lack its condition."""
    yield
    for statement in [each for each in ISSUED.origins if each.split() == ["SELECT", "organizations.id", "FROM", "organizations"]]:
        del ISSUED.origins[statement]


@pytest.fixture
async def narrow(walled: Walled) -> AsyncIterator[AsyncEngine]:
    """One connection for all."""
    engine = create_engine(walled.url, pool_size=1)
    yield engine
    await engine.dispose()


async def single(engine: AsyncEngine, organization_id: UUID) -> list[UUID]:
    """What a single SELECT sees, which has no transaction."""
    reader = Reader(engine, organization_id)
    reader.is_single = True
    try:
        return [row[0] for row in await reader.rows(EVERYBODY)]
    finally:
        await reader.close()


async def snapshot(engine: AsyncEngine, organization_id: UUID, *statements: str) -> list[UUID]:
    """What a snapshot sees before it runs these statements."""
    reader = Reader(engine, organization_id)
    try:
        seen = [row[0] for row in await reader.rows(EVERYBODY)]
        for statement in statements:
            await reader.rows(text(statement))
        return seen
    finally:
        await reader.close()


async def writing(engine: AsyncEngine, organization_id: UUID, *statements: str) -> list[UUID]:
    """What a transaction that writes sees, likewise."""
    async with database.begin(engine, organization_id=organization_id, actor="wall") as transaction:
        seen = [row[0] for row in await transaction.rows(EVERYBODY)]
        for statement in statements:
            await transaction.execute(text(statement))
        return seen


async def nobody(engine: AsyncEngine) -> list[UUID]:
    """What somebody sees who forgets to say for whom."""
    async with engine.connect() as connection:
        return [row[0] for row in await connection.execute(EVERYBODY)]


async def test_whoever_comes_next_sees_the_own_organization(narrow: AsyncEngine, walled: Walled) -> None:
    for ask in (single, snapshot, writing):
        for next_one in (single, snapshot, writing):
            assert await ask(narrow, walled.own) == [walled.own]
            assert await next_one(narrow, walled.other) == [walled.other]
            assert await next_one(narrow, walled.own) == [walled.own]
            assert await nobody(narrow) == []


async def test_a_round_trip_more_is_paid_only_where_a_single_statement_follows_another_organization(
    narrow: AsyncEngine, walled: Walled
) -> None:
    sent: list[str] = []
    pooled = await narrow.raw_connection()
    driver: Any = pooled.driver_connection
    driver.add_query_logger(lambda query: sent.append(" ".join(query.query.split())))
    pooled.close()
    asked = "SELECT organizations.id FROM organizations"

    await single(narrow, walled.own)
    await single(narrow, walled.own)
    await single(narrow, walled.other)
    # Loggers are called in the next turn of the loop.
    await asyncio.sleep(0)
    assert sent == [
        f"set holdco.organization_id = '{walled.own}'",
        asked,
        asked,
        f"set holdco.organization_id = '{walled.other}'",
        asked,
    ]
    sent.clear()
    await snapshot(narrow, walled.own)
    await asyncio.sleep(0)
    assert sent == [BEGIN.format(walled.own), asked, "commit; set holdco.organization_id = ''"]
    sent.clear()
    await writing(narrow, walled.own)
    await asyncio.sleep(0)
    assert (sent[0], sent[-1]) == (f"begin ; select set_tenant('{walled.own}')", "commit; set holdco.organization_id = ''")


ESCAPES = {
    "the transaction's own setting": "select set_tenant('{}')",
    "a setting of the session": "select set_config('holdco.organization_id', '{}', false)",
    "a setting that SET makes": "set session holdco.organization_id = '{}'",
}


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
@pytest.mark.parametrize("ask", [snapshot, writing])
async def test_what_a_transaction_does_to_the_setting_is_over_with_it(
    narrow: AsyncEngine, walled: Walled, ask: Any, escape: str
) -> None:
    for following in (single, snapshot, writing):
        assert await single(narrow, walled.own) == [walled.own]
        assert await ask(narrow, walled.own, escape.format(walled.other)) == [walled.own]
        assert await nobody(narrow) == []
        assert await following(narrow, walled.own) == [walled.own]


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
async def test_a_transaction_that_is_undone_leaves_nothing_either(narrow: AsyncEngine, walled: Walled, escape: str) -> None:
    with pytest.raises(DBAPIError, match="division by zero"):
        await writing(narrow, walled.own, escape.format(walled.other), "select 1 / 0")
    assert await nobody(narrow) == []
    assert await single(narrow, walled.own) == [walled.own]


async def test_a_lost_connection_takes_what_it_was_set_for_along(narrow: AsyncEngine, walled: Walled) -> None:
    assert await single(narrow, walled.own) == [walled.own]
    pooled = await narrow.raw_connection()
    driver: Any = pooled.driver_connection
    ending = await walled.connect(None)
    await ending.execute("set role none")
    await ending.execute("select pg_terminate_backend($1)", driver.get_server_pid())
    await ending.close()
    async with asyncio.timeout(10):
        while not driver.is_closed():  # noqa: ASYNC110 (nobody else tells that Postgres has gone)
            await asyncio.sleep(0)
    pooled.close()
    for organization_id in (walled.other, walled.own):
        assert await single(narrow, organization_id) == [organization_id]
    assert await nobody(narrow) == []


async def test_who_is_cancelled_leaves_nothing_to_the_next(engine: AsyncEngine, database_url: str, organization_id: UUID) -> None:
    narrow = create_engine(database_url, pool_size=1)
    for is_single in (True, False):
        context = Context(narrow, Viewer(organization_id, "wall", StaffRole.ADMIN))
        context.reader.is_single = is_single
        async with directly(engine) as blocking:
            await blocking.execute(text("lock table organizations in access exclusive mode"))
            asking = asyncio.create_task(context.reader.rows(EVERYBODY))
            await until_somebody_waits(engine)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        await context.close()
        assert await nobody(narrow) == []
        assert await single(narrow, organization_id) == [organization_id]
    await narrow.dispose()


async def test_a_single_statement_that_cannot_say_for_whom_is_not_asked(narrow: AsyncEngine, walled: Walled) -> None:
    assert await single(narrow, walled.own) == [walled.own]
    pooled = await narrow.raw_connection()
    driver: Any = pooled.driver_connection
    await driver.execute("begin")
    with pytest.raises(asyncpg.PostgresError):
        await driver.execute("select 1 / 0")
    pooled.close()
    # The session is in a transaction that failed: it takes no setting, and the connection is thrown away.
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await single(narrow, walled.other)
    assert await single(narrow, walled.other) == [walled.other]
