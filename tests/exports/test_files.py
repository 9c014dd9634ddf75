"""What stands in the files: the cells of each column, Zoho's words, and what is told not to be there."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from exports.conftest import Export
from holdco.exports import cells, contacts, invoices, payments, price_lists
from holdco.imports import contacts as contacts_read
from holdco.imports import invoice_columns, price_list_columns
from holdco.imports import payments as payments_read
from holdco.imports.headings import normalised
from stories import PAYS, Story, explicit

Rows = list[dict[str, str]]
ALDGATE = Path(__file__).parents[1] / "imports" / "aldgate"


def rows_of(path: Path) -> Rows:
    """Only the cells that have something in them."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{heading: cell for heading, cell in row.items() if cell} for row in csv.DictReader(file)]


async def test_the_headings_are_those_of_zoho_with_ours_behind(export: Export, paths: dict[str, Path]) -> None:
    await export()
    for name, ours in (("contacts", contacts.OURS), ("invoices", invoices.OURS), ("payments", ())):
        written = paths[name].read_bytes().decode().split("\r\n")[0].split(",")
        given = (ALDGATE / f"{name}.csv").read_text(encoding="utf-8").split("\n")[0].split(",")
        zoho = [heading for heading in given if not heading.startswith("CF.") and heading not in {*ours, "Item Tax"}]
        assert written == [*zoho, *ours], name


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ((*contacts.ZOHO, *contacts.OURS), contacts_read.HEADINGS),
        ((*invoices.ZOHO, *invoices.OURS), invoice_columns.HEADINGS),
        (payments.PAYMENTS, payments_read.HEADINGS),
        (price_lists.HEADINGS, price_list_columns.HEADINGS),
    ],
)
def test_every_column_of_ours_is_read_again(written: tuple[str, ...], read: dict[str, tuple[str, ...]]) -> None:
    known = {normalised(heading) for headings in read.values() for heading in headings}
    ours = {*contacts.OURS, *invoices.OURS, "Quantity Below", "Rounding", "Rounding Step", "Rounding Less", "Item Status"}
    assert [heading for heading in written if heading in ours and normalised(heading) not in known] == []
    assert len({normalised(heading) for heading in written}) == len(written)


async def test_a_customer_has_a_row_and_shares_it_with_a_person_of_the_same_address(
    export: Export, story: Story, paths: dict[str, Path]
) -> None:
    head_office = await story.customer(
        "Aldgate",
        number="ALD",
        email="office@aldgate.example",
        role="HEAD_OFFICE",
        taxId="GB 1",
        billingAddress={"attention": "Accounts", "street": "1 High Street", "postalCode": "EC3", "country": "GB"},
        customFields={"Region": "North", "size": 3},
        externalReferences=[{"system": "zoho_books", "externalId": "2520018000000073005"}],
    )
    await story.contact(head_office, "Ada King Lovelace", email="ada@aldgate.example", phone="1", designation="CFO")
    await story.contact(head_office, "Reception", email="office@aldgate.example")
    branch = await story.customer(
        "Aldgate London",
        number="LON",
        kind="BUSINESS",
        under=head_office,
        access={**PAYS, "payInvoicesFrom": "2025-04-01"},
        phone="+44 20 7946 0001",
    )
    await story.do("customerTermsSet", id=branch, discountPercent="0", paymentTerms={"kind": "END_OF_MONTH"})
    report = await export("contacts", date_format="dd/MM/yyyy")
    first, person, second = rows_of(paths["contacts"])
    for row in (first, person, second):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row.pop("Created Time"))
        assert row.pop("Last Modified Time") >= "2026"
    own = {
        "Display Name": "Aldgate", "Customer Name": "Aldgate", "Currency Code": "USD", "Status": "Active",
        "Customer Sub Type": "business", "Billing Attention": "Accounts", "Billing Address": "1 High Street",
        "Billing Code": "EC3", "Billing Country": "GB", "Customer ID": "2520018000000073005", "Contact Type": "customer",
        "CF.Region": "North", "CF.size": "3", "Customer Number": "ALD", "Tax ID": "GB 1", "Customer Role": "HEAD_OFFICE",
    }  # fmt: skip
    assert first == {**own, "EmailID": "office@aldgate.example", "Last Name": "Reception"}
    assert person == {
        **own, "First Name": "Ada King", "Last Name": "Lovelace", "EmailID": "ada@aldgate.example", "Phone": "1",
        "Designation": "CFO",
    }  # fmt: skip
    assert second == {
        "Display Name": "Aldgate London", "Customer Name": "Aldgate London", "Currency Code": "USD", "Status": "Active",
        "Customer Sub Type": "business", "Phone": "+44 20 7946 0001", "Customer ID": branch, "Contact Type": "customer",
        "Payment Terms Label": "Due end of the month", "Discount Percent": "0.00", "Customer Number": "LON",
        "Parent Customer ID": "2520018000000073005", "Parent Customer Name": "Aldgate", "Allow Parent View": "true",
        "Allow Parent Pay": "true", "Allow Parent Manage": "false", "Inherit Terms": "false",
        "Parent Pays Invoices From": "01/04/2025",
    }  # fmt: skip
    assert (report.customers.customers, report.customers.contacts) == (2, 2)
    assert report.left_out == [
        "Custom fields that are no texts (of 1 customers) stand as JSON in their cells, and are imported as texts."
    ]


