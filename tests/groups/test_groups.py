"""Groups: names and ranks are taken once, changes are versioned, refusals leave no trace (domain.md G1, K6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conftest import Execute
from groups.steps import CREATE, GROUP, UPDATE, ask, create, customer, recorded, refusals, stored
from holdco import ids
from holdco.context import Context
from holdco.groups import service
from holdco.groups.loaders import GroupById
from holdco.ids import Kind
from holdco.organizations.service import ensure
from holdco.viewer import StaffRole, Viewer
from waiting import until_somebody_waits

ExecuteFailing = Callable[..., Awaitable[list[Any]]]

LIST = "query ($first: Int, $after: String) { customerGroups(first: $first, after: $after) { %s } }"


async def test_groups_get_the_next_free_rank_where_none_is_given(execute: Execute) -> None:
    assert (await create(execute, "Resellers"))["rank"] == 1
    assert (await create(execute, "Enterprise", rank=7))["rank"] == 7
    assert (await create(execute, "Direct"))["rank"] == 8


async def test_a_new_group_has_what_was_given_and_is_on_record(context: Context, execute: Execute) -> None:
    group = await create(execute, "  Resellers ", rank=3, description="They sell on")
    assert group == {
        "id": group["id"],
        "name": "Resellers",
        "rank": 3,
        "description": "They sell on",
        "version": 1,
    }
    assert await ask(execute, f'{{ customerGroup(by: {{name: "Resellers"}}) {{ {GROUP} }} }}') == group
    assert await ask(execute, f'{{ customerGroup(by: {{id: "{group["id"]}"}}) {{ {GROUP} }} }}') == group
    assert await recorded(context, "group.created") == [(None, group["id"], {"name": "Resellers", "rank": 3})]


async def test_groups_made_at_once_get_ranks_that_follow_each_other(context: Context) -> None:
    async def make(name: str) -> Any:
        operation = Context(context.engine, context.viewer)
        async with operation.transaction() as transaction:
            group_id = await service.create(transaction, values={"name": name})
        row = await operation.load(GroupById, group_id)
        await operation.close()
        assert row is not None
        return row.rank

    ranks = await asyncio.gather(*(make(f"Group {number}") for number in range(6)))
    assert sorted(ranks) == [1, 2, 3, 4, 5, 6]


async def test_a_group_made_while_another_moves_to_the_end_goes_behind_it(context: Context, execute: Execute) -> None:
    group = await create(execute, "Resellers")
    async with context.transaction() as transaction:
        await service.change(transaction, ids.decode(Kind.GROUP, group["id"]), values={"rank": 5})
        making = asyncio.create_task(create(execute, "Direct"))
        await until_somebody_waits(context.engine)
    assert (await making)["rank"] == 6


async def test_a_name_or_rank_that_is_taken_is_refused_and_nothing_is_kept(context: Context, execute: Execute) -> None:
    await create(execute, "Resellers", rank=1)
    direct = await create(execute, "Direct", rank=2)
    before = await stored(context)
    assert await refusals(execute, CREATE, name="Resellers") == [("NAME_TAKEN", ["name"])]
    assert await refusals(execute, CREATE, name="Enterprise", rank=2) == [("RANK_TAKEN", ["rank"])]
    assert await refusals(execute, UPDATE, id=direct["id"], name="Resellers") == [("NAME_TAKEN", ["name"])]
    assert await refusals(execute, UPDATE, id=direct["id"], rank=1) == [("RANK_TAKEN", ["rank"])]
    assert await stored(context) == before


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": " "}, [["name"]]),
        ({"name": "x" * 201, "rank": 0}, [["name"], ["rank"]]),
        ({"name": "Resellers", "rank": -1}, [["rank"]]),
        ({"name": "Resellers", "rank": 1_000_001}, [["rank"]]),
        ({"name": "Resellers", "description": "x" * 10_001}, [["description"]]),
        ({"name": "Res\0ellers"}, [["name"]]),
    ],
)
async def test_values_that_no_group_can_have_are_all_refused(
    context: Context, execute: Execute, fields: dict[str, Any], expected: list[list[str]]
) -> None:
    before = await stored(context)
    assert await refusals(execute, CREATE, **fields) == [("INVALID_INPUT", field) for field in expected]
    assert await stored(context) == before


async def test_behind_the_last_rank_there_is_no_next_one(context: Context, execute: Execute) -> None:
    await create(execute, "Last", rank=service.RANK_MAX)
    before = await stored(context)
    assert await refusals(execute, CREATE, name="Beyond") == [("INVALID_INPUT", ["rank"])]
    assert await stored(context) == before


async def test_an_update_changes_what_it_names_and_nothing_else(context: Context, execute: Execute) -> None:
    group = await create(execute, "Resellers", description="They sell on")
    changed = await ask(execute, UPDATE, input={"id": group["id"], "version": 1, "name": "Partners", "rank": 9})
    assert changed == {"customerGroup": group | {"name": "Partners", "rank": 9, "version": 2}, "userErrors": []}
    cleared = await ask(execute, UPDATE, input={"id": group["id"], "description": None})
    assert cleared["customerGroup"] == changed["customerGroup"] | {"description": None, "version": 3}
    assert await recorded(context, "group.updated") == [
        (None, group["id"], {"fields": ["name", "rank"]}),
        (None, group["id"], {"fields": ["description"]}),
    ]


async def test_an_update_to_what_is_there_already_leaves_version_and_record_alone(context: Context, execute: Execute) -> None:
    group = await create(execute, "Resellers", rank=4)
    before = await stored(context)
    unchanged = await ask(execute, UPDATE, input={"id": group["id"], "name": "Resellers", "rank": 4})
    assert unchanged == {"customerGroup": group, "userErrors": []}
    assert await stored(context) == before


async def test_an_update_that_cannot_be_is_refused_and_changes_nothing(context: Context, execute: Execute) -> None:
    group = await create(execute, "Resellers")
    await ask(execute, UPDATE, input={"id": group["id"], "name": "Partners"})
    customer_id = await customer(execute, "Aldgate Networks")
    before = await stored(context)
    unknown = ids.encode(Kind.GROUP, ids.new())
    assert await refusals(execute, UPDATE, id=group["id"], version=1, name="Late") == [("STALE_VERSION", ["version"])]
    assert await refusals(execute, UPDATE, id=group["id"], name=None, rank=None) == [
        ("INVALID_INPUT", ["name"]),
        ("INVALID_INPUT", ["rank"]),
    ]
    for wrong in (unknown, customer_id, "Partners"):
        assert await refusals(execute, UPDATE, id=wrong, name="Late") == [("NOT_FOUND", ["id"])]
    assert await stored(context) == before


async def test_groups_are_listed_in_rank_order_page_by_page(execute: Execute) -> None:
    for name, rank in (("Direct", 3), ("Resellers", 1), ("Enterprise", 2)):
        await create(execute, name, rank=rank)
    fields = "totalCount nodes { name } pageInfo { hasNextPage endCursor }"
    first = await ask(execute, LIST % fields, first=2)
    assert [node["name"] for node in first["nodes"]] == ["Resellers", "Enterprise"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    # A group that comes in between pages neither repeats nor hides another.
    await create(execute, "Wholesale", rank=4)
    second = await ask(execute, LIST % fields, first=2, after=first["pageInfo"]["endCursor"])
    assert [node["name"] for node in second["nodes"]] == ["Direct", "Wholesale"]
    assert (second["totalCount"], second["pageInfo"]["hasNextPage"]) == (4, False)


@pytest.mark.parametrize("variables", [{"first": -1}, {"first": 201}, {"after": "here"}])
async def test_a_page_that_cannot_be_is_bad_user_input(execute_failing: ExecuteFailing, variables: dict[str, Any]) -> None:
    errors = await execute_failing(LIST % "nodes { id }", **variables)
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]


async def test_a_group_that_is_not_there_is_null(execute: Execute, execute_failing: ExecuteFailing) -> None:
    await create(execute, "Resellers")
    unknown = ids.encode(Kind.GROUP, ids.new())
    assert await ask(execute, '{ customerGroup(by: {name: "resellers"}) { id } }') is None
    assert await ask(execute, f'{{ customerGroup(by: {{id: "{unknown}"}}) {{ id }} }}') is None
    errors = await execute_failing('{ customerGroup(by: {id: "Resellers"}) { id } }')
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]


async def test_a_group_is_found_by_its_id_within_its_organization(context: Context, execute: Execute) -> None:
    group = await create(execute, "Resellers")
    document = "query ($id: ID!) { node(id: $id) { id ... on CustomerGroup { name } } }"
    assert await ask(execute, document, id=group["id"]) == {"id": group["id"], "name": "Resellers"}
    other = Context(context.engine, Viewer(ids.new(), "Olaf", StaffRole.ADMIN))
    await ensure(context.engine, other.organization_id)
    async with other.transaction() as transaction:
        foreign_id = await service.create(transaction, values={"name": "Elsewhere"})
    for unknown in (ids.new(), foreign_id):
        assert await ask(execute, document, id=ids.encode(Kind.GROUP, unknown)) is None
    assert await ask(execute, '{ customerGroup(by: {name: "Elsewhere"}) { id } }') is None
    assert await ask(execute, "{ customerGroups { nodes { name } } }") == {"nodes": [{"name": "Resellers"}]}
