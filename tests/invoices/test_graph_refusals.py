"""What is refused about invoices: each with its code and field, and nothing changed (domain.md I1, I3, D4, T8, M3, K6)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from stories import Story

LINES = [{"unitPrice": "10.00"}]
HUGE = "9" * 20


async def test_invoices_of_customers_that_are_not_there_are_refused(story: Story) -> None:
    for wrong in ("cus_" + "0" * 32, "inv_" + "0" * 32, "", "nonsense"):
        assert await story.refused("invoiceCreate", customerId=wrong, lines=LINES) == [("NOT_FOUND", ["customerId"])]


async def test_an_inactive_customer_gets_no_new_invoice_and_can_pay_its_open_ones(story: Story) -> None:
    key = await story.customer("Lisbon")
    draft, issued = await story.invoice(key, "10.00", issue=False), await story.invoice(key, "20.00")
    await story.do("customerDeactivate", id=key)
    code = "CUSTOMER_INACTIVE"
    for issue in (True, False):
        assert await story.refused("invoiceCreate", customerId=key, lines=LINES, issue=issue) == [(code, ["customerId"])]
    assert await story.refused("invoiceIssue", id=draft) == [(code, ["id"])]
    await story.payment(key, "20.00", apply={})
    assert await story.balances(issued) == ["0.00"]


async def test_a_number_that_is_taken_is_refused(story: Story) -> None:
    first, second = await story.customer("Lisbon"), await story.customer("Porto")
    await story.invoice(first, "10.00", number="ALD-1")
    assert await story.refusals("invoiceCreate", customerId=second, lines=LINES, number="ALD-1") == [
        ("NUMBER_TAKEN", ["number"], "There is already an invoice with the number ALD-1.")
    ]


async def test_only_drafts_are_issued(story: Story) -> None:
    key = await story.customer("Lisbon")
    invoice = await story.invoice(key, "10.00", number="A-1")
    code = "INVOICE_NOT_DRAFT"
    assert await story.refusals("invoiceIssue", id=invoice) == [
        (code, ["id"], "Invoice A-1 is issued; only drafts can be issued.")
    ]
    await story.do("invoiceVoid", id=invoice, reason="Wrong")
    assert await story.refusals("invoiceIssue", id=invoice) == [(code, ["id"], "Invoice A-1 is void; only drafts can be issued.")]


async def test_only_issued_invoices_are_voided(story: Story) -> None:
    key = await story.customer("Lisbon")
    draft, void = await story.invoice(key, "10.00", number="A-1", issue=False), await story.invoice(key, "10.00", number="A-2")
    await story.do("invoiceVoid", id=void, reason="Wrong")
    for invoice, told in ((draft, "A-1 is draft"), (void, "A-2 is void")):
        assert await story.refusals("invoiceVoid", id=invoice, reason="Wrong") == [
            ("INVOICE_NOT_ISSUED", ["id"], f"Invoice {told}; only issued invoices can be voided.")
        ]


async def test_an_invoice_is_voided_for_a_reason(story: Story) -> None:
    invoice = await story.invoice(await story.customer("Lisbon"), "10.00")
    for reason in ("", "  ", "x" * 201, "a\0b", "\ud800"):
        assert await story.refused("invoiceVoid", id=invoice, reason=reason) == [("INVALID_INPUT", ["reason"])]


async def test_an_invoice_with_money_on_it_is_voided_only_when_the_money_is_released_to_those_who_paid(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    invoice = await story.invoice(city, "100.00", number="A-1")
    from_top, from_city = await story.payment(top, "60.00", apply={}), await story.payment(city, "10.00", apply={})
    credit = await story.credit_note(top, "20.00")
    await story.do("creditNoteApply", sourceId=credit)
    assert await story.refusals("invoiceVoid", id=invoice, reason="Wrong") == [
        (
            "INVOICE_HAS_ALLOCATIONS",
            ["releaseAllocations"],
            (
                "Invoice A-1 has 3 payments or credits applied. Reverse them, or void with releaseAllocations: true, which gives "
                "the money back to those who paid."
            ),
        )
    ]
    voided = await story.do("invoiceVoid", id=invoice, reason="Wrong", releaseAllocations=True)
    assert voided["invoice"] == {"id": invoice, "status": "VOID", "balance": "0.00"}
    assert sorted((row["payer"]["id"], row["amount"]) for row in voided["reversals"]) == sorted(
        [(top, "60.00"), (city, "10.00"), (top, "20.00")]
    )
    assert [await story.unapplied(source) for source in (from_top, from_city, credit)] == ["60.00", "10.00", "20.00"]
    owed = await story.receivables(city)
    assert [(row["outstanding"], row["unapplied"]) for row in owed["receivables"]] == [("0.00", "10.00")]


async def test_nothing_is_dated_in_a_closed_period(story: Story) -> None:
    key = await story.customer("Lisbon")
    draft = await story.invoice(key, "10.00", issue=False, invoiceDate="2026-01-31")
    issued = await story.invoice(key, "10.00", invoiceDate="2026-01-31")
    code = "PERIOD_LOCKED"
    await story.settings(lockedUntil="2026-01-31")
    assert await story.refusals("invoiceCreate", customerId=key, lines=LINES, invoiceDate="2026-01-31", issue=True) == [
        (code, ["invoiceDate"], "2026-01-31 lies in a closed period: the books are locked until 2026-01-31.")
    ]
    assert await story.refused("invoiceIssue", id=draft) == [(code, ["id"])]
    await story.invoice(key, "10.00", invoiceDate="2026-02-01")
    await story.invoice(key, "10.00", invoiceDate="2026-01-31", issue=False)
    # A void is dated today, which is closed only where the organization has moved to where it is still yesterday.
    await story.settings(timezone="Pacific/Kiritimati")
    yesterday = date.fromisoformat(await story.today()) - timedelta(days=1)
    await story.settings(lockedUntil=yesterday.isoformat(), timezone="Pacific/Niue")
    assert await story.refused("invoiceVoid", id=issued, reason="Wrong") == [(code, ["id"])]
    await story.settings(timezone="Pacific/Kiritimati")
    await story.do("invoiceVoid", id=issued, reason="Wrong")


async def test_a_stale_version_is_neither_issued_nor_voided(story: Story) -> None:
    key = await story.customer("Lisbon")
    invoice = await story.invoice(key, "10.00", issue=False)
    expected = [("STALE_VERSION", ["version"])]
    assert await story.refused("invoiceIssue", id=invoice, version=2) == expected
    await story.do("invoiceIssue", id=invoice, version=1)
    await story.payment(key, "1.00", apply={})
    assert await story.refused("invoiceVoid", id=invoice, reason="Wrong", version=2) == expected


async def test_invoices_that_are_not_there_are_neither_issued_nor_voided(story: Story) -> None:
    for wrong in ("inv_" + "0" * 32, "cus_" + "0" * 32, "", "nonsense"):
        assert await story.refused("invoiceIssue", id=wrong) == [("NOT_FOUND", ["id"])]
        assert await story.refused("invoiceVoid", id=wrong, reason="Wrong") == [("NOT_FOUND", ["id"])]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lines": []}, ["lines"]),
        ({"lines": LINES * 1001}, ["lines"]),
        ({"lines": [*LINES, {"unitPrice": "0.0000001"}]}, ["lines", "1", "unitPrice"]),
        ({"lines": [{"unitPrice": HUGE}]}, ["lines", "0", "unitPrice"]),
        ({"lines": [{"unitPrice": "1", "quantity": HUGE}]}, ["lines", "0", "quantity"]),
        ({"lines": [{"unitPrice": "1", "quantity": "0.1234567"}]}, ["lines", "0", "quantity"]),
        ({"lines": [{"unitPrice": "999999999999", "quantity": "99999999999999"}]}, ["lines"]),
        ({"lines": [{"unitPrice": "90000000000000000"}] * 2}, ["lines"]),
        ({"lines": [{"unitPrice": "1", "discountPercent": "100.01"}]}, ["lines", "0", "discountPercent"]),
        ({"lines": [{"unitPrice": "1", "discountPercent": "-1"}]}, ["lines", "0", "discountPercent"]),
        ({"lines": [{"unitPrice": "1", "taxPercent": "1000"}]}, ["lines", "0", "taxPercent"]),
        ({"lines": [{"unitPrice": "1", "taxPercent": "-0.5"}]}, ["lines", "0", "taxPercent"]),
        ({"lines": [{"unitPrice": "1", "discountAmount": "0.001"}]}, ["lines", "0", "discountAmount"]),
        ({"lines": [{"unitPrice": "1", "discountAmount": "-1"}]}, ["lines", "0", "discountAmount"]),
        ({"lines": [{"unitPrice": "1", "discountAmount": "1.01"}]}, ["lines", "0"]),
        ({"lines": [{"unitPrice": "1", "discountAmount": "0.10", "discountPercent": "10"}]}, ["lines", "0"]),
        ({"lines": [{"unitPrice": "-10"}]}, ["lines"]),
        ({"lines": [{"unitPrice": "1", "description": "x" * 10_001}]}, ["lines", "0", "description"]),
        ({"lines": [*LINES, {"unitPrice": "1", "item": "\0"}]}, ["lines", "1", "item"]),
        ({"discountPercent": "101"}, ["discountPercent"]),
        ({"shippingCharge": "-1"}, ["shippingCharge"]),
        ({"shippingCharge": "0.001"}, ["shippingCharge"]),
        ({"adjustment": HUGE}, ["adjustment"]),
        ({"adjustment": "-10.01"}, ["lines"]),
        ({"number": ""}, ["number"]),
        ({"number": "x" * 201}, ["number"]),
        ({"purchaseOrder": "\ud800"}, ["purchaseOrder"]),
        ({"notes": "x" * 10_001}, ["notes"]),
        ({"dueDate": "2025-12-31"}, ["dueDate"]),
        ({"invoiceDate": "9999-12-31"}, ["paymentTerms"]),
        ({"invoiceDate": "9999-01-01", "paymentTerms": {"kind": "NET", "netDays": 3650}}, ["paymentTerms"]),
        ({"paymentTerms": {"kind": "NET", "netDays": 2_147_483_647}}, ["paymentTerms", "netDays"]),
        ({"paymentTerms": {"kind": "NET", "netDays": -1}}, ["paymentTerms", "netDays"]),
    ],
)
async def test_what_no_invoice_can_say_is_refused(story: Story, fields: dict[str, Any], expected: list[str]) -> None:
    key = await story.customer("Lisbon")
    given = {"customerId": key, "lines": LINES, "invoiceDate": "2026-01-01", "issue": True, **fields}
    assert await story.refused("invoiceCreate", **given) == [("INVALID_INPUT", expected)]


async def test_an_invoice_may_be_as_old_as_the_calendar_and_as_large_as_a_bigint(story: Story) -> None:
    key = await story.customer("Lisbon")
    largest = "92233720368547758.07"
    invoice = await story.invoice(key, largest, invoiceDate="0001-01-01", dueDate="9999-12-31")
    assert await story.balances(invoice) == [largest]
    await story.payment(key, largest, apply={})
    assert await story.balances(invoice) == ["0.00"]
