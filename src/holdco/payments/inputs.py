"""What clients give with mutations of money."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID

from holdco.errors import BadUserInput
from holdco.ids import Kind, decode
from holdco.payments.allocation import Strategy
from holdco.payments.candidates import AllocationScope, ExplicitLine, Wish
from holdco.payments.models import PaymentMode
from holdco.payments.record import OnAllocationError
from holdco.scalars import CurrencyCode

strawberry.enum(AllocationScope, description="Whose invoices: the payer's own, those of its children, all at and below it.")
strawberry.enum(OnAllocationError, description="With REFUSE nothing is recorded; with KEEP_UNAPPLIED the money is kept.")


def request_of(given: Any) -> Mapping[str, Any]:
    """An input as idempotency compares it: without its key."""
    return {name: value for name, value in dataclasses.asdict(given).items() if name != "idempotency_key"}


def _key(kind: Kind, text: ID) -> UUID | None:
    """None for what is no id of this kind: it is refused with all else that is wrong, or the money is kept (H9)."""
    try:
        return decode(kind, text)
    except BadUserInput:
        return None


def _keys(kind: Kind, given: Iterable[ID]) -> tuple[UUID | None, ...]:
    return tuple(_key(kind, text) for text in given)


@strawberry.input
class AllocationLineInput:
    invoice_id: ID
    amount: Decimal

    def line(self) -> ExplicitLine:
        return ExplicitLine(_key(Kind.INVOICE, self.invoice_id), self.amount)


@strawberry.input(description="How to apply money. Nothing is clipped: what cannot be done as asked is refused, whole.")
class AllocationOptions:
    strategy: Strategy = Strategy.OLDEST_DUE_FIRST
    scope: AllocationScope = AllocationScope.SUBTREE
    customer_ids: list[ID] | None = strawberry.field(default=None, description="With CUSTOMERS or CUSTOMER_ORDER.")
    invoice_ids: list[ID] | None = strawberry.field(
        default=None, description="Only these, of those in scope; any where left out."
    )
    due_on_or_before: date | None = None
    amount_max: Decimal | None = strawberry.field(default=None, description="No more than this of the source.")
    lines: list[AllocationLineInput] | None = strawberry.field(
        default=None, description="With EXPLICIT, which takes nothing but these and appliedOn."
    )
    applied_on: date | None = strawberry.field(default=None, description="Today where it is left out.")

    def wish(self) -> Wish:
        return Wish(
            strategy=self.strategy,
            scope=self.scope,
            customer_ids=_keys(Kind.CUSTOMER, self.customer_ids or ()),
            invoice_ids=_keys(Kind.INVOICE, self.invoice_ids) if self.invoice_ids is not None else None,
            due_on_or_before=self.due_on_or_before,
            amount_max=self.amount_max,
            lines=tuple(line.line() for line in self.lines or ()),
            applied_on=self.applied_on,
        )


@strawberry.input(description="A payment or credit note, and how to apply it.")
class AllocationInput(AllocationOptions):
    source_id: ID = strawberry.field(description="A payment or a credit note.")


@strawberry.input
class PaymentApplyInput(AllocationInput):
    idempotency_key: str
    plan_hash: str | None = strawberry.field(default=None, description="From allocationPreview: do exactly that or refuse.")


@strawberry.input
class CreditNoteApplyInput(PaymentApplyInput):
    pass


@strawberry.input
class PaymentRecordInput:
    customer_id: ID = strawberry.field(description="The payer.")
    amount: Decimal
    idempotency_key: str
    mode: PaymentMode = PaymentMode.BANK_TRANSFER
    number: str | None = None
    currency: CurrencyCode | None = strawberry.field(default=None, description="The payer's where it is left out.")
    received_on: date | None = strawberry.field(default=None, description="Today where it is left out.")
    reference: str | None = None
    bank_charges: Decimal = Decimal(0)
    withholding_tax: Decimal = Decimal(0)
    notes: str | None = None
    source_system: str | None = strawberry.field(default=None, description="Where externalId comes from.")
    external_id: str | None = strawberry.field(default=None, description="The payment's id there; recorded only once.")
    apply: AllocationOptions | None = strawberry.field(default=None, description="Apply it in the same transaction.")
    on_allocation_error: OnAllocationError = OnAllocationError.REFUSE


@strawberry.input
class CreditNoteCreateInput:
    customer_id: ID
    total: Decimal
    idempotency_key: str
    number: str | None = None
    currency: CurrencyCode | None = None
    credit_date: date | None = None
    reason: str | None = None


@strawberry.input
class AllocationReverseInput:
    id: ID
    idempotency_key: str
    reversed_on: date | None = strawberry.field(default=None, description="Today where it is left out.")
    reason: str | None = None


@strawberry.input
class PaymentReverseInput:
    id: ID
    idempotency_key: str
    reason: str
    reversed_on: date | None = None


@strawberry.input
class InvoiceVoidInput:
    id: ID
    idempotency_key: str
    reason: str
    release_allocations: bool = strawberry.field(default=False, description="Give what was applied back to those who paid.")
    version: int | None = None
