"""The terms that customers and the organization have of their own: what is kept, what is refused (domain.md G3, G4, K6)."""

from __future__ import annotations

from typing import Any

import pytest

from stories import Story
from terms.steps import accept, group

OWN = """query ($id: ID!) { customer(by: {id: $id}) {
  version ownTerms { discountPercent paymentTerms { kind netDays label } }
} }"""
DEFAULT = "{ organization { version terms { discountPercent paymentTerms { kind netDays label } } } }"
NET_14 = {"kind": "NET", "netDays": 14}
BAD_VALUES: list[tuple[dict[str, Any], list[tuple[str, list[str]]]]] = [
    ({"paymentTerms": {"kind": "NET", "netDays": -1}}, [("INVALID_INPUT", ["paymentTerms", "netDays"])]),
    ({"paymentTerms": {"kind": "END_OF_MONTH", "netDays": 1}}, [("INVALID_INPUT", ["paymentTerms", "netDays"])]),
    ({"discountPercent": "-0.000001"}, [("PERCENT_OUT_OF_RANGE", ["discountPercent"])]),
    ({"discountPercent": "100.000001"}, [("PERCENT_OUT_OF_RANGE", ["discountPercent"])]),
    ({"discountPercent": "12.3456789"}, [("PERCENT_OUT_OF_RANGE", ["discountPercent"])]),
    ({"discountPercent": "99999999999999999999.999999999999"}, [("PERCENT_OUT_OF_RANGE", ["discountPercent"])]),
    ({"priceListId": "prl_" + "0" * 32}, [("NOT_FOUND", ["priceListId"])]),
    ({"priceListId": "nonsense"}, [("NOT_FOUND", ["priceListId"])]),
    (
        {"priceListId": "cus_" + "0" * 32, "discountPercent": "101", "paymentTerms": {"kind": "NET", "netDays": 3651}},
        [
            ("NOT_FOUND", ["priceListId"]),
            ("PERCENT_OUT_OF_RANGE", ["discountPercent"]),
            ("INVALID_INPUT", ["paymentTerms", "netDays"]),
        ],
    ),
]


async def own(story: Story, customer_id: str) -> tuple[int, Any]:
    found = (await story.ask(OWN, id=customer_id))["customer"]
    return found["version"], found["ownTerms"]


async def default(story: Story) -> tuple[int, Any]:
    found = (await story.ask(DEFAULT))["organization"]
    return found["version"], found["terms"]


async def test_a_customer_has_what_it_was_given_and_nothing_of_what_was_left_out(story: Story) -> None:
    key = await story.customer("Porto")
    assert await own(story, key) == (1, {"discountPercent": None, "paymentTerms": None})
    await story.do("customerTermsSet", id=key, version=1, paymentTerms=NET_14)
    net_14 = {**NET_14, "label": "Net 14"}
    assert await own(story, key) == (2, {"discountPercent": None, "paymentTerms": net_14})
    await story.do("customerTermsSet", id=key, discountPercent="12.500000")
    assert await own(story, key) == (3, {"discountPercent": "12.500000", "paymentTerms": net_14})


async def test_zero_is_a_value_and_null_takes_it_away(story: Story) -> None:
    key = await story.customer("Porto")
    await story.do("customerTermsSet", id=key, discountPercent="0", paymentTerms={"kind": "DUE_ON_RECEIPT"})
    _, terms = await own(story, key)
    assert terms["discountPercent"] == "0.000000"
    await story.do("customerTermsSet", id=key, discountPercent=None)
    on_receipt = {"kind": "DUE_ON_RECEIPT", "netDays": 0, "label": "Due on receipt"}
    assert await own(story, key) == (3, {"discountPercent": None, "paymentTerms": on_receipt})


