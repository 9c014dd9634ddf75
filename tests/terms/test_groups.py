"""What groups offer: modes, acceptance, history (domain.md G2, G4); what joining tells (G7); and deletion (G8)."""

from __future__ import annotations

from typing import Any

import pytest

from stories import Story
from terms.steps import accept, effective, group, price_list, told

GROUP = """query ($id: ID!) { customerGroup(by: {id: $id}) {
  version priceList { name } discountPercent paymentTerms { label } modes { priceList discountPercent paymentTerms }
} }"""
HISTORY = """query ($id: ID!, $first: Int, $after: String) { customerGroup(by: {id: $id}) {
  termHistory(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { field version mode priceList { name } discountPercent paymentTerms { label } validFrom validTo actor }
  }
} }"""
ADD = """mutation ($input: CustomerGroupMembersInput!) { customerGroupMembersAdd(input: $input) {
  shadowedCount shadowed { field shadowedBy skippedReason customer { name } } userErrors { code }
} }"""
NOBODY = "0" * 32
AUTOMATIC, OPT_IN = "AUTOMATIC", "OPT_IN"


async def shown(story: Story, group_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(GROUP, id=group_id))["customerGroup"]
    return found


async def discount(story: Story, customer_id: str) -> tuple[Any, ...]:
    """What a customer gets off, and by whose word."""
    found = (await effective(story, customer_id))["discountPercent"]
    return (*told(found)[0][:2], found["acceptance"])


async def test_a_group_says_what_it_was_given_and_new_terms_are_automatic(story: Story) -> None:
    key = await group(story, "Resellers")
    nothing = dict.fromkeys(("priceList", "discountPercent", "paymentTerms"))
    assert await shown(story, key) == {"version": 1, **nothing, "modes": nothing}
    listed = await price_list(story, "Reseller prices")
    await story.do(
        "customerGroupTermsSet", id=key, version=1, priceListId=listed, discountPercent="12.5", modes={"discountPercent": OPT_IN}
    )
    said = {"priceList": {"name": "Reseller prices"}, "discountPercent": "12.500000", "paymentTerms": None}
    modes = {"priceList": AUTOMATIC, "discountPercent": OPT_IN, "paymentTerms": None}
    assert await shown(story, key) == {"version": 2, **said, "modes": modes}
    # A new value keeps its mode, and a mode can change alone.
    given = {"discountPercent": "15", "paymentTerms": {"kind": "NET", "netDays": 45}, "modes": {"priceList": OPT_IN}}
    await story.do("customerGroupTermsSet", id=key, **given)
    said |= {"discountPercent": "15.000000", "paymentTerms": {"label": "Net 45"}}
    modes |= {"priceList": OPT_IN, "paymentTerms": AUTOMATIC}
    assert await shown(story, key) == {"version": 3, **said, "modes": modes}
    await story.do("customerGroupTermsSet", id=key, priceListId=None, discountPercent=None)
    said |= {"priceList": None, "discountPercent": None}
    modes |= {"priceList": None, "discountPercent": None}
    assert await shown(story, key) == {"version": 4, **said, "modes": modes}


async def test_what_is_there_already_changes_nothing(story: Story) -> None:
    key = await group(story, "Resellers", discountPercent="5", modes={"discountPercent": OPT_IN})
    before = await story.everything()
    await story.do("customerGroupTermsSet", id=key, discountPercent="5.0", priceListId=None)
    await story.do("customerGroupTermsSet", id=key, modes={"discountPercent": OPT_IN})
    assert await story.everything() == before


