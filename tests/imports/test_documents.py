"""Invoices and payments: what is kept, what is refused, and what is found in the database when the file does not bring it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from holdco.imports.zoho import Report
from holdco.verification.service import verify
from imports.exports import HEAD_OFFICE, LEEDS, LONDON, MANCHESTER, NORTHGATE, ROSA, Exports, told
from stories import Story

Refused = Callable[..., Awaitable[Report]]

TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


async def statuses(exports: Exports) -> dict[str, tuple[str, int]]:
    found = await exports.rows("select number, status, balance from invoices where organization_id = :o")
    return {row[0]: (row[1], row[2]) for row in found}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Draft", "DRAFT"), ("Pending Approval", "DRAFT"), ("Approved", "DRAFT"), ("Sent", "ISSUED"), ("viewed", "ISSUED"),
        ("UNPAID", "ISSUED"), ("Overdue", "ISSUED"), ("Partially Paid", "ISSUED"), ("partially_paid", "ISSUED"),
    ],
)  # fmt: skip
async def test_zohos_status_becomes_ours(exports: Exports, status: str, expected: str) -> None:
    exports.contacts.only(HEAD_OFFICE)
    exports.invoices.only("INV-2005")
    exports.invoices.rows[0]["Invoice Status"] = status
    await exports.imported("contacts", "invoices")
    assert await statuses(exports) == {"INV-2005": (expected, 9350)}


async def test_rows_of_an_invoice_may_be_scattered_over_the_file(exports: Exports) -> None:
    exports.invoices.rows.sort(key=lambda row: (row["Item Name"], row["Invoice ID"]))
    await exports.imported()
    lines = await exports.rows(
        """
        select i.number, count(*) from invoice_lines l
        join invoices i on i.organization_id = l.organization_id and i.id = l.invoice_id
        where l.organization_id = :o group by i.number order by i.number
        """
    )
    assert lines == [(f"INV-{number}", 2 if number in {2001, 2007} else 1) for number in range(2001, 2008)]


async def test_without_ids_invoices_and_payments_go_by_their_numbers(exports: Exports) -> None:
    for table, heading in ((exports.invoices, "Invoice ID"), (exports.payments, "CustomerPayment ID")):
        table.headings.remove(heading)
        for row in table.rows:
            del row[heading]
    first, second = await exports.imported(), await exports.imported()
    assert (first.invoices_created, first.payments_created) == (7, 2)
    assert (second.invoices_created, second.invoices_skipped, second.payments_skipped) == (0, 7, 2)


async def test_a_customer_without_an_id_in_the_row_is_found_by_its_name(exports: Exports) -> None:
    for row in [*exports.invoices.rows, *exports.payments.rows]:
        row["Customer ID" if "Customer ID" in row else "CustomerID"] = ""
    await exports.imported()
    assert (await statuses(exports))["INV-2001"] == ("ISSUED", 0)


async def test_an_id_counts_more_than_a_name_and_the_company_does_not_count(exports: Exports) -> None:
    """A customer may be called what another's company is called."""
    exports.contacts.only(NORTHGATE, ROSA)
    exports.contacts.of_key(ROSA)[0]["Display Name"] = "Northgate Logistics Inc"
    exports.invoices.only("INV-2006")
    exports.invoices.rows[0] |= {"Customer Name": "Northgate Logistics Inc", "Company Name": "Northgate Logistics Inc"}
    await exports.imported("contacts", "invoices")
    found = await exports.rows(
        """
        select c.name, bill_to ->> 'name' from invoices i
        join customers c on c.organization_id = i.organization_id and c.id = i.customer_id where i.organization_id = :o
        """
    )
    assert found == [("Northgate Logistics", "Northgate Logistics Inc")]


