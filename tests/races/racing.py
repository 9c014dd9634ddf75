"""How races are run: many rounds with different starts, or with locks that are held until everybody waits for them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from directly import become_owner
from holdco import ids
from holdco.database import lock_key
from stories import Story
from waiting import until_waiting

Payload = dict[str, Any]


def codes(payload: Payload) -> list[str]:
    """Why a mutation was refused; empty when it was done."""
    return [error["code"] for error in payload["userErrors"]]


async def race(*attempts: Awaitable[Payload]) -> list[Payload]:
    """Runs them all at once, each after a few turns of the loop, so that every round begins differently."""

    async def start(attempt: Awaitable[Payload]) -> Payload:
        for _ in range(random.randrange(12)):
            await asyncio.sleep(0)
        return await attempt

    shuffled = list(enumerate(attempts))
    random.shuffle(shuffled)
    answers = await asyncio.gather(*(start(attempt) for _, attempt in shuffled))
    return [answer for _, answer in sorted(zip((index for index, _ in shuffled), answers, strict=True), key=lambda pair: pair[0])]


_TABLES = {
    "inv": "invoices",
    "pay": "payments",
    "crn": "credit_notes",
    "cus": "customers",
    "con": "contacts",
    "usr": "client_users",
}


class Holder:
    """A transaction of another program that stands in the way until it is let go."""

    def __init__(self, story: Story, connection: AsyncConnection) -> None:
        self._story = story
        self._connection = connection

    async def tree(self) -> None:
        """The lock of the hierarchy."""
        await self._run("select pg_advisory_xact_lock(:key)", key=lock_key(self._story.organization_id))

    async def row(self, key: str) -> None:
        """The row of something that has an id."""
        kind, uuid = ids.parse(key)
        await self._run(
            f"select 1 from {_TABLES[kind.value]} where organization_id = :organization_id and id = :id for update", id=uuid
        )

    async def counter(self, kind: str) -> None:
        """The counter that gives numbers, e.g. to each PAYMENT."""
        await self._run(
            "insert into number_counters values (:organization_id, :kind, 1) on conflict (organization_id, kind) "
            "do update set value = number_counters.value",
            kind=kind,
        )

    async def reference(self, external_id: str, customer_id: str) -> None:
        """The id that another system gives to a customer: whoever wants it waits whether it is taken."""
        await self._run(
            "insert into external_references (organization_id, system, external_id, customer_id) "
            "values (:organization_id, 'crm', :external_id, :customer_id)",
            external_id=external_id,
            customer_id=ids.parse(customer_id)[1],
        )

    async def waiting(self, count: int) -> None:
        """Returns when so many wait."""
        await until_waiting(self._story.engine, count)

    async def let_go(self) -> None:
        """Nothing of what was held has happened."""
        await self._connection.rollback()

    async def _run(self, statement: str, **parameters: Any) -> None:
        await self._connection.execute(text(statement), {"organization_id": self._story.organization_id, **parameters})


@asynccontextmanager
async def holder(story: Story) -> AsyncIterator[Holder]:
    async with story.engine.connect() as connection:
        await become_owner(connection, story.organization_id)
        yield Holder(story, connection)


async def queue(engine: AsyncEngine, *attempts: Coroutine[Any, Any, Payload]) -> list[asyncio.Task[Payload]]:
    """Starts one after the other, each when all before it wait for a lock. So they come to a lock that is held in this order."""
    tasks: list[asyncio.Task[Payload]] = []
    for place, attempt in enumerate(attempts, start=1):
        tasks.append(asyncio.create_task(attempt))
        waiting = asyncio.create_task(until_waiting(engine, place))
        await asyncio.wait({tasks[-1], waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            raise AssertionError(f"It did not wait: {tasks[-1].result()}")
        await waiting
    return tasks
