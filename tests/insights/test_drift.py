"""Who shadows a group's terms and how: the report and the terms that apply never disagree (domain.md G3, G7, G9, G10)."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from access.people import client_user, group
from holdco import database, ids
from holdco.ids import Kind
from holdco.terms import service as terms
from holdco.terms.precedence import PriceListTerm, TermField
from holdco.viewer import ClientUserRole
from insights.test_insights import add_members
from stories import Story

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "4"))
FROM = int(os.environ.get("HOLDCO_EXAMPLES_FROM", "0"))

VALUE = "{ discountPercent paymentTerms { label } priceList { name } priceListVersion }"
ENTRY = f"""customer {{ name }} field pinnedVersion groupValue {VALUE} effectiveValue {VALUE} source
  sourceNode {{ ... on Customer {{ name }} ... on CustomerGroup {{ name }} ... on Organization {{ name }} }}
  shadowedBy skippedReason"""
NOTHING = {"discountPercent": None, "paymentTerms": None, "priceList": None, "priceListVersion": None}


async def drift(story: Story, group_id: str, **page: Any) -> Any:
    document = f"""query ($id: ID!, $first: Int, $after: String) {{ customerGroup(by: {{id: $id}}) {{
      drift(first: $first, after: $after) {{
        totalCount nodes {{ {ENTRY} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""
    return (await story.ask(document, id=group_id, **page))["customerGroup"]["drift"]


async def price_list(story: Story, name: str, currency: str = "USD") -> str:
    given = {"kind": "PERCENTAGE", "direction": "DOWN", "percent": "10"}
    made: str = (await story.do("priceListCreate", name=name, currency=currency, **given))["priceList"]["id"]
    return made


def entry(name: str, field: str, group_value: Any, effective_value: Any, source: str, source_name: str, **why: Any) -> Any:
    """As the graph tells it; values by the names that are not null."""
    return {
        "customer": {"name": name},
        "field": field,
        "pinnedVersion": None,
        "groupValue": NOTHING | group_value,
        "effectiveValue": NOTHING | effective_value if effective_value is not None else None,
        "source": source,
        "sourceNode": {"name": source_name} if source_name else None,
        "shadowedBy": None,
        "skippedReason": None,
    } | why


def percent(value: str) -> dict[str, Any]:
    return {"discountPercent": f"{value}.000000"}


def listed(name: str, version: int = 1) -> dict[str, Any]:
    return {"priceList": {"name": name}, "priceListVersion": version}


async def test_a_group_whose_terms_apply_to_all_members_has_no_drift(story: Story) -> None:
    group_id = await group(story, "Resellers")
    members = [await story.customer(name) for name in ("Porto", "Lisbon")]
    await add_members(story, group_id, *members)
    nothing = {"totalCount": 0, "nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    assert await drift(story, group_id) == nothing
    key = await price_list(story, "Wholesale")
    await story.do("customerGroupTermsSet", id=group_id, discountPercent="12", paymentTerms={"kind": "NET"}, priceListId=key)
    # What a customer says of other fields, or of none any more, is nothing to this group.
    await story.do("customerTermsSet", id=members[0], discountPercent="0")
    await story.do("customerTermsSet", id=members[0], discountPercent=None)
    assert await drift(story, group_id) == nothing


async def test_an_override_and_a_group_that_goes_first_shadow_the_terms_of_a_group(story: Story) -> None:
    first, second = await group(story, "First"), await group(story, "Second")
    porto, lisbon, braga = [await story.customer(name) for name in ("Porto", "Lisbon", "Braga")]
    await add_members(story, first, lisbon, braga)
    await add_members(story, second, porto, lisbon, braga)
    await story.do("customerGroupTermsSet", id=first, discountPercent="20")
    await story.do("customerGroupTermsSet", id=second, discountPercent="12", paymentTerms={"kind": "END_OF_MONTH"})
    await story.do("customerTermsSet", id=porto, discountPercent="0")
    await story.do("customerTermsSet", id=braga, discountPercent="1")
    assert (await drift(story, second))["nodes"] == [
        entry("Porto", "DISCOUNT_PERCENT", percent("12"), percent("0"), "CUSTOMER", "Porto", shadowedBy="CUSTOMER"),
        entry("Lisbon", "DISCOUNT_PERCENT", percent("12"), percent("20"), "GROUP", "First", shadowedBy="GROUP"),
        entry("Braga", "DISCOUNT_PERCENT", percent("12"), percent("1"), "CUSTOMER", "Braga", shadowedBy="CUSTOMER"),
    ]
    assert (await drift(story, first))["nodes"] == [
        entry("Braga", "DISCOUNT_PERCENT", percent("20"), percent("1"), "CUSTOMER", "Braga", shadowedBy="CUSTOMER")
    ]


async def test_an_offer_drifts_until_it_is_accepted_and_again_when_a_member_stays_behind(story: Story) -> None:
    group_id = await group(story, "Resellers")
    follows, stays, waits = [await story.customer(name) for name in ("Follows", "Stays", "Waits")]
    await add_members(story, group_id, follows, stays, waits)
    terms_of_group = {"discountPercent": "12", "modes": {"discountPercent": "OPT_IN"}}
    await story.do("customerGroupTermsSet", id=group_id, **terms_of_group)
    for key, acceptance in ((follows, "FOLLOW"), (stays, "PINNED")):
        await story.do("groupTermAccept", customerId=key, groupId=group_id, field="DISCOUNT_PERCENT", acceptance=acceptance)
    not_accepted = {"skippedReason": "NOT_ACCEPTED"}
    assert (await drift(story, group_id))["nodes"] == [
        entry("Waits", "DISCOUNT_PERCENT", percent("12"), None, "NONE", "", **not_accepted)
    ]
    await story.do("customerGroupTermsSet", id=group_id, discountPercent="15")
    assert (await drift(story, group_id))["nodes"] == [
        entry("Stays", "DISCOUNT_PERCENT", percent("15"), percent("12"), "GROUP", "Resellers", pinnedVersion=1),
        entry("Waits", "DISCOUNT_PERCENT", percent("15"), None, "NONE", "", **not_accepted),
    ]


async def test_a_price_list_in_another_currency_or_an_inactive_one_applies_to_nobody(story: Story) -> None:
    group_id = await group(story, "Resellers")
    dollars, euros = await story.customer("Dollars"), await story.customer("Euros", currency="EUR")
    await add_members(story, group_id, dollars, euros)
    key = await price_list(story, "Wholesale")
    own = await price_list(story, "Own", "EUR")
    await story.do("customerGroupTermsSet", id=group_id, priceListId=key)
    assert (await drift(story, group_id))["nodes"] == [
        entry("Euros", "PRICE_LIST", listed("Wholesale"), None, "NONE", "", skippedReason="CURRENCY_MISMATCH")
    ]
    await story.do("customerTermsSet", id=euros, priceListId=own)
    await story.do("priceListUpdate", id=key, isActive=False)
    inactive = {"skippedReason": "PRICE_LIST_INACTIVE"}
    assert (await drift(story, group_id))["nodes"] == [
        entry("Dollars", "PRICE_LIST", listed("Wholesale", 2), None, "NONE", "", **inactive),
        # Why it does not apply is told before what goes before it.
        entry(
            "Euros", "PRICE_LIST", listed("Wholesale", 2), listed("Own"), "CUSTOMER", "Euros", skippedReason="CURRENCY_MISMATCH"
        ),
    ]
    # An inactive list of the customer's own goes before nothing.
    await story.do("priceListUpdate", id=key, isActive=True)
    other = await price_list(story, "Other")
    await story.do("customerTermsSet", id=dollars, priceListId=other)
    await story.do("priceListUpdate", id=other, isActive=False)
    assert [each["customer"]["name"] for each in (await drift(story, group_id))["nodes"]] == ["Euros"]


async def test_a_member_that_stays_at_a_version_of_a_price_list_drifts_when_the_list_changes(story: Story) -> None:
    group_id, member = await group(story, "Resellers"), await story.customer("Porto")
    await add_members(story, group_id, member)
    key = await price_list(story, "Wholesale")
    await story.do("customerGroupTermsSet", id=group_id, priceListId=key, modes={"priceList": "OPT_IN"})
    await story.do("groupTermAccept", customerId=member, groupId=group_id, field="PRICE_LIST", acceptance="PINNED")
    assert (await drift(story, group_id))["nodes"] == []
    await story.do("priceListUpdate", id=key, percent="11")
    assert (await drift(story, group_id))["nodes"] == [
        entry(
            *("Porto", "PRICE_LIST", listed("Wholesale", 2), listed("Wholesale"), "GROUP", "Resellers"),
            pinnedVersion=1,
        )
    ]


async def test_what_comes_from_an_ancestor_or_from_the_organization_shadows_nothing(story: Story) -> None:
    group_id, head = await group(story, "Resellers"), await story.customer("Head")
    access = {"view": True, "pay": False, "manage": False, "inheritTerms": True}
    branch = await story.customer("Branch", under=head, access=access)
    await add_members(story, group_id, branch)
    await story.do("customerTermsSet", id=head, discountPercent="3")
    await story.do("customerGroupTermsSet", id=group_id, discountPercent="12", paymentTerms={"kind": "END_OF_MONTH"})
    assert (await drift(story, group_id))["nodes"] == []
    # But it is what applies where the group's does not.
    await story.do("customerGroupTermsSet", id=group_id, modes={"discountPercent": "OPT_IN", "paymentTerms": "OPT_IN"})
    net_30, month_end = {"paymentTerms": {"label": "Net 30"}}, {"paymentTerms": {"label": "End of month"}}
    organization = (await story.ask("{ organization { name } }"))["organization"]["name"]
    not_accepted = {"skippedReason": "NOT_ACCEPTED"}
    assert (await drift(story, group_id))["nodes"] == [
        entry("Branch", "DISCOUNT_PERCENT", percent("12"), percent("3"), "ANCESTOR", "Head", **not_accepted),
        entry("Branch", "PAYMENT_TERMS", month_end, net_30, "ORGANIZATION", organization, **not_accepted),
    ]


async def test_a_client_user_is_told_of_no_drift(story: Story) -> None:
    group_id, member = await group(story, "Resellers"), await story.customer("Porto")
    await add_members(story, group_id, member)
    await story.do("customerGroupTermsSet", id=group_id, discountPercent="12")
    await story.do("customerTermsSet", id=member, discountPercent="0")
    seer = await client_user(story, {member: ClientUserRole.ADMIN})
    document = "query ($id: ID!) { customerGroup(by: {id: $id}) { name drift { totalCount } } }"
    assert await seer.ask(document, id=group_id) == {"customerGroup": {"name": "Resellers", "drift": None}}


async def test_a_page_of_groups_tells_its_drift_in_two_statements_and_its_counts_in_one(
    story: Story, counting: Callable[[], Any]
) -> None:
    for number in range(3):
        group_id = await group(story, f"Group {number}")
        members = [await story.customer(f"Member {number} {place}") for place in range(3)]
        await add_members(story, group_id, *members)
        await story.do("customerGroupTermsSet", id=group_id, discountPercent="12", paymentTerms={"kind": "END_OF_MONTH"})
        for key in members[:number]:
            await story.do("customerTermsSet", id=key, discountPercent="0")
    with counting() as issued:
        found = await story.ask(
            "{ customerGroups { nodes { drift(first: 1) { nodes { field source effectiveValue { discountPercent } } } } } }"
        )
    assert ([len(each["drift"]["nodes"]) for each in found["customerGroups"]["nodes"]], len(issued)) == ([0, 1, 1], 3)
    with counting() as issued:
        found = await story.ask("{ customerGroups { nodes { drift(first: 0) { totalCount } } } }")
    # The page of none tells whether there is a next one.
    assert ([each["drift"]["totalCount"] for each in found["customerGroups"]["nodes"]], len(issued)) == ([0, 1, 2], 4)


class Office:
    """Does random things to a few customers, groups and price lists, and says what should be told of them."""

    def __init__(self, story: Story, random: Random) -> None:
        self.story = story
        self.random = random

    async def open(self) -> None:
        self.lists = [
            await price_list(self.story, f"List {number}", currency) for number, currency in enumerate(("USD", "USD", "EUR"))
        ]
        self.groups = [await group(self.story, f"Group {number}") for number in range(3)]
        self.customers = [
            await self.story.customer(f"Customer {n}", currency=self.random.choice(("USD", "EUR"))) for n in range(6)
        ]
        for key in self.groups:
            await add_members(self.story, key, *self.random.sample(self.customers, self.random.randint(2, 6)))

    def values(self) -> dict[str, Any]:
        choice = self.random.choice
        given = {
            "priceListId": choice([None, *self.lists]),
            "discountPercent": choice((None, "0", "5", "10")),
            "paymentTerms": choice((None, {"kind": "NET", "netDays": 10}, {"kind": "END_OF_MONTH"})),
        }
        return {name: given[name] for name in self.random.sample(sorted(given), self.random.randint(1, 2))}

    async def step(self) -> None:
        """What is refused, as an offer that nobody made, changes nothing."""
        random, story = self.random, self.story
        match random.choice(("customer", "group", "group", "mode", "accept", "accept", "accept", "list", "rank")):
            case "customer":
                await story.attempt("customerTermsSet", id=random.choice(self.customers), **self.values())
            case "group":
                await story.attempt("customerGroupTermsSet", id=random.choice(self.groups), **self.values())
            case "mode":
                modes = {random.choice(("priceList", "discountPercent", "paymentTerms")): random.choice(("AUTOMATIC", "OPT_IN"))}
                await story.attempt("customerGroupTermsSet", id=random.choice(self.groups), modes=modes)
            case "accept":
                await story.attempt(
                    "groupTermAccept",
                    customerId=random.choice(self.customers),
                    groupId=random.choice(self.groups),
                    field=random.choice(list(TermField)).value,
                    acceptance=random.choice(("FOLLOW", "PINNED", "PINNED")),
                )
            case "list":
                given = random.choice(({"percent": str(random.randint(1, 50))}, {"isActive": True}, {"isActive": False}))
                await story.attempt("priceListUpdate", id=random.choice(self.lists), **given)
            case "rank":
                await story.attempt("customerGroupUpdate", id=random.choice(self.groups), rank=random.randint(1, 9))

    async def expected(self, group_id: str) -> list[tuple[str, str]]:
        """Names of members and fields to whom what the group says now does not apply, by what applies to each."""
        key = ids.decode(Kind.GROUP, group_id)
        story = self.story
        own = {"organization_id": story.organization_id, "key": key}
        async with database.begin(story.engine, organization_id=story.organization_id, actor="tester") as transaction:
            members = await transaction.rows(
                text(
                    "select c.id, c.name, c.currency from customers c join group_members m on m.customer_id = c.id"
                    " where c.organization_id = :organization_id and m.organization_id = :organization_id and m.group_id = :key"
                    " order by c.number"
                ),
                own,
            )
            said = await transaction.rows(
                text(
                    "select t.field, t.version, v.version as list_version from terms t left join price_list_versions v"
                    " on v.organization_id = :organization_id and v.price_list_id = t.price_list_id and v.valid_to is null"
                    " where t.organization_id = :organization_id and t.group_id = :key and t.valid_to is null order by t.field"
                ),
                own,
            )
            found = await terms.resolve(transaction, [(row.id, row.currency) for row in members])
        drifting = []
        for member in members:
            for term in said:
                winner = found[member.id, member.currency].of(TermField(term.field)).winner
                applies = winner is not None and (winner.group_id, winner.depth, winner.version) == (key, 0, term.version)
                if applies and winner is not None and isinstance(winner.value, PriceListTerm):
                    applies = winner.value.version == term.list_version
                if not applies:
                    drifting.append((member.name, term.field))
        return drifting


@pytest.mark.parametrize("number", range(FROM, FROM + EXAMPLES))
async def test_the_report_tells_of_all_members_to_whom_what_applies_is_not_what_the_group_says(story: Story, number: int) -> None:
    random = Random(number)
    office = Office(story, random)
    await office.open()
    told = 0
    for _ in range(3):
        for _ in range(20):
            await office.step()
        for group_id in office.groups:
            expected = await office.expected(group_id)
            found: list[tuple[str, str]] = []
            page = await drift(story, group_id, first=2)
            while True:
                found += [(each["customer"]["name"], each["field"]) for each in page["nodes"]]
                assert page["totalCount"] == len(expected)
                if not page["pageInfo"]["hasNextPage"]:
                    break
                page = await drift(story, group_id, first=2, after=page["pageInfo"]["endCursor"])
            assert found == expected
            told += len(found)
    assert told > 0
