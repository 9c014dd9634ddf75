"""A connection that sends nothing, or a part of a request, is closed in time, and no other ever suffers from that."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from endpoint.misbehaving_server import Ledger, make_endpoint
from holdco.endpoint.heads import BoundedHeads
from operations.serving import serve
from tokens import token_of

BODY = b'{"query": "{ hello }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
TOO_SLOW = b"The request took too long to arrive.\n"


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())


def served(**seconds: float) -> Iterator[int]:
    application = Starlette(routes=[Route("/graphql", make_endpoint()), WebSocketRoute("/echo", echo)])
    protocol = cast("Any", partial(BoundedHeads, **seconds))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, http=protocol, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def impatient() -> Iterator[int]:
    """The port of a server that waits for a head or a body no longer than a moment."""
    yield from served(head_seconds=0.05, body_seconds=0.05)


@pytest.fixture(scope="module")
def impatient_for_bodies() -> Iterator[int]:
    yield from served(head_seconds=3600, body_seconds=0.05)


async def answers(port: int, *pieces: bytes) -> bytes:
    """Everything that comes until the server closes the connection, which it has to do by itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


async def trickled(port: int, begin: bytes, drop: bytes) -> bytes:
    """The same for a client that goes on sending a little for as long as it can."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begin)

    async def trickle() -> None:
        while True:
            writer.write(drop)
            # Faster it would be refused for its length.
            await asyncio.sleep(0.005)

    trickling = asyncio.create_task(trickle())
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionResetError:
        # What was on the way to a closed connection.
        return b""
    finally:
        trickling.cancel()
        writer.close()


def is_too_slow(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n") and answer.endswith(b"\r\n\r\n" + TOO_SLOW)


async def test_a_connection_that_sends_nothing_is_closed_without_a_word(impatient: int) -> None:
    assert await answers(impatient) == b""


@pytest.mark.parametrize("head", [b"P", HEAD[:-2], HEAD[:40], b"\r\n"])
async def test_half_a_head_is_waited_for_and_then_refused(impatient: int, ledger: Ledger, head: bytes) -> None:
    assert is_too_slow(await answers(impatient, head))
    assert ledger.opened == 0


@pytest.mark.parametrize(
    "request_begun",
    [HEAD, HEAD + BODY[:-1], HEAD.replace(b"content-length: %d" % len(BODY), b"transfer-encoding: chunked") + b'5\r\n{"qu'],
)
async def test_half_a_body_is_waited_for_and_then_refused(
    impatient_for_bodies: int, ledger: Ledger, request_begun: bytes
) -> None:
    assert is_too_slow(await answers(impatient_for_bodies, request_begun))
    assert ledger.opened == 0


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"POST /graphql HTTP/1.1\r\n", b"x: y\r\n"),
        (b"", b"\r\n"),
        (HEAD.replace(b"content-length: %d" % len(BODY), b"content-length: 200000"), b" "),
        (HEAD.replace(b"content-length: %d" % len(BODY), b"transfer-encoding: chunked"), b"1\r\n \r\n"),
        (HEAD.replace(b"content-length: %d" % len(BODY), b"transfer-encoding: chunked") + b"1;", b"a"),
        # Refused for its length at once, and then sent all the same.
        (HEAD.replace(b"content-length: %d" % len(BODY), b"content-length: 2000000"), b" "),
    ],
    ids=["headers", "empty lines", "a body", "chunks", "an extension", "a body that was refused"],
)
async def test_a_little_now_and_then_gains_nothing(impatient: int, ledger: Ledger, begin: bytes, drop: bytes) -> None:
    await trickled(impatient, begin, drop)
    assert ledger.opened == 0


async def test_a_whole_request_is_answered_however_it_is_cut(impatient_for_bodies: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient_for_bodies)
    for _ in range(3):
        for cut in (1, 30, len(HEAD) + 3):
            request = HEAD + BODY
            writer.write(request[:cut])
            await writer.drain()
            writer.write(request[cut:])
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert await reader.readexactly(len(b'{"data":{"hello":"world"}}')) == b'{"data":{"hello":"world"}}'
    writer.close()


async def test_the_next_request_has_its_time_from_its_first_byte_on(impatient: int) -> None:
    got = await answers(impatient, HEAD + BODY, HEAD[:30])
    first, _, rest = got.partition(b'{"data":{"hello":"world"}}')
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert rest == b"" or is_too_slow(rest)


async def test_an_answer_that_takes_longer_than_a_head_may_is_not_cut_by_half_a_head_behind_it(
    impatient: int, ledger: Ledger
) -> None:
    waiting = b'{"query": "{ waiting }"}'
    head = HEAD.replace(b"content-length: %d" % len(BODY), b"content-length: %d" % len(waiting))
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    writer.write(head + waiting + HEAD[:30])
    while ledger.opened == 0:  # noqa: ASYNC110 (the server is in another thread)
        await asyncio.sleep(0)
    # Others have come and gone, later than the half head.
    for _ in range(3):
        assert await answers(impatient) == b""
    assert not reader.at_eof()
    writer.close()


async def test_a_websocket_may_be_silent(impatient: int) -> None:
    async with connect(f"ws://127.0.0.1:{impatient}/echo", proxy=None) as socket:
        for _ in range(3):
            assert await answers(impatient) == b""
        await socket.send("still there")
        assert await socket.recv() == "still there"


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_times_are_settings(database_url: str, organization_id: UUID, workers: int) -> None:
    settings = {"HOLDCO_HEAD_TIMEOUT": "1", "HOLDCO_BODY_TIMEOUT": "1"}
    with serve(database_url, organization_id, workers=workers, **settings) as process:
        port = int(process.address.rpartition(":")[2])
        # Without a token nobody waits for the body.
        shown = f"authorization: Bearer {token_of(organization_id)}\r\n\r\n"
        head = HEAD.removesuffix(b"\r\n") + shown.encode()
        got = await asyncio.gather(answers(port), answers(port, HEAD[:30]), answers(port, head))
    assert [got[0], *map(is_too_slow, got[1:])] == [b"", True, True]
