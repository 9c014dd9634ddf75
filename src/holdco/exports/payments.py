"""Writes payments, and credit notes, as Zoho exports them: one row to an invoice that they were applied to.

Money that was applied nowhere has one row without an invoice. Applications that were taken back are not in it, nor are payments
that were: in Zoho's file everything is money that came in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from holdco import ids, money
from holdco.exports import people
from holdco.exports.people import Named
from holdco.exports.snapshot import Snapshot
from holdco.exports.writing import Sheet
from holdco.ids import Kind
from holdco.imports.progress import Watcher
from holdco.imports.values import DateFormat
from holdco.payments.models import PaymentMode

PAYMENTS: Final = (
    "CustomerPayment ID", "Payment Number", "Payment Number Prefix", "Payment Number Suffix", "Date", "Customer Name",
    "CustomerID", "Mode", "Description", "Exchange Rate", "Amount", "Unused Amount", "Bank Charges", "Reference Number",
    "Currency Code", "Deposit To", "Payment Type", "Template Name", "InvoicePayment ID", "Invoice Number", "Invoice Date",
    "Invoice Amount", "Amount Applied to Invoice", "Invoice Payment Applied Date", "Withholding Tax Amount",
)  # fmt: skip
# The last two are ours: Zoho's file names the invoices and not what they got.
CREDIT_NOTES: Final = (
    "CreditNotes ID", "Credit Note Number", "Credit Note Date", "Credit Note Status", "Customer ID", "Customer Name",
    "Currency Code", "Exchange Rate", "Associated Invoice Number", "Associated Invoice Date", "Reason", "Total", "Balance",
    "Applied Invoice Number", "Amount Applied to Invoice", "Credit Applied Date",
)  # fmt: skip
MODES: Final = {
    PaymentMode.CHECK: "Check",
    PaymentMode.CASH: "Cash",
    PaymentMode.CREDIT_CARD: "Credit Card",
    PaymentMode.BANK_TRANSFER: "Bank Transfer",
    PaymentMode.BANK_REMITTANCE: "Bank Remittance",
    PaymentMode.AUTO_TRANSACTION: "Auto Transaction",
    PaymentMode.OTHER: "Others",
}

_COUNT_PAYMENTS: Final = text("select count(*) from payments where organization_id = :organization_id and status <> 'REVERSED'")
_PAYMENTS: Final = text(
    """
    select id, number, customer_id, currency, amount, unapplied, received_on, mode, reference, bank_charges, withholding_tax,
           notes, source_system, external_id
    from payments
    where organization_id = :organization_id and status <> 'REVERSED'
    order by id
    """
)
_COUNT_CREDIT_NOTES: Final = text("select count(*) from credit_notes where organization_id = :organization_id")
_CREDIT_NOTES: Final = text(
    """
    select id, number, customer_id, currency, credit_date, total, remaining, reason from credit_notes
    where organization_id = :organization_id
    order by id
    """
)
_OF_PAYMENTS: Final = text(
    """
    select a.payment_id as source_id, a.id, a.amount, a.applied_on, i.number, i.invoice_date, i.total
    from allocations a
    join invoices i on i.organization_id = a.organization_id and i.id = a.invoice_id
    where a.organization_id = :organization_id and i.organization_id = :organization_id
      and a.payment_id between :first and :last and a.reverses_id is null
      and not exists (select from allocations r where r.organization_id = :organization_id and r.reverses_id = a.id)
    order by a.payment_id, a.id
    """
)
_OF_CREDIT_NOTES: Final = text(
    """
    select a.credit_note_id as source_id, a.id, a.amount, a.applied_on, i.number, i.invoice_date, i.total
    from allocations a
    join invoices i on i.organization_id = a.organization_id and i.id = a.invoice_id
    where a.organization_id = :organization_id and i.organization_id = :organization_id
      and a.credit_note_id between :first and :last and a.reverses_id is null
      and not exists (select from allocations r where r.organization_id = :organization_id and r.reverses_id = a.id)
    order by a.credit_note_id, a.id
    """
)


@dataclass(slots=True)
class WrittenSources:
    """Of payments, or of credit notes."""

    count: int = 0
    applications: int = 0


async def write_payments(snapshot: Snapshot, sheet: Sheet, dates: DateFormat, progress: Watcher) -> WrittenSources:
    progress.begin("Writing payments", total=(await snapshot.rows(_COUNT_PAYMENTS))[0].count)
    sheet.begin(PAYMENTS)
    written = WrittenSources()
    async for batch in snapshot.batches(_PAYMENTS):
        named = await people.named(snapshot, [payment.customer_id for payment in batch])
        applied = await _applied(snapshot, _OF_PAYMENTS, batch)
        for payment in batch:
            own = _payment(payment, named[payment.customer_id], dates)
            applications = applied[payment.id]
            # Once for the payment: the importer adds up what stands in its rows.
            withheld = money.to_string(payment.withholding_tax, payment.currency)
            for application in applications or (None,):
                sheet.add({**own, **_application(application, payment.currency, dates), "Withholding Tax Amount": withheld})
                withheld = money.to_string(0, payment.currency)
            written.count += 1
            written.applications += len(applications)
        progress.reach(written.count)
    return written


async def write_credit_notes(snapshot: Snapshot, sheet: Sheet, dates: DateFormat, progress: Watcher) -> WrittenSources:
    progress.begin("Writing credit notes", total=(await snapshot.rows(_COUNT_CREDIT_NOTES))[0].count)
    sheet.begin(CREDIT_NOTES)
    written = WrittenSources()
    async for batch in snapshot.batches(_CREDIT_NOTES):
        named = await people.named(snapshot, [note.customer_id for note in batch])
        applied = await _applied(snapshot, _OF_CREDIT_NOTES, batch)
        for note in batch:
            own = _credit_note(note, named[note.customer_id], dates)
            applications = applied[note.id]
            for application in applications:
                sheet.add(
                    {
                        **own,
                        "Applied Invoice Number": application.number,
                        "Amount Applied to Invoice": money.to_string(application.amount, note.currency),
                        "Credit Applied Date": dates.text(application.applied_on),
                    }
                )
            if not applications:
                sheet.add(own)
            written.count += 1
            written.applications += len(applications)
        progress.reach(written.count)
    return written


async def _applied(snapshot: Snapshot, statement: TextClause, batch: Sequence[Any]) -> Mapping[UUID, Sequence[Any]]:
    """What the payments or credit notes of a batch were applied to and stands, by their ids."""
    applied = defaultdict(list)
    for row in await snapshot.rows(statement, first=batch[0].id, last=batch[-1].id):
        applied[row.source_id].append(row)
    return applied


def _payment(payment: Any, payer: Named, dates: DateFormat) -> dict[str, str | None]:
    def amount(minor: int) -> str:
        return money.to_string(minor, payment.currency)

    return {
        "CustomerPayment ID": people.external_id(Kind.PAYMENT, payment.id, payment.source_system, payment.external_id),
        "Payment Number": payment.number,
        "Date": dates.text(payment.received_on),
        "Customer Name": payer.name,
        "CustomerID": payer.external_id,
        "Mode": MODES[PaymentMode(payment.mode)],
        "Description": payment.notes,
        "Amount": amount(payment.amount),
        "Unused Amount": amount(payment.unapplied),
        "Bank Charges": amount(payment.bank_charges),
        "Reference Number": payment.reference,
        "Currency Code": payment.currency,
        "Payment Type": "Customer Advance" if payment.unapplied == payment.amount else "Invoice Payment",
    }


def _application(application: Any, currency: str, dates: DateFormat) -> dict[str, str]:
    if application is None:
        return {}
    return {
        "InvoicePayment ID": ids.encode(Kind.ALLOCATION, application.id),
        "Invoice Number": application.number,
        "Invoice Date": dates.text(application.invoice_date),
        "Invoice Amount": money.to_string(application.total, currency),
        "Amount Applied to Invoice": money.to_string(application.amount, currency),
        "Invoice Payment Applied Date": dates.text(application.applied_on),
    }


def _credit_note(note: Any, owner: Named, dates: DateFormat) -> dict[str, str | None]:
    return {
        "CreditNotes ID": ids.encode(Kind.CREDIT_NOTE, note.id),
        "Credit Note Number": note.number,
        "Credit Note Date": dates.text(note.credit_date),
        "Credit Note Status": "Open" if note.remaining else "Closed",
        "Customer ID": owner.external_id,
        "Customer Name": owner.name,
        "Currency Code": note.currency,
        "Reason": note.reason,
        "Total": money.to_string(note.total, note.currency),
        "Balance": money.to_string(note.remaining, note.currency),
    }
