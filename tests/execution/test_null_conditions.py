"""A null in @skip or @include, which a variable with a default may be given: refused, wherever it stands."""

from __future__ import annotations

import pytest

from conftest import Client
from stories import Story

PLACES = {
    "at the root": "query ($is: Boolean = true) { a: __typename @skip(if: $is) customers { nodes { name } } }",
    "at a fragment of the root": (
        "query ($is: Boolean = true) { ... @include(if: $is) { a: __typename } customers { nodes { name } } }"
    ),
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_null_condition_is_the_clients_mistake(client: Client, story: Story, place: str) -> None:
    await story.customer("Lisbon")
    asked = {"query": PLACES[place], "variables": {"is": None}}
    response = await client.http.post("/graphql", json=asked)
    (error,) = response.json().pop("errors")
    assert response.status_code == 200
    assert error["message"] == (
        "Argument 'if' has invalid value: Expected variable '$is' provided to non-null type 'Boolean!' not to be None."
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert "data" not in response.json()
    # What is refused once is not remembered for those who ask properly.
    assert (await client(PLACES[place], **{"is": False}))["customers"] == {"nodes": [{"name": "Lisbon"}]}


async def test_a_null_condition_below_the_root_fails_where_it_stands(client: Client, story: Story) -> None:
    await story.customer("Lisbon")
    asked = "query ($is: Boolean = true) { customers { nodes { name @skip(if: $is) } } }"
    response = await client.http.post("/graphql", json={"query": asked, "variables": {"is": None}})
    assert response.status_code == 200
    assert [error["extensions"] for error in response.json()["errors"]] == [{"code": "BAD_USER_INPUT"}]
    assert response.json()["data"] is None
