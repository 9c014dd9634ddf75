"""tree, tree_floor, tree_client_user and tree_sql: one tree of customers with all that hangs on them, in one document."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import httpx
import orjson
import rivals
import uvicorn
from counting import counted_statements
from measuring import Figure, Side, compare
from reading import LARGE
from starlette.types import ASGIApp
from world import TOKEN, Client, World, client_users_of, data_of, floor, free_port, stock

from holdco import ids
from holdco.app import create_app
from holdco.ids import Kind

LEVELS = rivals.LEVELS
TREES = 36
ROUNDS = 2
BODY = """
fragment Body on Customer {
  id number name role status
  groups { id name }
  contacts { nodes { id name email } }
  invoices { nodes { id number invoiceDate dueDate currency total balance } }
}
"""
# Whatever the depth: customer, groups, contacts, invoices, children.
RELATIONS = 5
OBJECTS = {Kind.CUSTOMER: 111, Kind.GROUP: 111, Kind.CONTACT: 222, Kind.INVOICE: 555}


def document(levels: int) -> str:
    """A customer and, level by level, those below it."""
    selection = "...Body"
    for _ in range(levels - 1):
        selection = f"...Body children {{ nodes {{ {selection} }} }}"
    return f"query Tree($id: ID!) {{ customer(by: {{ id: $id }}) {{ {selection} }} }}{BODY}"


@dataclass(frozen=True)
class Tree:
    """A root and the answer to `document(LEVELS)`, on which rival and ours agree."""

    id: str
    answer: bytes


async def roots_of(world: World) -> list[str]:
    """Of trees all over the data: each has its own rows, none of them asked for twice in a row."""
    rows = await world.connection.fetch(
        "select id from customers where organization_id = $1 and parent_id is null and number <> $2 order by number",
        world.organization_id,
        LARGE,
    )
    return [ids.encode(Kind.CUSTOMER, row["id"]) for row in rows[:: len(rows) // TREES]][:TREES]


def _answer(world: World, root: str) -> bytes:
    """Ours, which has as many objects as there are in a tree."""
    answer = world.client.send(document(LEVELS), {"id": root})
    counts = {kind: answer.count(f'"{kind}_'.encode()) for kind in OBJECTS}
    assert counts == OBJECTS, counts
    return answer


async def tree(world: World, limit: float | None) -> Figure:
    """Against the stock executor. Its JSON has spaces, so the data are compared."""
    with stock(world.settings) as port, closing(Client(port)) as client:
        trees = [Tree(root, _answer(world, root)) for root in await roots_of(world)]
        for each in trees:
            assert orjson.loads(client.send(document(LEVELS), {"id": each.id})) == orjson.loads(each.answer)

        async def by_stock(each: Tree) -> tuple[Tree, bytes]:
            return each, client.send(document(LEVELS), {"id": each.id})

        async def check(answered: tuple[Tree, bytes]) -> None:
            each, answer = answered
            assert data_of(answer) == data_of(each.answer)

        return await compare(
            "tree",
            Side(by_stock, check, _each(trees)),
            _ours(world, trees),
            limit=limit,
            rounds=ROUNDS * TREES,
            note=f"{len(trees[0].answer) / 1000:.0f} kB of JSON; the rival is the stock executor",
        )


async def tree_floor(world: World, limit: float | None) -> Figure:
    """Against rows fetched by hand. The answers are the same, byte for byte."""
    with floor(world.settings) as port, closing(Client(port)) as client:
        trees = [Tree(root, _answer(world, root)) for root in await roots_of(world)]

        async def by_hand(each: Tree) -> tuple[Tree, bytes]:
            return each, client.get(f"/trees/{each.id}")

        for each in trees:
            await _is_same(await by_hand(each))
        return await compare(
            "tree_floor",
            Side(by_hand, _is_same, _each(trees)),
            _ours(world, trees),
            limit=limit,
            rounds=2 * ROUNDS * TREES,
            note="the rival makes the same bytes by hand-written queries",
        )


async def tree_client_user(world: World, limit: float | None) -> Figure:
    """As a client user of the root, of each tree another, against staff. They see the same: every link lets its parent view."""
    trees = [Tree(root, _answer(world, root)) for root in await roots_of(world)]
    tokens = await client_users_of(world.settings, [each.id for each in trees])
    with closing(Client(world.port)) as client:

        async def by_client_user(each: Tree) -> tuple[Tree, bytes]:
            client.token = tokens[each.id]
            return each, client.send(document(LEVELS), {"id": each.id})

        # Each token is checked once and then remembered.
        for each in trees:
            await _is_same(await by_client_user(each))
        return await compare(
            "tree_client_user",
            _ours(world, trees),
            Side(by_client_user, _is_same, _each(trees)),
            limit=limit,
            rounds=2 * ROUNDS * TREES,
            note="the rival is staff, who asks the same of the same server",
        )


def _ours(world: World, trees: list[Tree]) -> Side:
    async def by_us(each: Tree) -> tuple[Tree, bytes]:
        return each, world.client.send(document(LEVELS), {"id": each.id})

    return Side(by_us, _is_same, _each(trees))


async def _is_same(answered: tuple[Tree, bytes]) -> None:
    each, answer = answered
    assert answer == each.answer


def _each(trees: list[Tree]) -> Any:
    """Rival and ours go through the same trees in the same order, and begin anew at the end."""
    order: Iterator[Tree] = cycle(trees)

    async def prepare() -> Tree:
        return next(order)

    return prepare


async def tree_sql(world: World, limit: float | None) -> Figure:
    """The most statements by relation, in this process, of documents of several depths and trees of different sizes."""
    large = await world.connection.fetchval(
        "select id from customers where organization_id = $1 and number = $2", world.organization_id, LARGE
    )
    roots = [*(await roots_of(world))[:2], ids.encode(Kind.CUSTOMER, large)]
    settings = replace(world.settings, pool_size=1)
    depths = range(2, LEVELS + 2)
    counts = {levels: await _statements(create_app(settings), document(levels), roots) for levels in depths}
    by_stock = await _statements(rivals.stock(settings), document(LEVELS), roots)
    told = ", ".join(f"{count} at {levels} levels" for levels, count in counts.items())
    return Figure(
        "tree_sql",
        ratio=max(counts.values()) / RELATIONS,
        limit=limit,
        note=f"statements for {RELATIONS} relations: {told}; the stock executor {by_stock} at {LEVELS}",
    )


async def _statements(app: ASGIApp, asked: str, roots: list[str]) -> int:
    """The most for any root, of the whole way from request to answer."""
    with counted_statements() as statements:
        async with _served(app) as client:
            counts = []
            for root in roots[:1] + roots:
                statements.clear()
                answer = await client.post("/graphql", json={"query": asked, "variables": {"id": root}})
                assert data_of(answer.content)["customer"]["id"] == root
                counts.append(len(statements))
    # The first request asks for what a new connection needs to know as well.
    return max(counts[1:])


@asynccontextmanager
async def _served(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A server in this process, where its statements can be counted."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="on", log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 (uvicorn tells it no other way)
        await asyncio.sleep(0.01)
    shown = {"authorization": f"Bearer {os.environ[TOKEN]}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=shown, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        await serving