async def test_files_may_come_one_after_another(exports: Exports) -> None:
    """Drafts and open invoices first; the payments find them in the database, and so does everything else."""
    await exports.imported("contacts")
    for row in exports.invoices.rows:
        if row["Invoice Status"] in {"Paid", "PartiallyPaid"}:
            row |= {"Invoice Status": "Sent", "Balance": row["Total"]}
    assert (await exports.imported("invoices")).invoices_created == 7
    report = await exports.imported("payments")
    assert (report.payments_created, report.allocations) == (2, 3)
    balances = await statuses(exports)
    assert [balances[f"INV-200{number}"][1] for number in (1, 2, 3, 4)] == [0, 30000, 50000, 0]
    assert (await verify(exports.engine, exports.organization_id)).is_clean


async def test_payment_terms_that_are_only_a_name_follow_from_the_due_date(exports: Exports) -> None:
    exports.contacts.only(HEAD_OFFICE)
    exports.invoices.only("INV-2005")
    exports.invoices.rows[0] |= {"Payment Terms": "0", "Payment Terms Label": "Custom", "Due Date": "2025-04-11"}
    await exports.imported("contacts", "invoices")
    terms = "select payment_terms_kind, payment_terms_net_days, payment_terms_source, due_date from invoices"
    assert await exports.rows(f"{terms} where organization_id = :o") == [("NET", 10, "DOCUMENT", date(2025, 4, 11))]


async def test_payment_terms_of_nobody_are_the_organizations(exports: Exports) -> None:
    exports.contacts.only(NORTHGATE)
    exports.invoices.only("INV-2006")
    exports.invoices.rows[0] |= {"Payment Terms": "", "Payment Terms Label": "", "Due Date": ""}
    await exports.imported("contacts", "invoices")
    terms = "select payment_terms_kind, payment_terms_net_days, payment_terms_source, due_date from invoices"
    assert await exports.rows(f"{terms} where organization_id = :o") == [("NET", 30, "ORGANIZATION", date(2025, 5, 2))]


async def test_one_payment_may_be_applied_to_an_invoice_on_two_days(exports: Exports) -> None:
    row = exports.payments.of_key("INV-2001")[0]
    row["Amount Applied to Invoice"] = "700.00"
    exports.payments.rows.insert(1, {**row, "Amount Applied to Invoice": "500.00", "Invoice Payment Applied Date": "2025-05-01"})
    await exports.imported()
    found = await exports.rows(
        """
        select a.amount, a.applied_on, i.version from allocations a
        join invoices i on i.organization_id = a.organization_id and i.id = a.invoice_id
        where a.organization_id = :o and i.number = 'INV-2001' order by 2
        """
    )
    assert found == [(70000, date(2025, 4, 7), 2), (50000, date(2025, 5, 1), 2)]


async def test_withheld_tax_and_bank_charges_are_noted_and_change_no_amount(exports: Exports) -> None:
    for row in exports.payments.of_key(HEAD_OFFICE):
        row["Withholding Tax Amount"] = "1.25"
    await exports.imported()
    amounts = "select amount, allocated, unapplied, bank_charges, withholding_tax from payments where organization_id = :o"
    assert await exports.rows(f"{amounts} order by number") == [(210000, 200000, 10000, 250, 375), (7500, 0, 7500, 0, 0)]


