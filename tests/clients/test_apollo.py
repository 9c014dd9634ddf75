"""Apollo Client reads and writes, by POST and GET, in parts and by hash, listens, and sees errors with their codes."""

from __future__ import annotations

from typing import Any

import pytest

from clients.documents import (
    CREATE,
    CUSTOMER,
    CUSTOMER_AND_ORGANIZATION,
    DEFERRED,
    DEFERRED_FAILURE,
    GRAPHQL_RESPONSE,
    MULTIPART,
    PREFLIGHTED,
    STREAMED,
    UNKNOWN_FIELD,
)
from clients.hearing import CHANGED, heard
from clients.packages import ask
from conftest import Client
from stories import Story
from subscriptions.conftest import Server


@pytest.fixture
async def story(client: Client, story: Story) -> Story:
    return Story(client, story.engine, story.organization_id)


async def all_results(url: str, *operations: dict[str, Any], **client: Any) -> list[dict[str, Any]]:
    """What each operation came to, part by part, by a client with these options."""
    answers: list[dict[str, Any]] = await ask("apollo.mjs", url=url, operations=operations, headers=PREFLIGHTED, **client)
    return answers


async def apollo(url: str, *operations: dict[str, Any], **client: Any) -> list[dict[str, Any]]:
    """What operations came to that have one result each."""
    told = []
    for answer in await all_results(url, *operations, **client):
        (result,) = answer["results"]
        told.append({**result, "exchanges": answer["exchanges"]})
    return told


def query(document: str, *, kind: str = "query", policy: str = "none", **variables: Any) -> dict[str, Any]:
    return {"kind": kind, "document": document, "variables": variables, "errorPolicy": policy}


def exchange(
    method: str, status: int = 200, *, parts: tuple[str, ...] = (), content_type: str = GRAPHQL_RESPONSE
) -> list[dict[str, Any]]:
    accept = ",".join([*parts, "application/graphql-response+json", "application/json;q=0.9"])
    return [{"method": method, "accept": accept, "status": status, "contentType": content_type}]


def result(data: Any) -> dict[str, Any]:
    return {"data": data, "errors": None, "error": None}


async def test_apollo_asks_by_post_and_answers_from_its_cache_the_second_time(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    data = {"customer": {"__typename": "Customer", "id": lisbon, "name": "Lisbon"}}
    first, second = await apollo(url, query(CUSTOMER, id=lisbon), query(CUSTOMER, id=lisbon))
    assert first == {"data": data, "errors": None, "error": None, "exchanges": exchange("POST")}
    assert second == {"data": data, "errors": None, "error": None, "exchanges": []}


async def test_apollo_uses_get_for_queries_and_post_for_mutations(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisboa: Água & Café")
    create = {"kind": "mutation", "document": CREATE, "variables": {"input": {"name": "Porto"}}}
    asked, made = await apollo(url, query(CUSTOMER, id=lisbon), create, link={"useGETForQueries": True})
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


async def test_apollo_shows_what_is_deferred_when_it_comes(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    await story.invoice(lisbon, "25.00")
    handler = "GraphQL17Alpha9Handler"
    (answer,) = await all_results(url, query(DEFERRED, kind="watched", id=lisbon), incremental=handler)
    at_once = {"__typename": "Customer", "id": lisbon}
    later = {"name": "Lisbon", "receivables": [{"__typename": "Receivables", "outstanding": "25.00"}]}
    assert answer["results"] == [result({"customer": at_once}), result({"customer": {**at_once, **later}})]
    assert answer["exchanges"] == exchange("POST", parts=("multipart/mixed;incrementalSpec=v0.2",), content_type=MULTIPART)


async def test_apollo_that_asks_for_the_form_of_parts_before_gets_everything_at_once(url: str, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    (answer,) = await all_results(url, query(DEFERRED, kind="watched", id=lisbon), incremental="Defer20220824Handler")
    assert answer["results"] == [
        result({"customer": {"__typename": "Customer", "id": lisbon, "name": "Lisbon", "receivables": []}})
    ]
    assert answer["exchanges"] == exchange("POST", parts=("multipart/mixed;deferSpec=20220824",))


async def test_apollo_shows_what_is_streamed_when_it_comes(url: str, story: Story) -> None:
    for name in ("Aldgate", "Leeds", "York"):
        await story.customer(name)
    (answer,) = await all_results(url, query(STREAMED, kind="watched"), incremental="GraphQL17Alpha9Handler")
    names = [[edge["node"]["name"] for edge in each["data"]["customers"]["edges"]] for each in answer["results"]]
    # How many items come at a time is the server's affair.
    assert (names[0], names[-1]) == (["Aldgate"], ["Aldgate", "Leeds", "York"])
    assert {each["error"] for each in answer["results"]} == {None}


async def test_apollo_reads_the_code_of_an_error_in_a_part_that_was_deferred(url: str) -> None:
    document = query(DEFERRED_FAILURE, kind="watched", policy="all")
    (answer,) = await all_results(url, document, incremental="GraphQL17Alpha9Handler")
    first, second = answer["results"]
    assert (first["data"]["organization"]["__typename"], first["errors"]) == ("Organization", None)
    assert (second["data"], second["error"]) == ({**first["data"], "node": None}, "CombinedGraphQLErrors")
    assert [(error["path"], error["extensions"]) for error in second["errors"]] == [(["node"], {"code": "BAD_USER_INPUT"})]


async def test_apollo_hears_a_mutation_by_graphql_ws(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    subscription = {**query(CHANGED, kind="subscription", id=head), "count": 1}
    (answer,) = await heard(server, story, head, all_results(f"http://{server.host}/graphql", subscription))
    customers = [{"__typename": "Customer", "name": "Aldgate Networks"}]
    changed = {"__typename": "CustomerChanged", "customers": customers, "refetch": False}
    assert answer == {"results": [result({"customerChanged": changed})], "exchanges": []}


async def test_apollo_reads_the_code_of_a_subscription_that_is_refused(server: Server) -> None:
    subscription = {**query(CHANGED, kind="subscription", id="nonsense"), "count": 1}
    (refused,) = await apollo(f"http://{server.host}/graphql", subscription)
    assert (refused["data"], refused["error"]) == (None, "CombinedGraphQLErrors")
    assert [error["extensions"] for error in refused["errors"]] == [{"code": "BAD_USER_INPUT"}]
    assert server.hub.subscriber_count == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_apollo_sends_a_hash_and_the_text_only_when_the_hash_is_not_known(url: str, story: Story, method: str) -> None:
    """By its link for persisted queries, whose texts are posted whatever the method of hashes."""
    lisbon, porto = await story.customer("Lisbon"), await story.customer("Porto")
    persisted = {"useGETForHashedQueries": method == "GET"}
    first, second = await apollo(url, query(CUSTOMER, id=lisbon), query(CUSTOMER, id=porto), persisted=persisted)
    assert [first["data"]["customer"]["name"], second["data"]["customer"]["name"]] == ["Lisbon", "Porto"]
    assert (first["error"], second["error"]) == (None, None)
    assert (first["exchanges"], second["exchanges"]) == (exchange(method) + exchange("POST"), exchange(method))
