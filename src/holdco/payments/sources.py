"""Finds and locks the money that is applied: payments and credit notes (domain.md K2, step 3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from holdco import ids
from holdco.database import Transaction
from holdco.errors import NotFound
from holdco.ids import Kind
from holdco.payments import errors, queries
from holdco.payments.candidates import Source, SourceKind
from holdco.payments.models import CreditNote, Payment, PaymentStatus
from holdco.payments.queries import CreditNoteRow, PaymentRow


def payment_not_found(payment_id: UUID, *, field: tuple[str, ...]) -> NotFound:
    return NotFound(f"There is no payment {ids.encode(Kind.PAYMENT, payment_id)}.", field=field)


def credit_note_not_found(credit_note_id: UUID, *, field: tuple[str, ...]) -> NotFound:
    return NotFound(f"There is no credit note {ids.encode(Kind.CREDIT_NOTE, credit_note_id)}.", field=field)


def of_payment(payment: PaymentRow, *, field: tuple[str, ...] = ("sourceId",)) -> Source:
    """Raises PaymentReversed."""
    if payment.status == PaymentStatus.REVERSED:
        raise errors.PaymentReversed(payment.number, field=field)
    return Source(SourceKind.PAYMENT, payment.id, payment.customer_id, payment.currency, payment.unapplied, payment.received_on)


def of_credit_note(note: CreditNoteRow) -> Source:
    return Source(SourceKind.CREDIT_NOTE, note.id, note.customer_id, note.currency, note.remaining, note.credit_date)


async def locked_payment(transaction: Transaction, payment_id: UUID, *, field: tuple[str, ...]) -> PaymentRow:
    """A payment that nobody else can apply until commit. Raises NotFound."""
    rows = await transaction.rows(
        _locking(select(*queries.LISTING.columns.values()), Payment, transaction.organization_id, payment_id)
    )
    if not rows:
        raise payment_not_found(payment_id, field=field)
    return PaymentRow(*rows[0])


async def locked_credit_note(transaction: Transaction, credit_note_id: UUID, *, field: tuple[str, ...]) -> CreditNoteRow:
    """A credit note that nobody else can apply until commit. Raises NotFound."""
    rows = await transaction.rows(
        _locking(select(*queries.CREDIT_NOTES.columns.values()), CreditNote, transaction.organization_id, credit_note_id)
    )
    if not rows:
        raise credit_note_not_found(credit_note_id, field=field)
    return CreditNoteRow(*rows[0])


def _locking(statement: Select[Any], table: Any, organization_id: UUID, key: UUID) -> Select[Any]:
    return statement.where(table.organization_id == organization_id, table.id == key).with_for_update(key_share=True)