async def test_all_that_a_group_ever_said_is_told_the_newest_first(story: Story) -> None:
    key = await group(story, "Resellers", discountPercent="5")
    await story.do("customerGroupTermsSet", id=key, discountPercent="6", modes={"discountPercent": OPT_IN})
    await story.do("customerGroupTermsSet", id=key, discountPercent=None)
    await story.do("customerGroupTermsSet", id=key, paymentTerms={"kind": "NET", "netDays": 45})
    found = (await story.ask(HISTORY, id=key))["customerGroup"]["termHistory"]
    assert found["totalCount"] == 3
    newest, second, first = found["nodes"]
    assert [(node["field"], node["version"], node["mode"], node["actor"]) for node in found["nodes"]] == [
        ("PAYMENT_TERMS", 1, AUTOMATIC, "tester"),
        ("DISCOUNT_PERCENT", 2, OPT_IN, "tester"),
        ("DISCOUNT_PERCENT", 1, AUTOMATIC, "tester"),
    ]
    assert (newest["paymentTerms"], newest["validTo"]) == ({"label": "Net 45"}, None)
    assert (first["discountPercent"], first["validTo"]) == ("5.000000", second["validFrom"])
    assert first["validFrom"] < first["validTo"] < second["validTo"] < newest["validFrom"]
    page = (await story.ask(HISTORY, id=key, first=2))["customerGroup"]["termHistory"]
    after = page["pageInfo"]["endCursor"]
    assert (await story.ask(HISTORY, id=key, after=after))["customerGroup"]["termHistory"]["nodes"] == [first]


async def test_a_change_is_on_record_for_the_group(story: Story) -> None:
    key = await group(story, "Resellers", discountPercent="5", paymentTerms={"kind": "END_OF_MONTH"})
    assert [row for kind, row in await story.everything() if kind == "activity" and "group.terms_changed" in row and key in row]


async def test_members_follow_an_automatic_term_at_once(story: Story) -> None:
    branch = await story.customer("Branch")
    key = await group(story, "Resellers", branch, discountPercent="5")
    assert await discount(story, branch) == ("5", "GROUP", None)
    await story.do("customerGroupTermsSet", id=key, discountPercent="6")
    assert await discount(story, branch) == ("6", "GROUP", None)


async def test_who_accepted_follows_or_stays_and_accepting_again_replaces(story: Story) -> None:
    one, two, three = [await story.customer(name) for name in ("One", "Two", "Three")]
    key = await group(story, "Resellers", one, two, three, discountPercent="5", modes={"discountPercent": OPT_IN})
    await accept(story, one, key, "DISCOUNT_PERCENT", "FOLLOW")
    await accept(story, two, key, "DISCOUNT_PERCENT", "PINNED")
    await story.do("customerGroupTermsSet", id=key, discountPercent="6")
    assert await discount(story, one) == ("6", "GROUP", "FOLLOW")
    assert await discount(story, two) == ("5", "GROUP", "PINNED")
    assert await discount(story, three) == (None, "NONE", None)
    await accept(story, two, key, "DISCOUNT_PERCENT", "PINNED")
    assert await discount(story, two) == ("6", "GROUP", "PINNED")
    before = await story.everything()
    await accept(story, two, key, "DISCOUNT_PERCENT", "PINNED")
    assert await story.everything() == before
    await story.do("groupTermDecline", customerId=one, groupId=key, field="DISCOUNT_PERCENT")
    assert await discount(story, one) == (None, "NONE", None)
    before = await story.everything()
    await story.do("groupTermDecline", customerId=one, groupId=key, field="DISCOUNT_PERCENT")
    assert await story.everything() == before


async def test_a_pinned_price_list_stays_at_its_version(story: Story) -> None:
    one, two = await story.customer("One"), await story.customer("Two")
    listed = await price_list(story, "Reseller prices")
    key = await group(story, "Resellers", one, two, priceListId=listed, modes={"priceList": OPT_IN})
    await accept(story, one, key, "PRICE_LIST", "PINNED")
    await accept(story, two, key, "PRICE_LIST", "FOLLOW")
    await story.do("priceListUpdate", id=listed, percent="20")
    pinned, following = [(await effective(story, each))["priceList"] for each in (one, two)]
    assert (pinned["value"], pinned["priceListVersion"]) == ({"name": "Reseller prices"}, 1)
    assert (following["value"], following["priceListVersion"]) == ({"name": "Reseller prices"}, 2)


async def test_an_acceptance_is_on_record_on_the_customers_page(story: Story) -> None:
    branch = await story.customer("Branch")
    key = await group(story, "Resellers", branch, discountPercent="5", modes={"discountPercent": OPT_IN})
    await accept(story, branch, key, "DISCOUNT_PERCENT", "PINNED")
    await story.do("groupTermDecline", customerId=branch, groupId=key, field="DISCOUNT_PERCENT")
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity(first: 2) { nodes { action subjectId details } } } }"
    declined, accepted = (await story.ask(document, id=branch))["customer"]["activity"]["nodes"]
    of = {"groupId": key, "field": "discountPercent"}
    assert accepted == {"action": "customer.term_accepted", "subjectId": branch, "details": {**of, "acceptance": "PINNED"}}
    assert declined == {"action": "customer.term_declined", "subjectId": branch, "details": of}