async def test_an_invoice_has_a_row_for_each_line_and_the_figures_of_its_currency(
    export: Export, story: Story, paths: dict[str, Path]
) -> None:
    customer = await story.customer("Aldgate", number="ALD")
    lines = [
        {"item": "Router", "quantity": "2", "unitPrice": "1.2345", "taxPercent": "10", "discountPercent": "12.5"},
        {"description": "Two\nlines", "unitPrice": "3", "discountAmount": "0.5"},
    ]
    made = await story.do(
        "invoiceCreate", customerId=customer, number="INV-1", currency="KWD", invoiceDate="2025-03-01", lines=lines,
        discountPercent="5", isDiscountBeforeTax=False, shippingCharge="1", purchaseOrder="=PO", issue=True,
    )  # fmt: skip
    await export("invoices")
    own = {
        "Invoice Date": "2025-03-01", "Invoice ID": made["invoice"]["id"], "Invoice Number": "INV-1",
        "Invoice Status": "Overdue", "Customer Name": "Aldgate", "Customer ID": customer, "Due Date": "2025-03-31",
        "PurchaseOrder": "=PO", "Currency Code": "KWD", "Discount Type": "entity_level", "Is Discount Before Tax": "false",
        "Entity Discount Percent": "5.00", "Entity Discount Amount": "0.244", "SubTotal": "4.660", "Total": "5.632",
        "Balance": "5.632", "Shipping Charge": "1.000", "Adjustment": "0.000", "Payment Terms": "30",
        "Payment Terms Label": "Net 30", "WriteOff Amount": "0.000",
    }  # fmt: skip
    assert rows_of(paths["invoices"]) == [
        {
            **own, "Item Name": "Router", "Quantity": "2.00", "Item Price": "1.2345", "Discount": "12.50%",
            "Discount Amount": "0.309", "Item Total": "2.160", "Item Tax %": "10.00", "Item Tax Amount": "0.216",
        },
        {
            **own, "Item Desc": "Two\nlines", "Quantity": "1.00", "Item Price": "3.000", "Discount Amount": "0.500",
            "Item Total": "2.500",
        },
    ]  # fmt: skip


async def test_statuses_are_zohos_words(
    export: Export, engine: AsyncEngine, story: Story, organization_id: UUID, paths: dict[str, Path]
) -> None:
    today = date.fromisoformat(await story.today())
    due = {"dueDate": today.isoformat(), "invoiceDate": (today - timedelta(days=9)).isoformat()}
    customer = await story.customer("Aldgate")
    for number, fields in {
        "draft": {"issue": False, **due},
        "sent": due,
        "overdue": {**due, "dueDate": (today - timedelta(days=1)).isoformat()},
        "part": due,
        "paid": due,
        "void": due,
        "lost": {**due, "dueDate": due["invoiceDate"]},
        "nothing": due,
    }.items():
        made = await story.invoice(customer, "0" if number == "nothing" else "100", number=number, **fields)
        if number in {"part", "paid"}:
            amount = {"part": "40", "paid": "100"}[number]
            await story.payment(customer, amount, apply=explicit((made, amount)))
        if number == "void":
            await story.do("invoiceVoid", id=made, reason="Twice")
    async with directly(engine, organization_id) as connection:
        await connection.execute(text("update invoices set amount_written_off = 10000, balance = 0 where number = 'lost'"))
    report = await export("invoices", "payments")
    assert {row["Invoice Number"]: (row["Invoice Status"], row["Balance"]) for row in rows_of(paths["invoices"])} == {
        "draft": ("Draft", "100.00"),
        "sent": ("Sent", "100.00"),
        "overdue": ("Overdue", "100.00"),
        "part": ("Partially Paid", "60.00"),
        "paid": ("Paid", "0.00"),
        "void": ("Void", "0.00"),
        "lost": ("Paid", "0.00"),
        "nothing": ("Paid", "0.00"),
    }
    assert report.left_out == ["Void invoices (1) are in the file without the day and the reason."]


