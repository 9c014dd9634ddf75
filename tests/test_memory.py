"""What is sent to exhaust the server is not kept: its memory stays what it was."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import orjson
import pytest

from tokens import UNTHROTTLED_ENVIRONMENT, bearer, token_of

MEGABYTE = 1 << 20
START = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


@dataclass
class Server:
    """`holdco serve` in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    organization_id: UUID

    def bytes_max(self) -> int:
        """The most memory that it ever had, as Linux counts it. (A child's usage would begin with what its parent had.)"""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    async def is_answering(self) -> bool:
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{self.port}", headers=bearer(token_of(self.organization_id))
            ) as http:
                response = await http.post("/graphql", json={"query": "{ organization { name } }"})
        except httpx.TransportError:
            return False
        return response.json() == {"data": {"organization": {"name": "My organization"}}}


def start(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [Path(sys.executable).with_name("holdco"), "serve"], env=os.environ | UNTHROTTLED_ENVIRONMENT | environment
    )


@pytest.fixture
async def server(database_url: str, organization_id: UUID) -> AsyncIterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {"DATABASE_URL": database_url, "HOLDCO_ORGANIZATION_ID": str(organization_id), "HOLDCO_PORT": str(port)}
    made = Server(port, start(environment), organization_id)
    while not await made.is_answering():
        assert made.process.poll() is None
        await asyncio.sleep(0.02)
    yield made
    made.process.terminate()
    assert await asyncio.to_thread(made.process.wait, 30) in {0, -signal.SIGTERM}


async def flood(server: Server, start: bytes, piece: bytes, times: int = 10) -> bytes:
    """Sends pieces until the server has had enough. The first line of its answer, if it can still be read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(START + b"authorization: Bearer " + token_of(server.organization_id).encode() + b"\r\n" + start)
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.readline(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def long_bodies(server: Server) -> Awaitable[bytes]:
    return flood(server, b"content-length: 10485760\r\n\r\n", b" " * MEGABYTE)


def endless_bodies(server: Server) -> Awaitable[bytes]:
    return flood(server, b"transfer-encoding: chunked\r\n\r\n", b"100000\r\n" + b" " * MEGABYTE + b"\r\n")


def endless_headers(server: Server) -> Awaitable[bytes]:
    return flood(server, b"x: ", b"y" * MEGABYTE)


def many_headers(server: Server) -> Awaitable[bytes]:
    return flood(server, b"", b"x: y\r\n" * (MEGABYTE // 6))


def deep_documents(server: Server) -> Awaitable[bytes]:
    document = '{ customer(by: {number: "1"}) ' + "{ parent " * 5_000 + "{ id }" + "}" * 5_001
    body = orjson.dumps({"query": document})
    return flood(server, b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body), body, 1)


def endless_trailers(server: Server) -> Awaitable[bytes]:
    return flood(server, b"transfer-encoding: chunked\r\n\r\n0\r\nx: ", b"y" * MEGABYTE)


ATTACKS = [
    (long_bodies, {b"HTTP/1.1 413 Request Entity Too Large\r\n"}),
    (endless_bodies, {b"HTTP/1.1 413 Request Entity Too Large\r\n"}),
    # Who goes on sending to a connection that was closed finds it reset, often before the answer is read.
    (endless_headers, {b"", b"HTTP/1.1 431 Request Header Fields Too Large\r\n"}),
    (endless_trailers, {b"", b"HTTP/1.1 431 Request Header Fields Too Large\r\n"}),
    (many_headers, {b"", b"HTTP/1.1 431 Request Header Fields Too Large\r\n"}),
    (deep_documents, {b"HTTP/1.1 200 OK\r\n"}),
]


async def test_nothing_that_is_sent_makes_the_server_grow(server: Server) -> None:
    """Forty clients at once, each with 10 MB or what is as bad: 2 GB in all, of which only bodies up to 1 MB are kept."""
    at_rest = server.bytes_max()
    for attack, answers in ATTACKS:
        assert set(await asyncio.gather(*[attack(server) for _ in range(40)])) <= answers
        assert await server.is_answering()
    assert server.bytes_max() - at_rest < 40 * 4 * MEGABYTE
