"""Strategies that pay one invoice after the other read and lock no more than the money reaches, and decide the same (K2, A6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco import ids
from holdco.payments import allocation
from holdco.payments.allocation import OpenInvoice, Strategy
from stories import SEES, Story
from waiting import until_somebody_waits

ONE_BY_ONE = [
    Strategy.OLDEST_DUE_FIRST,
    Strategy.OLDEST_ISSUED_FIRST,
    Strategy.SELF_FIRST,
    Strategy.CHILDREN_FIRST,
    Strategy.SMALLEST_FIRST,
    Strategy.LARGEST_FIRST,
    Strategy.CUSTOMER_ORDER,
]
# Ties in every column that orders; numbers whose order depends on how one compares.
INVOICES = [
    ("top", "30.00", "2026-01-03", "2026-02-10", "b-1"),
    ("top", "10.00", "2026-01-01", "2026-02-10", "B-1"),
    ("top", "10.00", "2026-01-01", "2026-02-10", "a-10"),
    ("lisbon", "10.00", "2026-01-01", "2026-02-10", "a-9"),
    ("lisbon", "25.00", "2026-01-02", "2026-02-10", "é-1"),
    ("lisbon", "5.00", "2026-01-02", "2026-03-10", "z-1"),
    ("team", "10.00", "2026-01-01", "2026-01-20", "_-1"),
    ("team", "40.00", "2026-01-05", "2026-01-20", "A-1"),
    ("porto", "10.00", "2026-01-04", "2026-02-01", "\U0001f600-1"),
    ("porto", "10.00", "2026-01-04", "2026-02-01", "\uffff-1"),
]
OPEN = text(
    """
    select i.id, i.customer_id, i.number, i.invoice_date, i.due_date, i.balance, c.depth from invoices i
    join customer_closure c on c.organization_id = i.organization_id and c.descendant_id = i.customer_id
    where i.organization_id = :organization_id and c.ancestor_id = :payer_id and c.pay and i.balance > 0
    """
)


async def planted(story: Story) -> dict[str, str]:
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    team = await story.customer("Wireless", under=lisbon)
    refusing = await story.customer("Faro", under=top, access=SEES)
    await story.invoice(refusing, "1.00", invoiceDate="2020-01-01", dueDate="2020-01-01")
    owners = {"top": top, "lisbon": lisbon, "porto": porto, "team": team}
    for owner, amount, issued, due, number in INVOICES:
        await story.invoice(owners[owner], amount, invoiceDate=issued, dueDate=due, number=number)
    return owners


@pytest.mark.parametrize("strategy", ONE_BY_ONE)
async def test_what_is_reached_is_decided_as_if_everything_had_been_read(
    story: Story, engine: AsyncEngine, strategy: Strategy
) -> None:
    owners = await planted(story)
    order = [owners["team"], owners["top"], owners["porto"]] if strategy is Strategy.CUSTOMER_ORDER else []
    options: dict[str, Any] = {"strategy": strategy.value, **({"customerIds": order} if order else {})}
    payer_id = ids.parse(owners["top"])[1]
    async with directly(engine, story.organization_id) as connection:
        rows = await connection.execute(OPEN, {"organization_id": story.organization_id, "payer_id": payer_id})
        everything = [OpenInvoice(*row) for row in rows]
    source = await story.payment(owners["top"], "200.00")
    for cents in (1, 999, 1000, 1001, 2500, 4000, 7777, 15999, 16000, 20000):
        expected = allocation.plan(
            strategy, cents, everything, payer_id=payer_id, customer_order=[ids.parse(key)[1] for key in order]
        )
        plan = await story.preview(source, amountMax=f"{cents / 100:.2f}", **options)
        found = [(UUID(line["invoice"]["id"][4:]), line["amount"]) for line in plan["lines"]]
        assert found == [(line.invoice_id, f"{line.amount / 100:.2f}") for line in expected.lines]
    applied = await story.applied(source, amountMax="77.77", **options)
    expected = allocation.plan(strategy, 7777, everything, payer_id=payer_id, customer_order=[ids.parse(key)[1] for key in order])
    assert applied == [(f"inv_{line.invoice_id.hex}", f"{line.amount / 100:.2f}") for line in expected.lines]


async def test_a_small_payment_waits_for_nobody_beyond_its_reach(story: Story, engine: AsyncEngine) -> None:
    top = await story.customer("Aldgate Networks")
    near = await story.invoice(top, "10.00", invoiceDate="2026-01-01")
    far = await story.invoice(top, "10.00", invoiceDate="2026-01-02")
    async with directly(engine, story.organization_id) as connection, asyncio.timeout(10):
        await connection.execute(
            text("select 1 from invoices where organization_id = :organization_id and id = :id for update"),
            {"organization_id": story.organization_id, "id": ids.parse(far)[1]},
        )
        paid = await story.do("paymentRecord", customerId=top, amount="10.00", apply={})
    assert [row["invoice"]["id"] for row in paid["allocations"]] == [near]


async def test_a_payment_reaches_further_where_another_paid_what_it_waited_for(story: Story, engine: AsyncEngine) -> None:
    top = await story.customer("Aldgate Networks")
    first, second, third = [await story.invoice(top, "10.00", invoiceDate=f"2026-01-0{day}") for day in (1, 2, 3)]
    async with directly(engine, story.organization_id) as connection:
        # What a payment of 8.00 leaves behind, as far as the invoice shows it.
        await connection.execute(
            text("update invoices set amount_paid = 800, balance = 200 where organization_id = :organization_id and id = :id"),
            {"organization_id": story.organization_id, "id": ids.parse(first)[1]},
        )
        paying = asyncio.create_task(story.do("paymentRecord", customerId=top, amount="15.00", apply={}))
        await until_somebody_waits(engine)
    paid = await paying
    assert [(row["invoice"]["id"], row["amount"]) for row in paid["allocations"]] == [
        (first, "2.00"),
        (second, "10.00"),
        (third, "3.00"),
    ]
    assert await story.balances(first, second, third) == ["0.00", "0.00", "7.00"]


async def test_money_beyond_all_that_is_open_pays_all_of_it(story: Story, counting: Callable[[], Any]) -> None:
    top = await story.customer("Aldgate Networks")
    for day in (1, 2, 3):
        await story.invoice(top, "10.00", invoiceDate=f"2026-01-0{day}")
    with counting() as issued:
        paid = await story.do("paymentRecord", customerId=top, amount="100.00", apply={})
    assert paid["payment"]["unapplied"] == "70.00"
    # Chosen, locked, and looked at again: there is nothing further.
    assert sum("before <" in each for each in issued.statements) == 2
    assert sum("for no key update of i" in each for each in issued.statements) == 1
