"""Who waits for room holds no connection, and who holds a connection does not wait for room: nobody waits for one another."""

from __future__ import annotations

import asyncio
from typing import Any

from holdco.context import Capacity, Context
from holdco.database import create_engine
from holdco.endpoint.documents import Documents
from holdco.execution.execute import execute
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from stories import Story

LARGE = "children { nodes { invoices { nodes { number } } } }"
UPDATE = f'mutation ($id: ID!) {{ customerUpdate(input: {{id: $id, notes: "Moved."}}) {{ customer {{ version {LARGE} }} }} }}'
QUERY = f"query ($id: ID!) {{ customer(by: {{id: $id}}) {{ {LARGE} }} }}"


async def ask(context: Context, document: str, key: str) -> dict[str, Any]:
    read = Documents(schema).read(document)
    (plans,) = read.plans.values()
    result = await execute(schema, read.node, plans, context=context, variables={"id": key})
    assert result.errors is None
    assert result.data is not None
    return result.data


async def test_a_mutation_with_a_large_answer_and_a_large_query_do_not_wait_for_one_another(
    story: Story, database_url: str
) -> None:
    top = await story.customer("Aldgate Networks")
    await story.customer("Lisbon", under=top)
    narrow = create_engine(database_url, pool_size=1)
    capacity = Capacity(1)
    viewer = Viewer(story.organization_id, "tester", StaffRole.ADMIN)
    querying, changing = Context(narrow, viewer, capacity), Context(narrow, viewer, capacity)
    # The query has the room, and waits for the only connection, which the mutation has.
    await querying.take_room()
    nodes = [{"invoices": {"nodes": []}}]
    async with asyncio.timeout(10):
        try:
            changed = await ask(changing, UPDATE, top)
        finally:
            await changing.close()
        assert changed == {"customerUpdate": {"customer": {"version": 2, "children": {"nodes": nodes}}}}
        assert capacity.large.locked()
        try:
            assert await ask(querying, QUERY, top) == {"customer": {"children": {"nodes": nodes}}}
        finally:
            await querying.close()
    assert not capacity.large.locked()
    await narrow.dispose()
