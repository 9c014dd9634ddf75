"""What fails a level at a time fails as graphql-core says, or in silence where nobody listens, and costs no connection.

All of it on a pool of one connection: who does not give it back leaves nothing for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
import uvicorn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from asking import asker
from directly import directly
from holdco.context import Context
from holdco.database import create_engine
from holdco.endpoint.view import Endpoint
from holdco.organizations import service as organizations
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from stories import Story
from tokens import Anybody
from waiting import until_somebody_waits

both_ways = pytest.mark.parametrize("is_planning", [False, True], ids=["one object at a time", "a level at a time"])


@dataclass(frozen=True)
class House:
    """A head office with two branches in a database of its own, and a server with one connection to it."""

    story: Story
    narrow: AsyncEngine
    head: str
    branch: str

    @property
    def engine(self) -> AsyncEngine:
        """More connections, to look from outside."""
        return self.story.engine

    def app(self, *, is_planning: bool) -> Starlette:
        viewer = Viewer(self.story.organization_id, "tester", StaffRole.ADMIN)

        async def make_context(_request: Request) -> Context:
            return Context(self.narrow, viewer)

        return Starlette(
            routes=[
                Route("/graphql", Endpoint(schema, make_context=make_context, authentication=Anybody(), is_planning=is_planning))
            ]
        )

    async def answer(self, document: str, *, is_planning: bool, **variables: Any) -> dict[str, Any]:
        """The body of an answer, its errors in the order of their paths and without the number of the request."""
        transport = httpx.ASGITransport(app=self.app(is_planning=is_planning), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            response = await client.post("/graphql", json={"query": document, "variables": variables})
        assert response.status_code == (503 if "SERVICE_UNAVAILABLE" in response.text else 200), response.text
        assert self.checked_out() == 0
        body: dict[str, Any] = orjson.loads(response.content.replace(response.headers["x-request-id"].encode(), b"0"))
        for error in body.get("errors", ()):
            error.pop("locations", None)
        body.get("errors", []).sort(key=lambda error: [str(part) for part in error.get("path", ())])
        return body

    def checked_out(self) -> int:
        pool: Any = self.narrow.sync_engine.pool
        count: int = pool.checkedout()
        return count

    async def is_still_served(self) -> bool:
        for is_planning in (True, False):
            found = await self.answer("{ organization { currency } }", is_planning=is_planning)
            assert found == {"data": {"organization": {"currency": "USD"}}}
        return True


@pytest.fixture
async def house(clone: Callable[[], Any]) -> AsyncIterator[House]:
    async with clone() as url:
        engine, narrow = create_engine(url, pool_size=5), create_engine(url, pool_size=1)
        organization_id: UUID = uuid4()
        await organizations.ensure(engine, organization_id)
        story = Story(asker(engine, organization_id), engine, organization_id)
        head = await story.customer("Head", number="H")
        branch = await story.customer("Branch", number="B1", under=head)
        await story.customer("Other branch", number="B2", under=head)
        await story.do("contactCreate", customerId=branch, name="Ruth Okafor")
        yield House(story, narrow, head, branch)
        await narrow.dispose()
        await engine.dispose()


async def vanish(house: House, table: str) -> None:
    """Whatever reads this table fails from now on."""
    async with directly(house.engine) as connection:
        await connection.execute(text(f"alter table {table} rename to {table}_elsewhere"))


def refused(*path: str | int) -> dict[str, Any]:
    message = "first must be from 0 to 200, not 500."
    return {"message": message, "path": list(path), "extensions": {"code": "BAD_USER_INPUT"}}


def masked(*path: str | int) -> dict[str, Any]:
    return {
        "message": "Something went wrong on our side. Quote request id 0 when you report it.",
        "path": list(path),
        "extensions": {"code": "INTERNAL_ERROR", "requestId": "0"},
    }


SHARED_KEYS: dict[str, tuple[str, dict[str, Any]]] = {
    "the same parent asked for beside": (
        """query ($id: ID!) {
          a: customer(by: {id: $id}) { parent { number } invoices(first: 500) { nodes { number } } }
          b: customer(by: {id: $id}) { parent { number } invoices { nodes { number } } } }""",
        {
            "errors": [refused("a", "invoices")],
            "data": {"a": None, "b": {"parent": {"number": "H"}, "invoices": {"nodes": []}}},
        },
    ),
    "the same pages and counts asked for beside": (
        """query ($id: ID!) {
          a: customer(by: {id: $id}) { contacts { totalCount nodes { name } } bad: children(first: 500) { totalCount } }
          b: customer(by: {id: $id}) { contacts { totalCount nodes { name } } } }""",
        {
            "errors": [refused("a", "bad")],
            "data": {"a": None, "b": {"contacts": {"totalCount": 1, "nodes": [{"name": "Ruth Okafor"}]}}},
        },
    ),
    "deep below, where only the parent can be null": (
        """query ($id: ID!) { customer(by: {id: $id}) {
          number parent { number children { nodes { number parent { number } contacts(first: 500) { nodes { name } } } } } } }""",
        {
            "errors": [refused("customer", "parent", "children", "nodes", 0, "contacts")],
            "data": {"customer": {"number": "B1", "parent": None}},
        },
    ),
}


@both_ways
@pytest.mark.parametrize("name", SHARED_KEYS)
async def test_a_field_that_fails_takes_nothing_from_others_that_wait_for_the_same(
    house: House, name: str, *, is_planning: bool
) -> None:
    document, expected = SHARED_KEYS[name]
    assert await house.answer(document, is_planning=is_planning, id=house.branch) == expected
    assert await house.is_still_served()


# The table that is gone, what is asked, and what is said of it. Nothing else is asked for later than the table that is gone:
# Postgres answers nothing more in a transaction in which something has failed.
FAILING: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a list that must be there": (
        "contacts",
        "{ organization { currency } customer(by: {number: $number}) { name contacts { nodes { name } } } }",
        {
            "errors": [masked("customer", "contacts")],
            "data": {"organization": {"currency": "USD"}, "customer": None},
        },
    ),
    "something that may be null": (
        "customer_closure",
        "{ customers { nodes { number parentAccess { pay } } } }",
        {
            "errors": [masked("customers", "nodes", index, "parentAccess") for index in (0, 1)],
            "data": {"customers": {"nodes": [{"number": number, "parentAccess": None} for number in ("B1", "B2", "H")]}},
        },
    ),
    "something that may be null, of children": (
        "customer_closure",
        "{ customer(by: {number: $number}) { number children { nodes { number parentAccess { view } } } } }",
        {
            "errors": [masked("customer", "children", "nodes", index, "parentAccess") for index in (0, 1)],
            "data": {
                "customer": {
                    "number": "H",
                    "children": {"nodes": [{"number": number, "parentAccess": None} for number in ("B1", "B2")]},
                }
            },
        },
    ),
    "a count": (
        "contacts",
        (
            "{ organization { currency } customer(by: {number: $number}) "
            "{ children { nodes { parent { contacts { totalCount } } } } } }"
        ),
        {
            "errors": [masked("customer", "children", "nodes", index, "parent", "contacts") for index in (0, 1)],
            "data": {
                "organization": {"currency": "USD"},
                "customer": {"children": {"nodes": [{"parent": None}, {"parent": None}]}},
            },
        },
    ),
    "the root": ("payments", "{ payments { nodes { number } } }", {"errors": [masked("payments")], "data": None}),
}


@both_ways
@pytest.mark.parametrize("name", FAILING)
async def test_a_relation_that_the_database_refuses_fails_where_it_stands(house: House, name: str, *, is_planning: bool) -> None:
    table, selection, expected = FAILING[name]
    await vanish(house, table)
    document = selection.replace("$number", '"H"')
    assert await house.answer(document, is_planning=is_planning) == expected
    assert await house.is_still_served()


@both_ways
async def test_a_column_that_is_gone_fails_those_who_ask_for_it(house: House, *, is_planning: bool) -> None:
    async with directly(house.engine) as connection:
        await connection.execute(text("alter table contacts drop column phone"))
    document = "query ($id: ID!) { customer(by: {id: $id}) { name contacts { nodes { phone } } } }"
    found = await house.answer(document, is_planning=is_planning, id=house.branch)
    assert found == {"errors": [masked("customer", "contacts")], "data": {"customer": None}}
    assert await house.is_still_served()


@both_ways
async def test_failing_and_other_requests_that_share_one_connection_are_all_answered(house: House, *, is_planning: bool) -> None:
    await vanish(house, "contacts")
    failing = "{ customers { nodes { contacts { nodes { name } } } } }"
    other = "{ customers { nodes { number } } }"
    documents = [failing, other, other] * 5
    transport = httpx.ASGITransport(app=house.app(is_planning=is_planning), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answers = await asyncio.gather(*(client.post("/graphql", json={"query": document}) for document in documents))
    assert [answer.status_code for answer in answers] == [200] * 15
    for document, answer in zip(documents, answers, strict=True):
        if document == failing:
            assert answer.json()["data"] is None
            assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"INTERNAL_ERROR"}
        else:
            assert answer.json() == {"data": {"customers": {"nodes": [{"number": number} for number in ("B1", "B2", "H")]}}}
    assert house.checked_out() == 0
    assert await house.is_still_served()


@both_ways
async def test_a_connection_that_the_server_ends_in_the_middle_is_replaced(house: House, *, is_planning: bool) -> None:
    document = "{ organization { currency } customers { nodes { contacts { nodes { name } } } } }"
    async with directly(house.engine) as blocking:
        await blocking.execute(text("lock table contacts in access exclusive mode"))
        asking = asyncio.create_task(house.answer(document, is_planning=is_planning))
        await until_somebody_waits(house.engine)
        async with directly(house.engine) as connection:
            ended = await connection.execute(text(END_WHO_WAITS))
            assert ended.scalar_one() is True
    found = await asking
    if "errors" in found:
        message = "The database cannot be reached at the moment. Try again in a few seconds."
        assert found == {"errors": [{"message": message, "extensions": {"code": "SERVICE_UNAVAILABLE"}}]}
    else:
        # A level at a time may begin anew, on another connection.
        people = [[{"name": "Ruth Okafor"}], [], []]
        assert found["data"]["customers"] == {"nodes": [{"contacts": {"nodes": nodes}} for nodes in people]}
    assert await house.is_still_served()


END_WHO_WAITS = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()
"""


