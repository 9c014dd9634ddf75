"""Reads invoices: the rows, what may be filtered and ordered, and the statements that loaders and services share."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_, select, text

from holdco.filtering import Filters, OrganizationId
from holdco.invoices.models import Invoice, InvoiceLine, InvoicePaymentStatus
from holdco.listing import Listing, Order
from holdco.statements import ORGANIZATION_ID, is_key

INVOICES = Invoice.__table__.c
_LINES = InvoiceLine.__table__.c


class InvoiceRow(NamedTuple):
    """Amounts in minor units."""

    id: UUID
    number: str
    customer_id: UUID
    status: str
    currency: str
    invoice_date: date
    due_date: date
    payment_terms_kind: str
    payment_terms_net_days: int
    payment_terms_source: str
    payment_terms_source_id: UUID | None
    payment_terms_source_version: int | None
    discount_source: str
    discount_source_id: UUID | None
    discount_source_version: int | None
    price_list_id: UUID | None
    price_list_version: int | None
    price_list_source: str
    price_list_source_id: UUID | None
    price_list_source_version: int | None
    bill_to: dict[str, Any]
    discount_percent: Decimal
    is_discount_before_tax: bool
    subtotal: int
    discount_total: int
    tax_total: int
    shipping_charge: int
    adjustment: int
    total: int
    amount_paid: int
    amount_written_off: int
    balance: int
    purchase_order: str | None
    notes: str | None
    external_id: str | None
    issued_at: datetime | None
    voided_at: datetime | None
    void_reason: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class InvoiceLineRow(NamedTuple):
    """Amounts in minor units; `currency` is the invoice's."""

    position: int
    description: str | None
    item: str | None
    item_id: UUID | None
    quantity: Decimal
    unit_price: Decimal
    unit_price_source: str
    discount_percent: Decimal
    discount: int
    tax_percent: Decimal
    tax: int
    amount: int
    currency: str


def payment_status_of(invoice: InvoiceRow) -> InvoicePaymentStatus | None:
    """Derived from the amounts (domain.md I1); None for drafts and void invoices, which nobody pays."""
    if invoice.status != "ISSUED":
        return None
    if invoice.balance == 0:
        return InvoicePaymentStatus.WRITTEN_OFF if invoice.amount_written_off else InvoicePaymentStatus.PAID
    return InvoicePaymentStatus.PARTIALLY_PAID if invoice.amount_paid else InvoicePaymentStatus.UNPAID


def is_overdue(invoice: InvoiceRow, today: date) -> bool:
    """Due today is not overdue (domain.md M4)."""
    return invoice.status == "ISSUED" and invoice.balance > 0 and invoice.due_date < today


# As `payment_status_of`, in the words of the partial index where it can serve.
_OPEN = and_(INVOICES.status == "ISSUED", INVOICES.balance > 0)
_SETTLED = and_(INVOICES.status == "ISSUED", INVOICES.balance == 0)
_PAYMENT_STATUSES = {
    InvoicePaymentStatus.UNPAID: and_(_OPEN, INVOICES.amount_paid == 0),
    InvoicePaymentStatus.PARTIALLY_PAID: and_(_OPEN, INVOICES.amount_paid > 0),
    InvoicePaymentStatus.PAID: and_(_SETTLED, INVOICES.amount_written_off == 0),
    InvoicePaymentStatus.WRITTEN_OFF: and_(_SETTLED, INVOICES.amount_written_off > 0),
}


def _payment_status(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    return _PAYMENT_STATUSES[InvoicePaymentStatus(value)]


def _is_open(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    return _OPEN if value else not_(_OPEN)


def _is_overdue(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    """`value` is whether, and today's date."""
    is_wanted, today = value
    overdue = and_(_OPEN, INVOICES.due_date < today)
    return overdue if is_wanted else not_(overdue)


FILTERS = Filters(
    {
        "id": INVOICES.id,
        "number": INVOICES.number,
        "customer_id": INVOICES.customer_id,
        "status": INVOICES.status,
        "payment_status": _payment_status,
        "is_open": _is_open,
        "is_overdue": _is_overdue,
        "currency": INVOICES.currency,
        "invoice_date": INVOICES.invoice_date,
        "due_date": INVOICES.due_date,
        "purchase_order": INVOICES.purchase_order,
        "external_id": INVOICES.external_id,
    }
)

LISTING: Listing[InvoiceRow] = Listing(
    row=InvoiceRow,
    columns={name: INVOICES[name] for name in InvoiceRow._fields},
    organization=INVOICES.organization_id,
    filters=FILTERS,
    order_default=(Order("invoice_date", descending=True),),
)


LINES = (
    select(
        _LINES.invoice_id,
        *(INVOICES.currency if name == "currency" else _LINES[name] for name in InvoiceLineRow._fields),
    )
    .join_from(
        InvoiceLine.__table__,
        Invoice.__table__,
        and_(INVOICES.organization_id == _LINES.organization_id, INVOICES.id == _LINES.invoice_id),
    )
    .where(_LINES.organization_id == ORGANIZATION_ID, INVOICES.organization_id == ORGANIZATION_ID, is_key(_LINES.invoice_id))
    .order_by(_LINES.invoice_id, _LINES.position)
)

# Those that terms priced, of drafts.
PRICED_LINES = text(
    """
    select l.invoice_id, l.position, l.item, l.item_id, l.quantity, l.unit_price, l.unit_price_source
    from invoice_lines l
    where l.organization_id = :organization_id and l.invoice_id = any(cast(:invoice_ids as uuid[]))
      and l.unit_price_source <> 'DOCUMENT'
    order by l.invoice_id, l.position
    """
)
