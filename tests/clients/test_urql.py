"""urql reads and writes, by POST and GET, and sees errors with their codes."""

from __future__ import annotations

from typing import Any

import pytest

from clients.documents import CREATE, CUSTOMER, CUSTOMER_AND_ORGANIZATION, GRAPHQL_RESPONSE, PREFLIGHTED, UNKNOWN_FIELD
from clients.packages import ask
from conftest import Client
from stories import Story


@pytest.fixture
async def story(client: Client, story: Story) -> Story:
    return Story(client, story.engine, story.organization_id)


async def urql(url: str, *operations: dict[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = await ask("urql.mjs", url=url, operations=operations, headers=PREFLIGHTED)
    return results


def query(document: str, *, context: dict[str, Any] | None = None, **variables: Any) -> dict[str, Any]:
    return {"kind": "query", "document": document, "variables": variables, "context": context or {}}


def exchange(method: str, status: int = 200) -> list[dict[str, Any]]:
    accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
    return [{"method": method, "accept": accept, "status": status, "contentType": GRAPHQL_RESPONSE}]


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
