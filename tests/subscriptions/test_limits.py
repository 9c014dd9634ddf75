"""What holds for every operation holds for events and for deferred parts: time, turns, metrics; and slow readers hold nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from operations.serving import value_of
from stories import Story, fresh_key
from subscriptions.conftest import PATIENCE, Server, Socket
from subscriptions.test_events import rename
from subscriptions.test_incremental import APOLLO, parts
from subscriptions.test_server_sent_events import ACCEPT
from tokens import bearer
from waiting import until_waiting

WATCHES = "subscription Watches ($id: ID!) { customerChanged(customerId: $id, scope: SELF) { customers { name } } }"
OWES = "subscription Owes ($id: ID!) { customerChanged(customerId: $id, scope: SELF) { customers { invoices { totalCount } } } }"
INVOICES = "query Invoices { invoices { totalCount } }"
LATER = "query Later { organization { id } ... @defer { invoices { totalCount } } }"
PAYS = """
mutation Pays($input: PaymentRecordInput!) { paymentRecord(input: $input) { replayed userErrors { code } payment { allocated } } }
"""
OVERDUE = {
    "message": "The operation took longer than 1 seconds and was ended. Ask for less at once.",
    "extensions": {"code": "EXECUTION_TIMEOUT"},
}


async def lock(blocking: Any) -> None:
    await blocking.execute(text("lock table invoices in access exclusive mode"))


async def metric(server: Server, name: str, **labels: str) -> float:
    return value_of((await server.http.get("/metrics")).text, name, **labels)


async def executions(server: Server, operation: str, kind: str, outcome: str) -> float:
    labels = {"operation": operation, "type": kind, "outcome": outcome}
    return await metric(server, "holdco_operation_duration_seconds_count", **labels)


async def until_nothing_is_held(server: Server) -> None:
    async with asyncio.timeout(PATIENCE):
        while await metric(server, "holdco_pool_connections_checked_out"):
            pass
    assert await metric(server, "holdco_operations_running") == 0
    assert await metric(server, "holdco_operations_waiting") == 0


async def test_an_event_that_takes_too_long_is_ended_and_the_subscription_goes_on(
    serve: Callable[..., Any], story: Story, engine: AsyncEngine
) -> None:
    server: Server = await serve(execution_timeout=1)
    head = await story.customer("Aldgate")
    async with server.socket() as socket:
        await socket.execute("1", OWES, id=head)
        await server.until_subscribed()
        before = await executions(server, "Owes", "event", "EXECUTION_TIMEOUT")
        async with directly(engine) as blocking:
            await lock(blocking)
            await rename(story, head, "Aldgate Networks")
            message = await socket.receive()
        assert message == {"id": "1", "type": "next", "payload": {"errors": [OVERDUE], "data": None}}
        assert await executions(server, "Owes", "event", "EXECUTION_TIMEOUT") - before == 1
        await until_nothing_is_held(server)
        await rename(story, head, "Aldgate")
        assert await socket.next() == {"customerChanged": {"customers": [{"invoices": {"totalCount": 0}}]}}


@pytest.mark.parametrize("leaving", ["complete", "break off"])
async def test_what_a_client_on_a_socket_has_left_is_ended_in_postgres_too(
    serve: Callable[..., Any], story: Story, engine: AsyncEngine, leaving: str
) -> None:
    server: Server = await serve(execution_timeout=600, statement_timeout=600)
    head = await story.customer("Aldgate")
    async with server.socket() as socket:
        await socket.execute("1", OWES, id=head)
        await server.until_subscribed()
        queries, events = [await executions(server, *each, "ABANDONED") for each in (("Invoices", "query"), ("Owes", "event"))]
        async with directly(engine) as blocking:
            await lock(blocking)
            await rename(story, head, "Aldgate Networks")
            await socket.execute("2", INVOICES)
            await until_waiting(engine, 2)
            if leaving == "complete":
                await socket.send(id="1", type="complete")
                await socket.send(id="2", type="complete")
            else:
                socket.connection.transport.abort()
            await until_nothing_is_held(server)
        assert await executions(server, "Invoices", "query", "ABANDONED") - queries == 1
        assert await executions(server, "Owes", "event", "ABANDONED") - events == 1


async def test_an_event_waits_for_its_turn_for_a_bounded_time(
    serve: Callable[..., Any], story: Story, engine: AsyncEngine
) -> None:
    server: Server = await serve(operations_max=1, operations_wait=1)
    head = await story.customer("Aldgate")
    async with server.socket() as socket:
        await socket.execute("1", WATCHES, id=head)
        await server.until_subscribed()
        async with directly(engine) as blocking:
            await lock(blocking)
            asking = asyncio.create_task(server.http.post("/graphql", json={"query": INVOICES}))
            await until_waiting(engine, 1)
            await rename(story, head, "Aldgate Networks")
            payload = (await socket.receive())["payload"]
            assert payload.keys() == {"errors", "data"}
            assert (payload["data"], payload["errors"][0]["extensions"]) == (None, {"code": "THROTTLED"})
            refused = await server.http.post("/graphql", json={"query": LATER}, headers={"accept": APOLLO})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json()["errors"][0]["extensions"] == {"code": "THROTTLED"}
            await socket.execute("2", WATCHES, id=head)
            message = await socket.receive()
            assert (message["id"], message["type"]) == ("2", "error")
            assert message["payload"][0]["extensions"] == {"code": "THROTTLED"}
        assert (await asking).status_code == 200
        await rename(story, head, "Aldgate")
        assert await socket.next() == {"customerChanged": {"customers": [{"name": "Aldgate"}]}}


async def test_a_deferred_part_that_takes_too_long_is_ended_in_postgres_too(
    serve: Callable[..., Any], engine: AsyncEngine
) -> None:
    server: Server = await serve(execution_timeout=1)
    before = await executions(server, "Later", "query", "EXECUTION_TIMEOUT")
    async with directly(engine) as blocking:
        await lock(blocking)
        response = await server.http.post("/graphql", json={"query": LATER}, headers={"accept": APOLLO})
        first, last = parts(response)
        assert first["data"].keys() == {"organization"}
        assert last == {"errors": [OVERDUE], "hasNext": False}
        await until_nothing_is_held(server)
    assert await executions(server, "Later", "query", "EXECUTION_TIMEOUT") - before == 1


async def test_parts_are_measured_as_one_operation(server: Server) -> None:
    before = await executions(server, "Later", "query", "OK")
    statements = await metric(server, "holdco_operation_statements_sum", type="query")
    response = await server.http.post("/graphql", json={"query": LATER}, headers={"accept": APOLLO})
    assert [part["hasNext"] for part in parts(response)] == [True, False]
    assert await executions(server, "Later", "query", "OK") - before == 1
    assert await metric(server, "holdco_operation_statements_sum", type="query") - statements == 3


async def test_a_client_that_goes_away_between_parts_ends_what_is_deferred(server: Server, engine: AsyncEngine) -> None:
    before = await executions(server, "Later", "query", "ABANDONED")
    async with directly(engine) as blocking:
        await lock(blocking)
        request = {"query": LATER}
        async with server.http.stream("POST", "/graphql", json=request, headers={"accept": APOLLO}) as response:
            async for piece in response.aiter_raw():
                assert b"organization" in piece
                break
        while await executions(server, "Later", "query", "ABANDONED") == before:
            pass
        await until_nothing_is_held(server)


async def lengthen(story: Story, engine: AsyncEngine) -> None:
    """More than the buffers of two sockets hold."""
    for number in range(20):
        await story.customer(f"Customer {number}")
    notes = text("update customers set notes = repeat('x', 1000000) where organization_id = :organization_id")
    async with directly(engine, story.organization_id) as connection:
        await connection.execute(notes, {"organization_id": story.organization_id})


async def test_a_client_that_reads_slowly_holds_no_connection(server: Server, story: Story, engine: AsyncEngine) -> None:
    await lengthen(story, engine)
    before = await executions(server, "Slowly", "query", "OK")
    document = "query Slowly { customers { nodes { notes } } ... @defer { invoices { totalCount } } }"
    body = orjson.dumps({"query": document})
    host, port = server.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1_000)
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: {server.host}\r\ncontent-type: application/json\r\naccept: {APOLLO}\r\n"
        f"authorization: Bearer {server.token}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    async with asyncio.timeout(PATIENCE):
        while await executions(server, "Slowly", "query", "OK") == before:
            pass
    await until_nothing_is_held(server)
    answer = await reader.read()
    assert answer.count(b"x" * 1_000_000) == 20
    assert b'"data":{"invoices":{"totalCount":0}}' in answer
    assert answer.endswith(b"0\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def test_a_socket_that_is_not_read_is_closed_and_forgotten(
    serve: Callable[..., Any], story: Story, engine: AsyncEngine
) -> None:
    server: Server = await serve(ping_seconds=0.5)
    await lengthen(story, engine)
    head = await story.customer("Aldgate")
    # Nobody reads more than one message ahead, so that pings are not answered either.
    async with server.connection(max_queue=1, max_size=None, ping_interval=None, compression=None) as connection:
        socket = Socket(connection, bearer(server.token))
        await socket.initialise()
        await socket.execute("1", WATCHES, id=head)
        await server.until_subscribed()
        for key in "abc":
            await socket.execute(key, "{ customers { nodes { notes } } }")
        await server.until_subscribed(0)
        connection.transport.abort()


@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_a_client_that_goes_away_does_not_undo_its_mutation(
    server: Server, story: Story, engine: AsyncEngine, transport: str
) -> None:
    office = await story.customer("Aldgate Lisbon")
    invoice = await story.invoice(office, "100.00")
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with directly(engine) as blocking:
        await lock(blocking)
        if transport == "socket":
            async with server.socket() as socket:
                await socket.execute("1", PAYS, input=payment)
                await until_waiting(engine, 1)
                socket.connection.transport.abort()
        else:
            body = {"query": PAYS, "variables": {"input": payment}}
            async with server.http.stream("POST", "/graphql", json=body, headers=ACCEPT):
                await until_waiting(engine, 1)
    again = await server.http.post("/graphql", json={"query": PAYS, "variables": {"input": payment}})
    expected = {"replayed": True, "userErrors": [], "payment": {"allocated": "80.00"}}
    assert again.json() == {"data": {"paymentRecord": expected}}
    assert await story.balances(invoice) == ["20.00"]


async def test_without_introspection_neither_events_nor_parts_suggest_names(serve: Callable[..., Any], story: Story) -> None:
    head = await story.customer("Aldgate")
    watches = "subscription ($id: ID!, $scope: CustomerScope) { customerChanged(customerId: $id, scope: $scope) { refetch } }"
    defers = "query ($order: [CustomerOrder!]) { organization { id } ... @defer { customers(orderBy: $order) { totalCount } } }"
    for is_on in (True, False):
        server: Server = await serve(is_introspection_on=is_on)
        async with server.socket() as socket:
            await socket.execute("1", watches, id=head, scope="SUBTREES")
            said = (await socket.receive())["payload"][0]["message"]
            assert ("'SUBTREE'" in said) is is_on
        body = {"query": defers, "variables": {"order": {"field": "NAMES"}}}
        response = await server.http.post("/graphql", json=body, headers={"accept": APOLLO})
        (part,) = parts(response)
        assert ("'NAME'" in part["errors"][0]["message"]) is is_on
