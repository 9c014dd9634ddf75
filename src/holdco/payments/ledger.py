"""Writes the ledger: rows of allocations and of their reversals, and the cached amounts beside them (domain.md A10, K1).

Everything here is a handful of statements however many rows there are, and expects the locks of K2 to be held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text

from holdco import ids, money
from holdco.activity import service as activity
from holdco.activity.service import Entry
from holdco.changes.notice import Topic
from holdco.database import Transaction
from holdco.ids import Kind
from holdco.payments.candidates import Source, SourceKind
from holdco.payments.planning import Decision
from holdco.payments.queries import AllocationRow


async def apply(transaction: Transaction, source: Source, decision: Decision) -> list[UUID]:
    """Writes what was decided: rows, balances, history. The source's own amounts are `draw`'s. Returns the new ids."""
    lines = decision.plan.lines
    if not lines:
        return []
    invoices = decision.invoices
    allocation_ids = [ids.new() for _ in lines]
    paths = await _paths(transaction, source.customer_id, {invoices[line.invoice_id].customer_id for line in lines})
    is_payment = source.kind is SourceKind.PAYMENT
    await transaction.execute(
        text(
            """
            insert into allocations
                (organization_id, id, payment_id, credit_note_id, invoice_id, payer_id, beneficiary_id, path, currency, amount,
                 applied_on, strategy, reverses_id, reason, actor, created_at)
            select o.id, line.id, :payment_id, :credit_note_id, line.invoice_id, :payer_id, line.beneficiary_id,
                   cast(string_to_array(line.path, ',') as uuid[]), :currency, line.amount, :applied_on, :strategy,
                   null, null, :actor, :created_at
            from organizations o
            cross join unnest(cast(:ids as uuid[]), cast(:invoice_ids as uuid[]), cast(:beneficiary_ids as uuid[]),
                              cast(:paths as text[]), cast(:amounts as bigint[]))
                       as line(id, invoice_id, beneficiary_id, path, amount)
            where o.id = :organization_id
            returning id
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "payment_id": source.id if is_payment else None,
            "credit_note_id": None if is_payment else source.id,
            "payer_id": source.customer_id,
            "currency": source.currency,
            "applied_on": decision.applied_on,
            "strategy": decision.strategy.value,
            "actor": transaction.actor,
            "created_at": transaction.now,
            "ids": allocation_ids,
            "invoice_ids": [line.invoice_id for line in lines],
            "beneficiary_ids": [invoices[line.invoice_id].customer_id for line in lines],
            "paths": [paths[invoices[line.invoice_id].customer_id] for line in lines],
            "amounts": [line.amount for line in lines],
        },
    )
    await _pay(transaction, {line.invoice_id: line.amount for line in lines})
    await _record_applied(transaction, source, decision)
    for allocation_id, line in zip(allocation_ids, lines, strict=True):
        _tell(transaction, allocation_id, line.invoice_id, source.customer_id, invoices[line.invoice_id].customer_id)
    return allocation_ids


async def draw(transaction: Transaction, source: Source, amount: int) -> None:
    """Takes what was applied from the source's remaining amount; a negative amount gives it back."""
    if amount:
        await _draw_all(transaction, source.kind, {source.id: amount})


