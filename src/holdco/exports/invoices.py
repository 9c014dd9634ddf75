"""Writes invoices as Zoho exports them: one row to a line, the invoice's own cells on each of them.

`Balance` is what is left to pay, credit notes taken into account. Which part of the total they have paid stands in a column of
ours, `Credits Applied`: the importer does not bring credit notes in, and would miss it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import text

from holdco import money
from holdco.exports import cells, people
from holdco.exports.people import Named
from holdco.exports.snapshot import Snapshot
from holdco.exports.writing import Sheet
from holdco.ids import Kind
from holdco.imports.progress import Watcher
from holdco.imports.values import DateFormat
from holdco.invoices.models import InvoiceStatus
from holdco.payment_terms import PaymentTerms, PaymentTermsKind

ZOHO: Final = (
    "Invoice Date", "Invoice ID", "Invoice Number", "Estimate Number", "Invoice Status", "Customer Name", "Company Name",
    "Customer ID", "Branch ID", "Branch Name", "Due Date", "Expected Payment Date", "PurchaseOrder", "Template Name",
    "Currency Code", "Exchange Rate", "Discount Type", "Is Discount Before Tax", "Entity Discount Percent",
    "Entity Discount Amount", "Item Name", "Item Desc", "Quantity", "Usage unit", "Item Price", "Discount", "Discount Amount",
    "Expense Reference ID", "Project ID", "Project Name", "Item Total", "SubTotal", "Total", "Balance", "Shipping Charge",
    "Adjustment", "Adjustment Description", "Round Off", "Sales person", "Payment Terms", "Payment Terms Label",
    "Last Payment Date", "Notes", "Terms & Conditions", "Subject", "LateFee Name", "LateFee Type", "LateFee Rate",
    "LateFee Amount", "LateFee Frequency", "WriteOff Date", "WriteOff Exchange Rate", "WriteOff Amount", "Recurrence Name",
    "PayPal", "Authorize.Net", "Google Checkout", "Payflow Pro", "Stripe", "2Checkout", "Braintree", "Forte", "WorldPay",
    "Payments Pro", "Square", "WePay", "Razorpay", "GoCardless", "Partial Payments", "Billing Address", "Billing City",
    "Billing State", "Billing Country", "Billing Code", "Billing Fax", "Billing Phone", "Shipping Address", "Shipping City",
    "Shipping State", "Shipping Country", "Shipping Code", "Shipping Fax", "Shipping Phone Number",
)  # fmt: skip
# The tax of a line and the rest of the address are Zoho's too, in organizations that have them.
OURS: Final = ("Item Tax %", "Item Tax Amount", "Billing Attention", "Billing Street2", "Credits Applied")

_COUNT: Final = text("select count(*) from invoices where organization_id = :organization_id")
_INVOICES: Final = text(
    """
    select id, number, customer_id, status, currency, invoice_date, due_date, payment_terms_kind, payment_terms_net_days,
           cast(bill_to as text) as bill_to, discount_percent, is_discount_before_tax, subtotal, discount_total, shipping_charge,
           adjustment, total, amount_paid, amount_written_off, balance, purchase_order, notes, source_system, external_id
    from invoices
    where organization_id = :organization_id
    order by id
    """
)
_LINES: Final = text(
    """
    select invoice_id, item, description, quantity, unit_price, discount_percent, discount, tax_percent, tax, amount
    from invoice_lines
    where organization_id = :organization_id and invoice_id between :first and :last
    order by invoice_id, position
    """
)
_PAID: Final = text(
    """
    select a.invoice_id, cast(coalesce(sum(a.amount) filter (where a.credit_note_id is not null), 0) as bigint) as credits,
           max(a.applied_on) filter (where a.payment_id is not null) as paid_on
    from allocations a
    where a.organization_id = :organization_id and a.invoice_id between :first and :last and a.reverses_id is null
      and not exists (select from allocations r where r.organization_id = :organization_id and r.reverses_id = a.id)
    group by a.invoice_id
    """
)


@dataclass(slots=True)
class WrittenInvoices:
    invoices: int = 0
    lines: int = 0


async def write(snapshot: Snapshot, sheet: Sheet, dates: DateFormat, progress: Watcher) -> WrittenInvoices:
    progress.begin("Writing invoices", total=(await snapshot.rows(_COUNT))[0].count)
    sheet.begin((*ZOHO, *OURS))
    written = WrittenInvoices()
    async for batch in snapshot.batches(_INVOICES):
        between = {"first": batch[0].id, "last": batch[-1].id}
        named = await people.named(snapshot, [invoice.customer_id for invoice in batch])
        paid = {row.invoice_id: row for row in await snapshot.rows(_PAID, **between)}
        lines = defaultdict(list)
        for line in await snapshot.rows(_LINES, **between):
            lines[line.invoice_id].append(line)
        for invoice in batch:
            own = _own(snapshot, invoice, named[invoice.customer_id], paid.get(invoice.id), dates)
            for row in _rows(own, lines[invoice.id], invoice.currency):
                sheet.add(row)
            written.invoices += 1
            written.lines += len(lines[invoice.id])
        progress.reach(written.invoices)
    return written


def _own(snapshot: Snapshot, invoice: Any, customer: Named, paid: Any, dates: DateFormat) -> dict[str, str | None]:
    """The invoice's own cells. Who was billed is what the invoice says, not what the customer is called today."""

    def amount(minor: int) -> str:
        return money.to_string(minor, invoice.currency)

    bill_to = orjson.loads(invoice.bill_to)
    terms = PaymentTerms(PaymentTermsKind(invoice.payment_terms_kind), invoice.payment_terms_net_days)
    address = cells.address("Billing", bill_to.get("address"))
    return {
        "Invoice Date": dates.text(invoice.invoice_date),
        "Invoice ID": people.external_id(Kind.INVOICE, invoice.id, invoice.source_system, invoice.external_id),
        "Invoice Number": invoice.number,
        "Invoice Status": _status(snapshot, invoice),
        "Customer Name": bill_to.get("name") or customer.name,
        "Company Name": bill_to.get("company_name"),
        "Customer ID": customer.external_id,
        "Due Date": dates.text(invoice.due_date),
        "PurchaseOrder": invoice.purchase_order,
        "Currency Code": invoice.currency,
        "Discount Type": "entity_level" if invoice.discount_total else "item_level",
        "Is Discount Before Tax": cells.boolean(invoice.is_discount_before_tax),
        "Entity Discount Percent": cells.plain(invoice.discount_percent),
        "Entity Discount Amount": amount(invoice.discount_total),
        "SubTotal": amount(invoice.subtotal),
        "Total": amount(invoice.total),
        "Balance": amount(invoice.balance),
        "Shipping Charge": amount(invoice.shipping_charge),
        "Adjustment": amount(invoice.adjustment),
        **cells.payment_terms(terms),
        "Last Payment Date": dates.text(paid.paid_on) if paid is not None and paid.paid_on is not None else "",
        "Notes": invoice.notes,
        "WriteOff Amount": amount(invoice.amount_written_off),
        **address,
        "Credits Applied": amount(paid.credits) if paid is not None and paid.credits else "",
    }


