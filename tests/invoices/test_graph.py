"""Invoices over the graph: what they come to, when they are due, what of them stays as it was (domain.md I1, I8, M4)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from stories import Story

WHOLE = """
query ($id: ID!) { invoice(by: {id: $id}) {
  id number status paymentStatus isOverdue currency invoiceDate dueDate paymentTerms { kind netDays label }
  terms { paymentTerms { source } }
  subtotal discountPercent discountTotal isDiscountBeforeTax taxTotal shippingCharge adjustment total
  amountPaid amountWrittenOff balance purchaseOrder notes voidReason version
  issuedAt voidedAt customer { id } billTo { name companyName taxId address { city } }
  lines { position description item quantity unitPrice discountPercent discount taxPercent tax amount }
} }
"""


async def whole(story: Story, invoice_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(WHOLE, id=invoice_id))["invoice"]
    return found


async def numbers(story: Story, **arguments: Any) -> list[str]:
    document = """query ($filter: InvoiceFilter, $orderBy: [InvoiceOrder!]) {
      invoices(filter: $filter, orderBy: $orderBy) { totalCount nodes { number } }
    }"""
    found = (await story.ask(document, **arguments))["invoices"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["number"] for node in found["nodes"]]


async def test_an_invoice_comes_to_its_lines_less_discounts_plus_taxes(story: Story) -> None:
    key = await story.customer("Lisbon")
    made = await story.do(
        "invoiceCreate",
        customerId=key,
        invoiceDate="2026-01-15",
        lines=[
            {
                "description": "Routers",
                "item": "RT-9",
                "quantity": "3",
                "unitPrice": "199.99",
                "discountPercent": "10",
                "taxPercent": "23",
            },
            {"description": "Calls", "quantity": "1250", "unitPrice": "0.0035", "taxPercent": "6"},
            {"description": "Return", "quantity": "-1", "unitPrice": "40"},
        ],
        discountPercent="5",
        shippingCharge="12.50",
        adjustment="-0.01",
        purchaseOrder="PO-7",
        notes="Thank you.",
    )
    found = await whole(story, made["invoice"]["id"])
    lines = [
        ("Routers", "3.000000", "199.990000", "60.00", "539.97"),
        ("Calls", "1250.000000", "0.003500", "0.00", "4.38"),
        ("Return", "-1.000000", "40.000000", "0.00", "-40.00"),
    ]
    names = ("description", "quantity", "unitPrice", "discount", "amount")
    assert [tuple(line[name] for name in names) for line in found["lines"]] == lines
    assert [line["position"] for line in found["lines"]] == [1, 2, 3]
    # 5 % of 504.35 are 25.22; 23 % of 512.97 are 117.98; 6 % of 4.16 are 0.25.
    totals = ("subtotal", "discountTotal", "taxTotal", "shippingCharge", "adjustment", "total", "balance")
    assert [found[name] for name in totals] == ["504.35", "25.22", "118.23", "12.50", "-0.01", "609.85", "609.85"]
    assert (found["purchaseOrder"], found["notes"], found["status"]) == ("PO-7", "Thank you.", "DRAFT")


@pytest.mark.parametrize(
    ("currency", "price", "total", "nothing"),
    [("JPY", "1500", "1500", "0"), ("KWD", "1.234", "1.234", "0.000"), ("USD", "1.5", "1.50", "0.00")],
)
async def test_amounts_have_the_places_of_their_currency(
    story: Story, currency: str, price: str, total: str, nothing: str
) -> None:
    key = await story.customer("Lisbon", currency=currency)
    invoice = await story.invoice(key, price)
    found = await whole(story, invoice)
    assert [found[name] for name in ("currency", "total", "balance", "amountPaid")] == [currency, total, total, nothing]
    payment = await story.payment(key, price, apply={})
    assert await story.balances(invoice) == [nothing]
    assert await story.unapplied(payment) == nothing


async def test_the_due_date_follows_the_documents_terms_then_the_customers_then_the_organizations(story: Story) -> None:
    plain = await story.customer("Lisbon")
    monthly = await story.customer("Porto")
    await story.do("customerTermsSet", id=monthly, paymentTerms={"kind": "END_OF_NEXT_MONTH"})

    async def terms(customer_id: str, **fields: Any) -> tuple[str, str, str]:
        found = await whole(story, await story.invoice(customer_id, "1.00", invoiceDate="2026-01-31", **fields))
        return found["dueDate"], found["terms"]["paymentTerms"]["source"], found["paymentTerms"]["label"]

    assert await terms(plain) == ("2026-03-02", "ORGANIZATION", "Net 30")
    assert await terms(monthly) == ("2026-02-28", "CUSTOMER", "End of next month")
    net = {"kind": "NET", "netDays": 1}
    assert await terms(monthly, paymentTerms=net) == ("2026-02-01", "DOCUMENT", "Net 1")
    assert await terms(monthly, paymentTerms={"kind": "DUE_ON_RECEIPT"}) == ("2026-01-31", "DOCUMENT", "Due on receipt")
    assert await terms(plain, dueDate="2026-01-31") == ("2026-01-31", "ORGANIZATION", "Net 30")


async def test_what_was_billed_stays_as_it_was_when_the_invoice_was_issued(story: Story) -> None:
    key = await story.customer("Lisbon", companyName="Lisbon Lda", taxId="PT1", billingAddress={"city": "Lisboa"})
    issued = await story.invoice(key, "10.00", invoiceDate="2026-01-01")
    draft = await story.invoice(key, "10.00", invoiceDate="2026-01-01", issue=False)
    before = await whole(story, issued)
    assert before["billTo"] == {"name": "Lisbon", "companyName": "Lisbon Lda", "taxId": "PT1", "address": {"city": "Lisboa"}}
    terms = {"kind": "DUE_ON_RECEIPT"}
    await story.do("customerUpdate", id=key, name="Lisboa", taxId=None, billingAddress=None)
    await story.do("customerTermsSet", id=key, paymentTerms=terms)
    await story.do("organizationTermsSet", paymentTerms=terms)
    assert await whole(story, issued) == before
    await story.do("invoiceIssue", id=draft)
    found = await whole(story, draft)
    assert found["billTo"] == {"name": "Lisboa", "companyName": "Lisbon Lda", "taxId": None, "address": None}
    assert found["dueDate"] == "2026-01-31"


async def test_payment_status_follows_the_money(story: Story) -> None:
    key = await story.customer("Lisbon")
    invoice = await story.invoice(key, "10.00", issue=False)
    names = ("status", "paymentStatus", "amountPaid", "balance")

    async def state() -> tuple[str | None, ...]:
        found = await whole(story, invoice)
        return tuple(found[name] for name in names)

    assert await state() == ("DRAFT", None, "0.00", "10.00")
    await story.do("invoiceIssue", id=invoice)
    assert await state() == ("ISSUED", "UNPAID", "0.00", "10.00")
    first = await story.payment(key, "4.00", apply={})
    assert await state() == ("ISSUED", "PARTIALLY_PAID", "4.00", "6.00")
    await story.payment(key, "6.00", apply={})
    assert await state() == ("ISSUED", "PAID", "10.00", "0.00")
    await story.do("paymentReverse", id=first, reason="Bounced")
    assert await state() == ("ISSUED", "PARTIALLY_PAID", "6.00", "4.00")
    await story.do("invoiceVoid", id=invoice, reason="Wrong address", releaseAllocations=True)
    assert await state() == ("VOID", None, "0.00", "0.00")
    found = await whole(story, invoice)
    assert found["voidReason"] == "Wrong address"
    assert found["issuedAt"] < found["voidedAt"]


async def test_an_invoice_over_nothing_is_paid_as_soon_as_it_is_issued(story: Story) -> None:
    key = await story.customer("Lisbon")
    found = await whole(story, await story.invoice(key, "0"))
    assert (found["total"], found["paymentStatus"], found["isOverdue"]) == ("0.00", "PAID", False)


async def test_due_today_is_not_overdue_and_due_yesterday_is(story: Story) -> None:
    key = await story.customer("Lisbon")
    today = date.fromisoformat(await story.today())
    yesterday = (today - timedelta(days=1)).isoformat()
    dates = {"invoiceDate": yesterday, "dueDate": yesterday}
    late = await story.invoice(key, "10.00", number="late", **dates)
    await story.invoice(key, "20.00", number="today", invoiceDate=yesterday, dueDate=today.isoformat())
    await story.invoice(key, "40.00", number="draft", issue=False, **dates)
    assert (await whole(story, late))["isOverdue"]
    assert await numbers(story, filter={"isOverdue": True}) == ["late"]
    assert await numbers(story, filter={"isOverdue": False}, orderBy=[{"field": "TOTAL"}]) == ["today", "draft"]
    owed = (await story.receivables(key))["receivables"]
    assert [(row["outstanding"], row["overdue"], row["openInvoiceCount"]) for row in owed] == [("30.00", "10.00", 2)]
    await story.payment(key, "10.00", apply={"invoiceIds": [late]})
    assert await numbers(story, filter={"isOverdue": True}) == []
    assert not (await whole(story, late))["isOverdue"]


async def test_the_organizations_time_zone_decides_what_day_it_is(story: Story) -> None:
    key = await story.customer("Lisbon")
    await story.settings(timezone="Pacific/Niue")
    behind = await story.today()
    invoice = await story.invoice(key, "10.00", invoiceDate=behind, dueDate=behind)
    assert not (await whole(story, invoice))["isOverdue"]
    await story.settings(timezone="Pacific/Kiritimati")
    assert date.fromisoformat(behind) < date.fromisoformat(await story.today())
    assert (await whole(story, invoice))["isOverdue"]


async def test_invoices_are_filtered_by_what_they_are_and_ordered_by_what_is_indexed(story: Story) -> None:
    lisbon, porto = await story.customer("Lisbon"), await story.customer("Porto", currency="EUR")
    await story.invoice(lisbon, "30.00", number="A-1", invoiceDate="2026-01-01", purchaseOrder="PO-1")
    second = await story.invoice(lisbon, "10.00", number="A-2", invoiceDate="2026-02-01")
    await story.invoice(porto, "20.00", number="B-1", invoiceDate="2026-03-01")
    await story.invoice(porto, "5.00", number="B-2", invoiceDate="2026-04-01", issue=False)
    void = await story.invoice(porto, "7.00", number="B-3", invoiceDate="2026-05-01")
    await story.do("invoiceVoid", id=void, reason="Wrong")
    await story.payment(lisbon, "10.00", apply={"invoiceIds": [second]})
    assert await numbers(story) == ["B-3", "B-2", "B-1", "A-2", "A-1"]
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"customerId": {"eq": lisbon}}, ["A-2", "A-1"]),
        ({"customerId": {"in": [lisbon, porto]}, "status": "ISSUED"}, ["B-1", "A-2", "A-1"]),
        ({"customerId": {"in": []}}, []),
        ({"status": "DRAFT"}, ["B-2"]),
        ({"status": "VOID"}, ["B-3"]),
        ({"paymentStatus": "PAID"}, ["A-2"]),
        ({"paymentStatus": "UNPAID"}, ["B-1", "A-1"]),
        ({"isOpen": True}, ["B-1", "A-1"]),
        ({"isOpen": False}, ["B-3", "B-2", "A-2"]),
        ({"currency": "EUR"}, ["B-3", "B-2", "B-1"]),
        ({"invoiceDate": {"gte": "2026-02-01", "lt": "2026-04-01"}}, ["B-1", "A-2"]),
        ({"dueDate": {"lte": "2026-01-31"}}, ["A-1"]),
        ({"dueDate": {"gt": "2026-01-31", "lte": "2026-03-03"}}, ["A-2"]),
        ({"invoiceDate": {"eq": "2026-03-01"}}, ["B-1"]),
        ({"number": {"eq": "A-1"}}, ["A-1"]),
        ({"number": {"in": ["A-1", "B-2", "none"]}}, ["B-2", "A-1"]),
        ({"number": {"startsWith": "A-"}}, ["A-2", "A-1"]),
        ({"number": {"startsWith": "_-"}}, []),
        ({"purchaseOrder": {"eq": "PO-1"}}, ["A-1"]),
        ({"purchaseOrder": {"eq": None}}, ["B-3", "B-2", "B-1", "A-2"]),
        ({"id": {"in": [second, void]}}, ["B-3", "A-2"]),
    ]
    for given, found in expected:
        assert (given, await numbers(story, filter=given)) == (given, found)
    orders: list[tuple[list[dict[str, str]], list[str]]] = [
        ([{"field": "NUMBER"}], ["A-1", "A-2", "B-1", "B-2", "B-3"]),
        ([{"field": "NUMBER", "direction": "DESC"}], ["B-3", "B-2", "B-1", "A-2", "A-1"]),
        ([{"field": "TOTAL"}], ["B-2", "B-3", "A-2", "B-1", "A-1"]),
        ([{"field": "DUE_DATE", "direction": "DESC"}], ["B-3", "B-2", "B-1", "A-2", "A-1"]),
        ([{"field": "INVOICE_DATE"}], ["A-1", "A-2", "B-1", "B-2", "B-3"]),
    ]
    for order, found in orders:
        assert (order, await numbers(story, orderBy=order)) == (order, found)


async def test_an_invoice_is_found_by_its_number(story: Story) -> None:
    key = await story.customer("Lisbon")
    invoice = await story.invoice(key, "10.00", number="INV-000001")
    assert (await whole(story, await story.invoice(key, "10.00")))["number"] == "INV-000002"
    document = "query ($by: InvoiceBy!) { invoice(by: $by) { id } }"
    assert await story.ask(document, by={"number": "INV-000001"}) == {"invoice": {"id": invoice}}
    for by in ({"number": "INV-1"}, {"number": ""}, {"id": "inv_" + "0" * 32}):
        assert await story.ask(document, by=by) == {"invoice": None}


async def test_a_head_office_sees_the_invoices_of_its_branches_by_scope(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Wireless", under=city)
    for key, number in ((top, "T"), (city, "C"), (team, "W")):
        await story.invoice(key, "10.00", number=number, invoiceDate="2026-01-01")
    document = """query ($id: ID!, $scope: CustomerScope!, $filter: InvoiceFilter) { customer(by: {id: $id}) {
      invoices(scope: $scope, filter: $filter, orderBy: [{field: NUMBER}]) { totalCount nodes { number } }
    } }"""
    expected: list[tuple[str, str, list[str]]] = [
        (top, "SELF", ["T"]),
        (top, "DIRECT_CHILDREN", ["C"]),
        (top, "SUBTREE", ["C", "T", "W"]),
        (city, "SUBTREE", ["C", "W"]),
        (team, "DIRECT_CHILDREN", []),
        (team, "SUBTREE", ["W"]),
    ]
    for key, scope, found in expected:
        answer = (await story.ask(document, id=key, scope=scope))["customer"]["invoices"]
        assert ([node["number"] for node in answer["nodes"]], answer["totalCount"]) == (found, len(found))
    narrowed = await story.ask(document, id=top, scope="SUBTREE", filter={"number": {"eq": "W"}})
    assert narrowed["customer"]["invoices"] == {"totalCount": 1, "nodes": [{"number": "W"}]}
