"""Subscribers over real sockets: graphql-transport-ws as a frontend speaks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection, connect

from directly import directly
from holdco.app import create_app
from holdco.changes.hub import Hub
from holdco.changes.notice import CHANNEL, Changes, Topic
from holdco.endpoint.draining import DrainedHTTP, DrainedWebSockets
from holdco.scopes import CustomerScope
from holdco.settings import Settings
from operations.serving import value_of
from tokens import UNTHROTTLED, bearer, token_of

PATIENCE = 20


async def until(condition: Callable[[], bool]) -> None:
    """Returns when something holds that happens elsewhere in this process; fails if it never does."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (what is waited for knows nothing of tests)
            await asyncio.sleep(0.005)


@dataclass
class Socket:
    """A connection of graphql-transport-ws."""

    connection: ClientConnection
    # Of connection_init.
    payload: dict[str, Any] = field(default_factory=dict)

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def initialise(self) -> None:
        await self.send(type="connection_init", payload=self.payload)
        assert await self.receive() == {"type": "connection_ack"}

    async def execute(self, key: str, document: str, **variables: Any) -> None:
        await self.send(id=key, type="subscribe", payload={"query": document, "variables": variables})

    async def next(self, key: str = "1") -> dict[str, Any]:
        """The data of the next event, which must be one of this operation."""
        message = await self.receive()
        assert (message["type"], message.get("id")) == ("next", key), message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data


@dataclass
class Server:
    """A process's worth of Holdco, on a port of its own."""

    host: str
    hub: Hub
    http: httpx.AsyncClient
    # Of the database that it serves, if it has one.
    engine: AsyncEngine | None = None
    token: str = "any"

    @asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator[Socket]:
        """A socket that was acknowledged, of a server that has heard of all that was committed before."""
        await self.catch_up()
        async with self.connection(**options) as connection:
            socket = Socket(connection, bearer(self.token))
            await socket.initialise()
            yield socket

    def connection(self, **options: Any) -> Any:
        options.setdefault("subprotocols", ["graphql-transport-ws"])
        return connect(f"ws://{self.host}/graphql", proxy=None, **options)

    async def catch_up(self) -> None:
        """Postgres tells of commits in their order: when this one is heard, so are all before it."""
        if self.engine is None:
            return
        changes = Changes()
        changes.add_everything()
        nobody = uuid4()
        subscriber = self.hub.subscribe(nobody, Topic.CUSTOMER, nobody, CustomerScope.SELF)
        async with directly(self.engine) as connection:
            parameters = {"channel": CHANNEL, "payload": changes.payload(nobody)}
            await connection.execute(text("select pg_notify(:channel, :payload)"), parameters)
        async with asyncio.timeout(PATIENCE):
            assert (await anext(subscriber)).is_refetch
        subscriber.close()

    async def until_subscribed(self, count: int = 1) -> None:
        """Returns when so many subscriptions wait for events; fails if they never do."""
        await until(lambda: self.hub.subscriber_count == count)
        # One that is there may still look whether there is what it watches.
        async with asyncio.timeout(PATIENCE):
            while value_of((await self.http.get("/metrics")).text, "holdco_operations_running"):
                pass


@asynccontextmanager
async def serving(
    database_url: str,
    organization_id: UUID,
    engine: AsyncEngine,
    *,
    ping_seconds: float = 20,
    graphiql_token: str | None = None,
    **limits: Any,
) -> AsyncIterator[Server]:
    settings = Settings(
        database_url=database_url,
        data_directory=Path("unused"),
        host="127.0.0.1",
        port=0,
        organization_id=organization_id,
        pool_size=10,
        **UNTHROTTLED,
        **limits,
    )
    hub = Hub()
    async with running(create_app(settings, hub=hub, graphiql_token=graphiql_token), hub, ping_seconds=ping_seconds) as server:
        server.engine = engine
        server.token = token_of(organization_id)
        server.http.headers.update(bearer(server.token))
        yield server


@asynccontextmanager
async def running(application: ASGIApp, hub: Hub, *, ping_seconds: float = 20) -> AsyncIterator[Server]:
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        lifespan="auto",
        log_level="warning",
        http=DrainedHTTP,
        ws=DrainedWebSockets,
        ws_ping_interval=ping_seconds,
        ws_ping_timeout=ping_seconds,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            serving.result()
        await asyncio.sleep(0.005)
    host = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=f"http://{host}", timeout=PATIENCE, trust_env=False) as http:
        yield Server(host, hub, http)
    server.should_exit = True
    await serving


@pytest.fixture
async def serve(database_url: str, organization_id: UUID, engine: AsyncEngine) -> AsyncIterator[Callable[..., Any]]:
    """Starts a server of the test's organization, with limits by their names in Settings, each time that it is called."""
    async with AsyncExitStack() as stack:
        yield lambda **limits: stack.enter_async_context(serving(database_url, organization_id, engine, **limits))


@pytest.fixture
async def server(serve: Callable[[], Any]) -> Server:
    made: Server = await serve()
    return made