@pytest.mark.parametrize(
    ("key", "changes", "column", "code"),
    [
        ("INV-2003", {"Invoice ID": "3.31001E+18"}, "Invoice ID", "INVALID_INPUT"),
        ("INV-2003", {"Invoice Number": ""}, "Invoice Number", "INVALID_INPUT"),
        ("INV-2003", {"Invoice Date": ""}, "Invoice Date", "INVALID_INPUT"),
        ("INV-2003", {"Invoice Date": "12/03/2025"}, "Invoice Date", "INVALID_INPUT"),
        ("INV-2003", {"Due Date": "12/04/2025"}, "Due Date", "INVALID_INPUT"),
        ("INV-2003", {"Due Date": "2025-03-11"}, "Due Date", "INVALID_INPUT"),
        ("INV-2003", {"Payment Terms": "15", "Payment Terms Label": "Net 30"}, "Payment Terms Label", "INVALID_INPUT"),
        ("INV-2003", {"Invoice Status": "Lost"}, "Invoice Status", "INVALID_INPUT"),
        ("INV-2003", {"Customer ID": "3310006000000089999"}, "Customer ID", "NOT_FOUND"),
        ("INV-2003", {"Customer ID": "3.31E+18"}, "Customer ID", "INVALID_INPUT"),
        ("INV-2003", {"Customer ID": "", "Customer Name": "Aldgate Leeds"}, "Customer Name", "NOT_FOUND"),
        ("INV-2003", {"Customer ID": "", "Customer Name": ""}, "Customer Name", "INVALID_INPUT"),
        ("INV-2003", {"Currency Code": "POUNDS"}, "Currency Code", "INVALID_INPUT"),
        ("INV-2003", {"Total": "$500.00"}, "Total", "INVALID_INPUT"),
        ("INV-2003", {"Total": "500.005"}, "Total", "INVALID_INPUT"),
        ("INV-2003", {"Total": "499.99"}, "Total", "INVALID_INPUT"),
        ("INV-2003", {"SubTotal": "499.99"}, "SubTotal", "INVALID_INPUT"),
        ("INV-2003", {"Item Total": "499.99"}, "Item Total", "INVALID_INPUT"),
        ("INV-2003", {"Quantity": "four"}, "Quantity", "INVALID_INPUT"),
        ("INV-2003", {"Item Price": ""}, "Item Price", "INVALID_INPUT"),
        ("INV-2003", {"Discount": "a lot"}, "Discount", "INVALID_INPUT"),
        ("INV-2003", {"Is Discount Before Tax": "sometimes"}, "Is Discount Before Tax", "INVALID_INPUT"),
        ("INV-2003", {"Shipping Charge Tax Amount": "1.00"}, "Shipping Charge Tax Amount", "INVALID_INPUT"),
        ("INV-2004", {"Is Inclusive Tax": "true"}, "Is Inclusive Tax", "INVALID_INPUT"),
        ("INV-2003", {"Item Name": "x" * 201}, "Item Name", "INVALID_INPUT"),
        ("INV-2003", {"Item Desc": "x" * 10_001}, "Item Desc", "INVALID_INPUT"),
        ("INV-2003", {"Balance": "499.99"}, "Balance", "INVALID_INPUT"),
        ("INV-2003", {"Balance": "500.01"}, "Balance", "INVALID_INPUT"),
        ("INV-2003", {"Balance": "-1.00"}, "Balance", "INVALID_INPUT"),
        ("INV-2003", {"WriteOff Amount": "500.01"}, "WriteOff Amount", "INVALID_INPUT"),
        ("INV-2005", {"Balance": "0.00"}, "Balance", "INVALID_INPUT"),
        ("INV-2003", {"Invoice Number": "INV-2002"}, "Invoice Number", "NUMBER_TAKEN"),
    ],
)
async def test_a_bad_cell_of_an_invoice_is_told_and_nothing_is_imported(
    exports: Exports, refused: Refused, key: str, changes: dict[str, str], column: str, code: str
) -> None:
    row = exports.invoices.of_key(key)[0]
    line = 3 + exports.invoices.rows.index(row)  # one cell above has a line break
    row |= changes
    assert told(await refused()) == [("invoices", line, column, code)]


async def test_paid_invoices_without_their_payments_are_refused(exports: Exports, refused: Refused) -> None:
    """Nobody could tell any more who paid: the head office or the branch."""
    report = await refused(exports.files("contacts", "invoices"))
    assert told(report) == [("invoices", line, "Balance", "INVALID_INPUT") for line in (2, 5, 7)]
    assert report.errors[1].message == (
        "300.00 of 800.00 GBP are left to pay, but not who paid the rest, and it is not made up here. Give the export of "
        "payments too: --payments Customer_Payment.csv."
    )


