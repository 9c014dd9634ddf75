"""What a stop does to connections that are open: what has no end of its own is ended, what is under way is finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from directly import directly
from operations.serving import SECONDS, Process, serve, value_of
from stories import Story, fresh_key
from tokens import bearer, token_of
from waiting import until_waiting

WATCHES = "subscription Watches ($id: ID!) { customerChanged(customerId: $id, scope: SELF) { customers { name } } }"
PAYS = "mutation ($input: PaymentRecordInput!) { paymentRecord(input: $input) { payment { allocated } } }"


@asynccontextmanager
async def socket_of(process: Process) -> AsyncIterator[ClientConnection]:
    address = process.address.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"], proxy=None) as socket:  # type: ignore[list-item]
        payload = bearer(token_of(process.organization_id))
        await socket.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
        yield socket


async def execute(socket: ClientConnection, key: str, document: str, **variables: Any) -> None:
    payload = {"query": document, "variables": variables}
    await socket.send(orjson.dumps({"id": key, "type": "subscribe", "payload": payload}).decode())


async def received(socket: ClientConnection) -> tuple[list[Any], int | None]:
    """All messages until the server closes, and the code with which it does."""
    messages = []
    async with asyncio.timeout(SECONDS):
        try:
            while True:
                messages.append(orjson.loads(await socket.recv()))
        except ConnectionClosed:
            return messages, socket.close_code


async def until_subscribed(http: httpx.AsyncClient, count: int) -> None:
    labels = {"operation": "Watches", "type": "subscription", "outcome": "OK"}
    async with asyncio.timeout(SECONDS):
        while value_of((await http.get("/metrics")).text, "holdco_operation_duration_seconds_count", **labels) < count:
            pass


@pytest.mark.parametrize("workers", [1, 2])
async def test_subscriptions_are_complete_before_their_connections_close(story: Story, database_url: str, workers: int) -> None:
    head = await story.customer("Aldgate Networks")
    with serve(database_url, story.organization_id, workers=workers) as process:
        async with (
            process.client() as http,
            socket_of(process) as socket,
            socket_of(process) as idle,
        ):
            for key in ("1", "2"):
                await execute(socket, key, WATCHES, id=head)
            request = {"query": WATCHES, "variables": {"id": head}}
            streaming = asyncio.create_task(http.post("/graphql", json=request, headers={"accept": "text/event-stream"}))
            await until_subscribed(http, 3)
            process.stop()
            messages, code = await received(socket)
            assert sorted(message["id"] for message in messages) == ["1", "2"]
            assert ([message["type"] for message in messages], code) == (["complete", "complete"], 1001)
            assert await received(idle) == ([], 1001)
            frames = [frame for frame in (await streaming).text.split("\n\n") if frame != ":"]
            assert frames == ["event: complete\ndata:", ""]
        assert await asyncio.to_thread(process.end) == (0, "")


async def test_a_mutation_under_way_on_a_socket_is_answered_and_then_the_socket_closes(story: Story, database_url: str) -> None:
    office = await story.customer("Aldgate Lisbon")
    invoice = await story.invoice(office, "100.00")
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    late = {"customerId": office, "amount": "1", "apply": {}, "idempotencyKey": fresh_key()}
    with serve(database_url, story.organization_id, HOLDCO_SLOW_MILLISECONDS="3600000") as process:
        async with socket_of(process) as socket:
            await execute(socket, "watching", WATCHES, id=office)
            async with directly(story.engine, story.organization_id) as blocking:
                await blocking.execute(text("lock table invoices in access exclusive mode"))
                await execute(socket, "paying", PAYS, input=payment)
                await until_waiting(story.engine, 1)
                process.stop()
                assert orjson.loads(await socket.recv()) == {"id": "watching", "type": "complete"}
                # What comes now is not begun.
                await execute(socket, "late", PAYS, input=late)
                assert process.running.poll() is None
            messages, code = await received(socket)
            assert messages == [
                {"id": "paying", "type": "next", "payload": {"data": {"paymentRecord": {"payment": {"allocated": "80.00"}}}}},
                {"id": "paying", "type": "complete"},
            ]
            assert code == 1001
        assert await asyncio.to_thread(process.end) == (0, "")
    assert await story.balances(invoice) == ["20.00"]


async def test_a_mutation_whose_client_has_left_is_done_before_the_server_stops(story: Story, database_url: str) -> None:
    office = await story.customer("Aldgate Lisbon")
    invoice = await story.invoice(office, "100.00")
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    with serve(database_url, story.organization_id, HOLDCO_SLOW_MILLISECONDS="3600000") as process:
        async with directly(story.engine, story.organization_id) as blocking:
            await blocking.execute(text("lock table invoices in access exclusive mode"))
            async with socket_of(process) as socket:
                await execute(socket, "paying", PAYS, input=payment)
                await until_waiting(story.engine, 1)
            process.stop()
        assert await asyncio.to_thread(process.end) == (0, "")
    assert await story.balances(invoice) == ["20.00"]


@pytest.mark.parametrize("transport", ["request", "socket", "socket that has left"])
async def test_a_mutation_that_does_not_end_in_time_is_undone(story: Story, database_url: str, transport: str) -> None:
    office = await story.customer("Aldgate Lisbon")
    await story.invoice(office, "100.00")
    before = await story.everything()
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    limits = {"HOLDCO_STOP_TIMEOUT": "1", "HOLDCO_EXECUTION_TIMEOUT": "600", "HOLDCO_STATEMENT_TIMEOUT": "600"}
    with serve(database_url, story.organization_id, **limits) as process:
        async with AsyncExitStack() as stack:
            blocking = await stack.enter_async_context(directly(story.engine, story.organization_id))
            await blocking.execute(text("lock table invoices in access exclusive mode"))
            if transport == "request":
                http = await stack.enter_async_context(process.client())
                asking = asyncio.create_task(http.post("/graphql", json={"query": PAYS, "variables": {"input": payment}}))
                stack.callback(asking.cancel)
            else:
                socket = await stack.enter_async_context(socket_of(process))
                await execute(socket, "paying", PAYS, input=payment)
            await until_waiting(story.engine, 1)
            if transport == "socket that has left":
                socket.transport.abort()
            process.stop()
            assert (await asyncio.to_thread(process.end))[0] == 0
    assert await story.everything() == before
