"""Large operations leave room for small ones: connections, and turns to compute."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco.context import LARGE_AT_ONCE, Capacity, Context
from holdco.database import create_engine
from holdco.endpoint.documents import Documents
from holdco.execution.execute import execute
from holdco.execution.run import FEW, PIECE, pieces
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from stories import Story
from waiting import until_somebody_waits

DOCUMENTS = Documents(schema)
SMALL = "query ($id: ID!) { customer(by: {id: $id}) { name } }"
LARGE = "query ($id: ID!) { customer(by: {id: $id}) { children { nodes { invoices { nodes { number } } } } } }"


async def ask(engine: AsyncEngine, organization_id: UUID, capacity: Capacity, text_of_it: str, key: str) -> Any:
    context = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN), capacity)
    document = DOCUMENTS.read(text_of_it)
    (plans,) = document.plans.values()
    try:
        result = await execute(schema, document.node, plans, context=context, variables={"id": key})
        assert result.errors is None
        return result.data
    finally:
        await context.close()


async def test_small_operations_are_answered_while_more_large_ones_wait_than_there_are_connections(
    story: Story, engine: AsyncEngine, database_url: str
) -> None:
    top = await story.customer("Aldgate Networks")
    await story.invoice(await story.customer("Lisbon", under=top), "10.00")
    connections = LARGE_AT_ONCE + 1
    narrow = create_engine(database_url, pool_size=connections)
    capacity = Capacity(connections)
    pool: Any = narrow.sync_engine.pool
    async with directly(engine) as blocking:
        await blocking.execute(text("lock table invoices in access exclusive mode"))
        large = [asyncio.create_task(ask(narrow, story.organization_id, capacity, LARGE, top)) for _ in range(3 * connections)]
        await until_somebody_waits(engine)
        assert await ask(narrow, story.organization_id, capacity, SMALL, top) == {"customer": {"name": "Aldgate Networks"}}
        assert pool.checkedout() <= LARGE_AT_ONCE
    answers = await asyncio.gather(*large)
    assert all(len(answer["customer"]["children"]["nodes"]) == 1 for answer in answers)
    assert pool.checkedout() == 0
    assert not capacity.large.locked()
    await narrow.dispose()


async def test_a_large_operation_that_is_cancelled_gives_its_room_to_the_next(
    story: Story, engine: AsyncEngine, database_url: str
) -> None:
    top = await story.customer("Aldgate Networks")
    await story.customer("Lisbon", under=top)
    narrow = create_engine(database_url, pool_size=1)
    capacity = Capacity(1)
    async with directly(engine) as blocking:
        await blocking.execute(text("lock table invoices in access exclusive mode"))
        large = [asyncio.create_task(ask(narrow, story.organization_id, capacity, LARGE, top)) for _ in range(3)]
        await until_somebody_waits(engine)
        for each in large:
            each.cancel()
    for each in large:
        with pytest.raises(asyncio.CancelledError):
            await each
    assert not capacity.large.locked()
    assert await ask(narrow, story.organization_id, capacity, LARGE, top) == {
        "customer": {"children": {"nodes": [{"invoices": {"nodes": []}}]}}
    }
    await narrow.dispose()


@pytest.mark.parametrize(
    ("sizes", "ends"),
    [
        ([], [0]),
        ([PIECE] * FEW, [FEW]),
        ([1] * PIECE, [PIECE]),
        ([1] * (PIECE + 1), [PIECE, PIECE + 1]),
        ([PIECE] * (FEW + 1), list(range(1, FEW + 2))),
        ([0] * 3 * PIECE, [3 * PIECE]),
    ],
)
def test_pieces_lead_to_as_many_objects_as_are_made_without_a_pause(sizes: list[int], ends: list[int]) -> None:
    assert list(pieces([[None] * size for size in sizes])) == ends