def _status(snapshot: Snapshot, invoice: Any) -> str:
    """Zoho's word (domain.md I1). What was written off is paid to it: nothing of it is left."""
    if invoice.status == InvoiceStatus.DRAFT:
        return "Draft"
    if invoice.status == InvoiceStatus.VOID:
        return "Void"
    if not invoice.balance:
        return "Paid"
    if invoice.due_date < snapshot.today:
        return "Overdue"
    return "Partially Paid" if invoice.balance < invoice.total else "Sent"


def _rows(own: Mapping[str, str | None], lines: Sequence[Any], currency: str) -> Iterator[Mapping[str, str | None]]:
    for line in lines:
        yield {
            **own,
            "Item Name": line.item,
            "Item Desc": line.description,
            "Quantity": cells.plain(line.quantity),
            "Item Price": cells.plain(line.unit_price, money.exponent(currency)),
            # With its sign, because a bare number may be an amount; that stands in the next column.
            "Discount": f"{cells.plain(line.discount_percent)}%" if line.discount_percent else "",
            "Discount Amount": money.to_string(line.discount, currency) if line.discount else "",
            "Item Total": money.to_string(line.amount, currency),
            "Item Tax %": cells.plain(line.tax_percent) if line.tax_percent else "",
            "Item Tax Amount": money.to_string(line.tax, currency) if line.tax_percent or line.tax else "",
        }
