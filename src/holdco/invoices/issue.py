"""Makes a draft a debt."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update

from holdco.database import Transaction
from holdco.invoices import refresh
from holdco.invoices.drift import TermDrift
from holdco.invoices.errors import InvoiceNotDraft
from holdco.invoices.models import Invoice, InvoiceStatus
from holdco.invoices.service import bill_to, check_active, check_period, locked, locked_customer, record


async def issue(
    transaction: Transaction, invoice_id: UUID, *, version: int | None = None, is_repriced: bool = False
) -> list[TermDrift]:
    """From now on its bill-to, terms and amounts stay as they are (domain.md I8).

    Returns how its terms have drifted: it is issued as it stands, or with `is_repriced` with what applies today (G6).
    Raises, in this order: NotFound; StaleVersion; InvoiceNotDraft; CustomerInactive; PeriodLocked; when it is repriced the
    refusals of `refresh.apply`.
    """
    await transaction.lock_shared()
    invoice = await locked(transaction, invoice_id, version=version)
    if invoice.status != InvoiceStatus.DRAFT:
        raise InvoiceNotDraft(invoice.number, invoice.status)
    customer = await locked_customer(transaction, invoice.customer_id)
    check_active(customer, field=("id",))
    check_period(transaction, invoice.invoice_date, field=("id",))
    drifted = await refresh.drift_of(transaction, invoice)
    if is_repriced:
        await refresh.apply(transaction, invoice, drifted)
    await transaction.execute(
        update(Invoice)
        .where(Invoice.organization_id == transaction.organization_id, Invoice.id == invoice_id)
        .values(
            status=InvoiceStatus.ISSUED.value,
            bill_to=bill_to(customer),
            issued_at=transaction.now,
            updated_at=transaction.now,
            version=Invoice.version + 1,
        )
    )
    await record(transaction, invoice_id, customer.id, "invoice.issued", number=invoice.number)
    return drifted
