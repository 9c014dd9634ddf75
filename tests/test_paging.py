"""Cursors and orderings of connections: what comes from outside is read with care (api.graphql)."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from stories import Story

ID = "01900000-0000-7000-8000-000000000001"
Failing = Callable[..., Awaitable[list[Any]]]


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["number,id"],
        ["number,id", "CUS-000001"],
        ["number,id", "CUS-000001", ID, ID],
        ["number,id", "CUS-000001", 5],
        ["number,id", "CUS-000001", [ID]],
        ["number,id", "CUS-000001", {"a": ID}],
        ["number,id", "CUS-000001", None],
        ["number,id", "CUS-000001", "nonsense"],
        ["number,id", 5, ID],
        ["number,id", None, ID],
        ["number,id", "a\0b", ID],
        [5, "CUS-000001", ID],
        [["number", "id"], "CUS-000001", ID],
    ],
)
async def test_a_cursor_that_was_made_up_is_refused(execute_failing: Failing, values: list[object]) -> None:
    errors = await execute_failing("query ($after: String) { customers(after: $after) { totalCount } }", after=cursor(*values))
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("text", ["", "x", "é", "\ud800", "bnVsbA", "NQ", "e30", "=" * 5, "W10" * 10_000])
async def test_a_text_that_is_no_cursor_is_refused(execute_failing: Failing, text: str) -> None:
    errors = await execute_failing("query ($after: String) { customers(after: $after) { totalCount } }", after=text)
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    "instant",
    ["2026-03-31", "2026-03-31T12:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", 5, None, [], True],
)
async def test_a_cursor_with_an_instant_that_is_none_is_refused(execute_failing: Failing, instant: object) -> None:
    document = "query ($after: String) { customers(orderBy: [{field: CREATED_AT}], after: $after) { totalCount } }"
    errors = await execute_failing(document, after=cursor("created_at,id", instant, ID))
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("depth", [2**31, -(2**31) - 1, 2**63 - 1, 1.5, True, "1"])
async def test_a_cursor_with_a_number_that_the_column_cannot_hold_is_refused(
    story: Story, execute_failing: Failing, depth: object
) -> None:
    top = await story.customer("Aldgate Networks")
    document = "query ($id: ID!, $after: String) { customer(by: {id: $id}) { descendants(after: $after) { totalCount } } }"
    errors = await execute_failing(document, id=top, after=cursor("depth,id", depth, ID))
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]


async def test_a_column_orders_by_the_place_and_direction_in_which_it_is_named_first(story: Story) -> None:
    # By name the three are b, c, a; by number a, b, c.
    for number, name in (("1", "Lisbon"), ("2", "Braga"), ("3", "Faro")):
        await story.customer(name, number=number)
    document = "query ($orderBy: [CustomerOrder!]) { customers(orderBy: $orderBy) { nodes { name } } }"
    by_name, by_number, backwards = {"field": "NAME"}, {"field": "NUMBER"}, {"field": "NAME", "direction": "DESC"}

    async def names(*order: dict[str, str]) -> list[str]:
        return [node["name"] for node in (await story.ask(document, orderBy=order))["customers"]["nodes"]]

    assert await names(by_name, by_number, backwards) == ["Braga", "Faro", "Lisbon"]
    assert await names(backwards, by_number, by_name) == ["Lisbon", "Faro", "Braga"]
    assert await names(by_number, by_name, by_number) == ["Lisbon", "Braga", "Faro"]
    assert await names() == ["Lisbon", "Braga", "Faro"]


async def test_pages_of_no_rows_tell_whether_there_are_any(story: Story) -> None:
    await story.customer("Lisbon")
    page = "nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
    found = await story.ask(f"{{ first: customers(first: 0) {{ {page} }} last: customers(last: 0) {{ {page} }} }}")
    nowhere = {"startCursor": None, "endCursor": None}
    assert found["first"] == {
        "nodes": [],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, **nowhere},
        "totalCount": 1,
    }
    assert found["last"] == {
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": True, **nowhere},
        "totalCount": 1,
    }


@pytest.mark.parametrize("backwards", [False, True])
async def test_pages_in_mixed_directions_show_every_row_once(story: Story, backwards: bool) -> None:
    for index in range(7):
        await story.customer(f"Name {index % 3}", number=f"{index}")
    order = [{"field": "NAME", "direction": "DESC"}, {"field": "NUMBER"}]
    document = """query ($orderBy: [CustomerOrder!], $first: Int, $after: String, $last: Int, $before: String) {
      customers(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
        nodes { number } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }"""
    seen: list[str] = []
    cursor_before: str | None = None
    for _ in range(4):
        window = {"last": 2, "before": cursor_before} if backwards else {"first": 2, "after": cursor_before}
        page = (await story.ask(document, orderBy=order, **window))["customers"]
        numbers = [node["number"] for node in page["nodes"]]
        seen = numbers + seen if backwards else seen + numbers
        cursor_before = page["pageInfo"]["startCursor" if backwards else "endCursor"]
    assert page["pageInfo"]["hasPreviousPage" if backwards else "hasNextPage"] is False
    assert seen == ["2", "5", "1", "4", "0", "3", "6"]
