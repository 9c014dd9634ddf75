"""Apollo Client reads and writes, by POST and GET, and sees errors with their codes."""

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


async def apollo(url: str, *operations: dict[str, Any], **link: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = await ask("apollo.mjs", url=url, operations=operations, link=link, headers=PREFLIGHTED)
    return results


def query(document: str, *, policy: str = "none", **variables: Any) -> dict[str, Any]:
    return {"kind": "query", "document": document, "variables": variables, "errorPolicy": policy}


def exchange(method: str, status: int = 200) -> list[dict[str, Any]]:
    accept = "application/graphql-response+json,application/json;q=0.9"
    return [{"method": method, "accept": accept, "status": status, "contentType": GRAPHQL_RESPONSE}]


async def test_apollo_asks_by_post_and_answers_from_its_cache_the_second_time(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    data = {"customer": {"__typename": "Customer", "id": lisbon, "name": "Lisbon"}}
    first, second = await apollo(url, query(CUSTOMER, id=lisbon), query(CUSTOMER, id=lisbon))
    assert first == {"data": data, "errors": None, "error": None, "exchanges": exchange("POST")}
    assert second == {"data": data, "errors": None, "error": None, "exchanges": []}


async def test_apollo_uses_get_for_queries_and_post_for_mutations(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisboa: Água & Café")
    create = {"kind": "mutation", "document": CREATE, "variables": {"input": {"name": "Porto"}}}
    asked, made = await apollo(url, query(CUSTOMER, id=lisbon), create, useGETForQueries=True)
    assert asked["data"]["customer"]["name"] == "Lisboa: Água & Café"
    assert (asked["error"], asked["exchanges"]) == (None, exchange("GET"))
    assert made["data"]["customerCreate"]["customer"]["name"] == "Porto"
    assert (made["error"], made["exchanges"]) == (None, exchange("POST"))


async def test_apollo_reads_a_refusal_as_data(url: str, story: Story) -> None:
    await story.customer("Porto", number="POR")
    before = await story.everything()
    again = {"kind": "mutation", "document": CREATE, "variables": {"input": {"name": "Porto again", "number": "POR"}}}
    (refused,) = await apollo(url, again)
    refusal = {"__typename": "UserError", "code": "NUMBER_TAKEN", "field": ["number"]}
    payload = {"__typename": "CustomerPayload", "customer": None, "userErrors": [refusal]}
    assert (refused["data"], refused["error"]) == ({"customerCreate": payload}, None)
    assert await story.everything() == before


@pytest.mark.parametrize(
    ("policy", "has_data", "has_errors"), [("none", False, True), ("all", True, True), ("ignore", True, False)]
)
async def test_apollo_treats_a_failed_field_as_its_policy_says(
    url: str, policy: str, *, has_data: bool, has_errors: bool
) -> None:
    (answer,) = await apollo(url, query(CUSTOMER_AND_ORGANIZATION, policy=policy, id="nonsense"))
    assert (answer["data"] is not None) is has_data
    if has_data:
        assert (answer["data"]["customer"], answer["data"]["organization"]["__typename"]) == (None, "Organization")
    errors = [(error["path"], error["extensions"]) for error in answer["errors"] or ()]
    assert errors == ([(["customer"], {"code": "BAD_USER_INPUT"})] if has_errors else [])
    assert answer["exchanges"] == exchange("POST")


async def test_apollo_reads_the_errors_of_a_request_that_is_refused_whole(url: str) -> None:
    document, variable = await apollo(url, query(UNKNOWN_FIELD), query(CUSTOMER))
    assert (document["error"], document["data"]) == ("CombinedGraphQLErrors", None)
    assert [error["extensions"] for error in document["errors"]] == [{"code": "GRAPHQL_VALIDATION_FAILED"}]
    assert document["exchanges"] == exchange("POST", 400)
    assert [error["extensions"] for error in variable["errors"]] == [{"code": "BAD_USER_INPUT"}]
    assert variable["exchanges"] == exchange("POST", 400)
