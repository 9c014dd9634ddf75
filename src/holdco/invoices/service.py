"""What all that is done with invoices has in common. The use cases: `create.py`, `refresh.py`, `issue.py`.

Voiding is in `payments`, because money that was applied goes back with it.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from holdco import ids
from holdco.activity import service as activity
from holdco.customers import queries as customers
from holdco.customers.errors import CustomerInactive
from holdco.customers.models import Customer, CustomerStatus
from holdco.customers.queries import CustomerRow
from holdco.customers.service import not_found as customer_not_found
from holdco.database import Transaction
from holdco.errors import NotFound, StaleVersion
from holdco.ids import Kind
from holdco.invoices import queries
from holdco.invoices.errors import PeriodLocked
from holdco.invoices.queries import INVOICES, InvoiceRow


async def locked(transaction: Transaction, invoice_id: UUID, *, version: int | None = None) -> InvoiceRow:
    """An invoice that nobody else can change until commit. Raises NotFound, StaleVersion."""
    rows = await transaction.rows(_one(transaction.organization_id, invoice_id).with_for_update(key_share=True))
    if not rows:
        raise not_found(invoice_id)
    invoice = InvoiceRow(*rows[0])
    if version is not None and version != invoice.version:
        raise StaleVersion(f"Invoice {invoice.number}", expected=version, found=invoice.version)
    return invoice


def not_found(invoice_id: UUID, *, field: tuple[str, ...] = ("id",)) -> NotFound:
    return NotFound(f"There is no invoice {ids.encode(Kind.INVOICE, invoice_id)}.", field=field)


def check_period(transaction: Transaction, day: date, *, field: tuple[str, ...]) -> None:
    """Raises PeriodLocked for a date in a closed period (domain.md T8)."""
    locked_until = transaction.organization.locked_until
    if locked_until is not None and day <= locked_until:
        raise PeriodLocked(day, locked_until, field=field)


def bill_to(customer: CustomerRow) -> dict[str, Any]:
    """Who is billed, as it is today (domain.md I8)."""
    return {
        "name": customer.name,
        "company_name": customer.company_name,
        "tax_id": customer.tax_id,
        "address": customer.billing_address,
    }


def _one(organization_id: UUID, invoice_id: UUID) -> Select[Any]:
    return select(*queries.LISTING.columns.values()).where(INVOICES.organization_id == organization_id, INVOICES.id == invoice_id)


def check_active(customer: CustomerRow, *, field: tuple[str, ...]) -> None:
    if customer.status != CustomerStatus.ACTIVE:
        raise CustomerInactive(customer.name, field=field)


async def locked_customer(transaction: Transaction, customer_id: UUID) -> CustomerRow:
    """Shared with other invoices, but not with somebody who deactivates the customer meanwhile."""
    rows = await transaction.rows(
        select(*customers.CUSTOMER_COLUMNS.values())
        .where(Customer.organization_id == transaction.organization_id, Customer.id == customer_id)
        .with_for_update(read=True)
    )
    if not rows:
        raise customer_not_found(customer_id, field=("customerId",))
    return CustomerRow(*rows[0])


async def record(transaction: Transaction, invoice_id: UUID, customer_id: UUID, action: str, **details: Any) -> None:
    await activity.record(transaction, [activity.about(Kind.INVOICE, invoice_id, action, customer_id=customer_id, **details)])
