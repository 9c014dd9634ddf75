"""Who asked for the same and sees the same is answered once, together; nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import strawberry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.routing import Router, WebSocketRoute

from directly import directly
from holdco import ids
from holdco.changes.hub import Event, Hub
from holdco.changes.notice import Notice, Topic
from holdco.context import Context
from holdco.endpoint.view import Endpoint
from holdco.endpoint.websocket import WebSocketEndpoint
from holdco.ids import Kind
from holdco.scopes import CustomerScope
from holdco.viewer import StaffRole, Viewer
from operations.serving import value_of
from stories import Story
from subscriptions.conftest import Server, Socket, running, until
from subscriptions.test_events import rename
from tokens import Anybody
from waiting import until_waiting

SHARED = """subscription Shared ($id: ID!, $scope: CustomerScope) {
  customerChanged(customerId: $id, scope: $scope) { customers { name } }
}"""


async def counted(server: Server, operation: str, kind: str = "event") -> float:
    """Executions of an operation so far."""
    shown = (await server.http.get("/metrics")).text
    labels = {"operation": operation, "type": kind, "outcome": "OK"}
    return value_of(shown, "holdco_operation_duration_seconds_count", **labels)


async def told(server: Server) -> float:
    return value_of((await server.http.get("/metrics")).text, "holdco_subscription_events_total")


async def test_an_event_is_read_once_for_all_who_asked_for_the_same(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(server.socket()) for _ in range(20)]
        subscribed, executed, heard = (
            await counted(server, "Shared", "subscription"),
            await counted(server, "Shared"),
            await told(server),
        )
        for index, socket in enumerate(sockets):
            await socket.execute(f"key {index}", SHARED, id=head)
        await server.until_subscribed(20)
        await rename(story, head, "Aldgate Networks")
        for index, socket in enumerate(sockets):
            assert await socket.next(f"key {index}") == {"customerChanged": {"customers": [{"name": "Aldgate Networks"}]}}
        assert await counted(server, "Shared", "subscription") - subscribed == 20
        assert await counted(server, "Shared") - executed == 1
        assert await told(server) - heard == 20


async def test_another_document_or_other_variables_are_read_by_themselves(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    other = SHARED.replace("{ name }", "{ id }")
    async with server.socket() as socket:
        before = await counted(server, "Shared")
        await socket.execute("name", SHARED, id=head)
        await socket.execute("scope", SHARED, id=head, scope="SELF")
        await socket.execute("id", other, id=head)
        await server.until_subscribed(3)
        await rename(story, head, "Aldgate Networks")
        messages = {message["id"]: message["payload"]["data"] for message in [await socket.receive() for _ in range(3)]}
        assert messages == {
            "name": {"customerChanged": {"customers": [{"name": "Aldgate Networks"}]}},
            "scope": {"customerChanged": {"customers": [{"name": "Aldgate Networks"}]}},
            "id": {"customerChanged": {"customers": [{"id": head}]}},
        }
        assert await counted(server, "Shared") - before == 3


async def test_who_asked_first_may_leave_while_others_wait(server: Server, story: Story, engine: AsyncEngine) -> None:
    head = await story.customer("Aldgate")
    async with server.socket() as first, server.socket() as second:
        before = await counted(server, "Shared")
        await first.execute("1", SHARED, id=head)
        await server.until_subscribed(1)
        await second.execute("2", SHARED, id=head)
        await server.until_subscribed(2)
        async with directly(engine) as blocking:
            await blocking.execute(text("lock table customers in access exclusive mode"))
            key = ids.decode(Kind.CUSTOMER, head)
            server.hub.deliver(Notice(story.organization_id, {Topic.CUSTOMER: {key: [key]}}), None)
            await until_waiting(engine, 1)
            await first.send(id="1", type="complete")
            await until(lambda: server.hub.subscriber_count == 1)
        assert await second.next("2") == {"customerChanged": {"customers": [{"name": "Aldgate"}]}}
        assert await counted(server, "Shared") - before == 1


@strawberry.type
class Seen:
    @strawberry.field
    def by(self, info: strawberry.Info[Context, None]) -> str:
        return info.context.viewer.actor


@strawberry.type
class Query:
    nothing: str = ""


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def seen(self, info: strawberry.Info[Context, None]) -> AsyncIterator[Seen]:
        context = info.context
        assert context.hub is not None
        events: AsyncIterator[Event] = context.hub.subscribe(
            context.organization_id, Topic.CUSTOMER, context.organization_id, CustomerScope.SELF
        )
        return events  # type: ignore[return-value]


async def test_every_viewer_is_answered_with_eyes_of_their_own(story: Story, engine: AsyncEngine) -> None:
    hub, seen = Hub(), "subscription { seen { by } }"

    async def make_context(request: Request) -> Context:
        return Context(engine, Viewer(story.organization_id, request.headers["x-actor"], StaffRole.ADMIN), hub=hub)

    endpoint = Endpoint(strawberry.Schema(Query, subscription=Subscription), make_context=make_context, authentication=Anybody())
    application = Router(routes=[WebSocketRoute("/graphql", WebSocketEndpoint(endpoint.answers, authentication=Anybody()))])
    async with running(application, hub) as server, AsyncExitStack() as stack:
        sockets: list[tuple[str, Socket]] = []
        for actor in ("ada", "grace", "ada", "grace"):
            socket = await stack.enter_async_context(server.socket(additional_headers={"x-actor": actor}))
            await socket.execute("1", seen)
            sockets.append((actor, socket))
        await server.until_subscribed(4)
        key = story.organization_id
        hub.deliver(Notice(key, {Topic.CUSTOMER: {key: [key]}}), None)
        told = await asyncio.gather(*(socket.next("1") for _, socket in sockets))
        assert told == [{"seen": {"by": actor}} for actor, _ in sockets]
