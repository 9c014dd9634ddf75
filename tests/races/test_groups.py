"""Races about terms and groups: one row holds at a time, and nobody joins a group that is gone (domain.md G3, G8)."""

from __future__ import annotations

import asyncio

from races.racing import codes, race
from stories import Story
from terms.steps import accept, effective, group, told

ROUNDS = 12


async def test_of_two_who_set_a_customers_terms_at_once_the_later_one_is_followed(story: Story) -> None:
    key = await story.customer("Branch")
    for number in range(ROUNDS):
        percents = [str(2 * number + 1), str(2 * number + 2)]
        attempts = [story.attempt("customerTermsSet", id=key, discountPercent=percent) for percent in percents]
        first, second = await race(*attempts)
        versions = [answer["customer"]["version"] for answer in (first, second)]
        assert max(versions) == 2 * number + 3
        found = (await effective(story, key))["discountPercent"]
        assert found["version"] == 2 * number + 2
        assert told(found)[0][0] in percents


async def test_who_would_set_terms_of_a_version_that_is_gone_is_refused_in_a_race_too(story: Story) -> None:
    key = await story.customer("Branch")
    for number in range(1, ROUNDS + 1):
        attempts = [
            story.attempt("customerTermsSet", id=key, version=number, discountPercent=f"{number}.{place}") for place in (1, 2)
        ]
        assert sorted(map(codes, await race(*attempts))) == [[], ["STALE_VERSION"]]


async def test_nobody_is_in_a_group_that_is_deleted_at_the_same_time(story: Story) -> None:
    branch = await story.customer("Branch")
    outcomes = set()
    for number in range(ROUNDS):
        key = await group(story, f"Group {number}", discountPercent="5")
        added, deleted = await race(
            story.attempt("customerGroupMembersAdd", id=key, customerIds=[branch]),
            story.attempt("customerGroupDelete", id=key),
        )
        outcome = (*codes(added), *codes(deleted))
        outcomes.add(outcome)
        found = (await effective(story, branch))["discountPercent"]
        assert told(found)[0][1] == ("NONE" if outcome == ("NOT_FOUND",) else "GROUP")
        if outcome == ("GROUP_HAS_MEMBERS",):
            await story.do("customerGroupMembersRemove", id=key, customerIds=[branch])
    assert outcomes <= {("NOT_FOUND",), ("GROUP_HAS_MEMBERS",)}


async def test_two_groups_that_send_their_members_to_each_other_do_not_wait_for_ever(story: Story) -> None:
    one, two = await story.customer("One"), await story.customer("Two")
    for number in range(ROUNDS):
        first, second = await group(story, f"First {number}", one), await group(story, f"Second {number}", two)
        answers = await race(
            story.attempt("customerGroupDelete", id=first, moveMembersTo=second),
            story.attempt("customerGroupDelete", id=second, moveMembersTo=first),
        )
        assert sorted(map(codes, answers)) == [[], ["NOT_FOUND"]]


async def test_what_is_accepted_while_the_member_leaves_ends_with_the_membership(story: Story) -> None:
    branch = await story.customer("Branch")
    key = await group(story, "Resellers", discountPercent="5", modes={"discountPercent": "OPT_IN"})
    given = {"customerId": branch, "groupId": key, "field": "DISCOUNT_PERCENT", "acceptance": "FOLLOW"}
    for _ in range(ROUNDS):
        await story.do("customerGroupMembersAdd", id=key, customerIds=[branch])
        accepted, removed = await race(
            story.attempt("groupTermAccept", **given),
            story.attempt("customerGroupMembersRemove", id=key, customerIds=[branch]),
        )
        assert codes(accepted) in ([], ["NOT_A_MEMBER"])
        assert codes(removed) == []
        open_rows = [row for table, row in await story.everything() if table == "term_acceptances" and '"valid_to": null' in row]
        assert open_rows == []


async def test_one_of_two_acceptances_at_once_holds(story: Story) -> None:
    branch = await story.customer("Branch")
    key = await group(story, "Resellers", branch, discountPercent="5", modes={"discountPercent": "OPT_IN"})
    for _ in range(ROUNDS):
        kinds = ("FOLLOW", "PINNED")
        await asyncio.gather(*(accept(story, branch, key, "DISCOUNT_PERCENT", kind) for kind in kinds))
        found = (await effective(story, branch))["discountPercent"]
        assert found["acceptance"] in kinds
        assert found["candidates"] == []
