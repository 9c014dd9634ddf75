"""small and small_client_user: how many small queries one server process answers in a second."""

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
from trees import roots_of
from world import World, client_users_of, stock

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
    return [_exchange(row, world.client.token) for row in rows]


def _exchange(row: Sequence[Any], token: str) -> Exchange:
    customer = dict(
        zip(("id", "number", "name", "status", "currency"), (ids.encode(Kind.CUSTOMER, row[0]), *row[1:]), strict=True)
    )
    body = orjson.dumps({"query": DOCUMENT, "variables": {"id": customer["id"]}})
    head = (
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n"
        f"content-type: application/json\r\nauthorization: Bearer {token}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return Exchange(head.encode() + body, {"customer": customer})


async def _rate(port: int, exchanges: Sequence[Exchange], seconds: float = SECONDS) -> float:
    """Answers a second, in a loop of its own, faster than the one that benches run in."""
    return await asyncio.to_thread(uvloop.run, _drive(port, exchanges, seconds)) / seconds


async def small(world: World, limit: float | None) -> Figure:
    """The time by which each request takes a server of one process, from many connections at once."""
    exchanges = await _exchanges(world)
    with stock(world.settings) as rival:
        for port in (rival, world.port):
            await _rate(port, exchanges, SECONDS / 2)
        rates = [(await _rate(rival, exchanges), await _rate(world.port, exchanges)) for _ in range(TURNS)]
    return _figure("small", rates, limit)


async def small_client_user(world: World, limit: float | None) -> Figure:
    """As client users, each of the root of a tree, against staff. Both ask for the same customers of these trees."""
    roots = await roots_of(world)
    rows = await world.connection.fetch(
        """
        select c.id, c.number, c.name, c.status, c.currency, tree.ancestor_id
        from customer_closure tree
        join customers c on c.organization_id = tree.organization_id and c.id = tree.descendant_id
        where tree.organization_id = $1 and tree.ancestor_id = any($2)
        order by md5(c.number) limit $3
        """,
        world.organization_id,
        [ids.decode(Kind.CUSTOMER, root) for root in roots],
        CUSTOMERS,
    )
    tokens = await client_users_of(world.settings, roots)
    by_staff = [_exchange(row, world.client.token) for *row, _ in rows]
    by_client_users = [_exchange(row, tokens[ids.encode(Kind.CUSTOMER, root)]) for *row, root in rows]
    # All tokens are checked meanwhile, and then remembered.
    for exchanges in (by_staff, by_client_users):
        await _rate(world.port, exchanges, SECONDS / 2)
    rates = [(await _rate(world.port, by_staff), await _rate(world.port, by_client_users)) for _ in range(TURNS)]
    return _figure("small_client_user", rates, limit)


def _figure(name: str, rates: Sequence[tuple[float, float]], limit: float | None) -> Figure:
    """Of the rival's rates and ours."""
    rival, ours = zip(*rates, strict=True)
    return figure_of(
        name,
        [1 / each for each in rival],
        [1 / each for each in ours],
        limit=limit,
        note=f"{median(ours):,.0f} requests a second against {median(rival):,.0f}, {CONNECTIONS} connections",
    )
