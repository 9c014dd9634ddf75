"""Drafts whose terms have drifted: what is told of them, what refreshing changes, what issuing does (domain.md G6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from catalogue import group, group_terms, item, net, percent_off, rates, rates_of
from stories import Story

DRIFT = """termsDrift {
  field
  before { priceList { name } priceListVersion discountPercent paymentTerms { label } source sourceNode { id } sourceVersion }
  after { priceList { name } priceListVersion discountPercent paymentTerms { label } source sourceNode { id } sourceVersion }
  lines { position item before after }
}"""
DRAFT = f"""query ($id: ID!) {{ invoice(by: {{id: $id}}) {{
  version total dueDate {DRIFT} lines {{ unitPrice unitPriceSource amount }}
}} }}"""
ISSUE = f"""mutation ($input: InvoiceIssueInput!) {{ invoiceIssue(input: $input) {{
  invoice {{ status total dueDate }} {DRIFT} userErrors {{ code field }}
}} }}"""


@dataclass
class Shop:
    """A reseller with an item to buy, and the terms of its group."""

    story: Story
    switch: str
    price_list: str
    customer: str
    resellers: str

    async def draft(self, *lines: dict[str, Any], **fields: Any) -> str:
        made = await self.story.do(
            "invoiceCreate",
            customerId=self.customer,
            lines=list(lines) or [{"itemId": self.switch}, {"item": "Visit", "unitPrice": "10.00"}],
            invoiceDate="2026-01-31",
            **fields,
        )
        identifier: str = made["invoice"]["id"]
        return identifier

    async def shown(self, invoice_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.story.ask(DRAFT, id=invoice_id))["invoice"]
        return found

    async def fields(self, invoice_id: str) -> list[str]:
        return [drift["field"] for drift in (await self.shown(invoice_id))["termsDrift"]]


@pytest.fixture
async def shop(story: Story) -> Shop:
    switch = await item(story, "Switch", USD="100.00")
    price_list = await percent_off(story, "Reseller prices", "10")
    customer = await story.customer("Lisbon")
    terms = {"priceListId": price_list, "discountPercent": "10", "paymentTerms": net(45)}
    return Shop(story, switch, price_list, customer, await group(story, "Resellers", customer, **terms))


async def test_a_draft_tells_old_and_new_and_takes_the_new_when_it_is_refreshed(shop: Shop) -> None:
    draft = await shop.draft()
    before = await shop.shown(draft)
    assert (before["termsDrift"], before["total"], before["dueDate"]) == ([], "90.00", "2026-03-17")
    await shop.story.do("priceListUpdate", id=shop.price_list, direction="DOWN", percent="20")
    await group_terms(shop.story, shop.resellers, discountPercent="5")
    await shop.story.do("customerTermsSet", id=shop.customer, paymentTerms=net(7))
    of_group = {"source": "GROUP", "sourceNode": {"id": shop.resellers}, "sourceVersion": 1}
    empty = {"priceList": None, "priceListVersion": None, "discountPercent": None, "paymentTerms": None}
    prices = {**empty, "priceList": {"name": "Reseller prices"}, "priceListVersion": 1, **of_group}
    drifted = await shop.shown(draft)
    assert drifted["termsDrift"] == [
        {
            "field": "PRICE_LIST",
            "before": prices,
            "after": {**prices, "priceListVersion": 2},
            "lines": [{"position": 1, "item": "Switch", "before": "90.000000", "after": "80.000000"}],
        },
        {
            "field": "DISCOUNT_PERCENT",
            "before": {**empty, "discountPercent": "10.000000", **of_group},
            "after": {**empty, "discountPercent": "5.000000", **of_group, "sourceVersion": 2},
            "lines": [],
        },
        {
            "field": "PAYMENT_TERMS",
            "before": {**empty, "paymentTerms": {"label": "Net 45"}, **of_group},
            "after": {
                **empty,
                "paymentTerms": {"label": "Net 7"},
                "source": "CUSTOMER",
                "sourceNode": {"id": shop.customer},
                "sourceVersion": 1,
            },
            "lines": [],
        },
    ]
    assert {**drifted, "termsDrift": []} == before
    payload = await shop.story.do("invoiceTermsRefresh", id=draft, version=1)
    assert [drift["field"] for drift in payload["termsDrift"]] == ["PRICE_LIST", "DISCOUNT_PERCENT", "PAYMENT_TERMS"]
    # (80.00 + 10.00) less 5 %.
    assert await shop.shown(draft) == {
        "version": 2,
        "total": "85.50",
        "dueDate": "2026-02-07",
        "termsDrift": [],
        "lines": [
            {"unitPrice": "80.000000", "unitPriceSource": "PRICE_LIST", "amount": "80.00"},
            {"unitPrice": "10.000000", "unitPriceSource": "DOCUMENT", "amount": "10.00"},
        ],
    }


async def test_where_nothing_has_drifted_a_refresh_changes_nothing(shop: Shop) -> None:
    draft = await shop.draft()
    # The same terms from somebody else are no drift.
    await shop.story.do("customerTermsSet", id=shop.customer, discountPercent="10", paymentTerms=net(45))
    before = await shop.story.everything()
    payload = await shop.story.do("invoiceTermsRefresh", id=draft)
    assert payload["termsDrift"] == []
    assert await shop.story.everything() == before


async def test_what_the_document_said_itself_neither_drifts_nor_changes(shop: Shop) -> None:
    own = {"priceListId": shop.price_list, "discountPercent": "3", "paymentTerms": net(1), "dueDate": "2026-02-02"}
    draft = await shop.draft(**own)
    before = await shop.shown(draft)
    await shop.story.do("priceListUpdate", id=shop.price_list, direction="DOWN", percent="20")
    await group_terms(shop.story, shop.resellers, discountPercent="5", paymentTerms=net(7))
    assert await shop.shown(draft) == before
    await shop.story.do("invoiceTermsRefresh", id=draft)
    assert await shop.shown(draft) == before


async def test_a_due_date_that_was_given_stays_and_one_that_followed_from_the_terms_follows_the_new_ones(shop: Shop) -> None:
    given, followed = await shop.draft(dueDate="2026-12-31"), await shop.draft()
    await group_terms(shop.story, shop.resellers, paymentTerms=net(7))
    for draft, due_date in ((given, "2026-12-31"), (followed, "2026-02-07")):
        await shop.story.do("invoiceTermsRefresh", id=draft)
        assert (await shop.shown(draft))["dueDate"] == due_date


async def test_default_prices_drift_and_so_does_a_price_list_that_comes_or_goes(shop: Shop) -> None:
    await shop.story.do("customerGroupMembersRemove", id=shop.resellers, customerIds=[shop.customer])
    draft = await shop.draft()
    untouched = await shop.draft({"item": "Visit", "unitPrice": "10.00"})
    await shop.story.do("itemUpdate", id=shop.switch, prices=[{"currency": "USD", "unitPrice": "110.00"}])
    [drift] = (await shop.shown(draft))["termsDrift"]
    assert (drift["field"], drift["before"]["priceList"], drift["after"]["priceList"]) == ("PRICE_LIST", None, None)
    assert drift["lines"] == [{"position": 1, "item": "Switch", "before": "100.000000", "after": "110.000000"}]
    await shop.story.do("customerGroupMembersAdd", id=shop.resellers, customerIds=[shop.customer])
    drifts = (await shop.shown(draft))["termsDrift"]
    assert [each["field"] for each in drifts] == ["PRICE_LIST", "DISCOUNT_PERCENT", "PAYMENT_TERMS"]
    assert drifts[0]["lines"] == [{"position": 1, "item": "Switch", "before": "100.000000", "after": "99.000000"}]
    # A price list that prices no line changes nothing of an invoice.
    assert await shop.fields(untouched) == ["DISCOUNT_PERCENT", "PAYMENT_TERMS"]
    await shop.story.do("invoiceTermsRefresh", id=draft)
    await shop.story.do("priceListUpdate", id=shop.price_list, isActive=False)
    assert (await shop.shown(draft))["lines"][0]["unitPriceSource"] == "PRICE_LIST"
    [gone] = (await shop.shown(draft))["termsDrift"]
    assert (gone["after"]["priceList"], gone["after"]["source"]) == (None, "NONE")
    await shop.story.do("invoiceTermsRefresh", id=draft)
    assert (await shop.shown(draft))["lines"][0] == {"unitPrice": "110.000000", "unitPriceSource": "ITEM", "amount": "110.00"}


async def test_a_line_whose_item_has_no_price_any_more_keeps_the_draft_from_being_refreshed(shop: Shop) -> None:
    draft = await shop.draft()
    await shop.story.do("itemUpdate", id=shop.switch, prices=[{"currency": "USD", "unitPrice": None}])
    [drift] = (await shop.shown(draft))["termsDrift"]
    assert drift["lines"] == [{"position": 1, "item": "Switch", "before": "90.000000", "after": None}]
    assert await shop.story.refused("invoiceTermsRefresh", id=draft) == [("PRICE_MISSING", ["id"])]
    assert await shop.story.refused("invoiceIssue", id=draft, reprice=True) == [("PRICE_MISSING", ["id"])]
    await shop.story.do("invoiceIssue", id=draft)


async def test_an_item_that_became_inactive_is_still_priced_on_drafts_that_have_it(shop: Shop) -> None:
    draft = await shop.draft()
    await shop.story.do("itemUpdate", id=shop.switch, status="INACTIVE")
    await shop.story.do("priceListUpdate", id=shop.price_list, direction="DOWN", percent="50")
    await shop.story.do("invoiceTermsRefresh", id=draft)
    assert (await shop.shown(draft))["lines"][0]["unitPrice"] == "50.000000"


async def test_issuing_tells_the_drift_and_issues_the_draft_as_it_stands(shop: Shop) -> None:
    draft = await shop.draft()
    await group_terms(shop.story, shop.resellers, discountPercent="5", paymentTerms=net(7))
    payload = (await shop.story.ask(ISSUE, input={"id": draft}))["invoiceIssue"]
    assert payload["userErrors"] == []
    assert payload["invoice"] == {"status": "ISSUED", "total": "90.00", "dueDate": "2026-03-17"}
    told = [
        (each["field"], each["before"]["discountPercent"], each["after"]["discountPercent"]) for each in payload["termsDrift"]
    ]
    assert told == [("DISCOUNT_PERCENT", "10.000000", "5.000000"), ("PAYMENT_TERMS", None, None)]
    assert await shop.fields(draft) == []


async def test_issuing_with_reprice_takes_the_new_terms_first(shop: Shop) -> None:
    draft = await shop.draft()
    await group_terms(shop.story, shop.resellers, discountPercent="5", paymentTerms=net(7))
    payload = (await shop.story.ask(ISSUE, input={"id": draft, "reprice": True}))["invoiceIssue"]
    assert payload["invoice"] == {"status": "ISSUED", "total": "95.00", "dueDate": "2026-02-07"}
    assert [each["field"] for each in payload["termsDrift"]] == ["DISCOUNT_PERCENT", "PAYMENT_TERMS"]
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity(first: 3) { nodes { action details } } } }"
    activity = (await shop.story.ask(document, id=shop.customer))["customer"]["activity"]["nodes"]
    assert [each["action"] for each in activity] == ["invoice.issued", "invoice.terms_refreshed", "invoice.created"]
    assert activity[1]["details"]["fields"] == ["DISCOUNT_PERCENT", "PAYMENT_TERMS"]


async def test_refusals_come_in_their_order_and_change_nothing(shop: Shop) -> None:
    draft = await shop.draft()
    issued = await shop.draft(issue=True)
    await group_terms(shop.story, shop.resellers, discountPercent="5")
    assert await shop.story.refused("invoiceTermsRefresh", id="inv_" + "0" * 32) == [("NOT_FOUND", ["id"])]
    assert await shop.story.refused("invoiceTermsRefresh", id=draft, version=2) == [("STALE_VERSION", ["version"])]
    assert await shop.story.refusals("invoiceTermsRefresh", id=issued) == [
        ("INVOICE_NOT_DRAFT", ["id"], "Invoice INV-000002 is issued; only drafts can take other terms.")
    ]


async def test_amounts_of_lines_keep_their_discounts_when_a_draft_is_refreshed(shop: Shop) -> None:
    draft = await shop.draft(
        {"itemId": shop.switch, "quantity": "3", "discountPercent": "5", "taxPercent": "20"},
        {"itemId": shop.switch, "discountAmount": "1.00"},
        shippingCharge="4.00",
        adjustment="-0.50",
    )
    await shop.story.do("priceListUpdate", id=shop.price_list, direction="DOWN", percent="20")
    await shop.story.do("invoiceTermsRefresh", id=draft)
    fields = {"shippingCharge": "4.00", "adjustment": "-0.50"}
    lines: list[dict[str, Any]] = [
        {"itemId": shop.switch, "quantity": "3", "discountPercent": "5", "taxPercent": "20"},
        {"itemId": shop.switch, "discountAmount": "1.00"},
    ]
    fresh = await shop.shown(await shop.draft(*lines, **fields))
    assert {**await shop.shown(draft), "version": 1} == fresh
    # 3 x 80.00 less 5 % is 228.00, and 79.00; less 10 %; 20 % tax on 205.20; shipping and adjustment.
    assert fresh["total"] == "320.84"


async def test_the_drift_of_a_page_of_drafts_is_read_in_three_statements(shop: Shop, counting: Callable[[], Any]) -> None:
    other = await shop.story.customer("Porto")
    volume = await rates(shop.story, "Volume", (shop.switch, [("0", None, "70.00")]))
    await group(shop.story, "Volume", other, priceListId=volume)
    for customer in (shop.customer, other, other):
        await Shop(shop.story, shop.switch, shop.price_list, customer, shop.resellers).draft()
    await shop.story.do("priceListUpdate", id=shop.price_list, direction="DOWN", percent="20")
    await shop.story.do("priceListUpdate", id=volume, rates=rates_of((shop.switch, [("0", None, "60.00")])))
    document = "{ invoices(filter: {status: DRAFT}) { nodes { termsDrift { field lines { before after } } } } }"
    await shop.story.ask(document)
    with counting() as issued:
        found = await shop.story.ask(document)
    drifts = [node["termsDrift"] for node in found["invoices"]["nodes"]]
    assert sorted(drift["lines"][0]["after"] for [drift] in drifts) == ["60.000000", "60.000000", "80.000000"]
    # The drafts; then the terms that apply, the lines that terms priced, what they cost today.
    assert len(issued) == 4, issued.statements
