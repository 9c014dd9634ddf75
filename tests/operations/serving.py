"""`holdco serve` in a process of its own, and servers in this one whose limits are small."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import uvicorn

from holdco.app import create_app
from holdco.settings import Settings
from tokens import UNTHROTTLED, UNTHROTTLED_ENVIRONMENT, bearer, token_of

SECONDS = 60
HOLDCO = [sys.executable, "-c", "from holdco.cli import main; main()"]


def settings_of(database_url: str, organization_id: UUID, **limits: Any) -> Settings:
    return Settings(database_url, Path("unused"), "127.0.0.1", 0, organization_id, **{"pool_size": 4, **UNTHROTTLED, **limits})


@dataclass(frozen=True)
class Server:
    """`http` shows an administrator's token."""

    http: httpx.AsyncClient
    port: int

    async def ask(self, document: str, **variables: Any) -> httpx.Response:
        return await self.http.post("/graphql", json={"query": document, "variables": variables})

    async def metric(self, name: str, **labels: str) -> float:
        """The value of one series; 0 when there is none."""
        return value_of((await self.http.get("/metrics")).text, name, **labels)


@asynccontextmanager
async def served(settings: Settings, **others: Any) -> AsyncIterator[Server]:
    """A server in this process, on a free port."""
    shown = bearer(token_of(settings.organization_id))
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings, **others), host="127.0.0.1", port=0, lifespan="on", log_level="warning")
    )
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started or serving.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS, headers=shown) as http:
            yield Server(http, port)
    finally:
        server.should_exit = True
        await serving


async def until(condition: Callable[[], bool]) -> None:
    """Returns as soon as it holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.005)


def value_of(exposition: str, name: str, **labels: str) -> float:
    """As Prometheus reads it."""
    for line in exposition.splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name and dict(re.findall(r'(\w+)="(.*?)"', found[2] or "")) == labels:
            return float(found[3])
    return 0.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Process:
    """`holdco serve`, seen from outside."""

    running: subprocess.Popen[str]
    address: str
    organization_id: UUID

    def client(self) -> httpx.AsyncClient:
        """On a connection of its own, with an administrator's token."""
        shown = bearer(token_of(self.organization_id))
        return httpx.AsyncClient(base_url=self.address, timeout=SECONDS, headers=shown)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        self.running.send_signal(by)

    def end(self) -> tuple[int, str]:
        """Its exit status and what it said on standard error."""
        _, errors = self.running.communicate(timeout=SECONDS)
        return self.running.returncode, errors


def environment(database_url: str, organization_id: UUID, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "HOLDCO_ORGANIZATION_ID": str(organization_id),
        **UNTHROTTLED_ENVIRONMENT,
        **more,
    }


@contextmanager
def serve(database_url: str, organization_id: UUID, *, workers: int = 1, **more: str) -> Iterator[Process]:
    """A server that answers; killed in the end, if it is still there."""
    port = free_port()
    running = subprocess.Popen(
        [*HOLDCO, "serve", "--workers", str(workers)],
        env=environment(database_url, organization_id, HOLDCO_PORT=str(port), **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    process = Process(running, f"http://127.0.0.1:{port}", organization_id)
    try:
        deadline = time.monotonic() + SECONDS
        while not _is_alive(process.address):
            assert running.poll() is None, running.communicate()[1]
            assert time.monotonic() < deadline, "it does not answer"
        yield process
    finally:
        with suppress(ProcessLookupError):
            # Its workers too, which would outlive it.
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate(timeout=SECONDS)


def _is_alive(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        time.sleep(0.02)
        return False
