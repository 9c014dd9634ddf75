"""Takes money back: one allocation, a whole payment that bounced, or all that was applied to an invoice that is voided.

Nothing is deleted. A reversal is a row of its own, and the money returns to whoever it came from (domain.md A10, A12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from holdco import ids, money
from holdco.activity import service as activity
from holdco.database import Transaction
from holdco.errors import NotFound
from holdco.idempotency import service as idempotency
from holdco.idempotency.service import Answer
from holdco.ids import Kind
from holdco.invoices import service as invoices
from holdco.invoices.errors import InvoiceHasAllocations, InvoiceNotIssued
from holdco.invoices.models import Invoice, InvoiceStatus
from holdco.payments import errors, ledger, queries, sources
from holdco.payments.models import Payment, PaymentStatus
from holdco.payments.queries import AllocationRow
from holdco.validation import optional_text, required_text


async def reverse_allocation(
    transaction: Transaction,
    allocation_id: UUID,
    *,
    reversed_on: date | None,
    reason: str | None,
    key: str,
    request: Mapping[str, Any],
) -> Answer:
    """Takes one allocation back, whole and once; to take back a part, apply the rest again. The answer holds allocationIds.

    Raises, in this order: the refusals of the idempotency key; NotFound; AllocationAlreadyReversed; AppliedOnOutOfRange;
    PeriodLocked.
    """
    await transaction.lock_shared()

    async def use_case() -> Mapping[str, Any]:
        row = await _allocation(transaction, allocation_id)
        await _lock_sources(transaction, [row])
        await _lock_invoices(transaction, [row.invoice_id])
        if row.reverses_id is not None:
            raise errors.AllocationAlreadyReversed(is_reversal=True, field=("id",))
        if await transaction.rows(queries.reversals_of(transaction.organization_id, [row.id])):
            raise errors.AllocationAlreadyReversed(is_reversal=False, field=("id",))
        day = _reversal_date(transaction, reversed_on, [row])
        reversal_ids = await ledger.reverse(transaction, [row], reversed_on=day, reason=optional_text(reason, "reason"))
        return {
            "sourceId": queries.source_id_of(row),
            "allocationIds": [ids.encode(Kind.ALLOCATION, key) for key in reversal_ids],
        }

    return await idempotency.once(transaction, mutation="allocationReverse", key=key, request=request, use_case=use_case)


async def reverse_payment(
    transaction: Transaction,
    payment_id: UUID,
    *,
    reversed_on: date | None,
    reason: str,
    key: str,
    request: Mapping[str, Any],
) -> Answer:
    """The payment bounced: all its live allocations are taken back and it has no money left (domain.md I6).

    The answer holds paymentId and allocationIds. Raises, in this order: the refusals of the idempotency key; InvalidInput
    without a reason; NotFound; PaymentReversed; AppliedOnOutOfRange; PeriodLocked.
    """
    await transaction.lock_shared()

    async def use_case() -> Mapping[str, Any]:
        why = required_text(reason, "reason")
        payment = await sources.locked_payment(transaction, payment_id, field=("id",))
        if payment.status == PaymentStatus.REVERSED:
            raise errors.PaymentReversed(payment.number, field=("id",))
        live = await _live(transaction, "payment_id", payment_id)
        await _lock_invoices(transaction, [row.invoice_id for row in live])
        day = _reversal_date(transaction, reversed_on, live, earliest=payment.received_on)
        reversal_ids = await ledger.reverse(transaction, live, reversed_on=day, reason=why, is_source_kept=False)
        await transaction.execute(
            update(Payment)
            .where(Payment.organization_id == transaction.organization_id, Payment.id == payment_id)
            .values(
                status=PaymentStatus.REVERSED.value,
                allocated=0,
                unapplied=0,
                reversed_at=transaction.now,
                reversed_on=day,
                reversal_reason=why,
                version=Payment.version + 1,
            )
        )
        amount = money.to_string(payment.amount, payment.currency)
        await activity.record(
            transaction,
            [
                activity.about(
                    Kind.PAYMENT,
                    payment_id,
                    "payment.reversed",
                    customer_id=payment.customer_id,
                    amount=amount,
                    currency=payment.currency,
                    reason=why,
                )
            ],
        )
        return {
            "paymentId": ids.encode(Kind.PAYMENT, payment_id),
            "allocationIds": [ids.encode(Kind.ALLOCATION, key) for key in reversal_ids],
        }

    return await idempotency.once(transaction, mutation="paymentReverse", key=key, request=request, use_case=use_case)


async def void_invoice(
    transaction: Transaction,
    invoice_id: UUID,
    *,
    reason: str,
    is_releasing: bool,
    version: int | None,
    key: str,
    request: Mapping[str, Any],
) -> Answer:
    """Cancels an issued invoice, and with `is_releasing` gives what was applied back to those who paid (domain.md I3).

    The answer holds invoiceId and allocationIds. Raises, in this order: the refusals of the idempotency key; InvalidInput
    without a reason; NotFound; StaleVersion; InvoiceNotIssued; InvoiceHasAllocations; PeriodLocked.
    """
    await transaction.lock_shared()

    async def use_case() -> Mapping[str, Any]:
        why = required_text(reason, "reason")
        live = await _locked_with_sources(transaction, invoice_id)
        invoice = await invoices.locked(transaction, invoice_id, version=version)
        if invoice.status != InvoiceStatus.ISSUED:
            raise InvoiceNotIssued(invoice.number, invoice.status)
        if live and not is_releasing:
            raise InvoiceHasAllocations(invoice.number, count=len(live))
        invoices.check_period(transaction, transaction.today, field=("id",))
        reversal_ids = await ledger.reverse(transaction, live, reversed_on=transaction.today, reason=why)
        await transaction.execute(
            update(Invoice)
            .where(Invoice.organization_id == transaction.organization_id, Invoice.id == invoice_id)
            .values(
                status=InvoiceStatus.VOID.value,
                balance=0,
                voided_at=transaction.now,
                void_reason=why,
                updated_at=transaction.now,
                version=Invoice.version + 1,
            )
        )
        await activity.record(
            transaction,
            [
                activity.about(
                    Kind.INVOICE, invoice_id, "invoice.voided", customer_id=invoice.customer_id, number=invoice.number, reason=why
                )
            ],
        )
        return {
            "invoiceId": ids.encode(Kind.INVOICE, invoice_id),
            "allocationIds": [ids.encode(Kind.ALLOCATION, key) for key in reversal_ids],
        }

    return await idempotency.once(transaction, mutation="invoiceVoid", key=key, request=request, use_case=use_case)


def _reversal_date(
    transaction: Transaction, day: date | None, rows: Sequence[AllocationRow], *, earliest: date = date.min
) -> date:
    """Not before what is taken back was applied, not after today, not in a closed period (domain.md A13, T8)."""
    reversed_on = day or transaction.today
    first = max([earliest, *(row.applied_on for row in rows)])
    if not first <= reversed_on <= transaction.today:
        raise errors.AppliedOnOutOfRange(reversed_on, earliest=first, latest=transaction.today, field=("reversedOn",))
    invoices.check_period(transaction, reversed_on, field=("reversedOn",))
    return reversed_on


async def _allocation(transaction: Transaction, allocation_id: UUID) -> AllocationRow:
    rows = await transaction.rows(queries.allocations_by_ids(transaction.organization_id, [allocation_id]))
    if not rows:
        raise NotFound(f"There is no allocation {ids.encode(Kind.ALLOCATION, allocation_id)}.", field=("id",))
    return AllocationRow(*rows[0][1:])


async def _live(transaction: Transaction, column: str, key: UUID) -> list[AllocationRow]:
    """The allocations of a payment or to an invoice that stand."""
    rows = await transaction.rows(
        select(*queries.ALLOCATIONS.columns.values())
        .where(
            queries.ALLOCATIONS.organization == transaction.organization_id,
            queries.ALLOCATIONS.columns[column] == key,
            *queries.ALLOCATIONS.filters.clauses(transaction.organization_id, queries.live_unless(is_reversed_included=False)),
        )
        .order_by(queries.ALLOCATIONS.columns["id"])
    )
    return [AllocationRow(*row) for row in rows]


async def _locked_with_sources(transaction: Transaction, invoice_id: UUID) -> list[AllocationRow]:
    """The live allocations to an invoice, with their sources and the invoice locked in the order of K2.

    Whose money it is becomes known only by reading it; if more was applied before the invoice was locked, the locks are
    given back (by the savepoint) and taken anew, so that nobody locks a source behind an invoice.
    """
    while True:
        savepoint = await transaction.connection.begin_nested()
        live = await _live(transaction, "invoice_id", invoice_id)
        await _lock_sources(transaction, live)
        await _lock_invoices(transaction, [invoice_id])
        again = await _live(transaction, "invoice_id", invoice_id)
        if {row.id for row in again} <= {row.id for row in live}:
            await savepoint.commit()
            return again
        await savepoint.rollback()


async def _lock_sources(transaction: Transaction, rows: Sequence[AllocationRow]) -> None:
    """By type and id, as K2 says."""
    payment_ids = sorted({row.payment_id for row in rows if row.payment_id is not None})
    credit_note_ids = sorted({row.credit_note_id for row in rows if row.credit_note_id is not None})
    for table, keys in (("credit_notes", credit_note_ids), ("payments", payment_ids)):
        if keys:
            await _lock(transaction, table, keys)


async def _lock_invoices(transaction: Transaction, invoice_ids: Sequence[UUID]) -> None:
    if invoice_ids:
        await _lock(transaction, "invoices", sorted(set(invoice_ids)))


async def _lock(transaction: Transaction, table: str, keys: Sequence[UUID]) -> None:
    await transaction.execute(
        text(
            f"select id from {table} where organization_id = :organization_id and id = any(cast(:keys as uuid[])) "  # noqa: S608
            "order by id for no key update"
        ),
        {"organization_id": transaction.organization_id, "keys": list(keys)},
    )
