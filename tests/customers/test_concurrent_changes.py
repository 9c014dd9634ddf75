"""Customers that two transactions change at once: one goes first, the other sees what it did (domain.md H1, H6, K2, K6)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco import ids
from holdco.customers import move, service
from holdco.customers.errors import NotABusinessCustomer
from holdco.customers.hierarchy import Rights
from holdco.database import begin
from holdco.errors import StaleVersion
from holdco.ids import Kind
from stories import Story
from waiting import until_somebody_waits

PAYS = Rights(view=True, pay=True, manage=False)


def key_of(customer_id: str) -> UUID:
    return ids.decode(Kind.CUSTOMER, customer_id)


async def move_under(story: Story, child_id: str, parent_id: str, *, version: int | None = None) -> None:
    async with begin(story.engine, organization_id=story.organization_id, actor="mover") as transaction:
        await move.place(transaction, key_of(child_id), parent_id=key_of(parent_id), rights=PAYS, version=version)


async def test_history_stays_in_order_when_the_transaction_that_began_first_moves_last(story: Story) -> None:
    first, second, child = [await story.customer(name) for name in ("First", "Second", "Child")]
    async with begin(story.engine, organization_id=story.organization_id, actor="slow") as slow:
        await move_under(story, child, first)
        await move.place(slow, key_of(child), parent_id=key_of(second), rights=PAYS)
    document = """query ($id: ID!) { customer(by: {id: $id}) {
      parent { id } hierarchyHistory { nodes { parent { id } validFrom validTo } }
    } }"""
    found = (await story.ask(document, id=child))["customer"]
    assert found["parent"] == {"id": second}
    newest, oldest = found["hierarchyHistory"]["nodes"]
    assert (newest["parent"], newest["validTo"]) == ({"id": second}, None)
    assert oldest["parent"] == {"id": first}
    assert oldest["validFrom"] < oldest["validTo"] == newest["validFrom"]


@pytest.mark.parametrize("is_parent", [True, False])
async def test_nobody_is_linked_with_a_customer_that_becomes_an_individual(
    story: Story, engine: AsyncEngine, is_parent: bool
) -> None:
    changing, other = await story.customer("Changing"), await story.customer("Other")
    async with begin(engine, organization_id=story.organization_id, actor="clerk") as transaction:
        await service.change(transaction, key_of(changing), values={"kind": "INDIVIDUAL"})
        child, parent = (other, changing) if is_parent else (changing, other)
        linking = asyncio.create_task(move_under(story, child, parent))
        await until_somebody_waits(engine)
    with pytest.raises(NotABusinessCustomer):
        await linking
    async with directly(engine, story.organization_id) as connection:
        count = "select count(*) from parent_links where organization_id = :organization_id"
        assert (await connection.execute(text(count), {"organization_id": story.organization_id})).scalar_one() == 0


async def test_a_move_by_version_sees_the_change_that_it_waited_for(story: Story, engine: AsyncEngine) -> None:
    parent, child = await story.customer("Parent"), await story.customer("Child")
    async with begin(engine, organization_id=story.organization_id, actor="clerk") as transaction:
        await service.change(transaction, key_of(child), values={"phone": "1"})
        moving = asyncio.create_task(move_under(story, child, parent, version=1))
        await until_somebody_waits(engine)
    with pytest.raises(StaleVersion):
        await moving
