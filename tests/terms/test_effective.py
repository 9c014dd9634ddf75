"""Effective terms of many customers by one statement, of past days, and for whom they are (domain.md G5, G10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from access.people import client_user
from directly import directly
from holdco.context import Context
from holdco.terms.loaders import CandidatesByCustomerId
from holdco.terms.precedence import TermField
from holdco.viewer import ClientUserRole
from stories import Story
from terms.steps import PASSES, accept, effective, group, price_list, told

Counting = Callable[[], Any]

NESTED = """query ($first: Int) { customers(first: $first, filter: {isRoot: true}) { nodes { name
  effectiveTerms { discountPercent { value source } priceList { source value { name } } }
  children { nodes { name effectiveTerms { discountPercent { value source } priceList { source value { name } } } } }
} } }"""
CURRENCIES = """query { customers(first: 200) { nodes { name
  effectiveTerms { priceList { source } }
  inEuros: effectiveTerms(currency: EUR) { priceList { source } }
  inDollars: effectiveTerms(currency: USD) { priceList { source candidates { skippedReason } } }
} } }"""


async def family(story: Story, roots: int) -> None:
    """Head offices with a branch each, half of which get their terms by the link."""
    made = " ".join(
        f'h{number}: customerCreate(input: {{name: "Head {number}"}}) {{ customer {{ id }} }}' for number in range(roots)
    )
    heads = [each["customer"]["id"] for each in (await story.ask(f"mutation {{ {made} }}")).values()]
    made = " ".join(
        f'b{number}: customerCreate(input: {{name: "Branch {number}", parent: {{id: "{head}", access: {{view: true, pay: true,'
        f" manage: false, inheritTerms: {'true' if number % 2 else 'false'}}}}}}}) {{ customer {{ id }} }}"
        for number, head in enumerate(heads)
    )
    await story.ask(f"mutation {{ {made} }}")
    listed = await price_list(story, "Reseller prices")
    await group(story, "Resellers", *heads, discountPercent="5", priceListId=listed)


@pytest.mark.parametrize("roots", [2, 40])
async def test_two_levels_of_customers_take_one_statement_for_their_terms(story: Story, counting: Counting, roots: int) -> None:
    await family(story, roots)
    with counting() as issued:
        found = (await story.ask(NESTED, first=200))["customers"]["nodes"]
    # The page, the children, the day, the terms of both levels, the price lists.
    assert len(issued) == 5
    assert len([statement for statement in issued.statements if "lineage" in statement]) == 1
    assert len(found) == roots
    resellers = {"discountPercent": {"value": "5.000000", "source": "GROUP"}}
    resellers["priceList"] = {"source": "GROUP", "value": {"name": "Reseller prices"}}
    passed = {name: {**term, "source": "ANCESTOR"} for name, term in resellers.items()}
    nothing = {name: {"value": None, "source": "NONE"} for name in resellers}
    for head in found:
        (branch,) = head["children"]["nodes"]
        assert head["effectiveTerms"] == resellers
        assert branch["effectiveTerms"] == (passed if int(branch["name"].split()[1]) % 2 else nothing)


async def test_all_currencies_share_the_statement(story: Story, counting: Counting) -> None:
    branch = await story.customer("Branch", currency="EUR")
    await group(story, "Resellers", branch, priceListId=await price_list(story, "Euros", "EUR"))
    with counting() as issued:
        (found,) = (await story.ask(CURRENCIES))["customers"]["nodes"]
    assert len(issued) == 3
    assert found == {
        "name": "Branch",
        "effectiveTerms": {"priceList": {"source": "GROUP"}},
        "inEuros": {"priceList": {"source": "GROUP"}},
        "inDollars": {"priceList": {"source": "NONE", "candidates": [{"skippedReason": "CURRENCY_MISMATCH"}]}},
    }


async def test_a_thousand_customers_take_one_statement(story: Story, context: Context, engine: AsyncEngine) -> None:
    head = await story.customer("Head")
    await story.do("customerTermsSet", id=head, discountPercent="3")
    async with directly(engine, story.organization_id) as connection:
        of = {"o": story.organization_id}
        await connection.execute(
            text(
                "insert into customers (organization_id, id, number, name, kind, status, currency, parent_id, created_at,"
                " updated_at, version) select :o, gen_random_uuid(), 'N' || n, 'Branch', 'BUSINESS', 'ACTIVE', 'USD',"
                " (select id from customers where organization_id = :o and name = 'Head'), now(), now(), 1"
                " from generate_series(1, 1000) n"
            ),
            of,
        )
        await connection.execute(
            text(
                "insert into parent_links (organization_id, id, child_id, parent_id, valid_from, view, pay, manage,"
                " inherit_terms, actor) select :o, gen_random_uuid(), id, parent_id, now(), true, true, false, true, 'tester'"
                " from customers where organization_id = :o and parent_id is not null"
            ),
            of,
        )
        rows = await connection.execute(text("select id from customers where organization_id = :o and name = 'Branch'"), of)
        keys = [row[0] for row in rows]
    found = await context.loader(CandidatesByCustomerId).load_level(keys)
    assert context.statement_count == 1
    assert {len(found[key][TermField.DISCOUNT_PERCENT]) for key in keys} == {1}
    assert {str(found[key][TermField.DISCOUNT_PERCENT][0].value) for key in keys} == {"3.000000"}
    assert len(found) == 1000


async def backdate(story: Story, days: int) -> None:
    """Everything that has happened until now happened so many days earlier."""
    columns = {
        "terms": ("valid_from", "valid_to"),
        "term_acceptances": ("valid_from", "valid_to"),
        "parent_links": ("valid_from", "valid_to"),
        "group_members": ("added_at",),
        "former_group_members": ("added_at", "removed_at"),
        "former_group_ranks": ("valid_to",),
        "price_list_versions": ("valid_from", "valid_to"),
        "price_lists": ("inactivated_at",),
        "customer_groups": ("deleted_at",),
    }
    async with directly(story.engine, story.organization_id) as connection:
        for table, names in columns.items():
            moved = ", ".join(f"{name} = {name} - make_interval(days => :days)" for name in names)
            await connection.execute(
                text(f"update {table} set {moved} where organization_id = :o"), {"days": days, "o": story.organization_id}
            )


async def test_a_past_day_is_answered_from_history(story: Story) -> None:
    """Each change three days after the one before."""
    branch, head = await story.customer("Branch"), await story.customer("Head")
    await story.do("customerTermsSet", id=head, discountPercent="2")
    await story.move(branch, head, access=PASSES)
    await backdate(story, 3)
    listed = await price_list(story, "Reseller prices")
    key = await group(story, "Resellers", branch, discountPercent="5", priceListId=listed, modes={"discountPercent": "OPT_IN"})
    await accept(story, branch, key, "DISCOUNT_PERCENT")
    await backdate(story, 3)
    await story.do("customerGroupTermsSet", id=key, discountPercent="6")
    await story.do("priceListUpdate", id=listed, percent="20")
    await backdate(story, 3)
    other = await group(story, "Enterprise")
    await story.do("customerGroupDelete", id=key, moveMembersTo=other)
    await backdate(story, 3)
    await story.do("customerTermsSet", id=branch, discountPercent="0")
    await backdate(story, 3)
    await story.do("customerTermsSet", id=branch, discountPercent=None)
    await story.move(branch, None)

    today = date.fromisoformat(await story.today())

    async def on(days: int) -> Any:
        found = await effective(story, branch, asOf=(today - timedelta(days=days)).isoformat())
        price = found["priceList"]["value"] and (found["priceList"]["value"]["name"], found["priceList"]["priceListVersion"])
        return (*told(found["discountPercent"]), price)

    assert await on(16) == ((None, "NONE", None, None), [], None)
    by_head = ("2", "ANCESTOR", "Head", "Head")
    assert await on(15) == await on(13) == (by_head, [], None)
    by_group = ("5", "GROUP", "Resellers", "Branch")
    assert await on(12) == await on(10) == (by_group, [("Head", "GROUP", None)], ("Reseller prices", 1))
    by_group = ("6", "GROUP", "Resellers", "Branch")
    assert await on(9) == await on(7) == (by_group, [("Head", "GROUP", None)], ("Reseller prices", 2))
    assert await on(6) == await on(4) == (by_head, [], None)
    assert await on(3) == await on(1) == (("0", "CUSTOMER", "Branch", "Branch"), [("Head", "CUSTOMER", None)], None)
    assert await on(0) == ((None, "NONE", None, None), [], None)
    # The group that was deleted explains the past, and is found by nobody.
    assert (await story.ask("query ($id: ID!) { node(id: $id) { id } }", id=key))["node"] is None


async def test_groups_went_before_one_another_as_they_were_ranked_then(story: Story) -> None:
    branch = await story.customer("Branch")
    for name, discount in (("One", "1"), ("Two", "2")):
        await group(story, name, branch, discountPercent=discount)
    nodes = (await story.ask("{ customerGroups { nodes { id } } }"))["customerGroups"]["nodes"]
    one, two = [node["id"] for node in nodes]
    for key, rank in ((one, 3), (two, 9), (one, 12)):
        await backdate(story, 2)
        await story.do("customerGroupUpdate", id=key, rank=rank)
    today = date.fromisoformat(await story.today())

    async def on(days: int) -> Any:
        return told((await effective(story, branch, asOf=(today - timedelta(days=days)).isoformat()))["discountPercent"])

    assert [(found[0][0], found[1]) for found in [await on(days) for days in (6, 4, 2, 0)]] == [
        ("1", [("Two", "GROUP", None)]),
        ("2", [("One", "GROUP", None)]),
        ("1", [("Two", "GROUP", None)]),
        ("2", [("One", "GROUP", None)]),
    ]


async def test_a_price_list_that_was_inactive_for_some_days_did_not_apply_on_those(story: Story) -> None:
    branch = await story.customer("Branch")
    listed = await price_list(story, "Reseller prices")
    await story.do("customerTermsSet", id=branch, priceListId=listed)
    for is_active in (False, True, False):
        await backdate(story, 2)
        await story.do("priceListUpdate", id=listed, isActive=is_active)
    await backdate(story, 2)
    today = date.fromisoformat(await story.today())

    async def on(days: int) -> Any:
        return told((await effective(story, branch, asOf=(today - timedelta(days=days)).isoformat()))["priceList"])

    inactive = [("Branch", None, "PRICE_LIST_INACTIVE")]
    assert [(found[0][1], found[1]) for found in [await on(days) for days in (8, 6, 4, 2, 0)]] == [
        ("CUSTOMER", []),
        ("NONE", inactive),
        ("CUSTOMER", []),
        ("NONE", inactive),
        ("NONE", inactive),
    ]


@pytest.mark.parametrize(("zone", "end"), [("Pacific/Kiritimati", 10), ("UTC", 24), ("America/Los_Angeles", 31)])
async def test_a_day_ends_with_the_day_of_the_organization(story: Story, zone: str, end: int) -> None:
    """The first of July ends there so many hours after it has begun in Greenwich."""
    branch = await story.customer("Branch")
    await story.settings(timezone=zone)
    await story.do("customerTermsSet", id=branch, discountPercent="5")
    instant = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(hours=end)
    assert instant == datetime(2026, 7, 2, tzinfo=ZoneInfo(zone))

    async def source(valid_from: datetime) -> str:
        async with directly(story.engine, story.organization_id) as connection:
            await connection.execute(
                text("update terms set valid_from = :at where organization_id = :o and customer_id is not null"),
                {"at": valid_from, "o": story.organization_id},
            )
        found: str = (await effective(story, branch, asOf="2026-07-01"))["discountPercent"]["source"]
        return found

    assert await source(instant - timedelta(microseconds=1)) == "CUSTOMER"
    assert await source(instant) == "NONE"


async def test_a_day_to_come_is_refused(story: Story, execute_failing: Any) -> None:
    branch = await story.customer("Branch")
    today = date.fromisoformat(await story.today())
    document = "query ($id: ID!, $day: Date) { customer(by: {id: $id}) { effectiveTerms(asOf: $day) { __typename } } }"
    (error,) = await execute_failing(document, id=branch, day=(today + timedelta(days=1)).isoformat())
    assert error.original_error.code == "BAD_USER_INPUT"
    assert (await effective(story, branch, asOf=today.isoformat()))["discountPercent"]["source"] == "NONE"


async def test_client_users_see_nothing_of_terms(story: Story) -> None:
    head = await story.customer("Head")
    branch = await story.customer("Branch", under=head, access=PASSES)
    await story.do("customerTermsSet", id=head, discountPercent="3", priceListId=await price_list(story, "Prices"))
    await group(story, "Resellers", head, discountPercent="5")
    seen = await client_user(story, {head: ClientUserRole.ADMIN})
    document = """query ($id: ID!) {
      customer(by: {id: $id}) {
        effectiveTerms(asOf: "2020-01-01") { discountPercent { value } } ownTerms { discountPercent }
        parentAccess { view inheritTerms }
        groups {
          name priceList { name } discountPercent paymentTerms { label } modes { priceList }
          termHistory { totalCount nodes { field } }
        }
      }
      organization { terms { discountPercent } }
    }"""
    for key, groups in ((head, ["Resellers"]), (branch, [])):
        found = await seen.ask(document, id=key)
        customer = found["customer"]
        assert (customer["effectiveTerms"], customer["ownTerms"], found["organization"]["terms"]) == (None, None, None)
        hidden = {**dict.fromkeys(("priceList", "discountPercent", "paymentTerms", "modes"))}
        history = {"totalCount": 0, "nodes": []}
        assert customer["groups"] == [{"name": name, **hidden, "termHistory": history} for name in groups]
        access = {"view": True, "inheritTerms": None} if key == branch else None
        assert customer["parentAccess"] == access
    # What staff sees of the same.
    found = (await story.ask(document, id=branch))["customer"]
    assert found["parentAccess"] == {"view": True, "inheritTerms": True}