@asynccontextmanager
async def served(house: House, *, is_planning: bool) -> AsyncIterator[int]:
    """The port of a real server."""
    config = uvicorn.Config(house.app(is_planning=is_planning), host="127.0.0.1", port=0, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            serving.result()
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def until_given_back(house: House, *, deadline: float = 10) -> None:
    async with asyncio.timeout(deadline):
        while house.checked_out():  # noqa: ASYNC110 (a pool tells nobody)
            await asyncio.sleep(0.005)


DEEP = "{ customers { nodes { parent { number } contacts { nodes { name customer { number } } } children { totalCount } } } }"


@both_ways
@pytest.mark.parametrize("is_abrupt", [False, True], ids=["who says good-bye", "who does not"])
async def test_a_client_that_goes_away_in_the_middle_leaves_the_connection_to_the_next(
    house: House, *, is_planning: bool, is_abrupt: bool
) -> None:
    body = orjson.dumps({"query": DEEP})
    head = f"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    async with served(house, is_planning=is_planning) as port:
        async with directly(house.engine) as blocking:
            await blocking.execute(text("lock table contacts in access exclusive mode"))
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + body)
            await until_somebody_waits(house.engine)
            assert house.checked_out() == 1
            if is_abrupt:
                writer.transport.abort()
            else:
                writer.close()
                await writer.wait_closed()
            # Somebody else comes meanwhile, when the only connection is taken.
            transport = httpx.AsyncHTTPTransport()
            async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                following = asyncio.create_task(client.post("/graphql", json={"query": "{ customers { totalCount } }"}))
                await blocking.rollback()
                answer = await following
        assert (answer.status_code, answer.json()) == (200, {"data": {"customers": {"totalCount": 3}}})
        await until_given_back(house)
    assert await reader.read() == b""
    assert await house.is_still_served()


@both_ways
@pytest.mark.parametrize("table", ["customers", "contacts", "customer_closure"])
async def test_an_operation_that_is_cancelled_at_any_level_leaves_the_connection_to_the_next(
    house: House, table: str, *, is_planning: bool
) -> None:
    document = "{ customers { nodes { parentAccess { pay } contacts { nodes { customer { number } } } } } }"
    app = house.app(is_planning=is_planning)
    async with directly(house.engine) as blocking:
        await blocking.execute(text(f"lock table {table} in access exclusive mode"))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asking = asyncio.create_task(client.post("/graphql", json={"query": document}))
            await until_somebody_waits(house.engine)
            asking.cancel()
            await blocking.rollback()
            with pytest.raises(asyncio.CancelledError):
                await asking
    await until_given_back(house)
    assert await house.is_still_served()