async def test_a_payment_has_a_row_for_each_application_that_stands(export: Export, story: Story, paths: dict[str, Path]) -> None:
    parent = await story.customer("Head office", number="HQ")
    branch = await story.customer("Branch", under=parent)
    first = await story.invoice(branch, "70", number="INV-1", invoiceDate="2025-03-01")
    second = await story.invoice(parent, "30", number="INV-2", invoiceDate="2025-03-02")
    paid = await story.do(
        "paymentRecord", customerId=parent, amount="120", number="PAY-1", mode="CREDIT_CARD", receivedOn="2025-03-05",
        withholdingTax="2", bankCharges="0.5", reference="+44", notes="Both",
        apply={**explicit((first, "70"), (second, "30")), "appliedOn": "2025-03-06"},
    )  # fmt: skip
    taken_back = await story.do("paymentRecord", customerId=parent, amount="5", number="PAY-2", receivedOn="2025-03-07")
    await story.do("paymentReverse", id=taken_back["payment"]["id"], reason="Bounced")
    unapplied = await story.payment(parent, "5", number="PAY-3", receivedOn="2025-03-08", externalId="19", sourceSystem="bank")
    await story.do("allocationReverse", id=paid["allocations"][1]["id"])
    report = await export("payments", date_format="%d %B %Y")
    own = {
        "CustomerPayment ID": paid["payment"]["id"], "Payment Number": "PAY-1", "Date": "05 March 2025",
        "Customer Name": "Head office", "CustomerID": parent, "Mode": "Credit Card", "Description": "Both", "Amount": "120.00",
        "Unused Amount": "50.00", "Bank Charges": "0.50", "Reference Number": "+44", "Currency Code": "USD",
        "Payment Type": "Invoice Payment",
    }  # fmt: skip
    advance = {
        "CustomerPayment ID": unapplied, "Payment Number": "PAY-3", "Date": "08 March 2025", "Customer Name": "Head office",
        "CustomerID": parent, "Mode": "Bank Transfer", "Amount": "5.00", "Unused Amount": "5.00", "Bank Charges": "0.00",
        "Currency Code": "USD", "Payment Type": "Customer Advance", "Withholding Tax Amount": "0.00",
    }  # fmt: skip
    assert rows_of(paths["payments"]) == [
        {
            **own, "InvoicePayment ID": paid["allocations"][0]["id"], "Invoice Number": "INV-1",
            "Invoice Date": "01 March 2025", "Invoice Amount": "70.00", "Amount Applied to Invoice": "70.00",
            "Invoice Payment Applied Date": "06 March 2025", "Withholding Tax Amount": "2.00",
        },
        advance,
    ]  # fmt: skip
    assert report.left_out == [
        "Reversed payments (1) are not in the file, which knows only money that came in.",
        "Applications of payments that were taken back (1) are not in the file.",
    ]


async def test_what_a_former_parent_has_paid_is_told_to_be_refused(export: Export, story: Story, paths: dict[str, Path]) -> None:
    parent = await story.customer("Head office")
    branch = await story.customer("Branch", under=parent)
    invoice = await story.invoice(branch, "70")
    await story.payment(parent, "70", apply=explicit((invoice, "70")))
    await story.move(branch, None)
    report = await export("payments")
    assert [row["Amount Applied to Invoice"] for row in rows_of(paths["payments"])] == ["70.00"]
    (sentence,) = report.left_out
    assert sentence.startswith("Applications to invoices that the payer could not pay any more (1), because links have changed")


