"""When it is asked whether something may be written: before anything is, and again when that had to wait."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from access.people import client_user
from holdco import database, ids
from holdco.context import Context
from holdco.customers import move
from holdco.customers.hierarchy import Rights
from holdco.ids import Kind
from holdco.viewer import ClientUserRole, StaffRole, Viewer
from stories import Story
from waiting import until_somebody_waits

MANAGES: Final = {"view": True, "pay": True, "manage": True}


async def test_a_right_that_ends_while_its_use_waits_is_not_used(story: Story, engine: AsyncEngine) -> None:
    own_id = await story.customer("Aldgate Networks")
    branch_id = await story.customer("Branch", under=own_id, access=MANAGES)
    invoice_id, payment_id = await story.invoice(branch_id, "10"), await story.payment(branch_id, "10")
    caller = await client_user(story, {own_id: ClientUserRole.PAYER})
    rights = Rights(view=True, pay=True, manage=False)
    async with database.begin(engine, organization_id=story.organization_id, actor="tester") as transaction:
        await move.set_access(transaction, ids.decode(Kind.CUSTOMER, branch_id), rights=rights)
        applying = asyncio.create_task(caller.attempt("paymentApply", sourceId=payment_id))
        await until_somebody_waits(engine)
    assert [(error["code"], error["field"]) for error in (await applying)["userErrors"]] == [("FORBIDDEN", ["sourceId"])]
    found = await story.ask(
        """query ($invoice: ID!, $branch: ID!) { invoice(by: {id: $invoice}) { amountPaid }
          customer(by: {id: $branch}) { activity(first: 2) { nodes { action } } } }""",
        invoice=invoice_id,
        branch=branch_id,
    )
    assert found["invoice"] == {"amountPaid": "0.00"}
    assert [entry["action"] for entry in found["customer"]["activity"]["nodes"]] == [
        "access.denied",
        "customer.permissions_changed",
    ]


@pytest.mark.parametrize("role", [role for role in StaffRole if role is not StaffRole.ADMIN])
async def test_nobody_but_an_administrator_writes_where_nobody_was_asked(
    role: StaffRole, story: Story, engine: AsyncEngine
) -> None:
    before = await story.everything()
    context = Context(engine, Viewer(story.organization_id, "tester", role))
    with pytest.raises(PermissionError):
        async with context.transaction() as transaction:
            await move.link(transaction, child_id=ids.new(), parent_id=ids.new(), rights=Rights(view=True, pay=True, manage=True))
    await context.close()
    assert await story.everything() == before
