"""What is not run a level at a time, and why; and what is, though one might doubt it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asking import answered
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.schema import schema
from stories import Story


async def planned(context: Context, text: str, variables: dict[str, Any] | None = None) -> dict[str, Any] | None:
    (plans,) = Documents(schema).read(text).plans.values()
    return await plans.data(schema, context, variables)


LEFT: dict[str, tuple[str, dict[str, Any]]] = {
    "introspection beside data, whose resolvers are graphql-core's own": (
        "{ __schema { queryType { name } mutationType { name } } customers { totalCount nodes { name } } }",
        {
            "__schema": {"queryType": {"name": "Query"}, "mutationType": {"name": "Mutation"}},
            "customers": {"totalCount": 1, "nodes": [{"name": "Lisbon"}]},
        },
    ),
    "a type by its name, likewise": (
        '{ customers { nodes { name } } __type(name: "PageInfo") { kind fields { name } } nothing: __type(name: "X") { kind } }',
        {
            "customers": {"nodes": [{"name": "Lisbon"}]},
            "__type": {
                "kind": "OBJECT",
                "fields": [{"name": name} for name in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")],
            },
            "nothing": None,
        },
    ),
}


@pytest.mark.parametrize("reason", LEFT)
async def test_the_stock_executor_answers_what_a_plan_cannot(story: Story, context: Context, reason: str) -> None:
    text, expected = LEFT[reason]
    await story.customer("Lisbon")
    assert await planned(context, text) is None
    result = await answered(story.engine, story.organization_id, text, {})
    assert (result.data, result.errors) == (expected, None)


DONE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "introspection that a variable skips": (
        "query ($is: Boolean!) { __schema @include(if: $is) { queryType { name } } customers { nodes { name } } }",
        {"is": False},
        {"customers": {"nodes": [{"name": "Lisbon"}]}},
    ),
    "a type's name at the root alone": ("{ __typename }", {}, {"__typename": "Query"}),
    "a variable that nobody gave, with a default": (
        "query ($first: Int = 1) { customers(first: $first) { nodes { name } } }",
        {},
        {"customers": {"nodes": [{"name": "Lisbon"}]}},
    ),
    "a variable that nobody gave, without one": (
        "query ($first: Int) { customers(first: $first) { nodes { children(first: $first) { totalCount } } } }",
        {},
        {"customers": {"nodes": [{"children": {"totalCount": 0}}]}},
    ),
}


ALIASED = {
    "one": "{ a: organization { name } b: organization { currency } }",
    "a list": "{ a: customers { nodes { name } } b: customers { totalCount } c: customers { nodes { parent { name } } } }",
}


@pytest.mark.parametrize("name", ALIASED)
async def test_a_field_of_the_root_under_several_names_is_asked_for_once(
    story: Story, context: Context, counting: Callable[[], Any], name: str
) -> None:
    await story.customer("Lisbon")
    result = await answered(story.engine, story.organization_id, ALIASED[name], {}, is_planning=False)
    with counting() as issued:
        assert await planned(context, ALIASED[name]) == result.data
    # The count of the list is a statement of its own.
    assert len(issued) == (1 if name == "one" else 2), "\n\n".join(issued.statements)


@pytest.mark.parametrize("name", DONE)
async def test_what_one_might_doubt_is_planned(story: Story, context: Context, name: str) -> None:
    text, variables, expected = DONE[name]
    await story.customer("Lisbon")
    assert await planned(context, text, variables) == expected
    result = await answered(story.engine, story.organization_id, text, variables, is_planning=False)
    assert (result.data, result.errors) == (expected, None)


# A selection may come to nothing: by @skip, or because its fragments are for other types.
EMPTY: dict[str, tuple[str, dict[str, Any]]] = {
    "everything skipped": ("{ customers @skip(if: true) { nodes { name } } }", {}),
    "all fields of all nodes skipped": (
        "{ customers { totalCount nodes { name @skip(if: true) } } }",
        {"customers": {"totalCount": 2, "nodes": [{}, {}]}},
    ),
    "all fields of some relation skipped": (
        "{ customers { nodes { name parent { name @include(if: false) } } } }",
        {"customers": {"nodes": [{"name": "Lisbon", "parent": None}, {"name": "Porto", "parent": {}}]}},
    ),
    "fragments for other types": (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Invoice { number } ... on Payment { number } } }",
        {"nodes": [{}, {"number": "INV-000001"}]},
    ),
}


@pytest.mark.parametrize("name", EMPTY)
async def test_an_object_of_which_nothing_is_selected_is_empty_and_not_missing(story: Story, context: Context, name: str) -> None:
    text, expected = EMPTY[name]
    lisbon = await story.customer("Lisbon", number="1")
    await story.customer("Porto", number="2", under=lisbon)
    variables = {"ids": [lisbon, await story.invoice(lisbon, "1.00")]} if "$ids" in text else {}
    result = await answered(story.engine, story.organization_id, text, variables, is_planning=False)
    assert (result.data, result.errors) == (expected, None)
    assert await planned(context, text, variables) == expected
