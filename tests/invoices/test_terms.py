"""What invoices take from the terms that apply to their customer, and keep of them (domain.md I8, G3, G9, G11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from access.people import client_user
from catalogue import group, group_terms, item, net, percent_off, rates
from holdco.viewer import ClientUserRole
from stories import Story

TERMS = """terms {
  priceList { value { name } version source sourceNode { id } sourceVersion }
  discountPercent { value source sourceNode { id } sourceVersion }
  paymentTerms { value { label } source sourceNode { id } sourceVersion }
}"""
INVOICE = f"""query ($id: ID!) {{ invoice(by: {{id: $id}}) {{
  dueDate subtotal discountTotal taxTotal total {TERMS}
  lines {{ item description unitPrice unitPriceSource amount catalogItem {{ name }} }}
}} }}"""
NOBODY = {"source": "NONE", "sourceNode": None, "sourceVersion": None}
OWN = {"source": "DOCUMENT", "sourceNode": None, "sourceVersion": None}


async def create(story: Story, customer_id: str, *lines: dict[str, Any], **fields: Any) -> str:
    made = await story.do("invoiceCreate", customerId=customer_id, lines=list(lines), invoiceDate="2026-01-31", **fields)
    identifier: str = made["invoice"]["id"]
    return identifier


async def shown(story: Story, invoice_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(INVOICE, id=invoice_id))["invoice"]
    return found


def prices(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(line["unitPrice"].rstrip("0").rstrip("."), line["unitPriceSource"]) for line in found["lines"]]


async def test_a_member_gets_the_prices_discount_and_due_date_of_its_group_and_the_invoice_says_so(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00")
    cable = await item(story, "Cable", USD="3.33")
    price_list = await percent_off(story, "Reseller prices", "10")
    reseller = await story.customer("Lisbon")
    resellers = await group(story, "Resellers", reseller, priceListId=price_list, discountPercent="12.5", paymentTerms=net(45))
    made = await create(
        story,
        reseller,
        {"itemId": switch, "quantity": "2"},
        {"itemId": cable},
        {"item": "Visit", "unitPrice": "50.00"},
        issue=True,
    )
    found = await shown(story, made)
    by_group = {"source": "GROUP", "sourceNode": {"id": resellers}, "sourceVersion": 1}
    assert found["terms"] == {
        "priceList": {"value": {"name": "Reseller prices"}, "version": 1, **by_group},
        "discountPercent": {"value": "12.500000", **by_group},
        "paymentTerms": {"value": {"label": "Net 45"}, **by_group},
    }
    assert prices(found) == [("90", "PRICE_LIST"), ("2.997", "PRICE_LIST"), ("50", "DOCUMENT")]
    # 180.00 + 3.00 + 50.00, less 12.5 %.
    assert [found[name] for name in ("subtotal", "discountTotal", "total", "dueDate")] == [
        "233.00",
        "29.13",
        "203.87",
        "2026-03-17",
    ]
    assert [(line["item"], line["description"], line["catalogItem"]) for line in found["lines"]] == [
        ("Switch", "Switch", {"name": "Switch"}),
        ("Cable", "Cable", {"name": "Cable"}),
        ("Visit", None, None),
    ]


async def test_what_the_document_says_goes_before_all_terms(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00")
    half = await percent_off(story, "Half", "50")
    customer = await story.customer("Lisbon")
    await group(
        story,
        "Resellers",
        customer,
        priceListId=await percent_off(story, "Tenth", "10"),
        discountPercent="12.5",
        paymentTerms=net(45),
    )
    own = {"priceListId": half, "discountPercent": "0", "paymentTerms": net(7)}
    line = {"itemId": switch, "item": "Core switch", "description": "In a rack"}
    found = await shown(story, await create(story, customer, line, {"itemId": switch, "unitPrice": "99.00"}, **own))
    assert found["terms"] == {
        "priceList": {"value": {"name": "Half"}, "version": 1, **OWN},
        "discountPercent": {"value": "0.000000", **OWN},
        "paymentTerms": {"value": {"label": "Net 7"}, **OWN},
    }
    assert prices(found) == [("50", "PRICE_LIST"), ("99", "DOCUMENT")]
    assert (found["discountTotal"], found["dueDate"]) == ("0.00", "2026-02-07")
    assert [(line["item"], line["description"]) for line in found["lines"]] == [
        ("Core switch", "In a rack"),
        ("Switch", "Switch"),
    ]


async def test_where_nobody_says_anything_items_have_their_default_price_and_there_is_no_discount(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00", EUR="95.00")
    customer = await story.customer("Lisbon")
    found = await shown(story, await create(story, customer, {"itemId": switch}))
    assert found["terms"]["priceList"] == {"value": None, "version": None, **NOBODY}
    assert found["terms"]["discountPercent"] == {"value": "0.000000", **NOBODY}
    organization = (await story.ask("{ organization { id } }"))["organization"]
    assert found["terms"]["paymentTerms"] == {
        "value": {"label": "Net 30"},
        "source": "ORGANIZATION",
        "sourceNode": organization,
        "sourceVersion": 1,
    }
    assert prices(found) == [("100", "ITEM")]
    assert prices(await shown(story, await create(story, customer, {"itemId": switch}, currency="EUR"))) == [("95", "ITEM")]


async def test_a_price_list_in_another_currency_is_skipped_for_the_next_one(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00", EUR="100.00")
    customer = await story.customer("Lisbon")
    first = await group(story, "First", customer, priceListId=await percent_off(story, "Tenth in EUR", "10", currency="EUR"))
    second = await group(story, "Second", customer, priceListId=await percent_off(story, "Fifth", "20"))
    for currency, price, source in (("USD", "80", second), ("EUR", "90", first)):
        found = await shown(story, await create(story, customer, {"itemId": switch}, currency=currency))
        assert prices(found) == [(price, "PRICE_LIST")]
        assert found["terms"]["priceList"]["sourceNode"] == {"id": source}
    found = await shown(story, await create(story, customer, {"unitPrice": "100"}, currency="JPY"))
    assert found["terms"]["priceList"] == {"value": None, "version": None, **NOBODY}


async def test_an_ancestor_that_passes_its_terms_on_is_named_as_their_source(story: Story) -> None:
    office = await story.customer("Head office")
    await story.do("customerTermsSet", id=office, discountPercent="5")
    passed_on = {"view": True, "pay": True, "manage": False}
    branch = await story.customer("Branch", under=office, access=passed_on)
    found = await shown(story, await create(story, branch, {"unitPrice": "100.00"}))
    assert found["terms"]["discountPercent"] == {"value": "0.000000", **NOBODY}
    await story.do("customerParentAccessSet", id=branch, access={**passed_on, "inheritTerms": True})
    found = await shown(story, await create(story, branch, {"unitPrice": "100.00"}))
    ancestor = {"source": "ANCESTOR", "sourceNode": {"id": office}, "sourceVersion": 1}
    assert found["terms"]["discountPercent"] == {"value": "5.000000", **ancestor}
    assert found["total"] == "95.00"
    # What an ancestor's group says, its group said.
    resellers = await group(story, "Resellers", office, paymentTerms=net(45))
    found = await shown(story, await create(story, branch, {"unitPrice": "100.00"}))
    assert found["terms"]["paymentTerms"] == {"value": {"label": "Net 45"}, **ancestor, "sourceNode": {"id": resellers}}


async def test_a_quantity_decides_by_brackets_and_falls_back_to_the_default_price(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00")
    price_list = await rates(story, "Volume", (switch, [("1", "10", "90.00"), ("10", "100", "80.00")]))
    customer = await story.customer("Lisbon")
    quantities = ["0.5", "1", "9.999999", "10", "99", "100", "-10"]
    lines = [{"itemId": switch, "quantity": quantity} for quantity in quantities]
    found = await shown(story, await create(story, customer, *lines, priceListId=price_list))
    assert [price for price, _ in prices(found)] == ["100", "90", "90", "80", "80", "100", "80"]
    assert [source for _, source in prices(found)] == ["ITEM", *["PRICE_LIST"] * 4, "ITEM", "PRICE_LIST"]


async def test_all_bad_lines_are_told_at_once(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00")
    euros = await item(story, "Router", EUR="100.00")
    retired = await item(story, "Modem", USD="1.00")
    await story.do("itemUpdate", id=retired, status="INACTIVE")
    customer = await story.customer("Lisbon")
    lines: list[dict[str, Any]] = [
        {"itemId": switch},
        {"itemId": euros},
        {"itemId": retired},
        {"itemId": retired, "unitPrice": "1.00"},
        {"itemId": "itm_" + "0" * 32},
        {"item": "Something"},
        {"itemId": euros, "unitPrice": "1.00"},
    ]
    assert await story.refused("invoiceCreate", customerId=customer, lines=lines) == [
        ("PRICE_MISSING", ["lines", "1"]),
        ("ITEM_INACTIVE", ["lines", "2", "itemId"]),
        ("ITEM_INACTIVE", ["lines", "3", "itemId"]),
        ("NOT_FOUND", ["lines", "4", "itemId"]),
        ("INVALID_INPUT", ["lines", "5", "unitPrice"]),
    ]
    lines = [{"itemId": "nonsense"}, {"itemId": switch}, {"itemId": customer}]
    assert await story.refused("invoiceCreate", customerId=customer, lines=lines) == [
        ("NOT_FOUND", ["lines", "0", "itemId"]),
        ("NOT_FOUND", ["lines", "2", "itemId"]),
    ]


async def test_a_price_list_that_cannot_be_the_documents_is_refused(story: Story) -> None:
    customer = await story.customer("Lisbon")
    euros, retired = await percent_off(story, "Euros", "10", currency="EUR"), await percent_off(story, "Old", "10")
    await story.do("priceListUpdate", id=retired, isActive=False)
    for price_list, code in ((euros, "CURRENCY_MISMATCH"), (retired, "PRICE_LIST_INACTIVE"), ("prl_" + "0" * 32, "NOT_FOUND")):
        given = {"customerId": customer, "lines": [{"unitPrice": "1.00"}], "priceListId": price_list}
        assert await story.refused("invoiceCreate", **given) == [(code, ["priceListId"])]


@pytest.mark.parametrize("count", [1, 40])
async def test_the_number_of_statements_does_not_depend_on_the_lines(
    story: Story, counting: Callable[[], Any], count: int
) -> None:
    items = [await item(story, f"Item {index}", USD="1.00") for index in range(count)]
    price_list = await rates(story, "Volume", *((each, [("0", None, "0.90")]) for each in items))
    customer = await story.customer("Lisbon")
    await group(story, "Resellers", customer, priceListId=price_list, discountPercent="10", paymentTerms=net(45))
    await create(story, customer, {"unitPrice": "1.00"})
    with counting() as issued:
        await create(story, customer, *({"itemId": each} for each in items))
    written = issued.statements[: next(n for n, statement in enumerate(issued.statements) if "pg_notify" in statement)]
    # The settings, the customer, its terms, the prices, the number in two, the invoice, its lines, the record.
    assert len(written) == 9, written


async def test_terms_of_a_page_of_invoices_are_read_with_it(story: Story, counting: Callable[[], Any]) -> None:
    switch = await item(story, "Switch", USD="100.00")
    customers = [await story.customer(f"Office {number}") for number in range(3)]
    price_list = await percent_off(story, "Reseller prices", "10")
    await group(story, "Resellers", *customers, priceListId=price_list, discountPercent="12.5")
    for customer in customers:
        await story.do("customerTermsSet", id=customer, paymentTerms=net(7))
        await create(story, customer, {"itemId": switch})
    document = f"{{ invoices {{ nodes {{ {TERMS} lines {{ catalogItem {{ name }} }} }} }} }}"
    await story.ask(document)
    with counting() as issued:
        found = await story.ask(document)
    assert {node["terms"]["paymentTerms"]["source"] for node in found["invoices"]["nodes"]} == {"CUSTOMER"}
    # Invoices, their lines, items, price lists, groups, customers.
    assert len(issued) == 6, issued.statements


async def test_what_was_issued_stays_whatever_becomes_of_groups_lists_and_items(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00")
    price_list = await percent_off(story, "Reseller prices", "10")
    customer = await story.customer("Lisbon")
    resellers = await group(story, "Resellers", customer, priceListId=price_list, discountPercent="12.5", paymentTerms=net(45))
    made = await create(story, customer, {"itemId": switch}, issue=True)

    async def stored() -> list[tuple[str, str]]:
        return [row for row in await story.everything() if row[0] in {"invoices", "invoice_lines"}]

    before = await stored()
    await story.do("priceListUpdate", id=price_list, percent="50", direction="DOWN")
    await story.do("itemUpdate", id=switch, status="INACTIVE", name="Old switch")
    await group_terms(story, resellers, discountPercent="1", paymentTerms=net(1))
    await story.do("customerTermsSet", id=customer, discountPercent="2")
    await story.do("priceListUpdate", id=price_list, isActive=False)
    await story.do("customerGroupMembersRemove", id=resellers, customerIds=[customer])
    await story.do("customerGroupDelete", id=resellers)
    assert (await shown(story, made))["terms"]["discountPercent"]["sourceNode"] == {"id": resellers}
    assert await story.refused("invoiceTermsRefresh", id=made) == [("INVOICE_NOT_DRAFT", ["id"])]
    assert await stored() == before
    document = "query ($id: ID!) { invoice(by: {id: $id}) { termsDrift { field } } }"
    assert (await story.ask(document, id=made))["invoice"] == {"termsDrift": []}


@pytest.mark.parametrize("is_planning", [True, False], ids=["by levels", "by objects"])
async def test_a_client_user_sees_values_and_sources_of_its_invoices_but_no_list_item_or_version(
    story: Story, is_planning: bool
) -> None:
    switch = await item(story, "Switch", USD="100.00")
    price_list = await percent_off(story, "Reseller prices", "10")
    office = await story.customer("Head office")
    await story.do("customerTermsSet", id=office, discountPercent="5")
    shop = await story.customer("Shop", under=office, access={"view": True, "pay": True, "manage": False, "inheritTerms": True})
    resellers = await group(story, "Resellers", shop, priceListId=price_list, paymentTerms=net(45))
    issued = await create(story, shop, {"itemId": switch}, issue=True)
    draft = await create(story, shop, {"itemId": switch})
    await story.do("priceListUpdate", id=price_list, direction="DOWN", percent="20")
    seer = await client_user(story, {shop: ClientUserRole.ADMIN}, is_planning=is_planning)
    document = INVOICE.replace("dueDate", "termsDrift { field } dueDate")
    assert await seer.ask(document, id=draft) == {"invoice": None}
    found = (await seer.ask(document, id=issued))["invoice"]
    assert found["termsDrift"] == []
    assert found["terms"] == {
        "priceList": {"value": None, "version": None, "source": "GROUP", "sourceNode": {"id": resellers}, "sourceVersion": None},
        # It does not see the customer above it, nor that there is one.
        "discountPercent": {"value": "5.000000", "source": None, "sourceNode": None, "sourceVersion": None},
        "paymentTerms": {"value": {"label": "Net 45"}, "source": "GROUP", "sourceNode": {"id": resellers}, "sourceVersion": None},
    }
    assert [(line["item"], line["catalogItem"]) for line in found["lines"]] == [("Switch", None)]
    assert prices(found) == [("90", "PRICE_LIST")]
