"""small: how many small queries one server process answers in a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import Any

import orjson
import uvloop
from measuring import Figure, figure_of
from world import World, stock

from holdco import ids
from holdco.ids import Kind

CONNECTIONS = 16
CUSTOMERS = 1000
SECONDS = 2.0
TURNS = 5
# How long the last answers may take.
END_SECONDS = 10
DOCUMENT = "query Customer($id: ID!) { customer(by: { id: $id }) { id number name status currency } }"


@dataclass(frozen=True)
class Exchange:
    """A request as it goes over the wire, and the data that must come back."""

    request: bytes
    data: dict[str, Any]


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the one before is complete.

    Callbacks and bytes that are ready to be sent, because whatever the driver takes the server does not get.
    """

    def __init__(self, exchanges: Iterator[Exchange], until: float, ended: asyncio.Future[None]) -> None:
        self._exchanges = exchanges
        self._until = until
        self.ended = ended
        self._received = b""
        self.count = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._exchange = next(self._exchanges)
        self._transport.write(self._exchange.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        if not length or len(body) < int(length):
            return
        if orjson.loads(body) != {"data": self._exchange.data}:
            self._end(ValueError(f"The server answered {body!r} instead of {self._exchange.data}."))
            return
        self._received = b""
        if time.perf_counter() >= self._until:
            self._end(None)
            return
        self.count += 1
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("The server closed the connection."))

    def _end(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None) if error is None else self.ended.set_exception(error)
            self._transport.close()


async def _drive(port: int, exchanges: Sequence[Exchange], seconds: float) -> int:
    """How many answers came in time."""
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    order = cycle(exchanges)

    def connection() -> _Connection:
        return _Connection(order, until, loop.create_future())

    made = [await loop.create_connection(connection, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    await asyncio.wait_for(asyncio.gather(*(each.ended for _, each in made)), seconds + END_SECONDS)
    return sum(each.count for _, each in made)


async def _exchanges(world: World) -> list[Exchange]:
    """For customers of all levels from anywhere in the data."""
    rows = await world.connection.fetch(
        "select id, number, name, status, currency from customers where organization_id = $1 order by md5(number) limit $2",
        world.organization_id,
        CUSTOMERS,
    )
    made = []
    for key, *values in rows:
        customer = dict(
            zip(("id", "number", "name", "status", "currency"), (ids.encode(Kind.CUSTOMER, key), *values), strict=True)
        )
        body = orjson.dumps({"query": DOCUMENT, "variables": {"id": customer["id"]}})
        head = (
            "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n"
            f"content-type: application/json\r\nauthorization: Bearer {world.client.token}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        made.append(Exchange(head.encode() + body, {"customer": customer}))
    return made


async def small(world: World, limit: float | None) -> Figure:
    """The time by which each request takes a server of one process, from many connections at once."""
    exchanges = await _exchanges(world)

    async def rate(port: int, seconds: float = SECONDS) -> float:
        # A loop of its own, faster than the one that benches run in.
        return await asyncio.to_thread(uvloop.run, _drive(port, exchanges, seconds)) / seconds

    with stock(world.settings) as rival:
        for port in (rival, world.port):
            await rate(port, SECONDS / 2)
        rates = [(await rate(rival), await rate(world.port)) for _ in range(TURNS)]
    by_stock, by_us = zip(*rates, strict=True)
    return figure_of(
        "small",
        [1 / each for each in by_stock],
        [1 / each for each in by_us],
        limit=limit,
        note=f"{median(by_us):,.0f} requests a second against {median(by_stock):,.0f}, {CONNECTIONS} connections",
    )
