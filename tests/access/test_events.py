"""What client users hear of changes: of all that they see, and of nothing else (domain.md V3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from access.people import client_user
from holdco.viewer import ClientUserRole
from stories import PAYS, SEES, Story
from subscriptions.conftest import Server, Socket, serving
from tokens import bearer, issue

HIDDEN = {"view": False, "pay": False, "manage": False}
TOPICS = {
    "customerChanged": "customerIds customers { name } refetch",
    "invoiceChanged": "invoiceIds invoices { total } refetch",
    "paymentApplied": "allocationIds allocations { amount payerName } refetch",
}


@pytest.fixture
async def server(database_url: str, organization_id: UUID, engine: AsyncEngine) -> AsyncIterator[Server]:
    async with serving(database_url, organization_id, engine) as made:
        yield made


@asynccontextmanager
async def heard(server: Server, story: Story, engine: AsyncEngine, own: str) -> AsyncIterator[dict[str, Socket]]:
    """A socket for each topic, on which a client user of this customer hears of it and of all below it."""
    seer = await client_user(story, {own: ClientUserRole.VIEWER})
    token = (await issue(engine, story.organization_id, client_user_id=seer.viewer.client_user_id)).text
    await server.catch_up()
    async with AsyncExitStack() as stack:
        sockets = {}
        for topic, selection in TOPICS.items():
            socket = Socket(await stack.enter_async_context(server.connection()), bearer(token))
            await socket.initialise()
            await socket.execute("1", f"subscription ($id: ID!) {{ {topic}(customerId: $id) {{ {selection} }} }}", id=own)
            sockets[topic] = socket
        await server.until_subscribed(len(TOPICS))
        yield sockets


async def test_of_hidden_customers_their_invoices_and_money_nothing_is_told(
    server: Server, story: Story, engine: AsyncEngine
) -> None:
    head = await story.customer("Head")
    branch = await story.customer("Branch", under=head, access=PAYS)
    shut = await story.customer("Shut", under=head, access=HIDDEN)
    behind = await story.customer("Behind", under=shut, access=PAYS)
    async with heard(server, story, engine, head) as sockets:
        for hidden in (shut, behind):
            await story.do("customerUpdate", id=hidden, email="x@hidden.example")
            invoice = await story.invoice(hidden, "40")
            await story.do("paymentApply", sourceId=await story.payment(hidden, "40"))
            assert await story.balances(invoice) == ["0.00"]
        draft = await story.invoice(branch, "8", issue=False)
        await story.do("customerUpdate", id=branch, email="x@seen.example")
        await story.do("invoiceIssue", id=draft)
        await story.do("paymentApply", sourceId=await story.payment(head, "3"))
        assert await told(sockets, "customerChanged") == {
            "customerIds": [branch],
            "customers": [{"name": "Branch"}],
            "refetch": False,
        }
        assert await told(sockets, "invoiceChanged") == {
            "invoiceIds": [draft],
            "invoices": [{"total": "8.00"}],
            "refetch": False,
        }
        applied = await told(sockets, "paymentApplied")
        assert applied["allocations"] == [{"amount": "3.00", "payerName": "Head"}]
        assert len(applied["allocationIds"]) == 1


async def test_a_right_that_ends_ends_what_is_told(server: Server, story: Story, engine: AsyncEngine) -> None:
    head = await story.customer("Head")
    branch = await story.customer("Branch", under=head, access=SEES)
    async with heard(server, story, engine, head) as sockets:
        await story.do("customerUpdate", id=branch, email="first@branch.example")
        assert (await told(sockets, "customerChanged"))["customerIds"] == [branch]
        await story.do("customerParentAccessSet", id=branch, access=HIDDEN)
        await story.do("customerUpdate", id=branch, email="second@branch.example")
        await story.do("customerUpdate", id=head, email="head@branch.example")
        assert (await told(sockets, "customerChanged"))["customerIds"] == [head]


async def told(sockets: dict[str, Socket], topic: str) -> dict[str, Any]:
    """The next event of a topic."""
    event: dict[str, Any] = (await sockets[topic].next("1"))[topic]
    return event