async def test_leaving_a_group_and_taking_a_term_away_end_what_was_accepted(story: Story) -> None:
    branch = await story.customer("Branch")
    given: dict[str, Any] = {"discountPercent": "5", "modes": {"discountPercent": OPT_IN}}
    key = await group(story, "Resellers", branch, **given)
    await accept(story, branch, key, "DISCOUNT_PERCENT")
    await story.do("customerGroupMembersRemove", id=key, customerIds=[branch])
    await story.do("customerGroupMembersAdd", id=key, customerIds=[branch])
    assert await discount(story, branch) == (None, "NONE", None)
    await accept(story, branch, key, "DISCOUNT_PERCENT")
    await story.do("customerGroupTermsSet", id=key, discountPercent=None)
    await story.do("customerGroupTermsSet", id=key, **given)
    assert await discount(story, branch) == (None, "NONE", None)


async def test_what_a_group_cannot_say_is_refused_all_at_once(story: Story) -> None:
    key = await group(story, "Resellers", discountPercent="5")
    listed = await price_list(story, "Old")
    await story.do("priceListUpdate", id=listed, isActive=False)
    refused = await story.refused(
        "customerGroupTermsSet", id=key, priceListId=listed, discountPercent="101", modes={"paymentTerms": OPT_IN}
    )
    assert refused == [
        ("PRICE_LIST_INACTIVE", ["priceListId"]),
        ("PERCENT_OUT_OF_RANGE", ["discountPercent"]),
        ("INVALID_INPUT", ["modes", "paymentTerms"]),
    ]
    taken_away = await story.refused("customerGroupTermsSet", id=key, discountPercent=None, modes={"discountPercent": OPT_IN})
    assert taken_away == [("INVALID_INPUT", ["modes", "discountPercent"])]
    stale = await story.refused("customerGroupTermsSet", id=key, version=1, discountPercent="101")
    assert stale == [("STALE_VERSION", ["version"])]
    assert await story.refused("customerGroupTermsSet", id=f"grp_{NOBODY}", discountPercent="101") == [("NOT_FOUND", ["id"])]


async def test_a_customers_own_price_list_is_an_active_one_in_its_currency(story: Story) -> None:
    branch = await story.customer("Branch", currency="EUR")
    listed = await price_list(story, "Dollars")
    assert await story.refused("customerTermsSet", id=branch, priceListId=listed, discountPercent="-1") == [
        ("PERCENT_OUT_OF_RANGE", ["discountPercent"]),
        ("CURRENCY_MISMATCH", ["priceListId"]),
    ]
    await story.do("priceListUpdate", id=listed, isActive=False)
    assert await story.refused("customerTermsSet", id=branch, priceListId=listed) == [
        ("PRICE_LIST_INACTIVE", ["priceListId"]),
        ("CURRENCY_MISMATCH", ["priceListId"]),
    ]
    euros = await price_list(story, "Euros", "EUR")
    await story.do("customerTermsSet", id=branch, priceListId=euros)
    document = "query ($id: ID!) { customer(by: {id: $id}) { ownTerms { priceList { name } } } }"
    assert (await story.ask(document, id=branch))["customer"]["ownTerms"] == {"priceList": {"name": "Euros"}}


