"""Server-Sent Events as graphql-sse reads them, and as urql and a browser's EventSource do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from holdco.ids import Kind, encode, new
from stories import Story
from subscriptions.conftest import Server
from subscriptions.test_events import CUSTOMERS, rename

ACCEPT = {"accept": "text/event-stream"}


def events(body: str) -> list[tuple[str, Any]]:
    """Names and data of a whole stream, comments left out."""
    found = []
    for frame in body.split("\n\n"):
        fields = dict(line.split(":", 1) for line in frame.split("\n") if line and not line.startswith(":"))
        if fields:
            data = fields["data"].strip()
            found.append((fields["event"].strip(), orjson.loads(data) if data else None))
    return found


@asynccontextmanager
async def subscribed(server: Server, document: str, **variables: Any) -> AsyncIterator[AsyncIterator[Any]]:
    """The data of the events of a subscription."""
    request = {"query": document, "variables": variables}
    async with server.http.stream("POST", "/graphql", json=request, headers=ACCEPT) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"

        async def data() -> AsyncIterator[Any]:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    yield orjson.loads(line.removeprefix("data: "))["data"]

        yield data()


async def test_a_query_is_one_event_and_the_end(server: Server, story: Story) -> None:
    await story.customer("Aldgate")
    response = await server.http.post("/graphql", json={"query": "{ customers { totalCount } }"}, headers=ACCEPT)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert response.headers["x-request-id"]
    assert events(response.text) == [("next", {"data": {"customers": {"totalCount": 1}}}), ("complete", None)]
    assert "\r" not in response.text
    by_url = await server.http.get("/graphql", params={"query": "{ customers { totalCount } }"}, headers=ACCEPT)
    assert events(by_url.text) == events(response.text)


async def test_a_change_reaches_a_subscriber(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    await server.catch_up()
    async with subscribed(server, CUSTOMERS, id=head) as changes:
        await server.until_subscribed()
        await rename(story, head, "Aldgate Networks")
        assert await anext(changes) == {
            "customerChanged": {"customerIds": [head], "customers": [{"name": "Aldgate Networks"}], "refetch": False}
        }
    # The client went away in the middle of nothing.
    await server.until_subscribed(0)


async def test_a_subscription_that_the_server_ends_is_complete(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    request = {"query": CUSTOMERS, "variables": {"id": head}}
    await server.catch_up()
    streaming = asyncio.create_task(server.http.post("/graphql", json=request, headers=ACCEPT))
    await server.until_subscribed()
    server.hub.close()
    assert events((await streaming).text) == [("complete", None)]


@pytest.mark.parametrize(
    ("request_body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { customers { totalCount } } query B { customers { totalCount } }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": CUSTOMERS}, "BAD_USER_INPUT"),
        ({"query": CUSTOMERS, "variables": {"id": encode(Kind.CUSTOMER, new())}}, "NOT_FOUND"),
    ],
)
async def test_what_cannot_be_executed_is_said_in_the_stream(server: Server, request_body: Any, code: str) -> None:
    response = await server.http.post("/graphql", json=request_body, headers=ACCEPT)
    (name, answer), end = events(response.text)
    assert (response.status_code, name, end) == (200, "next", ("complete", None))
    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert server.hub.subscriber_count == 0


async def test_a_request_that_is_none_is_refused_by_http(server: Server) -> None:
    for body in (b"{", b"[]", b'{"query": 1}'):
        headers = {**ACCEPT, "content-type": "application/json"}
        response = await server.http.post("/graphql", content=body, headers=headers)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_a_mutation_by_get_changes_nothing(server: Server, story: Story) -> None:
    before = await story.everything()
    document = 'mutation { customerCreate(input: {name: "Never"}) { customer { id } } }'
    response = await server.http.get("/graphql", params={"query": document}, headers=ACCEPT)
    (_, answer), _ = events(response.text)
    assert answer["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
    assert await story.everything() == before


async def test_json_stays_the_answer_of_a_client_that_names_it_first(server: Server) -> None:
    accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
    response = await server.http.post("/graphql", json={"query": "{ __typename }"}, headers={"accept": accept})
    assert response.headers["content-type"].startswith("application/graphql-response+json")


async def test_a_subscription_needs_a_transport_that_stays_open(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    response: httpx.Response = await server.http.post("/graphql", json={"query": CUSTOMERS, "variables": {"id": head}})
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "message": "Subscribe by WebSocket, or accept text/event-stream.",
            "extensions": {"code": "BAD_REQUEST"},
        }
    ]
    assert server.hub.subscriber_count == 0
