"""Many idle subscriptions on one process, and commits: how long until each subscriber has been told, and what memory does.

    .venv/bin/python scripts/benchmarks/subscriptions.py --sockets 1000 --commits 1000 --rate 100

Of the sockets every tenth (`--every`) watches the customer that changes; the others watch one of which nothing is heard.
The server is a process of its own; its database is DATABASE_URL, or an embedded one that is gone afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from holdco.embedded import EmbeddedPostgres

PORT = 8765
URL = f"http://127.0.0.1:{PORT}"
DOCUMENT = "subscription ($id: ID!) { customerChanged(customerId: $id) { customers { name } refetch } }"
RENAME = """mutation ($id: ID!, $version: Int!, $name: String!) {
  customerUpdate(input: {id: $id, version: $version, name: $name}) { customer { version } userErrors { code } }
}"""
CREATE = "mutation ($name: String!) { customerCreate(input: {name: $name}) { customer { id version } } }"


def memory_of(process: subprocess.Popen[bytes]) -> float:
    """Resident megabytes."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def ask(http: httpx.AsyncClient, document: str, **variables: Any) -> dict[str, Any]:
    response = await http.post("/graphql", json={"query": document, "variables": variables})
    data: dict[str, Any] = response.json()["data"]
    return data


async def listen(socket: ClientConnection, sent: dict[str, float], latencies: list[float], refetches: list[int]) -> None:
    """Several commits may be told in one event, which then shows the last: earlier ones count as told by it."""
    told = 0
    async for text in socket:
        now = time.perf_counter()
        message = json.loads(text)
        if message["type"] != "next":
            continue
        changed = message["payload"]["data"]["customerChanged"]
        if changed["refetch"]:
            refetches.append(1)
            continue
        for customer in changed["customers"]:
            number = int(customer["name"].split()[-1])
            latencies.extend(now - sent[str(each)] for each in range(told + 1, number + 1) if str(each) in sent)
            told = max(told, number)


async def subscribed(customer_id: str, token: str) -> ClientConnection:
    socket = await connect(f"ws://127.0.0.1:{PORT}/graphql", subprotocols=["graphql-transport-ws"], proxy=None)  # type: ignore[list-item]
    await socket.send(json.dumps({"type": "connection_init", "payload": {"token": token}}))
    await socket.recv()
    payload = {"query": DOCUMENT, "variables": {"id": customer_id}}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    return socket


async def measure(process: subprocess.Popen[bytes], given: argparse.Namespace, token: str) -> None:
    shown = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=URL, timeout=60, trust_env=False, headers=shown) as http:
        for _ in range(200):
            try:
                await http.get("/graphql")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        watched = (await ask(http, CREATE, name="Watched 0"))["customerCreate"]["customer"]
        quiet = (await ask(http, CREATE, name="Quiet"))["customerCreate"]["customer"]
        empty = memory_of(process)
        sockets = [
            await subscribed((watched if index % given.every == 0 else quiet)["id"], token) for index in range(given.sockets)
        ]
        await asyncio.sleep(2)
        idle = memory_of(process)
        print(f"{given.sockets} sockets: {empty:.0f} MB before, {idle:.0f} MB after")
        sent: dict[str, float] = {}
        latencies: list[float] = []
        refetches: list[int] = []
        tasks = [asyncio.create_task(listen(socket, sent, latencies, refetches)) for socket in sockets]
        version, start = watched["version"], time.perf_counter()
        for number in range(1, given.commits + 1):
            await asyncio.sleep(max(0.0, start + number / given.rate - time.perf_counter()))
            sent[str(number)] = time.perf_counter()
            answer = await ask(http, RENAME, id=watched["id"], version=version, name=f"Watched {number}")
            version = answer["customerUpdate"]["customer"]["version"]
        took = time.perf_counter() - start
        await asyncio.sleep(3)
        for task in tasks:
            task.cancel()
        watching = -(-given.sockets // given.every)
        latencies.sort()
        print(f"{given.commits} commits in {took:.1f} s ({given.commits / took:.0f} a second), {watching} sockets watching")
        print(f"told {len(latencies)} of {watching * given.commits}, {len(refetches)} told to refetch")
        print(
            f"after the mutation was sent: median {statistics.median(latencies) * 1e3:.1f} ms, "
            f"99 of 100 within {latencies[int(len(latencies) * 0.99)] * 1e3:.1f} ms, all within {latencies[-1] * 1e3:.1f} ms"
        )
        print(f"memory {memory_of(process):.0f} MB")
        await asyncio.gather(*(socket.close() for socket in sockets))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--commits", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=100, help="commits a second, at most")
    parser.add_argument("--every", type=int, default=10, help="one socket of so many watches the customer that changes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "postgres") as embedded:
            environment = {**os.environ, "DATABASE_URL": os.environ.get("DATABASE_URL") or embedded.url, "HOLDCO_PORT": str(PORT)}
            holdco = str(Path(sys.executable).parent / "holdco")
            subprocess.run([holdco, "migrate"], env=environment, check=True)
            make = [holdco, "token", "create", "--role", "ADMIN", "--name", "bench"]
            token = subprocess.run(make, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
            process = subprocess.Popen([holdco, "serve"], env=environment)
            try:
                asyncio.run(measure(process, given, token))
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
