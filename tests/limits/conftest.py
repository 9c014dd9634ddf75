"""Servers with limits of their own, and what they send to the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.app import create_app
from holdco.limits import Limits
from holdco.organizations import service as organizations
from holdco.settings import Settings
from statements import ISSUED
from tokens import UNTHROTTLED, bearer, open_to_tests, token_of


@dataclass
class Server:
    http: httpx.AsyncClient

    async def post(self, query: str, variables: Any = None, **headers: str) -> httpx.Response:
        body = {"query": query, "variables": variables}
        accept = {"accept": "application/graphql-response+json"}
        return await self.http.post("/graphql", json=body, headers={**accept, **headers})

    async def code(self, query: str, variables: Any = None) -> str | None:
        """The code of the refusal; None where there is an answer."""
        response = await self.post(query, variables)
        return code_of(response)


def code_of(response: httpx.Response) -> str | None:
    """A refusal has its status and no data; an answer has data and no errors."""
    answer = response.json()
    if "errors" not in answer:
        assert response.status_code == 200
        assert "data" in answer
        return None
    assert response.status_code >= 400
    assert "data" not in answer
    (code,) = {error["extensions"]["code"] for error in answer["errors"]}
    return str(code)


Serving = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture(scope="session")
def serving(database_url: str) -> Serving:
    """Use it as

    async with serving(organization_id, Limits(depth=5)) as server: …
    """

    @asynccontextmanager
    async def serve(organization_id: UUID, limits: Limits | None = None, **others: Any) -> AsyncIterator[Server]:
        settings = Settings(
            database_url, Path("unused"), "127.0.0.1", 0, organization_id, 10, limits=limits or Limits(), **UNTHROTTLED, **others
        )
        shown = bearer(token_of(organization_id))
        server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, lifespan="on", log_level="warning"))
        running = asyncio.create_task(server.serve())
        while not server.started:
            if running.done():
                running.result()
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False, headers=shown) as http:
            yield Server(http)
        server.should_exit = True
        await running

    return serve


@pytest.fixture(scope="module")
async def organization(engine: AsyncEngine) -> UUID:
    made = uuid4()
    await organizations.ensure(engine, made)
    await open_to_tests(engine, made)
    return made


@pytest.fixture(scope="module")
async def server(serving: Serving, organization: UUID) -> AsyncIterator[Server]:
    """With the limits that are there by default."""
    async with serving(organization) as made:
        yield made


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """Every statement that any connection of this process sends during the test."""
    with _listening() as statements:
        yield statements


@contextmanager
def _listening() -> Iterator[list[str]]:
    statements: list[str] = []

    def hear(statement: str) -> None:
        # A server listens for changes and looks for jobs from its start, and looks at each token every minute.
        if not statement.startswith("LISTEN") and "FROM access_tokens" not in statement and "from waiting_jobs" not in statement:
            statements.append(statement)

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        hear(statement)

    event.listen(Engine, "before_cursor_execute", note)
    ISSUED.listeners.append(hear)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        ISSUED.listeners.remove(hear)
