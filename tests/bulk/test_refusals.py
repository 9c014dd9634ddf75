"""What makes no job: a selection or a patch that means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bulk.steps import group, many, members, price_list, update
from holdco import ids
from holdco.ids import Kind
from stories import Story

NO_GROUP = ids.encode(Kind.GROUP, ids.new())
NO_CUSTOMER = ids.encode(Kind.CUSTOMER, ids.new())
NO_PRICE_LIST = ids.encode(Kind.PRICE_LIST, ids.new())


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"ids": [NO_CUSTOMER, "Aldgate"]}, [("NOT_FOUND", ["selector", "ids", "1"])]),
        ({"ids": [NO_CUSTOMER, NO_CUSTOMER]}, [("NOT_FOUND", ["selector", "ids", "0"]), ("NOT_FOUND", ["selector", "ids", "1"])]),
        ({"ids": [NO_CUSTOMER] * 10_001}, [("INVALID_INPUT", ["selector", "ids"])]),
        ({"groupId": NO_GROUP}, [("NOT_FOUND", ["selector", "groupId"])]),
        ({"groupId": NO_CUSTOMER}, [("NOT_FOUND", ["selector", "groupId"])]),
        ({"subtreeOf": NO_CUSTOMER}, [("NOT_FOUND", ["selector", "subtreeOf"])]),
        ({"subtreeOf": NO_GROUP}, [("NOT_FOUND", ["selector", "subtreeOf"])]),
        ({"filter": {"parentId": {"eq": NO_GROUP}}}, [("INVALID_INPUT", ["selector", "filter"])]),
        ({"filter": {"number": {"in": ["1"] * 1001}}}, [("INVALID_INPUT", ["selector", "filter"])]),
    ],
)
async def test_a_selection_of_what_there_is_not_is_refused(story: Story, selector: dict[str, Any], expected: Any) -> None:
    assert await story.refused("customersBulkUpdate", selector=selector, patch={"role": "BRANCH"}) == expected


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({}, [("INVALID_INPUT", ["patch"])]),
        ({"groupsAdd": [], "groupsRemove": [], "terms": {}, "customFields": {}}, [("INVALID_INPUT", ["patch"])]),
        ({"groupsAdd": [NO_GROUP]}, [("NOT_FOUND", ["patch", "groupsAdd", "0"])]),
        ({"groupsAdd": ["Resellers"]}, [("NOT_FOUND", ["patch", "groupsAdd", "0"])]),
        ({"groupsRemove": [NO_GROUP] * 21}, [("INVALID_INPUT", ["patch", "groupsRemove"])]),
        ({"terms": {"discountPercent": "100.01"}}, [("PERCENT_OUT_OF_RANGE", ["patch", "terms", "discountPercent"])]),
        ({"terms": {"discountPercent": "-1"}}, [("PERCENT_OUT_OF_RANGE", ["patch", "terms", "discountPercent"])]),
        ({"terms": {"priceListId": NO_PRICE_LIST}}, [("NOT_FOUND", ["patch", "terms", "priceListId"])]),
        (
            {"terms": {"paymentTerms": {"kind": "END_OF_MONTH", "netDays": 3}}},
            [("INVALID_INPUT", ["patch", "terms", "paymentTerms", "netDays"])],
        ),
        ({"status": "MERGED"}, [("INVALID_INPUT", ["patch", "status"])]),
        ({"customFields": [1]}, [("INVALID_INPUT", ["patch", "customFields"])]),
        (
            {"groupsAdd": [NO_GROUP], "status": "MERGED", "terms": {"discountPercent": "101"}},
            [
                ("INVALID_INPUT", ["patch", "status"]),
                ("NOT_FOUND", ["patch", "groupsAdd", "0"]),
                ("PERCENT_OUT_OF_RANGE", ["patch", "terms", "discountPercent"]),
            ],
        ),
    ],
)
async def test_a_patch_that_nobody_could_be_given_is_refused(story: Story, patch: dict[str, Any], expected: Any) -> None:
    await story.customer("Aldgate Networks")
    assert await story.refused("customersBulkUpdate", selector={"filter": {}}, patch=patch) == expected


async def test_what_is_inactive_or_both_added_and_removed_is_refused(story: Story) -> None:
    resellers = await group(story, "Resellers")
    old = await price_list(story, "Old", is_active=False)
    given = {"groupsAdd": [resellers], "groupsRemove": [resellers], "terms": {"priceListId": old}}
    assert await story.refused("customersBulkUpdate", selector={"filter": {}}, patch=given) == [
        ("INVALID_INPUT", ["patch", "groupsRemove", "0"]),
        ("PRICE_LIST_INACTIVE", ["patch", "terms", "priceListId"]),
    ]


async def test_a_selection_may_be_of_nobody(story: Story) -> None:
    resellers = await group(story, "Resellers")
    payload = await story.do("customersBulkUpdate", selector={"groupId": resellers}, patch={"role": "BRANCH"})
    assert (payload["job"]["status"], payload["job"]["totalCount"]) == ("SUCCEEDED", 0)


async def test_each_selector_finds_its_customers_and_each_of_them_once(story: Story) -> None:
    root = await story.customer("Aldgate Networks")
    below = await story.customer("Aldgate Lisbon", under=root)
    other = await story.customer("Castell Holdings", number="C-1")
    resellers, direct = await group(story, "Resellers"), await group(story, "Direct")
    await story.do("customerGroupMembersAdd", id=direct, customerIds=[other])
    for selector, expected in (
        ({"ids": [other, root, other]}, [root, other]),
        ({"groupId": direct}, [other]),
        ({"subtreeOf": root}, [root, below]),
        ({"filter": {"number": {"startsWith": "C-1"}}}, [other]),
        ({"filter": {"groupId": {"eq": None}}}, [root, below]),
        ({"filter": {"groupId": {"in": [direct, resellers]}}}, [other]),
        ({"filter": {}}, [root, below, other]),
    ):
        await update(story, selector, {"groupsAdd": [resellers]})
        assert await members(story, resellers) == sorted(expected)
        await update(story, {"filter": {}}, {"groupsRemove": [resellers]})
        assert await members(story, resellers) == []


async def test_members_are_added_and_removed_by_a_selector(story: Story) -> None:
    root = await story.customer("Aldgate Networks")
    below = await story.customer("Aldgate Lisbon", under=root)
    resellers = await group(story, "Resellers")
    await story.do("customerGroupMembersAdd", id=resellers, selector={"subtreeOf": root})
    assert await members(story, resellers) == sorted([root, below])
    await story.do("customerGroupMembersRemove", id=resellers, selector={"filter": {"isRoot": True}})
    assert await members(story, resellers) == [below]


async def test_members_are_given_in_one_way_and_not_by_thousands(story: Story) -> None:
    keys = await many(story, 1001)
    resellers = await group(story, "Resellers")
    for mutation in ("customerGroupMembersAdd", "customerGroupMembersRemove"):
        assert await story.refused(mutation, id=resellers) == [("INVALID_INPUT", ["customerIds"])]
        both = {"customerIds": keys[:1], "selector": {"ids": keys[:1]}}
        assert await story.refused(mutation, id=resellers, **both) == [("INVALID_INPUT", ["customerIds"])]
        assert await story.refusals(mutation, id=resellers, selector={"filter": {}}) == [
            ("INVALID_INPUT", ["selector"], "These are more than 1000 customers. customersBulkUpdate takes as many.")
        ]
        assert await story.refused(mutation, id=resellers, selector={"subtreeOf": NO_CUSTOMER}) == [
            ("NOT_FOUND", ["selector", "subtreeOf"])
        ]
        assert await story.refused(mutation, id=resellers, selector={"ids": ["Aldgate"]}) == [
            ("NOT_FOUND", ["selector", "ids", "0"])
        ]
    await story.do("customerGroupMembersAdd", id=resellers, selector={"ids": keys[:1000]})
    assert await members(story, resellers) == keys[:1000]


async def test_customers_are_listed_by_their_groups(story: Story) -> None:
    one, two, three = [await story.customer(name) for name in ("One", "Two", "Three")]
    resellers, direct = await group(story, "Resellers"), await group(story, "Direct")
    await story.do("customerGroupMembersAdd", id=resellers, customerIds=[one])
    await story.do("customerGroupMembersAdd", id=direct, customerIds=[one, two])
    document = "query ($filter: CustomerFilter) { customers(filter: $filter) { totalCount nodes { id } } }"
    for condition, expected in (
        ({"eq": resellers}, [one]),
        ({"in": [resellers, direct]}, [one, two]),
        ({"eq": None}, [three]),
        ({"eq": NO_GROUP}, []),
    ):
        found = (await story.ask(document, filter={"groupId": condition}))["customers"]
        assert (found["totalCount"], [node["id"] for node in found["nodes"]]) == (len(expected), expected)