async def test_a_credit_note_has_a_row_for_each_invoice_that_it_paid(
    export: Export, story: Story, paths: dict[str, Path]
) -> None:
    customer = await story.customer("Aldgate")
    invoice = await story.invoice(customer, "70", number="INV-1")
    note = await story.credit_note(customer, "50", number="CRN-1", creditDate="2025-03-01", reason="Late")
    await story.do("creditNoteApply", sourceId=note, **explicit((invoice, "50")))
    open_note = await story.credit_note(customer, "8", number="CRN-2", creditDate="2025-03-02")
    await export("credit_notes", "invoices")
    today = await story.today()
    assert rows_of(paths["credit_notes"]) == [
        {
            "CreditNotes ID": note, "Credit Note Number": "CRN-1", "Credit Note Date": "2025-03-01",
            "Credit Note Status": "Closed", "Customer ID": customer, "Customer Name": "Aldgate", "Currency Code": "USD",
            "Reason": "Late", "Total": "50.00", "Balance": "0.00", "Applied Invoice Number": "INV-1",
            "Amount Applied to Invoice": "50.00", "Credit Applied Date": today,
        },
        {
            "CreditNotes ID": open_note, "Credit Note Number": "CRN-2", "Credit Note Date": "2025-03-02",
            "Credit Note Status": "Open", "Customer ID": customer, "Customer Name": "Aldgate", "Currency Code": "USD",
            "Total": "8.00", "Balance": "8.00",
        },
    ]  # fmt: skip
    (row,) = rows_of(paths["invoices"])
    assert (row["Balance"], row["Credits Applied"]) == ("20.00", "50.00")


async def test_what_is_in_no_price_list_is_told(export: Export, story: Story) -> None:
    prices = [{"currency": "USD", "unitPrice": "1"}, {"currency": "EUR", "unitPrice": "1"}]
    listed = (await story.do("itemCreate", name="Router", prices=prices))["item"]["id"]
    await story.do("itemCreate", name="Cable", prices=prices)
    rates = [{"itemId": listed, "brackets": [{"unitPrice": "0.9"}]}]
    made = await story.do("priceListCreate", name="Volume", currency="USD", kind="RATES", rates=rates)
    await story.do("priceListUpdate", id=made["priceList"]["id"], name="By volume")
    report = await export("price_lists")
    assert (report.price_lists.price_lists, report.price_lists.rates) == (1, 1)
    assert report.left_out == [
        "Earlier versions of price lists (1) are not in the file.",
        "Items that stand in no list of rates (1) are not in the file.",
        "Default prices in currencies that no price list of the item has (1) are not in the file.",
    ]


async def test_groups_and_people_that_no_row_can_hold_are_told(export: Export, story: Story, paths: dict[str, Path]) -> None:
    customer = await story.customer("Aldgate", customFields={"Region": "North", "region ": "South"})
    for _ in range(3):
        await story.contact(customer, "Twin")
    for name in ("A; B", "Empty"):
        group = await story.ask(
            "mutation ($name: String!) { customerGroupCreate(input: {name: $name}) { customerGroup { id } } }", name=name
        )
        if name == "A; B":
            key = group["customerGroupCreate"]["customerGroup"]["id"]
            await story.do("customerGroupMembersAdd", id=key, customerIds=[customer])
    report = await export("contacts")
    assert report.left_out == [
        "Contacts (2) with the name and e-mail address of another one of their customer are imported as one.",
        "Of groups (2) the file has names and members; their ranks, descriptions and terms are not in it.",
        "Groups without members (1) are not in the file.",
        "Groups with a semicolon in their names (1) are imported as several.",
        "The custom field “region ” is not in the file: there is another of nearly the same name.",
    ]
    assert {row["CF.Region"] for row in rows_of(paths["contacts"])} == {"North"}


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        ("6.000000", 2, "6.00"), ("0.003500", 2, "0.0035"), ("12", 2, "12.00"), ("1E+3", 0, "1000"), ("7.000", 0, "7"),
        ("-1.50", 3, "-1.500"), ("123456789012345678.123456", 2, "123456789012345678.123456"),
    ],
)  # fmt: skip
def test_numbers_are_plain(value: str, places: int, written: str) -> None:
    assert cells.plain(Decimal(value), places) == written