@pytest.mark.parametrize("changes", [{"Invoice Status": "Paid", "Balance": ""}, {"Balance": "450.00"}])
async def test_a_balance_that_the_payments_do_not_leave_is_refused(
    exports: Exports, refused: Refused, changes: dict[str, str]
) -> None:
    exports.invoices.of_key("INV-2003")[0].update(changes)
    report = await refused()
    assert told(report) == [("invoices", 6, "Balance", "INVALID_INPUT")]
    assert "but the payments that are imported leave 500.00." in report.errors[0].message


async def test_what_credit_notes_have_paid_is_left_to_pay_again_and_told(exports: Exports) -> None:
    """A column of ours: the file's balance takes credit notes into account, which are not imported."""
    exports.invoices.of_key("INV-2002")[0] |= {"Balance": "100.00", "Credits Applied": "200.00"}
    report = await exports.imported()
    assert "invoices.csv: credit notes have paid 200.00 GBP. They are not imported: so much more is left to pay." in report.notes
    assert (await statuses(exports))["INV-2002"][1] == 30000


@pytest.mark.parametrize("credited", ["-1", "800.01"])
async def test_credit_notes_cannot_have_paid_more_than_there_was(exports: Exports, refused: Refused, credited: str) -> None:
    exports.invoices.of_key("INV-2002")[0]["Credits Applied"] = credited
    assert told(await refused()) == [("invoices", 5, "Credits Applied", "INVALID_INPUT")]


async def test_rows_of_one_invoice_that_contradict_each_other_are_refused(exports: Exports, refused: Refused) -> None:
    exports.invoices.of_key("INV-2007")[1] |= {"Total": "", "Invoice Date": "2025-04-04"}
    report = await refused()
    assert told(report) == [("invoices", 11, "Invoice Date", "INVALID_INPUT")]
    assert report.errors[0].message == (
        "“2025-04-04” differs from the row of the same invoice at line 10, which has “2025-04-03”."
    )


async def test_a_number_that_another_invoice_has_here_is_refused(story: Story, refused: Refused) -> None:
    await story.invoice(await story.customer("Here before"), "5.00", number="INV-2003")
    report = await refused()
    assert told(report) == [("invoices", 6, "Invoice Number", "NUMBER_TAKEN")]
    assert report.errors[0].message == "There is already another invoice with the number INV-2003."


async def test_a_name_that_two_customers_have_is_refused(exports: Exports, story: Story, refused: Refused) -> None:
    await story.customer("Aldgate Networks Leeds")
    exports.invoices.of_key("INV-2003")[0]["Customer ID"] = ""
    assert told(await refused()) == [("invoices", 6, "Customer Name", "INVALID_INPUT")]


async def test_a_closed_period_takes_no_documents_but_drafts(story: Story, refused: Refused) -> None:
    await story.settings(lockedUntil="2025-04-07")
    assert told(await refused()) == [
        *(("invoices", line, "Invoice Date", "PERIOD_LOCKED") for line in (2, 5, 6, 7, 9, 10)),
        ("payments", 2, "Date", "PERIOD_LOCKED"),
        ("payments", 2, "Invoice Payment Applied Date", "PERIOD_LOCKED"),
        ("payments", 5, "Date", "PERIOD_LOCKED"),
    ]