async def test_what_is_there_already_changes_nothing(story: Story) -> None:
    key = await story.customer("Porto")
    given = {"discountPercent": "12.5", "paymentTerms": NET_14}
    await story.do("customerTermsSet", id=key, **given)
    await story.do("organizationTermsSet", **given)
    before = await story.everything()
    await story.do("customerTermsSet", id=key, **given, priceListId=None)
    await story.do("organizationTermsSet", **given)
    assert await story.everything() == before


async def test_a_change_is_on_record_on_the_customers_page(story: Story) -> None:
    key = await story.customer("Porto")
    await story.do("customerTermsSet", id=key, discountPercent="5", paymentTerms=NET_14)
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity(first: 1) { nodes { action subjectId details } } } }"
    (entry,) = (await story.ask(document, id=key))["customer"]["activity"]["nodes"]
    fields = ["discountPercent", "paymentTerms"]
    assert entry == {"action": "customer.terms_changed", "subjectId": key, "details": {"fields": fields}}


async def test_the_organization_has_payment_terms_from_the_first_and_may_have_a_discount(story: Story) -> None:
    net_30 = {"kind": "NET", "netDays": 30, "label": "Net 30"}
    version, terms = await default(story)
    assert terms == {"discountPercent": None, "paymentTerms": net_30}
    await story.do("organizationTermsSet", version=version, discountPercent="1")
    assert await default(story) == (version + 1, {"discountPercent": "1.000000", "paymentTerms": net_30})
    await story.do("organizationTermsSet", discountPercent=None, paymentTerms={"kind": "END_OF_NEXT_MONTH"})
    later = {"kind": "END_OF_NEXT_MONTH", "netDays": 0, "label": "End of next month"}
    assert await default(story) == (version + 2, {"discountPercent": None, "paymentTerms": later})


@pytest.mark.parametrize(("given", "expected"), BAD_VALUES)
async def test_what_no_term_can_be_is_refused_all_at_once(
    story: Story, given: dict[str, Any], expected: list[tuple[str, list[str]]]
) -> None:
    key = await story.customer("Porto")
    assert await story.refused("customerTermsSet", id=key, **given) == expected
    assert await story.refused("organizationTermsSet", **given) == expected


async def test_the_organization_is_never_without_payment_terms(story: Story) -> None:
    refused = await story.refused("organizationTermsSet", paymentTerms=None, discountPercent="101")
    assert refused == [("PERCENT_OUT_OF_RANGE", ["discountPercent"]), ("INVALID_INPUT", ["paymentTerms"])]


async def test_a_version_that_is_gone_and_an_unknown_customer_are_refused_first(story: Story) -> None:
    key = await story.customer("Porto")
    await story.do("customerTermsSet", id=key, discountPercent="5")
    assert await story.refused("customerTermsSet", id=key, version=1, discountPercent="101") == [("STALE_VERSION", ["version"])]
    version, _ = await default(story)
    stale = await story.refused("organizationTermsSet", version=version - 1, discountPercent="101")
    assert stale == [("STALE_VERSION", ["version"])]
    nobody = "cus_" + "0" * 32
    assert await story.refused("customerTermsSet", id=nobody, discountPercent="101") == [("NOT_FOUND", ["id"])]


async def test_a_customer_that_is_deleted_takes_its_terms_and_memberships_along(story: Story) -> None:
    key = await story.customer("Porto")
    offered = await group(story, "Resellers", key, discountPercent="5", modes={"discountPercent": "OPT_IN"})
    await accept(story, key, offered, "DISCOUNT_PERCENT")
    await story.do("customerGroupMembersRemove", id=offered, customerIds=[key])
    await story.do("customerGroupMembersAdd", id=offered, customerIds=[key])
    await accept(story, key, offered, "DISCOUNT_PERCENT", "PINNED")
    await story.do("customerTermsSet", id=key, discountPercent="7")
    preview = "query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken } }"
    token = (await story.ask(preview, id=key))["customerDeletePreview"]["confirmationToken"]
    await story.do("customerDelete", id=key, confirmationToken=token)
    assert {table for table, row in await story.everything() if key[4:] in row.replace("-", "")} == {"activity"}
