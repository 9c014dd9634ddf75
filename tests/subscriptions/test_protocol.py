"""graphql-transport-ws to the letter, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.routing import Router, WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus

from endpoint.misbehaving_server import LEDGER, make_endpoint
from holdco.changes.hub import Hub
from holdco.endpoint.websocket import WebSocketEndpoint
from subscriptions.conftest import Server, Socket, running
from tokens import Anybody

HELLO = "{ hello }"
ADD = "mutation { add }"
BYTES_MAX = 2_000


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    LEDGER.clear()
    endpoint = WebSocketEndpoint(
        make_endpoint().answers,
        authentication=Anybody(),
        origins=("https://app.example",),
        init_timeout=0.2,
        operations_max=2,
        message_bytes_max=BYTES_MAX,
    )
    async with running(Router(routes=[WebSocketRoute("/graphql", endpoint)]), Hub()) as server:
        yield server


async def closing(server: Server, *messages: Any, initialise: bool = True) -> tuple[int | None, str | None]:
    """Code and reason with which the server answers messages, of which the last must end the connection."""
    async with server.connection() as connection:
        if initialise:
            await Socket(connection).initialise()
        for message in messages:
            await connection.send(message if isinstance(message, str | bytes) else json.dumps(message))
        async with asyncio.timeout(20):
            await connection.wait_closed()
        return connection.close_code, connection.close_reason


async def test_a_query_is_answered_and_completed(server: Server) -> None:
    async with server.socket() as socket:
        await socket.execute("a", "query ($number: Int!) { double(number: $number) }", number=21)
        assert await socket.receive() == {"id": "a", "type": "next", "payload": {"data": {"double": 42}}}
        assert await socket.receive() == {"id": "a", "type": "complete"}
        # The id is free again.
        await socket.execute("a", HELLO)
        assert await socket.next("a") == {"hello": "world"}
    assert (LEDGER.opened, LEDGER.until_closed()) == (2, 2)


async def test_a_mutation_happens_once(server: Server) -> None:
    async with server.socket() as socket:
        await socket.execute("a", ADD)
        assert await socket.next("a") == {"add": 1}
    assert LEDGER.added == 1


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { hello } query B { hello }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query ($number: Int!) { double(number: $number) }"}, "BAD_USER_INPUT"),
        ({"query": 1}, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
        ({"query": HELLO, "variables": []}, "BAD_REQUEST"),
    ],
)
async def test_what_cannot_be_executed_is_an_error_of_its_operation(server: Server, payload: dict[str, Any], code: str) -> None:
    async with server.socket() as socket:
        await socket.send(id="a", type="subscribe", payload=payload)
        message = await socket.receive()
        assert (message["id"], message["type"]) == ("a", "error")
        assert [error["extensions"]["code"] for error in message["payload"]] == [code]
        await socket.execute("a", HELLO)
        assert await socket.next("a") == {"hello": "world"}
    assert LEDGER.until_closed() == LEDGER.opened


async def test_a_failed_field_is_masked_and_names_its_own_request(server: Server) -> None:
    async with server.socket() as socket:
        await socket.execute("a", "{ defect requestId }")
        message = await socket.receive()
        (error,) = message["payload"]["errors"]
        assert message["payload"]["data"]["defect"] is None
        assert error["extensions"] == {
            "code": "INTERNAL_ERROR",
            "requestId": message["payload"]["data"]["requestId"],
        }
        assert "hunter2" not in json.dumps(message)


async def test_a_ping_is_answered_with_its_payload_at_any_time(server: Server) -> None:
    async with server.connection() as connection:
        socket = Socket(connection)
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.initialise()
        await socket.send(type="pong")
        await socket.send(type="ping", payload={"at": 1})
        assert await socket.receive() == {"type": "pong", "payload": {"at": 1}}


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        '"x"',
        b"{}",
        "[" * 1_500,
        {"type": "start"},
        {},
        {"type": 1},
        {"type": "subscribe", "payload": {"query": HELLO}},
        {"type": "subscribe", "id": "", "payload": {"query": HELLO}},
        {"type": "subscribe", "id": 1, "payload": {"query": HELLO}},
        {"type": "subscribe", "id": "a"},
        {"type": "subscribe", "id": "a", "payload": HELLO},
        {"type": "complete"},
        {"type": "ping", "payload": "x"},
    ],
    ids=lambda message: str(message)[:60],
)
async def test_what_is_no_message_closes_with_4400(server: Server, message: Any) -> None:
    code, _ = await closing(server, message)
    assert code == 4400
    assert LEDGER.opened == 0


async def test_an_operation_before_the_acknowledgement_closes_with_4401(server: Server) -> None:
    operation = {"type": "subscribe", "id": "a", "payload": {"query": ADD}}
    assert await closing(server, operation, initialise=False) == (4401, "Unauthorized")
    assert LEDGER.added == 0


async def test_a_socket_that_says_nothing_closes_with_4408(server: Server) -> None:
    assert await closing(server, initialise=False) == (4408, "Connection initialisation timeout")


async def test_a_second_initialisation_closes_with_4429(server: Server) -> None:
    assert await closing(server, {"type": "connection_init"}) == (4429, "Too many initialisation requests")


async def test_an_id_in_use_closes_with_4409(server: Server) -> None:
    waiting = {"type": "subscribe", "id": "a", "payload": {"query": "{ waiting }"}}
    assert await closing(server, waiting, waiting) == (4409, "Subscriber for a already exists")
    assert LEDGER.until_closed() == LEDGER.opened


async def test_a_message_that_is_too_large_closes_with_1009(server: Server) -> None:
    large = {"type": "subscribe", "id": "a", "payload": {"query": ADD + " " * BYTES_MAX}}
    assert (await closing(server, large))[0] == 1009
    assert LEDGER.added == 0


async def test_a_socket_has_so_many_operations_and_no_more(server: Server) -> None:
    async with server.socket() as socket:
        for key in "ab":
            await socket.execute(key, "{ waiting }")
        await socket.execute("c", ADD)
        message = await socket.receive()
        assert (message["id"], message["type"]) == ("c", "error")
        limit = "A socket has at most 2 operations at a time: complete one first."
        assert message["payload"] == [{"message": limit, "extensions": {"code": "THROTTLED"}}]
        assert LEDGER.added == 0
        await socket.send(id="a", type="complete")
        await socket.execute("c", ADD)
        assert await socket.next("c") == {"add": 1}
    assert LEDGER.until_closed() == LEDGER.opened == 3


async def test_only_the_current_protocol_is_spoken(server: Server) -> None:
    for offered, chosen in ((["graphql-ws", "chat"], "graphql-ws"), (None, None)):
        async with server.connection(subprotocols=offered) as connection:
            # A browser reads the code only on a connection that has one of the protocols that it has offered.
            assert connection.subprotocol == chosen
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4406


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.evil.example"])
async def test_a_page_from_elsewhere_is_refused(server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with server.connection(origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_page_from_here_or_from_an_allowed_origin_is_welcome(server: Server) -> None:
    for origin in (f"http://{server.host}", "https://app.example"):
        async with server.socket(origin=origin) as socket:
            await socket.execute("a", HELLO)
            assert await socket.next("a") == {"hello": "world"}