@pytest.mark.parametrize(
    ("key", "changes", "line", "column", "code"),
    [
        (HEAD_OFFICE, {"CustomerPayment ID": "3.31E+18"}, 2, "CustomerPayment ID", "INVALID_INPUT"),
        (HEAD_OFFICE, {"Payment Number": ""}, 2, "Payment Number", "INVALID_INPUT"),
        (HEAD_OFFICE, {"Payment Number": "2"}, 5, "Payment Number", "NUMBER_TAKEN"),
        (HEAD_OFFICE, {"Date": "07/04/2025"}, 2, "Date", "INVALID_INPUT"),
        (NORTHGATE, {"Date": TOMORROW}, 5, "Date", "APPLIED_ON_OUT_OF_RANGE"),
        (HEAD_OFFICE, {"CustomerID": "3310006000000089999"}, 2, "CustomerID", "NOT_FOUND"),
        (HEAD_OFFICE, {"Amount": ""}, 2, "Amount", "INVALID_INPUT"),
        (NORTHGATE, {"Amount": "0.00", "Unused Amount": "0.00"}, 5, "Amount", "AMOUNT_NOT_POSITIVE"),
        (NORTHGATE, {"Amount": "-75.00", "Unused Amount": "-75.00"}, 5, "Amount", "AMOUNT_NOT_POSITIVE"),
        (HEAD_OFFICE, {"Amount": "1999.99", "Unused Amount": "0.00"}, 2, "Amount", "EXCEEDS_UNAPPLIED"),
        (HEAD_OFFICE, {"Unused Amount": "99.99"}, 2, "Unused Amount", "INVALID_INPUT"),
        (HEAD_OFFICE, {"Bank Charges": "-2.50"}, 2, "Bank Charges", "INVALID_INPUT"),
        (HEAD_OFFICE, {"Currency Code": "EUR"}, 2, "Invoice Number", "CURRENCY_MISMATCH"),
        (HEAD_OFFICE, {"Description": "x" * 10_001}, 2, "Description", "INVALID_INPUT"),
        ("INV-2001", {"Amount": "2000.00"}, 3, "Amount", "INVALID_INPUT"),
        ("INV-2002", {"Invoice Number": "INV-9999"}, 3, "Invoice Number", "NOT_FOUND"),
        ("INV-2002", {"Invoice Number": ""}, 3, "Invoice Number", "INVALID_INPUT"),
        ("INV-2002", {"Invoice Number": "INV-2005"}, 3, "Invoice Number", "INVOICE_NOT_PAYABLE"),
        ("INV-2002", {"Invoice Number": "INV-2003"}, 3, "Invoice Number", "PARENT_PAY_NOT_ALLOWED"),
        ("INV-2002", {"Amount Applied to Invoice": "0.00"}, 3, "Amount Applied to Invoice", "AMOUNT_NOT_POSITIVE"),
        ("INV-2002", {"Amount Applied to Invoice": "-1.00"}, 3, "Amount Applied to Invoice", "AMOUNT_NOT_POSITIVE"),
        ("INV-2002", {"Amount Applied to Invoice": "a bit"}, 3, "Amount Applied to Invoice", "INVALID_INPUT"),
        (
            "INV-2002",
            {"Invoice Payment Applied Date": "2025-04-06"},
            3,
            "Invoice Payment Applied Date",
            "APPLIED_ON_OUT_OF_RANGE",
        ),
        ("INV-2002", {"Invoice Payment Applied Date": TOMORROW}, 3, "Invoice Payment Applied Date", "APPLIED_ON_OUT_OF_RANGE"),
    ],
)
async def test_a_bad_cell_of_a_payment_is_told_and_nothing_is_imported(
    exports: Exports, refused: Refused, key: str, changes: dict[str, str], line: int, column: str, code: str
) -> None:
    for row in exports.payments.of_key(key):
        row.update(changes)
    first = told(await refused())[0]
    assert first == ("payments", line, column, code)


async def test_money_does_not_go_up_or_sideways(exports: Exports, refused: Refused) -> None:
    """London's money pays neither its parent's invoice nor its sibling's, only what is below it."""
    exports.invoices.of_key("INV-2005")[0]["Invoice Status"] = "Sent"
    exports.payments.of_key("INV-2002")[0]["Invoice Number"] = "INV-2005"
    exports.payments.of_key("INV-2001")[0]["Invoice Number"] = "INV-2002"
    for row in exports.payments.of_key(HEAD_OFFICE):
        row |= {"CustomerID": LONDON, "Customer Name": "Aldgate Networks London"}
    report = await refused()
    assert told(report) == [
        ("payments", 2, "Invoice Number", "NOT_A_DESCENDANT"),
        ("payments", 3, "Invoice Number", "NOT_A_DESCENDANT"),
    ]
    assert report.errors[0].message == (
        "Invoice INV-2002 belongs to Aldgate Networks Manchester, which is not below Aldgate Networks London. "
        "Money goes to its owner's invoices or downwards."
    )


