"""What a connection may send before a body. Floods are in tests/test_memory.py."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from endpoint.misbehaving_server import Ledger, make_endpoint
from holdco.endpoint.heads import HEAD_BYTES_MAX, HEADERS_MAX, BoundedHeads

BODY = b'{"query": "{ hello }"}'
HEADERS = [b"content-type: application/json", b"connection: close"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that bounds heads, as `holdco serve` does."""
    application = Starlette(routes=[Route("/graphql", make_endpoint())])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, http=BoundedHeads, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


async def status(port: int, *pieces: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return int((await asyncio.wait_for(reader.read(), 30)).split(b" ", 2)[1])
    finally:
        writer.close()


def head(*headers: bytes) -> bytes:
    return b"\r\n".join([b"POST /graphql HTTP/1.1", *HEADERS, *headers, b"", b""])


async def test_a_request_may_have_as_many_headers_as_are_allowed_and_not_one_more(port: int, ledger: Ledger) -> None:
    length = b"content-length: %d" % len(BODY)
    others = [b"x: y"] * (HEADERS_MAX - len(HEADERS) - 1)
    assert await status(port, head(length, *others) + BODY) == 200
    assert ledger.opened == 1
    assert await status(port, head(length, *others, b"x: y") + BODY) == 400
    assert ledger.opened == 1


async def test_a_body_is_no_head_however_slowly_and_in_however_many_pieces_it_comes(port: int) -> None:
    body = BODY.ljust(2 * HEAD_BYTES_MAX - 1_000)
    pieces = [body[start : start + 500] for start in range(0, len(body), 500)]
    assert await status(port, head(b"content-length: %d" % len(body)), *pieces) == 200
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    assert await status(port, head(b"transfer-encoding: chunked"), *chunks, b"0\r\n\r\n") == 200


async def test_many_requests_on_one_connection_are_no_long_head(port: int) -> None:
    request = head(b"content-length: %d" % len(BODY)).replace(b"connection: close", b"x: " + b"y" * 40_000)
    last = head(b"content-length: %d" % len(BODY))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(10):
        writer.write(request + BODY)
    writer.write(last + BODY)
    answers = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    assert answers.count(b"HTTP/1.1 200 OK") == 11