async def reverse(
    transaction: Transaction, rows: Sequence[AllocationRow], *, reversed_on: date, reason: str | None, is_source_kept: bool = True
) -> list[UUID]:
    """Takes allocations back, each by a row that names it; the money returns to its source's owner (A12).

    `is_source_kept` False leaves the sources' amounts to the caller: a payment that bounced has none. Returns the new ids.
    """
    if not rows:
        return []
    reversal_ids = [ids.new() for _ in rows]
    await transaction.execute(
        text(
            """
            insert into allocations
                (organization_id, id, payment_id, credit_note_id, invoice_id, payer_id, beneficiary_id, path, currency, amount,
                 applied_on, strategy, reverses_id, reason, actor, created_at)
            select a.organization_id, reversal.id, a.payment_id, a.credit_note_id, a.invoice_id, a.payer_id, a.beneficiary_id,
                   a.path, a.currency, a.amount, :reversed_on, a.strategy, a.id, :reason, :actor, :created_at
            from unnest(cast(:ids as uuid[]), cast(:reversed_ids as uuid[])) as reversal(id, reversed_id)
            join allocations a on a.id = reversal.reversed_id
            where a.organization_id = :organization_id
            returning id
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "reversed_on": reversed_on,
            "reason": reason,
            "actor": transaction.actor,
            "created_at": transaction.now,
            "ids": reversal_ids,
            "reversed_ids": [row.id for row in rows],
        },
    )
    by_invoice: defaultdict[UUID, int] = defaultdict(int)
    by_payment: defaultdict[UUID, int] = defaultdict(int)
    by_credit_note: defaultdict[UUID, int] = defaultdict(int)
    for row in rows:
        by_invoice[row.invoice_id] -= row.amount
        if row.payment_id is not None:
            by_payment[row.payment_id] -= row.amount
        elif row.credit_note_id is not None:
            by_credit_note[row.credit_note_id] -= row.amount
    await _pay(transaction, by_invoice)
    if is_source_kept:
        await _draw_all(transaction, SourceKind.PAYMENT, by_payment)
        await _draw_all(transaction, SourceKind.CREDIT_NOTE, by_credit_note)
    await _record_reversed(transaction, rows, reason)
    for reversal_id, row in zip(reversal_ids, rows, strict=True):
        _tell(transaction, reversal_id, row.invoice_id, row.payer_id, row.beneficiary_id)
    return reversal_ids


def _tell(transaction: Transaction, allocation_id: UUID, invoice_id: UUID, payer_id: UUID, owner_id: UUID) -> None:
    """Notes an allocation for those who watch its payer or the invoice's owner, and the invoice for those who watch the owner."""
    transaction.changes.add(Topic.ALLOCATION, payer_id, allocation_id)
    transaction.changes.add(Topic.ALLOCATION, owner_id, allocation_id)
    transaction.changes.add(Topic.INVOICE, owner_id, invoice_id)


async def _pay(transaction: Transaction, amounts: dict[UUID, int]) -> None:
    """Adds to what was paid of invoices and takes it from their balances. The CHECKs stop what would fall below zero."""
    await transaction.execute(
        text(
            """
            update invoices i
            set amount_paid = i.amount_paid + paid.amount, balance = i.balance - paid.amount,
                updated_at = :now, version = i.version + 1
            from unnest(cast(:ids as uuid[]), cast(:amounts as bigint[])) as paid(id, amount)
            where i.organization_id = :organization_id and i.id = paid.id
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "now": transaction.now,
            "ids": list(amounts),
            "amounts": list(amounts.values()),
        },
    )


_DRAW = {
    SourceKind.PAYMENT: text(
        """
        update payments s set allocated = s.allocated + drawn.amount, unapplied = s.unapplied - drawn.amount,
               version = s.version + 1
        from unnest(cast(:ids as uuid[]), cast(:amounts as bigint[])) as drawn(id, amount)
        where s.organization_id = :organization_id and s.id = drawn.id
        """
    ),
    SourceKind.CREDIT_NOTE: text(
        """
        update credit_notes s set allocated = s.allocated + drawn.amount, remaining = s.remaining - drawn.amount,
               version = s.version + 1
        from unnest(cast(:ids as uuid[]), cast(:amounts as bigint[])) as drawn(id, amount)
        where s.organization_id = :organization_id and s.id = drawn.id
        """
    ),
}


async def _draw_all(transaction: Transaction, kind: SourceKind, amounts: dict[UUID, int]) -> None:
    if amounts:
        await transaction.execute(
            _DRAW[kind],
            {"organization_id": transaction.organization_id, "ids": list(amounts), "amounts": list(amounts.values())},
        )


async def _paths(transaction: Transaction, payer_id: UUID, beneficiary_ids: set[UUID]) -> dict[UUID, str]:
    """The customers from the payer down to each beneficiary, as they are now: by which right the money went (A10)."""
    rows = await transaction.rows(
        text(
            """
            select up.descendant_id, string_agg(cast(up.ancestor_id as text), ',' order by up.depth desc)
            from customer_closure top
            join customer_closure up on up.organization_id = top.organization_id and up.descendant_id = top.descendant_id
            where top.organization_id = :organization_id and up.organization_id = :organization_id
              and top.ancestor_id = :payer_id and top.descendant_id = any(cast(:beneficiary_ids as uuid[]))
              and up.depth <= top.depth
            group by up.descendant_id
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "payer_id": payer_id,
            "beneficiary_ids": sorted(beneficiary_ids),
        },
    )
    return {row[0]: row[1] for row in rows}


def source_id(kind: SourceKind, key: UUID) -> str:
    return ids.encode(Kind.PAYMENT if kind is SourceKind.PAYMENT else Kind.CREDIT_NOTE, key)


async def _record_applied(transaction: Transaction, source: Source, decision: Decision) -> None:
    """On the payer's page the whole; on each other owner's page what went to its invoices, and nothing else (V4)."""
    subject = source_id(source.kind, source.id)
    action = "payment.allocated" if source.kind is SourceKind.PAYMENT else "credit_note.applied"
    by_owner: defaultdict[UUID, int] = defaultdict(int)
    for line in decision.plan.lines:
        by_owner[decision.invoices[line.invoice_id].customer_id] += line.amount
    whole = {
        "amount": money.to_string(decision.plan.allocated, source.currency),
        "currency": source.currency,
        "invoices": len(decision.plan.lines),
        "strategy": decision.strategy.value,
    }
    entries = [Entry(action, source.customer_id, subject, whole)]
    for owner_id, amount in by_owner.items():
        if owner_id != source.customer_id:
            part = {"amount": money.to_string(amount, source.currency), "currency": source.currency}
            entries.append(Entry("invoice.paid_by_ancestor", owner_id, subject, part))
    await activity.record(transaction, entries)


async def _record_reversed(transaction: Transaction, rows: Sequence[AllocationRow], reason: str | None) -> None:
    entries = []
    for row in rows:
        details = {
            "amount": money.to_string(row.amount, row.currency),
            "currency": row.currency,
            "invoiceId": ids.encode(Kind.INVOICE, row.invoice_id),
            **({"reason": reason} if reason else {}),
        }
        subject = ids.encode(Kind.ALLOCATION, row.id)
        action = "payment.unallocated" if row.payment_id is not None else "credit_note.unapplied"
        entries += [Entry(action, customer_id, subject, details) for customer_id in {row.payer_id, row.beneficiary_id}]
    await activity.record(transaction, entries)