@pytest.mark.parametrize("mutation", ["groupTermAccept", "groupTermDecline"])
async def test_only_members_choose_and_only_what_is_left_to_choice(story: Story, mutation: str) -> None:
    member, other = await story.customer("Member"), await story.customer("Other")
    modes = {"discountPercent": OPT_IN}
    key = await group(story, "Resellers", member, discountPercent="5", paymentTerms={"kind": "END_OF_MONTH"}, modes=modes)
    more = {"acceptance": "FOLLOW"} if mutation == "groupTermAccept" else {}

    async def refused(customer_id: str, group_id: str, field: str) -> Any:
        return await story.refused(mutation, customerId=customer_id, groupId=group_id, field=field, **more)

    assert await refused(other, key, "DISCOUNT_PERCENT") == [("NOT_A_MEMBER", ["customerId"])]
    assert await refused(other, key, "PRICE_LIST") == [("NOT_A_MEMBER", ["customerId"])]
    assert await refused(member, key, "PAYMENT_TERMS") == [("TERM_NOT_OFFERED", ["field"])]
    assert await refused(member, key, "PRICE_LIST") == [("TERM_NOT_OFFERED", ["field"])]
    assert await refused(f"cus_{NOBODY}", key, "PRICE_LIST") == [("NOT_FOUND", ["customerId"])]
    assert await refused(f"cus_{NOBODY}", f"grp_{NOBODY}", "PRICE_LIST") == [("NOT_FOUND", ["groupId"])]
    assert await refused(member, member, "PRICE_LIST") == [("NOT_FOUND", ["groupId"])]


async def test_a_price_list_that_would_not_apply_is_not_accepted(story: Story) -> None:
    branch = await story.customer("Branch")
    modes = {"priceList": OPT_IN}
    euros, old = await price_list(story, "Euros", "EUR"), await price_list(story, "Old")
    first = await group(story, "First", branch, priceListId=euros, modes=modes)
    second = await group(story, "Second", branch, priceListId=old, modes=modes)
    await story.do("priceListUpdate", id=old, isActive=False)
    given = {"customerId": branch, "field": "PRICE_LIST", "acceptance": "PINNED"}
    assert await story.refused("groupTermAccept", groupId=first, **given) == [("CURRENCY_MISMATCH", ["field"])]
    assert await story.refused("groupTermAccept", groupId=second, **given) == [("PRICE_LIST_INACTIVE", ["field"])]


async def test_who_joins_learns_which_terms_do_not_apply_and_why(story: Story) -> None:
    free, own, euro, other = [await story.customer(name) for name in ("Free", "Own", "Euro", "Other")]
    await story.do("customerUpdate", id=euro, currency="EUR")
    await story.do("customerTermsSet", id=own, discountPercent="0")
    await group(story, "Enterprise", other, discountPercent="1")
    listed = await price_list(story, "Reseller prices")
    given = {"priceListId": listed, "discountPercent": "5", "paymentTerms": {"kind": "END_OF_MONTH"}}
    key = await group(story, "Resellers", modes={"paymentTerms": OPT_IN}, **given)
    payload = (await story.ask(ADD, input={"id": key, "customerIds": [free, own, euro, other]}))["customerGroupMembersAdd"]
    told = [(term["customer"]["name"], term["field"], term["shadowedBy"], term["skippedReason"]) for term in payload["shadowed"]]
    assert told == [
        ("Free", "PAYMENT_TERMS", None, "NOT_ACCEPTED"),
        ("Own", "DISCOUNT_PERCENT", "CUSTOMER", None),
        ("Own", "PAYMENT_TERMS", None, "NOT_ACCEPTED"),
        ("Euro", "PRICE_LIST", None, "CURRENCY_MISMATCH"),
        ("Euro", "PAYMENT_TERMS", None, "NOT_ACCEPTED"),
        ("Other", "DISCOUNT_PERCENT", "GROUP", None),
        ("Other", "PAYMENT_TERMS", None, "NOT_ACCEPTED"),
    ]
    assert (payload["shadowedCount"], payload["userErrors"]) == (7, [])


async def test_of_many_shadowed_terms_some_are_named_and_all_are_counted(story: Story) -> None:
    made = " ".join(f'c{number}: customerCreate(input: {{name: "C"}}) {{ customer {{ id }} }}' for number in range(101))
    keys = [each["customer"]["id"] for each in (await story.ask(f"mutation {{ {made} }}")).values()]
    modes = {"discountPercent": OPT_IN, "paymentTerms": OPT_IN}
    key = await group(story, "Resellers", discountPercent="5", paymentTerms={"kind": "END_OF_MONTH"}, modes=modes)
    payload = (await story.ask(ADD, input={"id": key, "customerIds": keys}))["customerGroupMembersAdd"]
    assert (len(payload["shadowed"]), payload["shadowedCount"]) == (200, 202)
