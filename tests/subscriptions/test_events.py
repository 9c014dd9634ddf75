"""Changes reach those who subscribed to them, when they are committed, in every process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco import database, ids
from holdco.changes.hub import PENDING_MAX
from holdco.changes.notice import CHANNEL, Notice, Topic
from holdco.ids import Kind
from holdco.organizations import service as organizations
from stories import Story
from subscriptions.conftest import Server, until

CUSTOMERS = """subscription ($id: ID!, $scope: CustomerScope) {
  customerChanged(customerId: $id, scope: $scope) { customerIds customers { name } refetch }
}"""
INVOICES = """subscription ($id: ID!, $scope: CustomerScope) {
  invoiceChanged(customerId: $id, scope: $scope) { invoiceIds invoices { balance customer { name } } refetch }
}"""
PAYMENTS = """subscription ($id: ID!, $scope: CustomerScope) {
  paymentApplied(customerId: $id, scope: $scope) { allocations { amount payer { name } reverses { amount } } refetch }
}"""


async def rename(story: Story, key: str, name: str) -> None:
    version = (await story.ask("query ($id: ID!) { customer(by: {id: $id}) { version } }", id=key))["customer"]["version"]
    await story.do("customerUpdate", id=key, version=version, name=name)


async def test_a_change_reaches_a_subscriber_as_it_is_after_the_commit(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    async with server.socket() as socket:
        await socket.execute("1", CUSTOMERS, id=head)
        await server.until_subscribed()
        await rename(story, head, "Aldgate Networks")
        assert await socket.next() == {
            "customerChanged": {"customerIds": [head], "customers": [{"name": "Aldgate Networks"}], "refetch": False}
        }


async def test_what_happens_to_people_and_projects_is_a_change_of_their_customers(server: Server, story: Story) -> None:
    head, other = await story.customer("Aldgate"), await story.customer("Castell")
    user, secret = await story.invited("Ivy Hale", "ivy@aldgate.example", other)
    async with server.socket() as socket:
        await socket.execute("1", CUSTOMERS, id=head)
        await server.until_subscribed()

        async def told() -> list[str]:
            changed: list[str] = (await socket.next())["customerChanged"]["customerIds"]
            return changed

        await story.do("clientUserUpdate", id=user, customers=[{"id": head, "role": "ADMIN"}])
        assert await told() == [head]
        await story.accept(secret)
        assert await told() == [head]
        project = await story.project(head, "Roll-out")
        assert await told() == [head]
        await story.do("projectPeopleSet", id=project, clientUserIds=[user])
        assert await told() == [head]
        await story.do("clientUserDeactivate", id=user)
        assert await told() == [head]


async def test_what_is_rolled_back_is_never_told(server: Server, story: Story, engine: AsyncEngine) -> None:
    head = await story.customer("Aldgate")
    async with server.socket() as socket:
        await socket.execute("1", CUSTOMERS, id=head)
        await server.until_subscribed()
        undone = database.begin(engine, organization_id=story.organization_id, actor="tester")
        transaction = await undone.__aenter__()
        transaction.changes.add(Topic.CUSTOMER, ids.decode(Kind.CUSTOMER, head), ids.new())
        assert await undone.__aexit__(ValueError, ValueError(), None) is False
        await story.refused("customerUpdate", id=head, version=99, name="Never")
        branch = await story.customer("Leeds", under=head)
        # Postgres tells of commits in their order: what came before this would have come first.
        first = (await socket.next())["customerChanged"]
        assert sorted(first["customerIds"]) == sorted([head, branch])


async def test_a_scope_is_the_customer_its_children_or_all_below_it(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    branch = await story.customer("Leeds", under=head)
    team = await story.customer("Support", under=branch)
    async with server.socket() as socket:
        for scope in ("SELF", "DIRECT_CHILDREN", "SUBTREE"):
            await socket.execute(scope, CUSTOMERS, id=head, scope=scope)
        await server.until_subscribed(3)
        seen: dict[str, list[str]] = {"SELF": [], "DIRECT_CHILDREN": [], "SUBTREE": []}
        for key, scopes in ((team, ["SUBTREE"]), (branch, ["DIRECT_CHILDREN", "SUBTREE"]), (head, ["SELF", "SUBTREE"])):
            await rename(story, key, f"{key} renamed")
            for _ in scopes:
                message = await socket.receive()
                (changed,) = message["payload"]["data"]["customerChanged"]["customerIds"]
                seen[message["id"]].append(changed)
        assert seen == {"SELF": [head], "DIRECT_CHILDREN": [branch], "SUBTREE": [team, branch, head]}


async def test_another_organization_hears_nothing(server: Server, story: Story, engine: AsyncEngine) -> None:
    head = await story.customer("Aldgate")
    stranger = uuid4()
    await organizations.ensure(engine, stranger)
    key = ids.decode(Kind.CUSTOMER, head)
    async with server.socket() as socket:
        await socket.execute("1", CUSTOMERS, id=head)
        await server.until_subscribed()
        async with database.begin(engine, organization_id=stranger, actor="tester") as transaction:
            transaction.changes.add(Topic.CUSTOMER, key, uuid4())
            transaction.changes.add_everything()
        await rename(story, head, "Aldgate Networks")
        assert (await socket.next())["customerChanged"]["customerIds"] == [head]


async def test_a_head_office_hears_of_the_payment_that_settles_its_branches(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    branch = await story.customer("Leeds", under=head)
    invoice = await story.invoice(branch, "40.00")
    async with server.socket() as socket:
        await socket.execute("paid", PAYMENTS, id=head)
        await socket.execute("invoices", INVOICES, id=branch, scope="SELF")
        await server.until_subscribed(2)
        payment = await story.payment(head, "100.00")
        await story.applied(payment, strategy="OLDEST_DUE_FIRST", scope="SUBTREE")
        messages = {message["id"]: message["payload"]["data"] for message in [await socket.receive(), await socket.receive()]}
        assert messages == {
            "paid": {
                "paymentApplied": {
                    "allocations": [{"amount": "40.00", "payer": {"name": "Aldgate"}, "reverses": None}],
                    "refetch": False,
                }
            },
            "invoices": {
                "invoiceChanged": {
                    "invoiceIds": [invoice],
                    "invoices": [{"balance": "0.00", "customer": {"name": "Leeds"}}],
                    "refetch": False,
                }
            },
        }
        await story.do("paymentReverse", id=payment, reason="bounced")
        messages = {message["id"]: message["payload"]["data"] for message in [await socket.receive(), await socket.receive()]}
        assert [row["reverses"] for row in messages["paid"]["paymentApplied"]["allocations"]] == [{"amount": "40.00"}]
        assert messages["invoices"]["invoiceChanged"]["invoices"] == [{"balance": "40.00", "customer": {"name": "Leeds"}}]


async def test_who_watches_above_a_deleted_customer_is_told_to_refetch(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    branch = await story.customer("Leeds", under=head)
    preview = "query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken } }"
    async with server.socket() as socket:
        await socket.execute("above", CUSTOMERS, id=head)
        await socket.execute("itself", CUSTOMERS, id=branch, scope="SELF")
        await server.until_subscribed(2)
        # Who is told of a change has seen its customer, which must not be gone before.
        await rename(story, branch, "Leeds office")
        assert {(await socket.receive())["id"] for _ in range(2)} == {"above", "itself"}
        token = (await story.ask(preview, id=branch))["customerDeletePreview"]["confirmationToken"]
        await story.do("customerDelete", id=branch, confirmationToken=token)
        messages = {message["id"]: message["payload"]["data"] for message in [await socket.receive(), await socket.receive()]}
        assert messages["above"]["customerChanged"]["refetch"] is True
        assert messages["itself"]["customerChanged"] == {"customerIds": [branch], "customers": [], "refetch": False}


async def test_an_event_reaches_subscribers_of_every_process(serve: Callable[[], Any], story: Story) -> None:
    head = await story.customer("Aldgate")
    one, other = await serve(), await serve()
    async with one.socket() as first, other.socket() as second:
        for server, socket in ((one, first), (other, second)):
            await socket.execute("1", CUSTOMERS, id=head)
            await server.until_subscribed()
        mutation = """mutation ($id: ID!) {
          customerUpdate(input: {id: $id, version: 1, name: "Aldgate Networks"}) { userErrors { code } }
        }"""
        await first.execute("2", mutation, id=head)
        received = [await first.receive() for _ in range(3)]
        assert {message["id"]: message["payload"]["data"] for message in received if message["type"] == "next"} == {
            "1": {"customerChanged": {"customerIds": [head], "customers": [{"name": "Aldgate Networks"}], "refetch": False}},
            "2": {"customerUpdate": {"userErrors": []}},
        }
        assert {"id": "2", "type": "complete"} in received
        assert (await second.next())["customerChanged"]["customers"] == [{"name": "Aldgate Networks"}]


async def test_more_than_a_notice_holds_is_told_as_a_refetch(server: Server, story: Story, engine: AsyncEngine) -> None:
    head = await story.customer("Aldgate")
    key = ids.decode(Kind.CUSTOMER, head)
    async with server.socket() as socket:
        await socket.execute("1", INVOICES, id=head)
        await server.until_subscribed()
        async with database.begin(engine, organization_id=story.organization_id, actor="tester") as transaction:
            for _ in range(1_000):
                transaction.changes.add(Topic.INVOICE, key, uuid4())
        assert await socket.next() == {"invoiceChanged": {"invoiceIds": [], "invoices": [], "refetch": True}}


async def test_after_a_lost_connection_everybody_is_told_to_refetch(server: Server, story: Story, engine: AsyncEngine) -> None:
    head = await story.customer("Aldgate")
    async with server.socket() as socket:
        await socket.execute("1", CUSTOMERS, id=head)
        await server.until_subscribed()
        async with directly(engine) as connection:
            ended = await connection.execute(
                text(
                    """
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid() and query ilike '%listen%'
                    """
                )
            )
            assert len(ended.all()) >= 1
        assert (await socket.next())["customerChanged"]["refetch"] is True
        await rename(story, head, "Aldgate Networks")
        assert (await socket.next())["customerChanged"] == {
            "customerIds": [head],
            "customers": [{"name": "Aldgate Networks"}],
            "refetch": False,
        }


async def test_a_customer_that_is_not_there_cannot_be_subscribed_to(server: Server) -> None:
    async with server.socket() as socket:
        await socket.execute("1", CUSTOMERS, id=ids.encode(Kind.CUSTOMER, ids.new()))
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")
        await socket.execute("2", CUSTOMERS, id="inv_1")
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_USER_INPUT")
    assert server.hub.subscriber_count == 0


async def test_sockets_that_break_off_leave_nothing_behind(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    before = len(asyncio.all_tasks())
    for _ in range(20):
        async with server.socket() as socket:
            for key in ("1", "2", "3"):
                await socket.execute(key, CUSTOMERS, id=head)
            await server.until_subscribed(3)
            socket.connection.transport.abort()
    await server.until_subscribed(0)
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_transaction_that_changes_something_sends_one_notice(
    story: Story, database_url: str, engine: AsyncEngine
) -> None:
    heard: list[str] = []
    listening = await asyncpg.connect(database_url)
    try:
        await listening.add_listener(CHANNEL, lambda *given: heard.append(str(given[3])))
        head = await story.customer("Aldgate")
        async with directly(engine) as connection:
            await connection.execute(text("select pg_notify(:channel, 'end')"), {"channel": CHANNEL})
        await until(lambda: "end" in heard)
        key = UUID(hex=head.removeprefix("cus_")).hex
        mine = [notice for notice in heard if story.organization_id.hex in notice]
        assert [orjson.loads(notice) for notice in mine] == [{"o": story.organization_id.hex, "c": {key: [key]}}]
    finally:
        await listening.close()


async def test_a_socket_that_falls_behind_is_told_to_refetch_and_then_goes_on(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    key = ids.decode(Kind.CUSTOMER, head)
    async with server.socket() as socket:
        await socket.execute("1", INVOICES, id=head)
        await server.until_subscribed()
        # All of it is heard before the subscriber has its next turn.
        for _ in range(2 * PENDING_MAX):
            server.hub.deliver(Notice(story.organization_id, {Topic.INVOICE: {key: [uuid4()]}}), None)
        assert await socket.next() == {"invoiceChanged": {"invoiceIds": [], "invoices": [], "refetch": True}}
        invoice = await story.invoice(head, "40.00")
        assert (await socket.next())["invoiceChanged"] == {
            "invoiceIds": [invoice],
            "invoices": [{"balance": "40.00", "customer": {"name": "Aldgate"}}],
            "refetch": False,
        }


async def test_of_many_sockets_each_hears_of_its_own_customer(server: Server, story: Story) -> None:
    customers = [await story.customer(f"Customer {number}") for number in range(5)]
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(server.socket()) for _ in range(50)]
        for index, socket in enumerate(sockets):
            await socket.execute("1", CUSTOMERS, id=customers[index % 5], scope="SELF")
        await server.until_subscribed(50)
        for key in customers:
            await rename(story, key, f"{key} renamed")
        for index, socket in enumerate(sockets):
            assert (await socket.next())["customerChanged"] == {
                "customerIds": [customers[index % 5]],
                "customers": [{"name": f"{customers[index % 5]} renamed"}],
                "refetch": False,
            }
