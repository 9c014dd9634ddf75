"""graphql-ws reads, writes and listens over one socket, and reads why a socket was closed."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from starlette.routing import Router, WebSocketRoute

from clients.documents import CREATE, CUSTOMER, CUSTOMER_AND_ORGANIZATION, UNKNOWN_FIELD, query
from clients.hearing import CHANGED, HEARD, heard
from clients.packages import ask
from endpoint.misbehaving_server import make_endpoint
from holdco.changes.hub import Hub
from holdco.endpoint.websocket import WebSocketEndpoint
from stories import Story
from subscriptions.conftest import Server, running
from tokens import Anybody


async def graphql_ws(server: Server, *operations: dict[str, Any]) -> list[dict[str, Any]]:
    """What each operation came to. All of them went through one socket."""
    told = await ask("graphql_ws.mjs", url=f"ws://{server.host}/graphql", operations=operations)
    assert told["opened"] == 1
    results: list[dict[str, Any]] = told["results"]
    return results


def codes(result: dict[str, Any]) -> list[str]:
    """The codes of an operation that was refused before it was executed."""
    assert result["answers"] == []
    return [error["extensions"]["code"] for error in result["errors"]]


async def test_graphql_ws_asks_and_writes_over_one_socket(server: Server, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    asked, made, refused = await graphql_ws(
        server,
        query(CUSTOMER, id=lisbon),
        query(CREATE, input={"name": "Porto", "number": "POR"}),
        query(CREATE, input={"name": "Porto again", "number": "POR"}),
    )
    assert asked == {"answers": [{"data": {"customer": {"id": lisbon, "name": "Lisbon"}}}], "errors": None}
    payload = {"customer": {"name": "Porto", "number": "POR"}, "userErrors": []}
    assert made == {"answers": [{"data": {"customerCreate": payload}}], "errors": None}
    refusal = {"customer": None, "userErrors": [{"code": "NUMBER_TAKEN", "field": ["number"]}]}
    assert refused == {"answers": [{"data": {"customerCreate": refusal}}], "errors": None}
    assert (await story.ask("{ customers(orderBy: {field: NAME}) { nodes { name } } }"))["customers"]["nodes"] == [
        {"name": "Lisbon"},
        {"name": "Porto"},
    ]


async def test_graphql_ws_hears_a_mutation_and_asks_on_when_it_has_left(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    listening = graphql_ws(server, {**query(CHANGED, id=head), "count": 1}, query(CUSTOMER, id=head))
    changed, asked = await heard(server, story, head, listening)
    assert changed == {"answers": [{"data": HEARD}], "errors": None}
    assert asked == {"answers": [{"data": {"customer": {"id": head, "name": "Aldgate Networks"}}}], "errors": None}


async def test_graphql_ws_reads_the_codes_of_errors_and_its_socket_stays_open(server: Server, story: Story) -> None:
    before = await story.everything()
    field, document, variable, subscription, asked = await graphql_ws(
        server,
        query(CUSTOMER_AND_ORGANIZATION, id="nonsense"),
        query(UNKNOWN_FIELD),
        query(CUSTOMER),
        query(CHANGED, id="nonsense"),
        query("{ customers { totalCount } }"),
    )
    (answer,) = field["answers"]
    assert field["errors"] is None
    assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [(["customer"], {"code": "BAD_USER_INPUT"})]
    assert (answer["data"]["customer"], answer["data"]["organization"].keys()) == (None, {"id", "name"})
    assert [codes(each) for each in (document, variable, subscription)] == [
        ["GRAPHQL_VALIDATION_FAILED"],
        ["BAD_USER_INPUT"],
        ["BAD_USER_INPUT"],
    ]
    assert asked["answers"] == [{"data": {"customers": {"totalCount": 0}}}]
    assert server.hub.subscriber_count == 0
    assert await story.everything() == before


async def test_graphql_ws_names_a_document_that_it_has_sent_before(server: Server, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    named = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(CUSTOMER.encode()).hexdigest()}}
    alone = {**query("", id=lisbon), "extensions": named}
    unknown, sent, known = await graphql_ws(server, alone, {**alone, "query": CUSTOMER}, alone)
    assert codes(unknown) == ["PERSISTED_QUERY_NOT_FOUND"]
    assert sent == known == {"answers": [{"data": {"customer": {"id": lisbon, "name": "Lisbon"}}}], "errors": None}


@pytest.mark.parametrize(
    ("breach", "code", "reason"),
    [
        ("UNKNOWN_MESSAGE", 4400, "Unknown type of message"),
        ("SUBSCRIBED_BEFORE_INITIALISED", 4401, "Unauthorized"),
        ("INITIALISED_TWICE", 4429, "Too many initialisation requests"),
        ("ID_IN_USE", 4409, "Subscriber for same already exists"),
        ("NO_PROTOCOL", 4406, "Subprotocol not acceptable"),
        ("LEGACY_PROTOCOL", 4406, "Subprotocol not acceptable"),
    ],
)
async def test_graphql_ws_reads_why_its_socket_was_closed(
    server: Server, story: Story, breach: str, code: int, reason: str
) -> None:
    head = await story.customer("Aldgate")
    closed = await ask(
        "graphql_ws_breaches.mjs", url=f"ws://{server.host}/graphql", breach=breach, subscription=query(CHANGED, id=head)
    )
    assert closed == {"code": code, "reason": reason}
    await server.until_subscribed(0)


async def test_graphql_ws_is_closed_when_it_never_initialises() -> None:
    """By a server with less patience than the ten seconds of Holdco's."""
    impatient = WebSocketEndpoint(make_endpoint().answers, authentication=Anybody(), init_timeout=0.2)
    async with running(Router(routes=[WebSocketRoute("/graphql", impatient)]), Hub()) as server:
        closed = await ask(
            "graphql_ws_breaches.mjs",
            url=f"ws://{server.host}/graphql",
            breach="NEVER_INITIALISED",
            subscription=query("{ hello }"),
        )
    assert closed == {"code": 4408, "reason": "Connection initialisation timeout"}