async def test_a_middle_company_that_refuses_cannot_be_bypassed(exports: Exports, refused: Refused) -> None:
    exports.contacts.of_key(LONDON)[0]["Allow Parent Pay"] = "false"
    assert told(await refused()) == [
        ("payments", 2, "Invoice Number", "PARENT_PAY_NOT_ALLOWED"),
        ("payments", 4, "Invoice Number", "PARENT_PAY_NOT_ALLOWED"),
    ]


async def test_payments_never_exceed_an_invoice_together(exports: Exports, refused: Refused) -> None:
    head_office = exports.payments.of_key("INV-2002")[0]
    exports.payments.add(
        head_office, CustomerPayment_ID="7", Payment_Number="7", CustomerID=MANCHESTER, Amount="300.01", Unused_Amount="0.00",
        Amount_Applied_to_Invoice="300.01",
    )  # fmt: skip
    report = await refused()
    assert told(report) == [("payments", 3, "Amount Applied to Invoice", "EXCEEDS_INVOICE_BALANCE")]
    assert report.errors[0].message == "800.01 GBP is more than is left to pay of invoice INV-2002: 800.00 GBP."


async def test_a_payment_before_the_invoice_is_applied_when_the_invoice_is_there(exports: Exports) -> None:
    for row in exports.payments.of_key(HEAD_OFFICE):
        row |= {"Date": "2025-03-01", "Invoice Payment Applied Date": ""}
    await exports.imported()
    applied = "select distinct applied_on from allocations where organization_id = :o order by 1"
    assert await exports.rows(applied) == [(date(2025, 3, 3),), (date(2025, 3, 10),), (date(2025, 3, 14),)]


async def test_a_day_before_the_invoice_is_refused(exports: Exports, refused: Refused) -> None:
    for row in exports.payments.of_key(HEAD_OFFICE):
        row |= {"Date": "2025-03-01", "Invoice Payment Applied Date": "2025-03-09"}
    report = await refused()
    assert told(report) == [("payments", line, "Invoice Payment Applied Date", "APPLIED_ON_OUT_OF_RANGE") for line in (3, 4)]
    assert report.errors[0].message.startswith("2025-03-09 is no date for this application: it must lie between 2025-03-10")


async def test_a_number_that_another_payment_has_here_is_refused(story: Story, refused: Refused) -> None:
    await story.payment(await story.customer("Here before"), "5.00", number="1")
    assert told(await refused()) == [("payments", 2, "Payment Number", "NUMBER_TAKEN")]


async def test_a_payment_of_leeds_for_leeds_needs_no_right(exports: Exports) -> None:
    exports.payments.add(
        exports.payments.of_key("INV-2002")[0], CustomerPayment_ID="7", Payment_Number="7", CustomerID=LEEDS,
        Customer_Name="Aldgate Networks Leeds", Amount="500.00", Unused_Amount="0.00", Invoice_Number="INV-2003",
        Amount_Applied_to_Invoice="500.00", Bank_Charges="0.00", Description="", Reference_Number="",
    )  # fmt: skip
    exports.invoices.of_key("INV-2003")[0]["Balance"] = "0.00"
    await exports.imported()
    assert (await statuses(exports))["INV-2003"] == ("ISSUED", 0)
    assert await exports.rows(
        "select cardinality(path) from allocations where organization_id = :o and payer_id = beneficiary_id"
    ) == [(1,)]
