"""urql reads and writes, by POST and GET, in parts and by hash, listens, and sees errors with their codes."""

from __future__ import annotations

from typing import Any

import pytest

from clients.documents import (
    CREATE,
    CUSTOMER,
    CUSTOMER_AND_ORGANIZATION,
    DEFERRED,
    DEFERRED_FAILURE,
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    MULTIPART,
    PREFLIGHTED,
    STREAMED,
    UNKNOWN_FIELD,
)
from clients.hearing import CHANGED, HEARD, heard
from clients.packages import ask
from conftest import Client
from stories import Story
from subscriptions.conftest import Server


@pytest.fixture
async def story(client: Client, story: Story) -> Story:
    return Story(client, story.engine, story.organization_id)


async def all_results(url: str, *operations: dict[str, Any], **client: Any) -> list[dict[str, Any]]:
    """What each operation came to, part by part, by a client with these options."""
    answers: list[dict[str, Any]] = await ask("urql.mjs", url=url, operations=operations, headers=PREFLIGHTED, **client)
    return answers


async def urql(url: str, *operations: dict[str, Any], **client: Any) -> list[dict[str, Any]]:
    """What operations came to that have one result each."""
    told = []
    for answer in await all_results(url, *operations, **client):
        (result,) = answer["results"]
        told.append({**result, "exchanges": answer["exchanges"]})
    return told


def query(document: str, *, context: dict[str, Any] | None = None, **variables: Any) -> dict[str, Any]:
    return {"kind": "query", "document": document, "variables": variables, "context": context or {}}


def exchange(method: str, status: int = 200, content_type: str = GRAPHQL_RESPONSE) -> list[dict[str, Any]]:
    accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
    return [{"method": method, "accept": accept, "status": status, "contentType": content_type}]


def result(data: Any) -> dict[str, Any]:
    return {"data": data, "errors": None, "networkError": None}


