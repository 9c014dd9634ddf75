"""Reads payments, credit notes and allocations, and sums up what customers owe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, select, text
from sqlalchemy.orm import aliased

from holdco import ids
from holdco.customers.models import Customer
from holdco.filtering import Condition, Filters, OrganizationId, any_of
from holdco.ids import Kind
from holdco.listing import Listing, Order, Relation
from holdco.payments.models import Allocation, CreditNote, Payment
from holdco.sight import PAYERS, seen
from holdco.sighted import told_otherwise
from holdco.statements import ORGANIZATION_ID, is_key

PAYMENTS = Payment.__table__.c
_CREDIT_NOTES = CreditNote.__table__.c
_ALLOCATIONS = Allocation.__table__.c


class PaymentRow(NamedTuple):
    """Amounts in minor units."""

    id: UUID
    number: str
    customer_id: UUID
    status: str
    currency: str
    amount: int
    allocated: int
    unapplied: int
    received_on: date
    mode: str
    reference: str | None
    bank_charges: int
    withholding_tax: int
    notes: str | None
    unapplied_reason: str | None
    source_system: str | None
    external_id: str | None
    reversed_at: datetime | None
    reversed_on: date | None
    reversal_reason: str | None
    created_at: datetime
    version: int


class CreditNoteRow(NamedTuple):
    """Amounts in minor units."""

    id: UUID
    number: str
    customer_id: UUID
    currency: str
    credit_date: date
    total: int
    allocated: int
    remaining: int
    reason: str | None
    created_at: datetime
    version: int


class AllocationRow(NamedTuple):
    """A row of the ledger; `amount` in minor units is taken back where `reverses_id` is set."""

    id: UUID
    payment_id: UUID | None
    credit_note_id: UUID | None
    invoice_id: UUID
    payer_id: UUID
    beneficiary_id: UUID
    path: list[UUID]
    currency: str
    amount: int
    applied_on: date
    strategy: str
    reverses_id: UUID | None
    reason: str | None
    actor: str
    created_at: datetime


class PayerNameRow(NamedTuple):
    name: str


def source_id_of(row: AllocationRow) -> str:
    """The id of the payment or credit note, as clients know it."""
    if row.payment_id is not None:
        return ids.encode(Kind.PAYMENT, row.payment_id)
    assert row.credit_note_id is not None  # by ck_allocations_source
    return ids.encode(Kind.CREDIT_NOTE, row.credit_note_id)


class ReceivablesRow(NamedTuple):
    """What is owed and what is there to pay it, in one currency, in minor units. net = outstanding - unapplied - credits."""

    currency: str
    outstanding: int
    overdue: int
    unapplied: int
    open_credits: int
    open_invoice_count: int

    @property
    def net(self) -> int:
        return self.outstanding - self.unapplied - self.open_credits


def _is_live(organization_id: OrganizationId, _operator: str, _value: Any) -> ColumnElement[bool]:
    """Neither a reversal nor reversed."""
    reversal = aliased(Allocation)
    return and_(
        _ALLOCATIONS.reverses_id.is_(None),
        ~exists().where(reversal.organization_id == organization_id, reversal.reverses_id == _ALLOCATIONS.id),
    )


def live_unless(is_reversed_included: bool) -> tuple[Condition, ...]:
    return () if is_reversed_included else (Condition("is_live", "eq", True),)


PAYMENT_FILTERS = Filters(
    {
        "id": PAYMENTS.id,
        "number": PAYMENTS.number,
        "customer_id": PAYMENTS.customer_id,
        "status": PAYMENTS.status,
        "currency": PAYMENTS.currency,
        "received_on": PAYMENTS.received_on,
        "reference": PAYMENTS.reference,
        "external_id": PAYMENTS.external_id,
        "has_unapplied": lambda _organization_id, _operator, value: PAYMENTS.unapplied > 0 if value else PAYMENTS.unapplied == 0,
    }
)

LISTING: Listing[PaymentRow] = Listing(
    row=PaymentRow,
    columns={name: PAYMENTS[name] for name in PaymentRow._fields},
    organization=PAYMENTS.organization_id,
    filters=PAYMENT_FILTERS,
    order_default=(Order("received_on", descending=True),),
)

CREDIT_NOTES: Listing[CreditNoteRow] = Listing(
    row=CreditNoteRow,
    columns={name: _CREDIT_NOTES[name] for name in CreditNoteRow._fields},
    organization=_CREDIT_NOTES.organization_id,
    filters=Filters({}),
    order_default=(Order("credit_date", descending=True),),
)

ALLOCATIONS: Listing[AllocationRow] = Listing(
    row=AllocationRow,
    columns={name: _ALLOCATIONS[name] for name in AllocationRow._fields},
    organization=_ALLOCATIONS.organization_id,
    filters=Filters({"is_live": _is_live}),
    order_default=(Order("id"),),
)

CREDIT_NOTES_OF_CUSTOMER = Relation(parent=_CREDIT_NOTES.customer_id, below=("credit_notes",))
ALLOCATIONS_OF_INVOICE = Relation(parent=_ALLOCATIONS.invoice_id)
ALLOCATIONS_OF_PAYMENT = Relation(parent=_ALLOCATIONS.payment_id)
ALLOCATIONS_OF_CREDIT_NOTE = Relation(parent=_ALLOCATIONS.credit_note_id)


# By the alias that shows this name, and nothing else, to whoever sees the allocation (domain.md V4).
_PAYERS = Customer.__table__.alias(PAYERS)

PAYER_NAMES = (
    select(_ALLOCATIONS.id, _PAYERS.c.name)
    .join_from(Allocation.__table__, _PAYERS, _PAYERS.c.id == _ALLOCATIONS.payer_id)
    .where(
        _ALLOCATIONS.organization_id == ORGANIZATION_ID,
        _PAYERS.c.organization_id == ORGANIZATION_ID,
        is_key(_ALLOCATIONS.id),
    )
)


def allocations_by_ids(organization_id: UUID, keys: Sequence[UUID]) -> Select[Any]:
    return select(_ALLOCATIONS.id.label("key"), *ALLOCATIONS.columns.values()).where(
        _ALLOCATIONS.organization_id == organization_id, any_of(_ALLOCATIONS.id, keys)
    )


def reversals_of(organization_id: UUID, keys: Sequence[UUID]) -> Select[Any]:
    """The rows that take back these."""
    return select(_ALLOCATIONS.id).where(_ALLOCATIONS.organization_id == organization_id, any_of(_ALLOCATIONS.reverses_id, keys))


# Whose money counts for each of the customers that are asked about: its own, or that of all at and below it. Of a group, that
# of its members.
SELF = "array[given.id]"
SUBTREE = """array(
    select c.descendant_id from customer_closure c
    where c.organization_id = :organization_id and c.ancestor_id = given.id
)"""
MEMBERS = """array(
    select m.customer_id from group_members m
    where m.organization_id = :organization_id and m.group_id = given.id
)"""


def _receivables(owners: str, seen_only: str = "true") -> str:
    """One row per customer or group, and currency.

    Each of the three kinds of money is summed through its partial index alone. The owners are an array and not a join: they
    are found once for all three, and however wrong the planner's guess of their number is, it is one range of each index. A
    join took four times as long on a tree of 50,000.
    """
    return f"""
        with parents as materialized (
          select given.id, {owners} as owner_ids from unnest(cast(:keys as uuid[])) as given(id) where {seen_only}
        )
        select p.id, s.currency, sum(s.outstanding), sum(s.overdue), sum(s.unapplied), sum(s.open_credits),
               sum(s.open_invoice_count)
        from parents p
        cross join lateral (
          select i.currency, sum(i.balance) as outstanding,
                 sum(case when i.due_date < :today then i.balance else 0 end) as overdue,
                 0::numeric as unapplied, 0::numeric as open_credits, count(*) as open_invoice_count
          from invoices i
          where i.organization_id = :organization_id and i.customer_id = any(p.owner_ids)
            and i.status = 'ISSUED' and i.balance > 0
          group by i.currency
          union all
          select m.currency, 0, 0, sum(m.unapplied), 0, 0
          from payments m
          where m.organization_id = :organization_id and m.customer_id = any(p.owner_ids) and m.unapplied > 0
          group by m.currency
          union all
          select n.currency, 0, 0, 0, sum(n.remaining), 0
          from credit_notes n
          where n.organization_id = :organization_id and n.customer_id = any(p.owner_ids) and n.remaining > 0
          group by n.currency
        ) s
        group by p.id, s.currency order by p.id, s.currency
        """  # noqa: S608 (constants of this file only)


SUBTREE_IN_VIEW = SUBTREE.replace("given.id\n", "given.id and c.view\n")

RECEIVABLES = told_otherwise(text(_receivables(SELF)), _receivables(SELF, seen("given.id")))
CONSOLIDATED_RECEIVABLES = told_otherwise(text(_receivables(SUBTREE)), _receivables(SUBTREE_IN_VIEW, seen("given.id")))
GROUP_RECEIVABLES = text(_receivables(MEMBERS))
