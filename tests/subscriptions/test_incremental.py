"""@defer and @stream, for clients that take an answer in parts and for those that do not; on the real schema and database."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from holdco.endpoint.incremental import accepts_increments
from stories import Story
from subscriptions.conftest import Server

APOLLO = "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9"
URQL = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
DEFER = """query ($id: ID!) {
  customer(by: {id: $id}) { id ... @defer(label: "money") { name receivables { outstanding } } }
}"""
STREAM = "{ customers(orderBy: {field: NAME}) { edges @stream(initialCount: 1) { node { name } } } }"


def parts(response: httpx.Response) -> list[dict[str, Any]]:
    """The parts of a multipart answer, whose form is checked to the byte."""
    assert response.headers["content-type"] == 'multipart/mixed; boundary="-"; incrementalSpec=v0.2'
    before, *found, after = response.content.split(b"---")
    assert (before, after) == (b"", b"--\r\n")
    heads, bodies = zip(*(part.split(b"\r\n\r\n") for part in found), strict=True)
    assert set(heads) == {b"\r\ncontent-type: application/json; charset=utf-8"}
    return [orjson.loads(body) for body in bodies]


async def ask(server: Server, accept: str, query: str, **variables: Any) -> httpx.Response:
    request = {"query": query, "variables": variables}
    return await server.http.post("/graphql", json=request, headers={"accept": accept})


@pytest.mark.parametrize("accept", [APOLLO, URQL])
async def test_what_is_deferred_comes_in_a_later_part(server: Server, story: Story, accept: str) -> None:
    head = await story.customer("Aldgate")
    await story.invoice(head, "25.00")
    response = await ask(server, accept, DEFER, id=head)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert parts(response) == [
        {
            "data": {"customer": {"id": head}},
            "pending": [{"id": "0", "path": ["customer"], "label": "money"}],
            "hasNext": True,
        },
        {
            "incremental": [{"id": "0", "data": {"name": "Aldgate", "receivables": [{"outstanding": "25.00"}]}}],
            "completed": [{"id": "0"}],
            "hasNext": False,
        },
    ]


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "multipart/mixed;deferSpec=20220824,application/json",
        "multipart/mixed;q=0,application/json",
        "multipart/mixed;incrementalSpec=v9,application/json",
        "text/event-stream;q=0.1,application/json",
    ],
)
async def test_a_client_that_takes_no_parts_gets_everything_at_once(server: Server, story: Story, accept: str) -> None:
    head = await story.customer("Aldgate")
    await story.customer("Leeds", under=head)
    response = await ask(server, accept, DEFER, id=head)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json() == {"data": {"customer": {"id": head, "name": "Aldgate", "receivables": []}}}
    response = await ask(server, accept, STREAM)
    assert [edge["node"]["name"] for edge in response.json()["data"]["customers"]["edges"]] == ["Aldgate", "Leeds"]


async def test_what_is_streamed_comes_item_by_item_or_several_at_a_time(server: Server, story: Story) -> None:
    for name in ("Aldgate", "Leeds", "York"):
        await story.customer(name)
    first, *later = parts(await ask(server, APOLLO, STREAM))
    assert first["data"] == {"customers": {"edges": [{"node": {"name": "Aldgate"}}]}}
    items = [item for part in later for increment in part.get("incremental", ()) for item in increment["items"]]
    assert items == [{"node": {"name": "Leeds"}}, {"node": {"name": "York"}}]
    assert [part["hasNext"] for part in (first, *later)] == [True] * len(later) + [False]


async def test_a_client_that_names_no_form_gets_lists_whole(server: Server, story: Story) -> None:
    """A list that is streamed in this form loses its items in urql, and nobody is told."""
    for name in ("Aldgate", "Leeds", "York"):
        await story.customer(name)
    response = await ask(server, URQL, STREAM)
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert [edge["node"]["name"] for edge in response.json()["data"]["customers"]["edges"]] == ["Aldgate", "Leeds", "York"]


async def test_a_document_without_the_directives_is_answered_in_one(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    response = await ask(server, APOLLO, "query ($id: ID!) { customer(by: {id: $id}) { name } }", id=head)
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert response.json() == {"data": {"customer": {"name": "Aldgate"}}}


async def test_nothing_is_deferred_when_the_variable_says_so(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    document = "query ($id: ID!, $is: Boolean!) { customer(by: {id: $id}) { id ... @defer(if: $is) { name } } }"
    assert parts(await ask(server, APOLLO, document, id=head, **{"is": False})) == [
        {"data": {"customer": {"id": head, "name": "Aldgate"}}, "hasNext": False}
    ]


async def test_errors_have_codes_in_every_part(server: Server, story: Story) -> None:
    await story.customer("Aldgate")
    (part,) = parts(await ask(server, APOLLO, DEFER))
    assert [error["extensions"]["code"] for error in part["errors"]] == ["BAD_USER_INPUT"]
    document = '{ organization { id } ... @defer { node(id: "nothing_1") { id } } }'
    first, second = parts(await ask(server, APOLLO, document))
    assert first["data"].keys() == {"organization"}
    (increment,) = second["incremental"]
    assert increment["data"] == {"node": None}
    assert [error["extensions"]["code"] for error in increment["errors"]] == ["BAD_USER_INPUT"]


async def test_a_mutation_by_get_is_refused_before_anything_is_deferred(server: Server, story: Story) -> None:
    before = await story.everything()
    document = 'mutation { customerCreate(input: {name: "Never"}) { ... @defer { customer { id } } } }'
    response = await server.http.get("/graphql", params={"query": document}, headers={"accept": APOLLO})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert await story.everything() == before


def test_only_the_form_that_is_spoken_is_accepted() -> None:
    assert accepts_increments("multipart/mixed")
    assert accepts_increments('Multipart/Mixed; boundary=graphql; incrementalSpec="v0.2"')
    assert not accepts_increments("multipart/mixed;deferSpec=20220824")
    assert not accepts_increments("multipart/mixed;incrementalSpec=v0.1")
    assert not accepts_increments("multipart/form-data")
    assert not accepts_increments("multipart/mixed;q=0.0")
    assert accepts_increments("multipart/mixed;incrementalSpec=v0.2", is_named=True)
    assert not accepts_increments("multipart/mixed, multipart/mixed;incrementalSpec=v0.1", is_named=True)