async def test_urql_asks_by_post_and_answers_from_its_cache_the_second_time(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    data = {"customer": {"__typename": "Customer", "id": lisbon, "name": "Lisbon"}}
    first, second = await urql(url, query(CUSTOMER, id=lisbon), query(CUSTOMER, id=lisbon))
    assert first == {"data": data, "errors": None, "networkError": None, "exchanges": exchange("POST")}
    assert second == {"data": data, "errors": None, "networkError": None, "exchanges": []}


async def test_urql_asks_by_get_where_it_is_told_to(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisboa: Água & Café")
    (answer,) = await urql(url, query(CUSTOMER, context={"preferGetMethod": "force"}, id=lisbon))
    assert answer["data"]["customer"]["name"] == "Lisboa: Água & Café"
    assert (answer["errors"], answer["exchanges"]) == (None, exchange("GET"))


async def test_urql_that_prefers_get_asks_by_post_where_the_address_would_be_too_long(url: str, story: Story) -> None:
    prefers = {"preferGetMethod": "within-url-limit"}
    lisbon = await story.customer("Lisbon")
    short, long = await urql(url, query(CUSTOMER, context=prefers, id=lisbon), query(CUSTOMER, context=prefers, id="x" * 2_047))
    assert (short["data"]["customer"]["name"], short["exchanges"]) == ("Lisbon", exchange("GET"))
    assert [error["extensions"] for error in long["errors"]] == [{"code": "BAD_USER_INPUT"}]
    assert long["exchanges"] == exchange("POST")


async def test_a_mutation_by_urql_that_is_told_to_prefer_get_is_posted_and_happens_once(url: str, story: Story) -> None:
    create = {"kind": "mutation", "document": CREATE, "context": {"preferGetMethod": "force"}}
    made, refused = await urql(
        url,
        {**create, "variables": {"input": {"name": "Porto", "number": "POR"}}},
        {**create, "variables": {"input": {"name": "Porto again", "number": "POR"}}},
    )
    payload = {"__typename": "CustomerPayload", "customer": {"__typename": "Customer", "name": "Porto", "number": "POR"}}
    assert made["data"] == {"customerCreate": {**payload, "userErrors": []}}
    assert made["exchanges"] == exchange("POST")
    refusal = {"__typename": "UserError", "code": "NUMBER_TAKEN", "field": ["number"]}
    assert refused["data"] == {"customerCreate": {**payload, "customer": None, "userErrors": [refusal]}}
    assert refused["errors"] is None
    assert (await story.ask("{ customers { nodes { name } } }"))["customers"]["nodes"] == [{"name": "Porto"}]


async def test_urql_reads_the_codes_of_errors(url: str, story: Story) -> None:
    before = await story.everything()
    field, document, variable = await urql(
        url, query(CUSTOMER_AND_ORGANIZATION, id="nonsense"), query(UNKNOWN_FIELD), query(CUSTOMER)
    )
    assert [(error["path"], error["extensions"]) for error in field["errors"]] == [(["customer"], {"code": "BAD_USER_INPUT"})]
    assert (field["data"]["customer"], field["data"]["organization"]["__typename"]) == (None, "Organization")
    assert field["exchanges"] == exchange("POST")
    assert [error["extensions"] for error in document["errors"]] == [{"code": "GRAPHQL_VALIDATION_FAILED"}]
    assert (document["data"], document["exchanges"]) == (None, exchange("POST", 400))
    assert [error["extensions"] for error in variable["errors"]] == [{"code": "BAD_USER_INPUT"}]
    assert (variable["data"], variable["exchanges"]) == (None, exchange("POST", 400))
    assert await story.everything() == before


async def test_urql_shows_what_is_deferred_when_it_comes(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    await story.invoice(lisbon, "25.00")
    (answer,) = await all_results(url, query(DEFERRED, id=lisbon))
    at_once = {"__typename": "Customer", "id": lisbon}
    money = {"__typename": "Receivables", "outstanding": "25.00"}
    assert answer["results"] == [
        result({"customer": at_once}),
        result({"customer": {**at_once, "name": "Lisbon", "receivables": [money]}}),
    ]
    assert answer["exchanges"] == exchange("POST", content_type=MULTIPART)


async def test_urql_gets_a_streamed_list_whole(url: str, story: Story) -> None:
    for name in ("Aldgate", "Leeds", "York"):
        await story.customer(name)
    (answer,) = await urql(url, query(STREAMED))
    assert [edge["node"]["name"] for edge in answer["data"]["customers"]["edges"]] == ["Aldgate", "Leeds", "York"]
    assert (answer["errors"], answer["exchanges"]) == (None, exchange("POST"))


async def test_urql_reads_the_code_of_an_error_in_a_part_that_was_deferred(url: str) -> None:
    (answer,) = await all_results(url, query(DEFERRED_FAILURE))
    first, second = answer["results"]
    assert (first["data"]["organization"]["__typename"], first["errors"]) == ("Organization", None)
    assert (second["data"], second["networkError"]) == ({**first["data"], "__typename": "Query", "node": None}, None)
    assert [(error["path"], error["extensions"]) for error in second["errors"]] == [(["node"], {"code": "BAD_USER_INPUT"})]


@pytest.mark.parametrize("subscribing", ["FETCH", "SSE", "WEBSOCKET"])
async def test_urql_hears_a_mutation(server: Server, story: Story, subscribing: str) -> None:
    """By its own fetch, and with graphql-sse and graphql-ws."""
    head = await story.customer("Aldgate")
    subscription = {"kind": "subscription", "document": CHANGED, "variables": {"id": head}, "count": 1}
    (answer,) = await heard(
        server, story, head, all_results(f"http://{server.host}/graphql", subscription, subscribing=subscribing)
    )
    assert answer["results"] == [result(HEARD)]
    streams = [(each["method"], each["status"], each["contentType"]) for each in answer["exchanges"]]
    assert streams == ([] if subscribing == "WEBSOCKET" else [("POST", 200, EVENT_STREAM)])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_urql_sends_a_hash_and_the_text_only_when_the_hash_is_not_known(url: str, story: Story, method: str) -> None:
    lisbon, porto = await story.customer("Lisbon"), await story.customer("Porto")
    persisted = {"preferGetForPersistedQueries": "force" if method == "GET" else False}
    first, second = await urql(url, query(CUSTOMER, id=lisbon), query(CUSTOMER, id=porto), persisted=persisted)
    assert [first["data"]["customer"]["name"], second["data"]["customer"]["name"]] == ["Lisbon", "Porto"]
    assert (first["errors"], second["errors"]) == (None, None)
    assert (first["exchanges"], second["exchanges"]) == (exchange(method) * 2, exchange(method))
