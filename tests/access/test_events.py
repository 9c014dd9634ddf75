"""What client users hear of changes: of all that they see, and of nothing else (domain.md V3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from access.people import client_user
from access.test_hidden_influence import founded
from access.worlds import Maker, World, without_hidden
from holdco.changes.hub import Hub
from holdco.changes.notice import Notice, Topic
from holdco.context import Context
from holdco.scopes import CustomerScope
from holdco.subscriptions.seen import SeenEvents
from holdco.viewer import ClientUserRole, Viewer
from stories import PAYS, SEES, Story
from subscriptions.conftest import Server, Socket, serving
from tokens import bearer, issue

HIDDEN = {"view": False, "pay": False, "manage": False}
WORLDS = 12
# That something changes.
CHANCE = 0.4
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


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_whatever_changes_its_events_name_what_may_be_seen_and_all_of_it(engine: AsyncEngine, seed: int) -> None:
    """Random organizations, and notices of random things in them, seen and hidden; the model says what may be named."""
    chance = Random(seed)
    world = Maker(chance).make()
    organization_id = await founded(engine, world)
    visible = without_hidden(world).rows
    viewer = Viewer(organization_id, "client user", None, client_user_id=world.viewer_id)
    own = [row["customer_id"] for row in world.rows["client_user_customers"] if row["client_user_id"] == world.viewer_id]
    seen_customers, told = world.visible_customers(), 0
    for topic, table, owner in (
        (Topic.CUSTOMER, "customers", "id"),
        (Topic.INVOICE, "invoices", "customer_id"),
        (Topic.ALLOCATION, "allocations", "beneficiary_id"),
    ):
        may_be_named = {row["id"] for row in visible[table] if row[owner] in seen_customers}
        for watched in own:
            hub = Hub()
            subscriber = hub.subscribe(organization_id, topic, watched, CustomerScope.SUBTREE)
            events = SeenEvents(subscriber, Context(engine, viewer, hub=hub))
            for _ in range(5):
                changed = [row for row in world.rows[table] if chance.random() < CHANCE]
                for row in changed:
                    notice = Notice(organization_id, {topic: {row[owner]: [row["id"]]}})
                    hub.deliver(notice, {row[owner]: _places(world, row[owner])})
                below = {row["id"] for row in changed if world.way(watched, row[owner]) is not None}
                # What may not be named waits for what may, and is then not among it.
                if below & may_be_named:
                    assert set((await anext(events)).ids) == below & may_be_named
                    told += 1
            await events.aclose()
    assert told > 0


def _places(world: World, customer_id: UUID) -> list[tuple[UUID, int]]:
    """Its ancestors, itself included, with their distance."""
    ways = {row["id"]: world.way(row["id"], customer_id) for row in world.rows["customers"]}
    return [(key, len(way)) for key, way in ways.items() if way is not None]
