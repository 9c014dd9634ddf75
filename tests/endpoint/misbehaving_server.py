"""A server of its own for the endpoint's rules: a schema made to misbehave, behind uvicorn on a port of this machine."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import strawberry
import uvicorn
from graphql import GraphQLError, ValidationContext
from graphql.validation import ASTValidationRule
from starlette.requests import Request
from starlette.types import ASGIApp

from holdco.endpoint.graphiql import GraphiQL
from holdco.endpoint.view import Endpoint
from holdco.errors import BadUserInput
from holdco.limits import Limits
from tokens import Anybody

BODY_BYTES_MAX = 256 * 1024


@dataclass
class Ledger:
    """What the operations of a test did."""

    opened: int = 0
    closed: int = 0
    added: int = 0
    validations: list[str] = field(default_factory=list)

    def until_closed(self, *, deadline: float = 10) -> int:
        """How many contexts were closed, once that is all of them: a context ends while its answer is on the way."""
        until = time.monotonic() + deadline
        while self.closed < self.opened and time.monotonic() < until:
            time.sleep(0.001)
        return self.closed

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]


LEDGER = Ledger()


@dataclass
class Context:
    request_id: str
    closing_fails: bool

    async def close(self) -> None:
        LEDGER.closed += 1
        if self.closing_fails:
            raise ConnectionError("the connection is gone")


class CountValidations(ASTValidationRule):
    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        LEDGER.validations.append(context.document.loc.source.body if context.document.loc else "")


SHARED_FAILURE = RuntimeError("password=hunter2 in table customers")


@strawberry.type
class Item:
    name: str

    @strawberry.field
    async def price(self) -> int | None:
        raise SHARED_FAILURE


@strawberry.type
class Query:
    @strawberry.field
    async def hello(self) -> str:
        return "world"

    @strawberry.field
    async def double(self, number: int) -> int:
        return number * 2

    @strawberry.field
    async def request_id(self, info: strawberry.Info[Context, None]) -> str:
        return info.context.request_id

    @strawberry.field
    async def defect(self) -> str | None:
        raise SHARED_FAILURE

    @strawberry.field
    async def required_defect(self) -> str:
        raise SHARED_FAILURE

    @strawberry.field
    async def refused(self) -> str | None:
        raise BadUserInput("cus_1 is not the id of an invoice.")

    @strawberry.field
    async def coded(self) -> str | None:
        raise GraphQLError("Too many questions.", extensions={"code": "THROTTLED"})

    @strawberry.field
    async def not_its_type(self) -> int | None:
        return "secret"  # type: ignore[return-value]

    @strawberry.field
    async def cancelled_by_a_sibling(self) -> str | None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        return str(await future)

    @strawberry.field
    async def waiting(self) -> str:
        """Until it is cancelled."""
        await asyncio.Event().wait()
        return "never"

    @strawberry.field
    async def items(self) -> list[Item]:
        return [Item(name="a"), Item(name="b")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add(self, by: int = 1) -> int:
        LEDGER.added += by
        return LEDGER.added


async def make_context(request: Request) -> Context:
    if request.headers.get("x-test") == "outage":
        raise OSError("no route to database host 10.1.2.3")
    if request.headers.get("x-test") == "unknown":
        raise BadUserInput("The token is not known.")
    LEDGER.opened += 1
    return Context(
        request_id=request.state.request_id,
        closing_fails=request.headers.get("x-test") == "closing fails",
    )


def make_endpoint(graphiql: GraphiQL | None = None, **settings: Any) -> Endpoint:
    return Endpoint(
        strawberry.Schema(Query, Mutation),
        make_context=make_context,
        authentication=Anybody(),
        graphiql=graphiql,
        body_bytes_max=BODY_BYTES_MAX,
        validation_rules=(CountValidations,),
        # Long answers are made of many names here.
        limits=Limits(aliases=200, root_fields=200),
        **settings,
    )


def serve(application: ASGIApp) -> Iterator[str]:
    """Yields the address of a running server and ends it after the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def post(client: httpx.Client, query: str, **parameters: Any) -> httpx.Response:
    return client.post("/graphql", json={"query": query, **parameters})
