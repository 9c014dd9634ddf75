"""The servers that ours is measured against, each an application of its own: `rivals.py stock` or `rivals.py floor`.

They take the environment that `holdco serve` takes, and uvicorn runs them as it runs ours.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.types.unset import UNSET

from holdco.context import Context
from holdco.database import create_engine
from holdco.schema import schema
from holdco.settings import Settings
from holdco.viewer import StaffRole, Viewer


class _StockView(GraphQL[Context, None]):
    """Strawberry's own view. Only the context is ours, made and closed as our endpoint does it, before the answer is sent."""

    def __init__(self, settings: Settings) -> None:
        assert settings.database_url is not None
        cached = copy.copy(schema)
        # Classes, of which each request makes its own; their caches are shared. A copy, because ours runs no extensions.
        cached.extensions = (ParserCache, ValidationCache)
        super().__init__(cached)
        self.engine = create_engine(settings.database_url, pool_size=settings.pool_size)
        self._viewer = Viewer(settings.organization_id, "bench", StaffRole.ADMIN)

    async def run(self, request: Request | WebSocket, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        context = Context(self.engine, self._viewer)
        try:
            return await super().run(request, context, root_value)
        finally:
            await context.close()


def stock(settings: Settings) -> Starlette:
    """The same schema and loaders, executed by graphql-core by way of Strawberry, with the caches that Strawberry has."""
    view = _StockView(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await view.engine.dispose()

    return Starlette(lifespan=lifespan, routes=[Route("/graphql", view)])


# A tree of three levels, parents before their children. Each list comes in the order in which the graph shows it.
CUSTOMERS = """
select cu.id, cu.parent_id, c.depth, cu.number, cu.name, cu.role, cu.status
from customer_closure c
join customers cu on cu.organization_id = c.organization_id and cu.id = c.descendant_id
where c.organization_id = $1 and c.ancestor_id = $2 and c.depth <= 2
order by c.depth, cu.number, cu.id
"""
GROUPS = """
select m.customer_id, g.id, g.name
from group_members m
join customer_groups g on g.organization_id = m.organization_id and g.id = m.group_id
where m.organization_id = $1 and m.customer_id = any($2)
order by g.rank
"""
CONTACTS = """
select customer_id, id, name, email
from contacts
where organization_id = $1 and customer_id = any($2)
order by name, id
"""
INVOICES = """
select customer_id, id, number, invoice_date, due_date, currency, total, balance
from invoices
where organization_id = $1 and customer_id = any($2)
order by invoice_date desc, id desc
"""
LEVELS = 3


async def read_tree(connection: asyncpg.Connection[Any], organization_id: UUID, root: UUID) -> dict[str, Any]:
    """What `trees.document(LEVELS)` asks for, in the order in which it asks. Amounts of the bench data have two places.

    One connection, one statement after the other: three connections at once were not faster, and building dicts while the
    invoices are fetched saved a twentieth.
    """
    customers = await connection.fetch(CUSTOMERS, organization_id, root)
    keys = [row[0] for row in customers]
    groups: dict[UUID, list[Any]] = {key: [] for key in keys}
    contacts: dict[UUID, list[Any]] = {key: [] for key in keys}
    invoices: dict[UUID, list[Any]] = {key: [] for key in keys}
    children: dict[UUID, list[Any]] = {key: [] for key in keys}
    for customer_id, key, name in await connection.fetch(GROUPS, organization_id, keys):
        groups[customer_id].append({"id": "grp_" + key.hex, "name": name})
    for customer_id, key, name, email in await connection.fetch(CONTACTS, organization_id, keys):
        contacts[customer_id].append({"id": "con_" + key.hex, "name": name, "email": email})
    for customer_id, key, number, invoice_date, due_date, currency, total, balance in await connection.fetch(
        INVOICES, organization_id, keys
    ):
        invoices[customer_id].append(
            {
                "id": "inv_" + key.hex,
                "number": number,
                # orjson writes dates as the graph does.
                "invoiceDate": invoice_date,
                "dueDate": due_date,
                "currency": currency,
                "total": f"{total // 100}.{total % 100:02}",
                "balance": f"{balance // 100}.{balance % 100:02}",
            }
        )
    top: dict[str, Any] = {}
    for key, parent_id, depth, number, name, role, status in customers:
        customer = {
            "id": "cus_" + key.hex,
            "number": number,
            "name": name,
            "role": role,
            "status": status,
            "groups": groups[key],
            "contacts": {"nodes": contacts[key]},
            "invoices": {"nodes": invoices[key]},
        }
        if depth < LEVELS - 1:
            customer["children"] = {"nodes": children[key]}
        if depth:
            children[parent_id].append(customer)
        else:
            top = customer
    return top


async def _keep(_connection: Any) -> None:
    """Nothing that is read here leaves anything behind, so that giving a connection back needs no round trip."""


def floor(settings: Settings) -> Starlette:
    """One route for one document, with nothing between the rows and their bytes: what cannot be undercut by much."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            settings.owner_url or settings.database_url,
            min_size=1,
            max_size=settings.pool_size,
            reset=_keep,
            server_settings={"jit": "off"},
        ) as pool:
            app.state.pool = pool
            yield

    async def tree(request: Request) -> Response:
        root = UUID(request.path_params["id"].removeprefix("cus_"))
        async with request.app.state.pool.acquire() as connection:
            found = await read_tree(connection, settings.organization_id, root)
        return Response(orjson.dumps({"data": {"customer": found}}), media_type="application/json")

    return Starlette(lifespan=lifespan, routes=[Route("/trees/{id}", tree)])


def main() -> None:
    settings = Settings.from_environment()
    # As `holdco.running.serve`.
    uvicorn.run(
        {"stock": stock, "floor": floor}[sys.argv[1]](settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
