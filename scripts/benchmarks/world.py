"""What benches run in: a Postgres with the bench data, a server process as users start it, and connections to both."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from holdco import running
from holdco.access import service as access
from holdco.authentication import issuing
from holdco.database import begin
from holdco.migrations.metadata import metadata
from holdco.seeding import bench
from holdco.settings import Settings
from holdco.viewer import ClientUserRole, StaffRole

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
IDLE_SECONDS = 2
# An administrator's, for all that ask; rivals get the same bytes and ask for nothing.
TOKEN = "HOLDCO_BENCH_TOKEN"  # noqa: S105 (a variable)
_RIVALS = (sys.executable, str(Path(__file__).parent / "rivals.py"))


class Client:
    """GraphQL over one kept HTTP connection, by hand: what a client library does with an answer is not to be measured."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self.token = os.environ.get(TOKEN, "") if token is None else token
        self._port = port
        self._socket: socket.socket | None = None
        self._used_at = 0.0

    def send(self, document: str, variables: dict[str, Any]) -> bytes:
        """The answer as it came, so that reading it as JSON is no part of what is timed. OSError when nobody answers."""
        body = orjson.dumps({"query": document, "variables": variables})
        return self._ask("POST", "/graphql", body)

    def get(self, path: str) -> bytes:
        """Likewise what a route answers that is not GraphQL's."""
        return self._ask("GET", path, b"")

    def _ask(self, method: str, path: str, body: bytes) -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/json\r\n"
            f"authorization: Bearer {self.token}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        if self._socket is None or time.monotonic() - self._used_at > IDLE_SECONDS:
            # While another bench ran, the server may have closed it.
            self.close()
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=120)
        self._socket.sendall(head.encode() + body)
        answer = self._read(self._socket)
        self._used_at = time.monotonic()
        return answer

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += _some(connection)
        length = next(line for line in bytes(received[:end]).split(b"\r\n") if line.lower().startswith(b"content-length:"))
        whole = end + 4 + int(length.partition(b":")[2])
        while len(received) < whole:
            received += _some(connection)
        return bytes(received[end + 4 :])

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(1 << 18)
    if not received:
        raise ConnectionError("The server closed the connection before its answer ended.")
    return received


def data_of(answer: bytes) -> Any:
    """Raises ValueError for an answer with errors."""
    read = orjson.loads(answer)
    if "data" not in read or read.get("errors"):
        raise ValueError(f"The server answered {read}.")
    return read["data"]


@dataclass
class World:
    """`connection` is the rival's; it and `client` see the same database and organization.

    The rival owns the tables, and row level security costs it nothing: here it does not hold the owner.
    """

    settings: Settings
    connection: asyncpg.Connection[Any]
    client: Client
    port: int
    directory: Path

    @property
    def organization_id(self) -> UUID:
        return self.settings.organization_id

    @property
    def database_url(self) -> str:
        assert self.settings.database_url is not None
        return self.settings.database_url


async def connect(database_url: str) -> asyncpg.Connection[Any]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    return connection


@contextmanager
def database(directory: Path) -> Iterator[Settings]:
    """A database with the bench data: the one of DATABASE_URL, or our own in a directory, where a second run finds it again."""
    with running.database(replace(Settings.from_environment(), data_directory=directory / "postgres")) as settings:
        asyncio.run(running.prepare(settings))
        asyncio.run(_free_owner(settings))
        if asyncio.run(_seed(settings)):
            asyncio.run(_vacuum(settings))
        os.environ[TOKEN] = asyncio.run(token_for(settings))
        yield settings


async def token_for(settings: Settings) -> str:
    """An administrator's, good for a day."""
    async with (
        running.engine_of(settings) as engine,
        begin(engine, organization_id=settings.organization_id, actor="bench") as transaction,
    ):
        expires_at = datetime.now(UTC) + timedelta(days=1)
        return (await access.create(transaction, name="bench", role=StaffRole.ADMIN, expires_at=expires_at)).text


async def client_users_of(settings: Settings, customers: Sequence[str]) -> dict[str, str]:
    """By customer, the token of a client user who is its administrator and belongs to no other; good for a day.

    A second run finds the client users again.
    """
    expires_at = datetime.now(UTC) + timedelta(days=1)
    async with (
        running.engine_of(settings) as engine,
        begin(engine, organization_id=settings.organization_id, actor="bench") as transaction,
    ):
        issued = [
            await issuing.for_client_user(
                transaction, customer=each, role=ClientUserRole.ADMIN, email=f"{each}@bench.example", expires_at=expires_at
            )
            for each in customers
        ]
    return {each: token.text for each, token in zip(customers, issued, strict=True)}


async def _seed(settings: Settings) -> bool:
    shape = bench.Shape()
    total = shape.count_rows()
    done = 0

    def progress(rows: int) -> None:
        nonlocal done
        before, done = done * 100 // total, done + rows
        if (now := done * 100 // total) != before:
            print(f"\rLoading the bench data: {now} % ", end="\n" if now == 100 else "", file=sys.stderr, flush=True)  # noqa: PLR2004

    return await bench.load_once(settings, shape=shape, progress=progress)


async def _free_owner(settings: Settings) -> None:
    connection = await connect(owner_url(settings))
    for table in metadata.tables:
        await connection.execute(f"alter table {table} no force row level security")
    await connection.close()


def owner_url(settings: Settings) -> str:
    url = settings.owner_url or settings.database_url
    assert url is not None
    return url


async def _vacuum(settings: Settings) -> None:
    """Index-only scans need the visibility map, which the background makes only later."""
    connection = await connect(owner_url(settings))
    await connection.execute("vacuum (analyze)")
    await connection.close()


@asynccontextmanager
async def world(settings: Settings, directory: Path) -> AsyncIterator[World]:
    connection = await connect(owner_url(settings))
    try:
        with server(settings) as port:
            client = Client(port)
            yield World(settings, connection, client, port, directory)
            client.close()
    finally:
        await connection.close()


def server(settings: Settings) -> AbstractContextManager[int]:
    """`holdco serve` in a process of its own, on a free port."""
    return _running([str(Path(sys.executable).parent / "holdco"), "serve"], settings)


def stock(settings: Settings) -> AbstractContextManager[int]:
    """The stock server of `rivals.py`, likewise."""
    return _running([*_RIVALS, "stock"], settings)


def floor(settings: Settings) -> AbstractContextManager[int]:
    """The floor of `rivals.py`, likewise."""
    return _running([*_RIVALS, "floor"], settings, lambda client: client.get("/"))


def _ask_graphql(client: Client) -> None:
    data_of(client.send("{ organization { name } }", {}))


@contextmanager
def _running(command: list[str], settings: Settings, ask: Callable[[Client], object] = _ask_graphql) -> Iterator[int]:
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": settings.database_url or "", "HOLDCO_OWNER_URL": owner_url(settings)}
    environment |= {"HOLDCO_PORT": str(port), "HOLDCO_POOL_SIZE": "20", "HOLDCO_REQUESTS_PER_SECOND": "1000000"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for_answer(port, process, ask)
        yield port
    finally:
        stop(process)


def wait_for_answer(port: int, process: subprocess.Popen[Any], ask: Callable[[Client], object] = _ask_graphql) -> None:
    """Returns as soon as a request is answered. Raises RuntimeError when the process ended or time is up."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with status {process.returncode}.")
        client = Client(port)
        try:
            ask(client)
        except OSError:
            time.sleep(0.01)
        else:
            return
        finally:
            client.close()
    raise RuntimeError(f"The server did not answer within {START_SECONDS} s.")


def stop(process: subprocess.Popen[Any]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
