"""What a bulk update makes of each customer, and of terms that shadow those of a group (domain.md G13)."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import text

from bulk.steps import discounts, entries, group, job, many, members, outcomes, own_discount, price_list, rows, update
from directly import directly
from holdco import ids
from holdco.ids import Kind
from holdco.terms.precedence import TermMode
from stories import Story


async def test_each_customer_is_updated_unchanged_failed_or_skipped(story: Story) -> None:
    resellers, direct = await group(story, "Resellers"), await group(story, "Direct")
    euros = await price_list(story, "Euros", currency="EUR")
    new, old, dollars, closed = (
        await story.customer("New", currency="EUR"),
        await story.customer("Old", currency="EUR"),
        await story.customer("Dollars", currency="USD"),
        await story.customer("Closed", currency="EUR"),
    )
    await story.do("customerDeactivate", id=closed)
    patch = {"groupsAdd": [resellers], "groupsRemove": [direct], "role": "BRANCH", "terms": {"priceListId": euros}}
    await update(story, {"ids": [old]}, patch)
    await story.do("customerGroupMembersAdd", id=direct, customerIds=[new])
    made = await update(story, {"ids": [closed, dollars, old, new]}, patch)
    found = await job(story, made)
    assert {
        name: found[name] for name in ("status", "totalCount", "doneCount", "overridePolicy", "isDryRun", "actor", "error")
    } == {
        "status": "SUCCEEDED",
        "totalCount": 4,
        "doneCount": 4,
        "overridePolicy": "KEEP",
        "isDryRun": False,
        "actor": "tester",
        "error": None,
    }
    assert found["startedAt"] is not None
    assert found["finishedAt"] is not None
    assert [found[f"{result}Count"] for result in ("updated", "unchanged", "failed", "skipped")] == [1, 1, 1, 1]
    done = {"groupsAdded": [resellers], "groupsRemoved": [direct], "termsSet": ["PRICE_LIST"], "fields": ["role"]}
    assert await outcomes(story, made) == {
        new: ("UPDATED", None, done),
        old: ("UNCHANGED", None, None),
        dollars: ("FAILED", "CURRENCY_MISMATCH", None),
        closed: ("SKIPPED", "CUSTOMER_INACTIVE", None),
    }
    assert [row["customer"]["id"] for row in await rows(story, made, "FAILED")] == [dollars]
    assert await members(story, resellers) == sorted([new, old])
    assert await members(story, direct) == []


async def test_each_change_is_on_record_for_its_customer_and_the_job_once(story: Story) -> None:
    resellers = await group(story, "Resellers")
    one, two = await many(story, 2)
    await update(story, {"ids": [one]}, {"groupsAdd": [resellers]})
    made = await update(story, {"ids": [one, two]}, {"groupsAdd": [resellers]})
    assert (await entries(story, "customer.bulk_updated"))[1:] == [(two, {"job": made, "groupsAdded": [resellers]})]
    counts = {"updated": 1, "unchanged": 1, "failed": 0, "skipped": 0}
    assert (await entries(story, "bulk_job.completed"))[1:] == [(made, counts)]
    assert await entries(story, "group.member_added") == []


async def test_own_terms_that_shadow_a_groups_are_kept_and_told(story: Story) -> None:
    first, second = await group(story, "First", discount="5"), await group(story, "Second", discount="12.5")
    override, plain, elsewhere = await many(story, 3)
    await own_discount(story, override, "0")
    await story.do("customerGroupMembersAdd", id=first, customerIds=[elsewhere])
    made = await update(story, {"ids": [override, plain, elsewhere]}, {"groupsAdd": [second]})

    def shadowed(by: str) -> dict[str, object]:
        return {
            "groupsAdded": [second],
            "shadowed": [{"field": "DISCOUNT_PERCENT", "groupId": second, "shadowedBy": by}],
        }

    assert await outcomes(story, made) == {
        override: ("UPDATED", None, shadowed("CUSTOMER")),
        plain: ("UPDATED", None, {"groupsAdded": [second]}),
        elsewhere: ("UPDATED", None, shadowed("GROUP")),
    }
    assert await discounts(story, override, plain) == [Decimal(0), None]


async def test_own_terms_that_shadow_a_groups_are_cleared_where_that_is_asked_for(story: Story) -> None:
    resellers = await group(story, "Resellers", discount="12.5")
    offering = await group(story, "Offering", discount="20", mode=TermMode.OPT_IN)
    override, member, untouched = await many(story, 3)
    for key in (override, member, untouched):
        await own_discount(story, key, "3")
    await story.do("customerGroupMembersAdd", id=resellers, customerIds=[member])
    made = await update(story, {"ids": [override, member]}, {"groupsAdd": [resellers]}, overridePolicy="CLEAR")
    assert await outcomes(story, made) == {
        override: ("UPDATED", None, {"groupsAdded": [resellers], "termsCleared": ["DISCOUNT_PERCENT"]}),
        member: ("UPDATED", None, {"termsCleared": ["DISCOUNT_PERCENT"]}),
    }
    # Nobody loses his own for what a group only offers.
    made = await update(story, {"ids": [untouched]}, {"groupsAdd": [offering]}, overridePolicy="CLEAR")
    assert await outcomes(story, made) == {untouched: ("UPDATED", None, {"groupsAdded": [offering]})}
    assert await discounts(story, override, member, untouched) == [None, None, Decimal(3)]


async def test_nobody_loses_his_own_price_list_for_one_that_does_not_apply_to_him(story: Story) -> None:
    dollars, euros = await story.customer("Dollars"), await story.customer("Euros", currency="EUR")
    own = {dollars: await price_list(story, "Own"), euros: await price_list(story, "Own in euros", currency="EUR")}
    for key, listed in own.items():
        await story.do("customerTermsSet", id=key, priceListId=listed)
    resellers, ended = await group(story, "Resellers"), await group(story, "Ended")
    late = await price_list(story, "Late")
    await story.do("customerGroupTermsSet", id=ended, priceListId=late)
    await story.do("priceListUpdate", id=late, isActive=False)
    await story.do("customerGroupTermsSet", id=resellers, priceListId=await price_list(story, "Resellers' in dollars"))

    made = await update(story, {"ids": [dollars]}, {"groupsAdd": [ended]}, overridePolicy="CLEAR")
    lost = {"field": "PRICE_LIST", "groupId": ended, "skippedReason": "PRICE_LIST_INACTIVE"}
    assert await outcomes(story, made) == {dollars: ("UPDATED", None, {"groupsAdded": [ended], "shadowed": [lost]})}
    made = await update(story, {"ids": [dollars, euros]}, {"groupsAdd": [resellers]}, overridePolicy="CLEAR")
    lost = {"field": "PRICE_LIST", "groupId": resellers, "skippedReason": "CURRENCY_MISMATCH"}
    assert await outcomes(story, made) == {
        dollars: ("UPDATED", None, {"groupsAdded": [resellers], "termsCleared": ["PRICE_LIST"]}),
        euros: ("UPDATED", None, {"groupsAdded": [resellers], "shadowed": [lost]}),
    }


async def test_what_the_patch_says_of_terms_is_set_whatever_the_policy(story: Story) -> None:
    resellers = await group(story, "Resellers", discount="12.5")
    for policy in ("KEEP", "CLEAR"):
        (key,) = [await story.customer(policy)]
        await own_discount(story, key, "3")
        patch = {"groupsAdd": [resellers], "terms": {"discountPercent": "7", "paymentTerms": {"kind": "NET", "netDays": 45}}}
        made = await update(story, {"ids": [key]}, patch, overridePolicy=policy)
        details = {
            "groupsAdded": [resellers],
            "termsSet": ["DISCOUNT_PERCENT", "PAYMENT_TERMS"],
            "shadowed": [{"field": "DISCOUNT_PERCENT", "groupId": resellers, "shadowedBy": "CUSTOMER"}],
        }
        assert await outcomes(story, made) == {key: ("UPDATED", None, details)}
        assert await discounts(story, key) == [Decimal(7)]
        made = await update(story, {"ids": [key]}, {"terms": {"discountPercent": None}}, overridePolicy=policy)
        assert await outcomes(story, made) == {key: ("UPDATED", None, {"termsCleared": ["DISCOUNT_PERCENT"]})}
        assert await discounts(story, key) == [None]


async def test_custom_fields_are_set_and_removed_by_name_and_others_stay(story: Story) -> None:
    one = await story.customer("One", customFields={"region": "EU", "tier": 1})
    none = await story.customer("None")
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { customFields version } } }"

    async def shown() -> list[tuple[object, int]]:
        found = await story.ask(document, ids=[one, none])
        return [(node["customFields"], node["version"]) for node in found["nodes"]]

    await update(story, {"ids": [one, none]}, {"customFields": {"region": "US", "tier": None}})
    assert await shown() == [({"region": "US"}, 2), ({"region": "US"}, 2)]
    await update(story, {"ids": [one]}, {"customFields": {"region": "US"}})
    await update(story, {"ids": [none]}, {"customFields": None})
    assert await shown() == [({"region": "US"}, 2), (None, 3)]


async def test_customers_end_and_resume_business_together(story: Story) -> None:
    one, two = await many(story, 2)
    await update(story, {"ids": [one]}, {"status": "INACTIVE"})
    made = await update(story, {"ids": [one, two]}, {"status": "INACTIVE", "role": "BRANCH"})
    assert await outcomes(story, made) == {
        one: ("SKIPPED", "CUSTOMER_INACTIVE", None),
        two: ("UPDATED", None, {"fields": ["role", "status"]}),
    }
    made = await update(story, {"ids": [one, two]}, {"status": "ACTIVE"})
    assert await outcomes(story, made) == dict.fromkeys((one, two), ("UPDATED", None, {"fields": ["status"]}))


async def test_a_row_that_the_database_refuses_fails_alone(story: Story) -> None:
    keys = await many(story, 9)
    async with directly(story.engine, story.organization_id) as connection:
        # Of this one the version cannot be counted up any more.
        await connection.execute(
            text("update customers set version = 2147483647 where organization_id = :organization_id and id = :id"),
            {"organization_id": story.organization_id, "id": ids.decode(Kind.CUSTOMER, keys[5])},
        )
    made = await update(story, {"ids": keys}, {"role": "BRANCH"})
    expected = {key: ("UPDATED", None, {"fields": ["role"]}) for key in keys}
    assert await outcomes(story, made) == {**expected, keys[5]: ("FAILED", "NOT_DONE", None)}
    assert len(await entries(story, "customer.bulk_updated")) == 8
