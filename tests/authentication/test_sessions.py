"""What stays open, stays open as long as its token is good: sockets (graphql-transport-ws) and streams (Server-Sent Events)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from websockets.exceptions import ConnectionClosed

from authentication.people import client_user, deactivate, revoke
from authentication.test_access_tokens import REFUSED
from directly import directly
from holdco import credentials
from holdco.credentials import Credential
from holdco.viewer import StaffRole
from stories import Story
from subscriptions.conftest import Server, Socket, serving, until
from tokens import bearer, credential_of, issue, token_of

CHANGES = "subscription ($id: ID!) { customerChanged(customerId: $id) { customerIds } }"
FORBIDDEN = (4403, "Forbidden")


@pytest.fixture
async def server(database_url: str, organization_id: UUID, engine: AsyncEngine) -> AsyncIterator[Server]:
    async with serving(database_url, organization_id, engine) as made:
        yield made


async def ending(socket: Socket) -> tuple[int, str]:
    """Code and reason with which the server closes; nothing comes before."""
    with pytest.raises(ConnectionClosed) as closed:
        await socket.receive()
    return reason_of(closed.value)


def reason_of(closed: ConnectionClosed) -> tuple[int, str]:
    assert closed.rcvd is not None
    return closed.rcvd.code, closed.rcvd.reason


async def initialised(server: Server, payload: Any = None, **headers: str) -> tuple[int, str] | dict[str, Any]:
    """The acknowledgement, or how the socket was closed instead."""
    async with server.connection(additional_headers=headers) as connection:
        await connection.send(json.dumps({"type": "connection_init", **({} if payload is None else {"payload": payload})}))
        try:
            answer: dict[str, Any] = json.loads(await asyncio.wait_for(connection.recv(), 20))
        except ConnectionClosed as closed:
            return reason_of(closed)
        return answer


async def test_a_socket_shows_its_token_when_it_begins(server: Server, organization_id: UUID) -> None:
    token = token_of(organization_id)
    acknowledged = {"type": "connection_ack"}
    assert await initialised(server, {"Authorization": f"Bearer {token}"}) == acknowledged
    assert await initialised(server, {"authorization": f"bearer {token}"}) == acknowledged
    assert await initialised(server, {"token": token}) == acknowledged
    assert await initialised(server, None, **bearer(token)) == acknowledged
    guessed = credentials.new(credentials.ACCESS_TOKEN, organization_id, credential_of(organization_id).id).text
    for payload in (None, {}, {"token": 1}, {"token": ""}, {"Authorization": token}, {"token": guessed}):
        assert await initialised(server, payload) == FORBIDDEN


async def test_an_operation_before_the_token_was_shown_is_refused(server: Server, organization_id: UUID) -> None:
    async with server.connection(additional_headers=bearer(token_of(organization_id))) as connection:
        socket = Socket(connection)
        await socket.execute("1", "{ organization { name } }")
        assert await ending(socket) == (4401, "Unauthorized")


async def subscribed(server: Server, token: Credential, customer: str, connection: Any) -> Socket:
    socket = Socket(connection, bearer(token.text))
    await socket.initialise()
    await socket.execute("1", CHANGES, id=customer)
    await server.until_subscribed()
    return socket


async def test_a_revoked_token_ends_its_socket_and_no_other(server: Server, story: Story, engine: AsyncEngine) -> None:
    customer = await story.customer("Aldgate")
    given = await issue(engine, story.organization_id, role=StaffRole.READ_ONLY)
    async with server.socket() as staying, server.connection() as connection:
        socket = await subscribed(server, given, customer, connection)
        await revoke(engine, given)
        assert await ending(socket) == FORBIDDEN
        await server.until_subscribed(0)
        await staying.execute("1", "{ organization { name } }")
        assert await staying.next() == {"organization": {"name": "My organization"}}


async def test_an_expired_token_ends_its_socket(server: Server, story: Story, engine: AsyncEngine) -> None:
    customer = await story.customer("Aldgate")
    soon = datetime.now(UTC) + timedelta(seconds=2)
    given = await issue(engine, story.organization_id, role=StaffRole.READ_ONLY, expires_at=soon)
    async with server.connection() as connection:
        socket = await subscribed(server, given, customer, connection)
        assert await ending(socket) == FORBIDDEN
        assert datetime.now(UTC) >= soon
        await server.until_subscribed(0)


async def test_a_deactivated_client_user_is_sent_away(server: Server, story: Story, engine: AsyncEngine) -> None:
    customer = await story.customer("Aldgate", number="ALD")
    user_id, token = await client_user(engine, story.organization_id, "ALD", email="margaret@aldgate.example")
    async with server.connection() as connection:
        socket = await subscribed(server, token, customer, connection)
        await deactivate(engine, story.organization_id, user_id)
        assert await ending(socket) == FORBIDDEN
        await server.until_subscribed(0)


async def test_what_was_revoked_while_nobody_listened_is_found_when_somebody_does(
    server: Server, story: Story, engine: AsyncEngine
) -> None:
    customer = await story.customer("Aldgate")
    given = await issue(engine, story.organization_id, role=StaffRole.READ_ONLY)
    async with server.connection() as connection:
        socket = await subscribed(server, given, customer, connection)
        async with directly(engine, story.organization_id) as deaf:
            # Nobody is told of it, as if it were done while the connection was away, which it is now.
            await deaf.execute(text("update access_tokens set revoked_at = created_at where id = :id"), {"id": given.id})
            await deaf.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and query ilike 'listen%'"
                )
            )
        async with asyncio.timeout(20):
            while (message := await _next_or_end(socket)) != FORBIDDEN:
                # An event that says to read everything again comes first, or not at all.
                assert message == {"customerChanged": {"customerIds": []}}
        await server.until_subscribed(0)


async def _next_or_end(socket: Socket) -> Any:
    try:
        return await socket.next()
    except ConnectionClosed as closed:
        return reason_of(closed)


async def test_a_revoked_token_ends_its_stream_which_says_why(server: Server, story: Story, engine: AsyncEngine) -> None:
    customer = await story.customer("Aldgate")
    given = await issue(engine, story.organization_id, role=StaffRole.READ_ONLY)
    shown = {"accept": "text/event-stream", **bearer(given.text)}
    request = {"query": CHANGES, "variables": {"id": customer}}
    async with server.http.stream("POST", "/graphql", json=request, headers=shown) as response:
        assert response.status_code == 200
        await server.until_subscribed()
        await revoke(engine, given)
        lines = [line async for line in response.aiter_lines() if line and not line.startswith(":")]
    assert lines[0] == "event: next"
    assert orjson.loads(lines[1].removeprefix("data: ")) == REFUSED
    assert lines[2:] == ["event: complete", "data:"]
    await until(lambda: server.hub.subscriber_count == 0)
