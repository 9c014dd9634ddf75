"""Deletion of groups: refused with members unless it is said where they go; then the group is found nowhere (domain.md G8)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from bulk.steps import many
from directly import directly
from holdco import ids
from holdco.groups.deletion import MOVED_MAX
from holdco.ids import Kind
from stories import Story
from terms.steps import accept, effective, group, told

EVERYWHERE = """query ($id: ID!) {
  byId: customerGroup(by: {id: $id}) { name } byName: customerGroup(by: {name: "Resellers"}) { name }
  node(id: $id) { id } nodes(ids: [$id]) { id } customerGroups { totalCount nodes { name rank } }
}"""


async def members(story: Story, group_id: str) -> list[str]:
    document = "query ($id: ID!) { customerGroup(by: {id: $id}) { customers { nodes { name } } } }"
    return [node["name"] for node in (await story.ask(document, id=group_id))["customerGroup"]["customers"]["nodes"]]


async def discount(story: Story, customer_id: str) -> Any:
    return told((await effective(story, customer_id))["discountPercent"])[0][:3]


async def test_a_deleted_group_is_found_nowhere_and_leaves_its_name_and_rank(story: Story) -> None:
    key = await group(story, "Resellers", discountPercent="5")
    await group(story, "Enterprise")
    deleted = await story.do("customerGroupDelete", id=key, version=2)
    assert deleted == {"deletedCustomerGroupId": key, "movedMemberCount": 0, "userErrors": []}
    assert await story.ask(EVERYWHERE, id=key) == {
        "byId": None,
        "byName": None,
        "node": None,
        "nodes": [None],
        "customerGroups": {"totalCount": 1, "nodes": [{"name": "Enterprise", "rank": 2}]},
    }
    await story.do("customerGroupCreate", name="Resellers", rank=1)
    found = (await story.ask("{ customerGroups { nodes { name rank discountPercent } } }"))["customerGroups"]["nodes"]
    assert found == [
        {"name": "Resellers", "rank": 1, "discountPercent": None},
        {"name": "Enterprise", "rank": 2, "discountPercent": None},
    ]


async def test_nothing_can_be_done_with_a_deleted_group(story: Story) -> None:
    branch = await story.customer("Branch")
    key, other = await group(story, "Resellers"), await group(story, "Enterprise")
    await story.do("customerGroupDelete", id=key)
    gone = [("NOT_FOUND", ["id"])]
    for mutation, given in (
        ("customerGroupUpdate", {"name": "New"}),
        ("customerGroupMembersAdd", {"customerIds": [branch]}),
        ("customerGroupMembersRemove", {"customerIds": [branch]}),
        ("customerGroupTermsSet", {"discountPercent": "5"}),
        ("customerGroupDelete", {}),
    ):
        assert await story.refused(mutation, id=key, **given) == gone
    assert await story.refused("customerGroupDelete", id=other, moveMembersTo=key) == [("NOT_FOUND", ["moveMembersTo"])]
    given = {"customerId": branch, "groupId": key, "field": "DISCOUNT_PERCENT", "acceptance": "FOLLOW"}
    assert await story.refused("groupTermAccept", **given) == [("NOT_FOUND", ["groupId"])]


async def test_a_group_with_members_is_not_deleted(story: Story) -> None:
    branch = await story.customer("Branch")
    key = await group(story, "Resellers", branch, discountPercent="5")
    assert await story.refused("customerGroupDelete", id=key) == [("GROUP_HAS_MEMBERS", ["id"])]
    assert await story.refused("customerGroupDelete", id=key, version=1) == [("STALE_VERSION", ["version"])]
    assert await story.refused("customerGroupDelete", id=key, moveMembersTo=key) == [("INVALID_INPUT", ["moveMembersTo"])]


async def test_members_go_to_another_group_and_what_they_accepted_ends(story: Story) -> None:
    one, two = await story.customer("One"), await story.customer("Two")
    key = await group(story, "Resellers", one, two, discountPercent="5", modes={"discountPercent": "OPT_IN"})
    await accept(story, one, key, "DISCOUNT_PERCENT")
    other = await group(story, "Enterprise", two, discountPercent="7")
    assert await discount(story, one) == ("5", "GROUP", "Resellers")
    assert (await story.do("customerGroupDelete", id=key, moveMembersTo=other))["movedMemberCount"] == 2
    assert await members(story, other) == ["One", "Two"]
    assert await discount(story, one) == ("7", "GROUP", "Enterprise")
    found = (await effective(story, one))["discountPercent"]
    assert found["candidates"] == []
    open_rows = [row for table, row in await story.everything() if table == "term_acceptances" and '"valid_to": null' in row]
    assert open_rows == []


async def test_a_deletion_is_on_record_with_all_who_were_moved(story: Story) -> None:
    branch = await story.customer("Branch")
    key, other = await group(story, "Resellers", branch), await group(story, "Enterprise")
    await story.do("customerGroupDelete", id=key, moveMembersTo=other)
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity(first: 2) { nodes { action subjectId } } } }"
    entries = (await story.ask(document, id=branch))["customer"]["activity"]["nodes"]
    assert entries == [
        {"action": "group.member_added", "subjectId": other},
        {"action": "group.member_removed", "subjectId": key},
    ]
    deleted = [row for table, row in await story.everything() if table == "activity" and "group.deleted" in row]
    assert len(deleted) == 1
    assert f'"moveMembersTo": "{other}"' in deleted[0]


async def test_more_members_than_a_request_may_hold_are_not_moved(story: Story) -> None:
    keys = await many(story, MOVED_MAX + 1)
    key, other = await group(story, "Resellers"), await group(story, "Enterprise")
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text(
                "insert into group_members (organization_id, group_id, customer_id, added_at, actor)"
                " select organization_id, :group, id, now(), 'tester' from customers where organization_id = :key"
            ),
            {"key": story.organization_id, "group": ids.decode(Kind.GROUP, key)},
        )
    refused = await story.attempt("customerGroupDelete", id=key, moveMembersTo=other)
    assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [("INVALID_INPUT", ["moveMembersTo"])]
    assert await members(story, other) == []
    await story.do("customerGroupMembersRemove", id=key, customerIds=keys[:1])
    moved = await story.do("customerGroupDelete", id=key, moveMembersTo=other)
    assert moved["movedMemberCount"] == MOVED_MAX
