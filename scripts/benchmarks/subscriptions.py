"""Many idle subscriptions on one process, and commits: how long until each subscriber has been told, and what memory does.

    scripts/bench --only subscriptions
    .venv/bin/python scripts/benchmarks/subscriptions.py --sockets 1000 --commits 1000 --rate 100

Of the sockets every tenth (`--every`) watches a head office with all below it; the others watch a customer of whom nothing is
heard. Senders rename a branch each, at the same time, so that the rate is reached. By itself this file measures an empty
database: that of DATABASE_URL, or an embedded one that is gone afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvloop
from measuring import Figure
from websockets.asyncio.client import ClientConnection, connect
from world import TOKEN, World, free_port, stop, token_for, wait_for_answer

from holdco import running
from holdco.settings import Settings

DOCUMENT = "subscription ($id: ID!) { customerChanged(customerId: $id) { customers { id name } refetch } }"
RENAME = """mutation ($id: ID!, $version: Int!, $name: String!) {
  customerUpdate(input: {id: $id, version: $version, name: $name}) { customer { version } userErrors { code } }
}"""
CREATE = """mutation ($name: String!, $parent: ParentInput) {
  customerCreate(input: {name: $name, parent: $parent}) { customer { id version } }
}"""
# Seconds in which a subscriber is told of the last commit, or never.
PATIENCE = 30.0
# Megabytes by which a server may grow from its first commits to its last: what it keeps of documents, plans and connections.
GROWTH_MAX = 25


@dataclass(frozen=True)
class Shape:
    """`every`: one socket of so many watches what changes. `rate` is in commits a second, at most."""

    sockets: int = 1_000
    every: int = 10
    commits: int = 1_000
    rate: float = 100
    senders: int = 16

    @property
    def watching(self) -> int:
        return -(-self.sockets // self.every)


@dataclass
class Outcome:
    """`latencies` are seconds from the sending of a mutation, one for each commit and subscriber, in order of size.

    `complete` counts the subscribers who were told of every commit, `stray` those who were told what they do not watch.
    Memory is in resident megabytes of the server: with no socket, before the commits, and after them.
    """

    latencies: list[float]
    events: int
    complete: int
    stray: int
    refetches: int
    seconds: float
    memory: tuple[float, float, float]
    processor_seconds: float

    def latency(self, share: float) -> float:
        """Milliseconds within which this share of all was told."""
        return self.latencies[int(share * len(self.latencies))] * 1e3 if self.latencies else float("nan")


@dataclass
class Commits:
    """When mutations were sent, by the branch that they rename and their number in its name."""

    sent: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Subscriber:
    """Several commits may be told in one event, which then shows the last of a branch: those before are told by it."""

    commits: Commits
    told: dict[str, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    events: int = 0
    refetches: int = 0

    @property
    def is_complete(self) -> bool:
        return all(self.told.get(branch, 0) == len(sent) for branch, sent in self.commits.sent.items())

    async def listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            now = time.perf_counter()
            message = orjson.loads(text)
            if message["type"] != "next":
                raise ValueError(f"The server said {message}.")
            changed = message["payload"]["data"]["customerChanged"]
            self.events += 1
            self.refetches += changed["refetch"]
            for customer in changed["customers"]:
                branch, number = customer["id"], int(customer["name"].split()[-1])
                told = self.told.get(branch, 0)
                self.latencies += [now - sent for sent in self.commits.sent.get(branch, [])[told:number]]
                self.told[branch] = max(told, number)


async def ask(http: httpx.AsyncClient, document: str, **variables: Any) -> dict[str, Any]:
    answer = orjson.loads((await http.post("/graphql", json={"query": document, "variables": variables})).content)
    if answer.get("errors"):
        raise ValueError(f"The server answered {answer}.")
    data: dict[str, Any] = answer["data"]
    return data


async def created(http: httpx.AsyncClient, name: str, parent: str | None = None) -> tuple[str, int]:
    """Id and version."""
    access = {"view": True, "pay": True, "manage": True}
    made = await ask(http, CREATE, name=name, parent={"id": parent, "access": access} if parent else None)
    customer = made["customerCreate"]["customer"]
    return customer["id"], customer["version"]


@asynccontextmanager
async def subscribed(port: int, customer_id: str, token: str) -> AsyncIterator[ClientConnection]:
    """A socket whose subscription has begun: what is asked on it afterwards is answered."""
    address = f"ws://127.0.0.1:{port}/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"], proxy=None, compression=None) as socket:  # type: ignore[list-item]
        await socket.send(orjson.dumps({"type": "connection_init", "payload": {"token": token}}).decode())
        await socket.recv()
        payload = {"query": DOCUMENT, "variables": {"id": customer_id}}
        await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
        yield socket


async def until_heard(http: httpx.AsyncClient, subscriptions: int) -> None:
    """Returns when the server has so many subscriptions."""
    async with asyncio.timeout(PATIENCE):
        while f"holdco_subscriptions {subscriptions}.0" not in (await http.get("/metrics")).text:  # noqa: ASYNC110 (the server has no event for it)
            await asyncio.sleep(0.05)


async def send(http: httpx.AsyncClient, shape: Shape, branches: list[tuple[str, int]], commits: Commits) -> float:
    """Renames each branch in turn, several at the same time, and returns the seconds that it took."""
    numbers = iter(range(shape.commits))
    start = time.perf_counter()

    async def sender(branch: str, version: int) -> None:
        sent = commits.sent[branch] = []
        for number in numbers:
            await asyncio.sleep(max(0.0, start + number / shape.rate - time.perf_counter()))
            sent.append(time.perf_counter())
            answer = await ask(http, RENAME, id=branch, version=version, name=f"Branch {len(sent)}")
            if answer["customerUpdate"]["userErrors"]:
                raise ValueError(f"The server answered {answer}.")
            version = answer["customerUpdate"]["customer"]["version"]

    async with asyncio.TaskGroup() as senders:
        for branch in branches:
            senders.create_task(sender(*branch))
    return time.perf_counter() - start


async def measure(port: int, process_id: int, shape: Shape, token: str) -> Outcome:
    """Whatever the server refuses is raised."""
    async with (
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False, headers={"authorization": f"Bearer {token}"}
        ) as http,
        AsyncExitStack() as sockets,
        asyncio.TaskGroup() as listening,
    ):
        (head, _), (quiet, _) = await created(http, "Head office 0"), await created(http, "Quiet 0")
        branches = [await created(http, "Branch 0", head) for _ in range(min(shape.senders, shape.commits))]
        empty = memory_of(process_id)
        commits, nothing = Commits(), Commits()
        watching: list[Subscriber] = []
        idle: list[Subscriber] = []
        tasks = []
        for index in range(shape.sockets):
            is_watching = index % shape.every == 0
            socket = await sockets.enter_async_context(subscribed(port, head if is_watching else quiet, token))
            subscriber = Subscriber(commits if is_watching else nothing)
            (watching if is_watching else idle).append(subscriber)
            tasks.append(listening.create_task(subscriber.listen(socket)))
        await until_heard(http, shape.sockets)
        before, processor_seconds = memory_of(process_id), processor_seconds_of(process_id)
        seconds = await send(http, shape, branches, commits)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not all(each.is_complete for each in watching):  # noqa: ASYNC110 (sockets are read one by one)
                    await asyncio.sleep(0.05)
        after = memory_of(process_id)
        processor_seconds = processor_seconds_of(process_id) - processor_seconds
        for task in tasks:
            task.cancel()
    return Outcome(
        latencies=sorted(latency for each in watching for latency in each.latencies),
        events=sum(each.events for each in watching),
        complete=sum(each.is_complete for each in watching),
        stray=sum(each.events > 0 for each in idle),
        refetches=sum(each.refetches for each in watching),
        seconds=seconds,
        memory=(empty, before, after),
        processor_seconds=processor_seconds,
    )


def memory_of(process_id: int) -> float:
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor_seconds_of(process_id: int) -> float:
    """Of its own code and of the kernel's on its behalf."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[int, int]]:
    """`holdco serve` in a process of its own: its port and its id."""
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": settings.database_url or "", "HOLDCO_PORT": str(port)}
    environment["HOLDCO_REQUESTS_PER_SECOND"] = "1000000"
    command = [str(Path(sys.executable).parent / "holdco"), "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for_answer(port, process)
        yield port, process.pid
    finally:
        stop(process)


def told(shape: Shape, outcome: Outcome) -> str:
    empty, before, after = outcome.memory
    return (
        f"{shape.commits / outcome.seconds:.0f} commits a second; {outcome.complete} of {shape.watching} told of all, in "
        f"{outcome.events} events; 99 of 100 within {outcome.latency(0.99):.1f} ms; "
        f"{outcome.processor_seconds / outcome.seconds:.0%} of a processor; {empty:.0f} MB, {before:.0f} with sockets, "
        f"{after:.0f} at the end"
    )


def complaint(shape: Shape, outcome: Outcome) -> str | None:
    if outcome.complete < shape.watching:
        return f"{shape.watching - outcome.complete} subscribers were not told of every commit"
    if outcome.stray:
        return f"{outcome.stray} subscribers were told what they do not watch"
    if outcome.refetches:
        return f"{outcome.refetches} events said only that something was missed"
    grown = outcome.memory[2] - outcome.memory[1]
    return f"memory grew by {grown:.0f} MB" if grown > GROWTH_MAX else None


async def subscriptions(world: World, _limit: float | None) -> Figure:
    """Of 1,000 sockets 100 are told of 1,000 commits, a hundred a second."""
    shape = Shape()
    with serving(world.settings) as (port, process_id):
        outcome = await measure(port, process_id, shape, os.environ[TOKEN])
    problem = complaint(shape, outcome)
    return Figure("subscriptions", value=outcome.latency(0.5), unit="ms", note=told(shape, outcome), complaint=problem)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind, meaning in (
        ("sockets", int, "with one subscription each"),
        ("every", int, "one socket of so many watches what changes"),
        ("commits", int, "in all"),
        ("rate", float, "commits a second, at most"),
        ("senders", int, "that commit at the same time"),
    ):
        parser.add_argument(f"--{name}", type=kind, default=getattr(Shape, name), help=f"{meaning} (default: %(default)s)")
    shape = Shape(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        given = Settings.from_environment({**os.environ, "HOLDCO_DATA_DIR": f"{folder}/postgres"})
        with running.database(given) as settings:
            asyncio.run(running.prepare(settings))
            token = asyncio.run(token_for(settings))
            with serving(settings) as (port, process_id):
                outcome = uvloop.run(measure(port, process_id, shape, token))
    print(f"told {outcome.latency(0.5):.1f} ms (median) after the mutation was sent; {told(shape, outcome)}")
    if (problem := complaint(shape, outcome)) is not None:
        sys.exit(problem)


if __name__ == "__main__":
    main()
