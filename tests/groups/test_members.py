"""Membership: a customer may be in several groups, and a request takes all of its customers or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from conftest import Execute
from groups.steps import (
    MEMBERS_ADD,
    MEMBERS_REMOVE,
    ask,
    create,
    customer,
    recorded,
    refusals,
    stored,
)
from holdco import ids
from holdco.context import Context
from holdco.customers import service as customers
from holdco.groups import service as groups
from holdco.ids import Kind
from holdco.organizations.service import ensure
from holdco.viewer import StaffRole, Viewer
from waiting import until_somebody_waits

Counting = Callable[[], Any]

MEMBERS = '{ customerGroup(by: {id: "%s"}) { version customers { totalCount nodes { name } } } }'
NAMES = ("Aldgate Networks", "Aldgate Lisbon", "Aldgate Oslo")


@pytest.fixture
async def customer_ids(execute: Execute) -> list[str]:
    return [await customer(execute, name) for name in NAMES]


async def members(execute: Execute, group_id: str) -> list[str]:
    group = await ask(execute, MEMBERS % group_id)
    names = [node["name"] for node in group["customers"]["nodes"]]
    assert group["customers"]["totalCount"] == len(names)
    return names


async def add(execute: Execute, group_id: str, *customer_ids: str) -> None:
    payload = await ask(execute, MEMBERS_ADD, input={"id": group_id, "customerIds": customer_ids})
    assert payload["userErrors"] == []


async def test_members_are_added_and_removed(execute: Execute, customer_ids: list[str]) -> None:
    group = await create(execute, "Resellers")
    added = await ask(execute, MEMBERS_ADD, input={"id": group["id"], "customerIds": customer_ids})
    assert added == {"customerGroup": group, "userErrors": []}
    assert await members(execute, group["id"]) == list(NAMES)
    removed = await ask(execute, MEMBERS_REMOVE, input={"id": group["id"], "customerIds": customer_ids[:2]})
    assert removed == {"customerGroup": group, "userErrors": []}
    assert await members(execute, group["id"]) == ["Aldgate Oslo"]


async def test_who_leaves_one_group_stays_in_the_others(execute: Execute, customer_ids: list[str]) -> None:
    resellers, direct = await create(execute, "Resellers"), await create(execute, "Direct")
    for group in (resellers, direct):
        await add(execute, group["id"], *customer_ids)
    removed = await ask(execute, MEMBERS_REMOVE, input={"id": resellers["id"], "customerIds": customer_ids})
    assert removed["userErrors"] == []
    assert await members(execute, resellers["id"]) == []
    assert await members(execute, direct["id"]) == list(NAMES)


async def test_each_new_member_is_on_record_on_its_own_page_and_once_for_the_group(
    context: Context, execute: Execute, customer_ids: list[str]
) -> None:
    group = await create(execute, "Resellers")
    await add(execute, group["id"], customer_ids[0])
    await add(execute, group["id"], *customer_ids)
    await ask(execute, MEMBERS_REMOVE, input={"id": group["id"], "customerIds": customer_ids[1:]})
    one, two, three = (ids.decode(Kind.CUSTOMER, key) for key in customer_ids)
    assert await recorded(context, "group.member_added") == [
        (one, group["id"], {}),
        (None, group["id"], {"affected": 1}),
        (two, group["id"], {}),
        (three, group["id"], {}),
        (None, group["id"], {"affected": 2}),
    ]
    assert await recorded(context, "group.member_removed") == [
        (two, group["id"], {}),
        (three, group["id"], {}),
        (None, group["id"], {"affected": 2}),
    ]


async def test_to_be_a_member_already_or_none_any_more_is_no_error(
    context: Context, execute: Execute, customer_ids: list[str]
) -> None:
    group = await create(execute, "Resellers")
    await add(execute, group["id"], customer_ids[0], customer_ids[1], customer_ids[0])
    before = await stored(context)
    await add(execute, group["id"], *customer_ids[:2])
    await add(execute, group["id"])
    removed = await ask(execute, MEMBERS_REMOVE, input={"id": group["id"], "customerIds": customer_ids[2:]})
    assert removed["userErrors"] == []
    assert await stored(context) == before


@pytest.mark.parametrize("document", [MEMBERS_ADD, MEMBERS_REMOVE])
async def test_every_unknown_customer_is_named_and_nobody_is_added_or_removed(
    context: Context, execute: Execute, customer_ids: list[str], document: str
) -> None:
    group = await create(execute, "Resellers")
    await add(execute, group["id"], customer_ids[0])
    before = await stored(context)
    unknown = [ids.encode(Kind.CUSTOMER, ids.new()) for _ in range(2)]
    mixed = [customer_ids[0], unknown[0], customer_ids[1], unknown[1]]
    assert await refusals(execute, document, id=group["id"], customerIds=mixed) == [
        ("NOT_FOUND", ["customerIds", "1"]),
        ("NOT_FOUND", ["customerIds", "3"]),
    ]
    unreadable = ["Aldgate", group["id"], customer_ids[1]]
    assert await refusals(execute, document, id=group["id"], customerIds=unreadable) == [
        ("NOT_FOUND", ["customerIds", "0"]),
        ("NOT_FOUND", ["customerIds", "1"]),
    ]
    assert await stored(context) == before


@pytest.mark.parametrize("document", [MEMBERS_ADD, MEMBERS_REMOVE])
async def test_an_unknown_group_takes_nobody(context: Context, execute: Execute, customer_ids: list[str], document: str) -> None:
    before = await stored(context)
    unknown = ids.encode(Kind.GROUP, ids.new())
    for wrong in (unknown, customer_ids[0], "Resellers"):
        assert await refusals(execute, document, id=wrong, customerIds=customer_ids) == [("NOT_FOUND", ["id"])]
    assert await stored(context) == before


async def test_a_customer_of_another_organization_is_as_unknown_as_any(context: Context, execute: Execute) -> None:
    other = Context(context.engine, Viewer(ids.new(), "Olaf", StaffRole.ADMIN))
    await ensure(context.engine, other.organization_id)
    async with other.transaction() as transaction:
        foreign_id = await customers.create(transaction, values={"name": "Elsewhere"})
    group = await create(execute, "Resellers")
    before = await stored(context)
    foreign = ids.encode(Kind.CUSTOMER, foreign_id)
    payload = await ask(execute, MEMBERS_ADD, input={"id": group["id"], "customerIds": [foreign]})
    assert payload["userErrors"] == [
        {"code": "NOT_FOUND", "message": f"There is no customer {foreign}.", "field": ["customerIds", "0"]}
    ]
    assert await stored(context) == before


@pytest.mark.parametrize("document", [MEMBERS_ADD, MEMBERS_REMOVE])
async def test_a_request_takes_a_thousand_customers_and_no_more(
    context: Context, execute: Execute, customer_ids: list[str], document: str
) -> None:
    group = await create(execute, "Resellers")
    before = await stored(context)
    many = customer_ids[:1] * 1001
    assert await refusals(execute, document, id=group["id"], customerIds=many) == [("INVALID_INPUT", ["customerIds"])]
    assert await stored(context) == before
    payload = await ask(execute, document, input={"id": group["id"], "customerIds": many[:1000]})
    assert payload["userErrors"] == []


async def test_adding_many_customers_takes_as_many_statements_as_adding_one(
    counting: Counting, execute: Execute, customer_ids: list[str]
) -> None:
    one, many = await create(execute, "One"), await create(execute, "Many")
    with counting() as for_one:
        await add(execute, one["id"], customer_ids[0])
    with counting() as for_many:
        await add(execute, many["id"], *customer_ids)
    assert len(for_many) == len(for_one)


async def test_a_customer_names_its_groups_in_rank_order(execute: Execute, customer_ids: list[str]) -> None:
    direct = await create(execute, "Direct", rank=3)
    resellers = await create(execute, "Resellers", rank=1)
    enterprise = await create(execute, "Enterprise", rank=2)
    for group in (direct, resellers, enterprise):
        await add(execute, group["id"], customer_ids[0])
    await add(execute, enterprise["id"], customer_ids[1])
    listed = await ask(execute, "{ customers { nodes { name groups { name rank } } } }")
    assert [(node["name"], [group["name"] for group in node["groups"]]) for node in listed["nodes"]] == [
        ("Aldgate Networks", ["Resellers", "Enterprise", "Direct"]),
        ("Aldgate Lisbon", ["Enterprise"]),
        ("Aldgate Oslo", []),
    ]


async def test_members_come_in_pages_ordered_and_filtered_as_customers_are(execute: Execute, customer_ids: list[str]) -> None:
    group = await create(execute, "Resellers")
    await add(execute, group["id"], *customer_ids)
    page = """
    query ($id: ID!, $after: String) { customerGroup(by: {id: $id}) {
      customers(first: 2, after: $after, orderBy: [{field: NAME, direction: DESC}], filter: {name: {contains: "a"}}) {
        totalCount nodes { name } pageInfo { hasNextPage endCursor }
      }
    } }
    """
    first = (await ask(execute, page, id=group["id"]))["customers"]
    assert ([node["name"] for node in first["nodes"]], first["totalCount"]) == (["Aldgate Oslo", "Aldgate Networks"], 3)
    assert first["pageInfo"]["hasNextPage"] is True
    rest = (await ask(execute, page, id=group["id"], after=first["pageInfo"]["endCursor"]))["customers"]
    assert ([node["name"] for node in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (["Aldgate Lisbon"], False)


async def test_groups_and_members_of_many_take_one_statement_per_relation_and_level(
    counting: Counting, execute: Execute, customer_ids: list[str]
) -> None:
    for name in ("Resellers", "Enterprise", "Direct"):
        group = await create(execute, name)
        await add(execute, group["id"], *customer_ids)
    document = "{ customerGroups { nodes { name customers { totalCount nodes { name groups { name } } } } } }"
    with counting() as issued:
        listed = await ask(execute, document)
    everything = [node["name"] for node in listed["nodes"]]
    assert everything == ["Resellers", "Enterprise", "Direct"]
    assert all(node["customers"]["totalCount"] == len(NAMES) for node in listed["nodes"])
    assert all(
        [group["name"] for group in member["groups"]] == everything
        for node in listed["nodes"]
        for member in node["customers"]["nodes"]
    )
    # The groups, their members, how many those are, and the groups of each.
    assert len(issued) == 4


async def test_a_deleted_customer_leaves_its_groups(execute: Execute, customer_ids: list[str]) -> None:
    group = await create(execute, "Resellers")
    await add(execute, group["id"], *customer_ids)
    preview = await ask(execute, f'{{ customerDeletePreview(id: "{customer_ids[0]}") {{ confirmationToken }} }}')
    document = "mutation ($input: CustomerDeleteInput!) { customerDelete(input: $input) { userErrors { code } } }"
    deleted = await ask(execute, document, input={"id": customer_ids[0], "confirmationToken": preview["confirmationToken"]})
    assert deleted == {"userErrors": []}
    assert await members(execute, group["id"]) == ["Aldgate Lisbon", "Aldgate Oslo"]


async def test_a_customer_that_is_deleted_meanwhile_becomes_no_member(
    context: Context, execute: Execute, customer_ids: list[str]
) -> None:
    group = await create(execute, "Resellers")
    async with context.transaction() as transaction:
        await transaction.execute(
            text("delete from customers where organization_id = :organization_id and id = :id"),
            {"organization_id": context.organization_id, "id": ids.decode(Kind.CUSTOMER, customer_ids[1])},
        )
        adding = asyncio.create_task(refusals(execute, MEMBERS_ADD, id=group["id"], customerIds=customer_ids))
        await until_somebody_waits(context.engine)
    assert await adding == [("NOT_FOUND", ["customerIds", "1"])]
    assert await members(execute, group["id"]) == []


async def test_the_same_members_added_at_once_from_both_ends_are_members_once(
    context: Context, execute: Execute, customer_ids: list[str]
) -> None:
    group = await create(execute, "Resellers")
    await asyncio.gather(*(add(execute, group["id"], *customer_ids[::step]) for step in (1, -1) * 4))
    assert await members(execute, group["id"]) == list(NAMES)
    added = [row[0] for row in await recorded(context, "group.member_added") if row[0] is not None]
    assert added == [ids.decode(Kind.CUSTOMER, key) for key in customer_ids]


async def test_who_was_never_a_member_in_between_is_remembered_once_it_was_one(context: Context, execute: Execute) -> None:
    """Three requests wait for the same group, and go on in another order than they came: clocks of servers differ, too."""
    key = ids.decode(Kind.GROUP, (await create(execute, "Resellers"))["id"])
    branch = ids.decode(Kind.CUSTOMER, await customer(execute, "Branch"))
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    for minute, change in ((5, groups.join), (4, groups.leave), (5, groups.join), (9, groups.leave)):
        async with context.transaction() as transaction:
            transaction.now = noon + timedelta(minutes=minute)
            assert await change(transaction, key, [branch]) == [branch]
    async with context.transaction() as transaction:
        remembered = await transaction.rows(
            text("select added_at, removed_at from former_group_members where organization_id = :key and group_id = :group"),
            {"key": context.organization_id, "group": key},
        )
    assert [tuple(row) for row in remembered] == [(noon + timedelta(minutes=5), noon + timedelta(minutes=9))]
