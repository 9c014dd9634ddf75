"""A large answer is made in pieces: while it is made, the process goes on answering others."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from directly import directly
from holdco.context import Context
from holdco.endpoint.view import Endpoint
from holdco.organizations import service as organizations
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from tokens import Anybody

PARENTS, CHILDREN = 50, 200
DOCUMENT = """{
  customers(first: 50, filter: {isRoot: true}) { nodes { number name children(first: 200) { nodes { number name } } } }
}"""

# A yardstick is so much arithmetic as took 10 ms where the limit was set: five of them are the 50 ms that others may wait,
# and as much more on a slower machine.
YARDSTICK_STEPS = 350_000
YARDSTICKS_MAX = 5.0
REPETITIONS = 5


@pytest.fixture(scope="module")
async def organization_id(engine: AsyncEngine) -> UUID:
    """Fifty head offices with two hundred branches each."""
    made = uuid4()
    await organizations.ensure(engine, made)
    async with directly(engine, made) as connection:
        for statement in PLANTING:
            await connection.execute(text(statement), {"organization_id": made, "parents": PARENTS, "children": CHILDREN})
    return made


_PLACES = """
  select p, c, cast(md5(p || '-' || c) as uuid) as id, case when c > 0 then cast(md5(p || '-0') as uuid) end as parent_id
  from generate_series(1, cast(:parents as int)) p, generate_series(0, cast(:children as int)) c
"""
PLANTING = (
    f"""
    insert into customers (organization_id, id, number, name, kind, status, currency, parent_id, created_at, updated_at, version)
    select cast(:organization_id as uuid), id, to_char(p, 'FM00') || to_char(c, 'FM-000'), 'Customer ' || p || ' ' || c,
           'BUSINESS', 'ACTIVE', 'USD', parent_id, now(), now(), 1
    from ({_PLACES}) places order by c
    """,
    f"""
    insert into customer_closure (organization_id, ancestor_id, descendant_id, depth, view, pay, manage)
    select cast(:organization_id as uuid), id, id, 0, true, true, true from ({_PLACES}) places
    union all
    select cast(:organization_id as uuid), parent_id, id, 1, true, true, true from ({_PLACES}) places where c > 0
    """,
)


@pytest.fixture
async def client(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """Of an application in this event loop."""

    async def make_context(_request: Request) -> Context:
        return Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))

    app = Starlette(
        routes=[Route("/graphql", Endpoint(schema, make_context=make_context, authentication=Anybody(), is_planning=True))]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as made:
        yield made


def yardstick() -> float:
    """Seconds that a fixed computation takes here and now."""
    began = time.thread_time()
    total = 0
    for number in range(YARDSTICK_STEPS):
        total += number & 3
    assert total == sum(number & 3 for number in range(4)) * YARDSTICK_STEPS // 4
    return time.thread_time() - began


@dataclass
class Ticker:
    """Takes every turn of the event loop that it gets, and notes the longest that it waited for one.

    In time that this thread was computing: who has to wait for a processor blocks nobody.
    """

    longest: float = 0.0

    async def run(self) -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest = max(self.longest, now - last)
            last = now


async def longest_stretch(client: httpx.AsyncClient) -> tuple[float, httpx.Response]:
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    await asyncio.sleep(0)
    answer = await client.post("/graphql", json={"query": DOCUMENT})
    # The answer arrives in the turn that made the end of it.
    await asyncio.sleep(0)
    ticking.cancel()
    await asyncio.wait([ticking])
    return ticker.longest, answer


async def test_ten_thousand_customers_are_answered_in_full(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": DOCUMENT})
    assert 400_000 < len(answer.content) < 600_000

    def shown(parent: int, child: int) -> dict[str, Any]:
        return {"number": f"{parent:02}-{child:03}", "name": f"Customer {parent} {child}"}

    assert answer.json()["data"]["customers"]["nodes"] == [
        {**shown(parent, 0), "children": {"nodes": [shown(parent, child) for child in range(1, CHILDREN + 1)]}}
        for parent in range(1, PARENTS + 1)
    ]


@pytest.fixture
def frozen() -> Iterator[None]:
    """Leaves out of all collections of garbage what was there before: pytest's objects and those of other tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("frozen")
async def test_ten_thousand_customers_keep_the_event_loop_for_no_more_than_50_ms_at_a_stretch(client: httpx.AsyncClient) -> None:
    # The middle one of some, in which garbage was collected now and then; of the yardsticks the best.
    stretches = [(await longest_stretch(client))[0] for _ in range(REPETITIONS)]
    yardsticks = [yardstick() for _ in range(REPETITIONS)]
    stretch = median(stretches)
    ratio = stretch / min(yardsticks)
    assert ratio <= YARDSTICKS_MAX, f"{stretch * 1000:.0f} ms, {ratio:.1f} yardsticks of {min(yardsticks) * 1000:.1f} ms"


async def test_the_rows_of_an_answer_end_with_it_and_are_not_left_to_the_garbage_collector(client: httpx.AsyncClient) -> None:
    """A collection stops everything, the longer the more there is of it; and until it comes, memory holds what nobody needs."""
    await client.post("/graphql", json={"query": DOCUMENT})
    gc.collect()
    gc.disable()
    try:
        await client.post("/graphql", json={"query": DOCUMENT})
        await asyncio.sleep(0)
        assert gc.collect() < PARENTS * CHILDREN / 10
    finally:
        gc.enable()
