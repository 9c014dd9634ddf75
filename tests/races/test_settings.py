"""Races about settings: what waits while a period is closed or a tree limited goes by the new settings (domain.md T8, H4)."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import date, timedelta
from typing import Any

import pytest

from holdco.context import Context
from holdco.organizations import service as organizations
from holdco.viewer import StaffRole, Viewer
from races.racing import Payload, codes, queue
from stories import PAYS, Story


async def after_change(story: Story, attempt: Coroutine[Any, Any, Payload], **values: Any) -> Payload:
    """What becomes of an attempt that begins before the settings change and waits for them."""
    context = Context(story.engine, Viewer(story.organization_id, "tester", StaffRole.ADMIN))
    try:
        async with context.transaction() as transaction:
            await organizations.change(transaction, values=values)
            (waiting,) = await queue(story.engine, attempt)
    finally:
        await context.close()
    return await waiting


@pytest.fixture
async def yesterday(story: Story) -> date:
    """A day that can be closed."""
    return date.fromisoformat(await story.today()) - timedelta(days=1)


async def test_money_that_waits_while_a_period_is_closed_is_not_applied_in_it(story: Story, yesterday: date) -> None:
    customer = await story.customer("Lisbon")
    await story.invoice(customer, "10.00", invoiceDate=str(yesterday))
    payment = await story.payment(customer, "10.00", receivedOn=str(yesterday))
    attempt = story.attempt("paymentApply", sourceId=payment, appliedOn=str(yesterday))
    assert codes(await after_change(story, attempt, locked_until=yesterday)) == ["PERIOD_LOCKED"]
    found = await story.ask("query ($id: ID!) { payment(by: {id: $id}) { unapplied } }", id=payment)
    assert found == {"payment": {"unapplied": "10.00"}}


async def test_an_invoice_that_waits_while_a_period_is_closed_is_not_issued_in_it(story: Story, yesterday: date) -> None:
    customer = await story.customer("Lisbon")
    draft = await story.invoice(customer, "10.00", invoiceDate=str(yesterday), issue=False)
    attempt = story.attempt("invoiceIssue", id=draft)
    assert codes(await after_change(story, attempt, locked_until=yesterday)) == ["PERIOD_LOCKED"]
    found = await story.ask("query ($id: ID!) { invoice(by: {id: $id}) { status } }", id=draft)
    assert found == {"invoice": {"status": "DRAFT"}}


async def test_an_invoice_that_is_issued_at_once_while_a_period_is_closed_is_not_made(story: Story, yesterday: date) -> None:
    customer = await story.customer("Lisbon")
    attempt = story.attempt(
        "invoiceCreate", customerId=customer, lines=[{"unitPrice": "10.00"}], invoiceDate=str(yesterday), issue=True
    )
    assert codes(await after_change(story, attempt, locked_until=yesterday)) == ["PERIOD_LOCKED"]
    assert await story.ask("{ invoices { totalCount } }") == {"invoices": {"totalCount": 0}}


async def test_a_customer_that_waits_while_the_depth_is_limited_is_not_linked_below_it(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Sales")
    attempt = story.attempt("customerMove", id=team, parentId=city, access=PAYS)
    assert codes(await after_change(story, attempt, hierarchy_depth_max=1)) == ["HIERARCHY_TOO_DEEP"]
    found = await story.ask("query ($id: ID!) { customer(by: {id: $id}) { parent { id } } }", id=team)
    assert found == {"customer": {"parent": None}}
