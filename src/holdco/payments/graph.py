"""Payments, credit notes and allocations as clients see them: types and queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import ID, Maybe, Parent

from holdco import ids
from holdco.connections import (
    CodeFilter,
    Connection,
    DateFilter,
    IdFilter,
    Info,
    NodeInterface,
    conditions_of,
    listed,
    plain_text,
    related,
)
from holdco.customers.loaders import CustomerById
from holdco.errors import UserErrorCode
from holdco.execution.fields import amount_of, identifier, load, lookup, reads, relation, single, split
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.invoices.loaders import InvoiceById
from holdco.paging import request_of
from holdco.payments import loaders, queries
from holdco.payments.allocation import Strategy
from holdco.payments.models import PaymentMode, PaymentStatus
from holdco.payments.queries import AllocationRow, CreditNoteRow, PaymentRow
from holdco.scalars import CurrencyCode

if TYPE_CHECKING:
    from holdco.customers.graph import Customer
    from holdco.invoices.graph import Invoice

strawberry.enum(PaymentStatus)
strawberry.enum(PaymentMode)
strawberry.enum(Strategy, name="AllocationStrategy", description="In which order, or shares, money goes to open invoices.")


@strawberry.enum(description="OPEN while something is left of it.")
class CreditNoteStatus(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


@strawberry.type(description="What is owed and what is there to pay it, in one currency.")
class Receivables:
    currency: CurrencyCode
    open_invoice_count: int

    outstanding: Decimal = amount_of("outstanding", description="Balances of issued invoices.")

    overdue: Decimal = amount_of("overdue", description="Of that, what was due before today.")

    unapplied: Decimal = amount_of("unapplied", description="Payments that are not applied.")

    open_credits: Decimal = amount_of("open_credits", description="Credit notes that are not applied.")

    net: Decimal = amount_of("net", description="outstanding - unapplied - openCredits; may be negative.")


@strawberry.type(description="Money in. Amounts are in its currency.")
class Payment(NodeInterface):
    number: str
    status: PaymentStatus
    currency: CurrencyCode
    received_on: date
    mode: PaymentMode
    reference: str | None
    notes: str | None
    source_system: str | None
    external_id: str | None
    reversed_at: datetime | None
    reversed_on: date | None
    reversal_reason: str | None
    created_at: datetime
    version: int

    row_type = PaymentRow

    id = identifier(Kind.PAYMENT)

    @relation("The payer.", reads=("customer_id",))
    def customer(rows: Parent[list[PaymentRow]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(CustomerById, [row.customer_id for row in rows])

    amount: Decimal = amount_of("amount")

    allocated: Decimal = amount_of("allocated")

    unapplied: Decimal = amount_of("unapplied", description="What is left to apply; 0 when reversed.")

    @strawberry.field(
        description="Why money was kept unapplied that should have been applied (onAllocationError).",
        metadata=reads("unapplied_reason"),
    )
    def unapplied_reason(row: Parent[PaymentRow]) -> UserErrorCode | None:
        return UserErrorCode(row.unapplied_reason) if row.unapplied_reason is not None else None

    bank_charges: Decimal = amount_of("bank_charges", description="What the bank kept; amount is not reduced by it.")

    withholding_tax: Decimal = amount_of("withholding_tax", description="What the payer withheld; amount is not reduced by it.")

    @relation("Which invoices, of whom, it paid.")
    def allocations(
        rows: Parent[list[PaymentRow]],
        info: Info,
        include_reversed: bool = False,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Allocation]:
        request = request_of(queries.ALLOCATIONS, first=first, after=after, conditions=queries.live_unless(include_reversed))
        return related([row.id for row in rows], loaders.AllocationsByPaymentId, loaders.AllocationCountByPaymentId, request)


@strawberry.type(description="Credit that pays invoices as money does. Amounts are in its currency.")
class CreditNote(NodeInterface):
    number: str
    currency: CurrencyCode
    credit_date: date
    reason: str | None
    created_at: datetime
    version: int

    row_type = CreditNoteRow

    id = identifier(Kind.CREDIT_NOTE)

    @relation("Whose credit it is.", reads=("customer_id",))
    def customer(rows: Parent[list[CreditNoteRow]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(CustomerById, [row.customer_id for row in rows])

    @strawberry.field(metadata=reads("remaining"))
    def status(row: Parent[CreditNoteRow]) -> CreditNoteStatus:
        return CreditNoteStatus.OPEN if row.remaining else CreditNoteStatus.CLOSED

    total: Decimal = amount_of("total")

    allocated: Decimal = amount_of("allocated")

    remaining: Decimal = amount_of("remaining", description="What is left to apply.")

    @relation("Which invoices, of whom, it paid.")
    def allocations(
        rows: Parent[list[CreditNoteRow]],
        info: Info,
        include_reversed: bool = False,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Allocation]:
        request = request_of(queries.ALLOCATIONS, first=first, after=after, conditions=queries.live_unless(include_reversed))
        return related(
            [row.id for row in rows], loaders.AllocationsByCreditNoteId, loaders.AllocationCountByCreditNoteId, request
        )


AllocationSource = Annotated[Payment | CreditNote, strawberry.union("AllocationSource")]


@strawberry.type(description="A source's amount on one invoice. Rows are never changed: a reversal is a row of its own.")
class Allocation(NodeInterface):
    currency: CurrencyCode
    applied_on: date = strawberry.field(description="The business date.")
    created_at: datetime = strawberry.field(description="When it was written.")
    actor: str | None = strawberry.field(description="Null where the payer may not be seen.")
    strategy: Strategy
    reason: str | None

    row_type = AllocationRow

    id = identifier(Kind.ALLOCATION)

    @relation("The payment or credit note; null where the payer may not be seen.", reads=("payment_id", "credit_note_id"))
    async def source(rows: Parent[list[AllocationRow]], info: Info) -> AllocationSource | None:
        return split(
            [
                load(loaders.PaymentById, [row.payment_id for row in rows]),
                load(loaders.CreditNoteById, [row.credit_note_id for row in rows]),
            ]
        )

    @relation("Whose money it was; null where that customer may not be seen: then payerName is all.", reads=("payer_id",))
    def payer(
        rows: Parent[list[AllocationRow]], info: Info
    ) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")] | None:
        return load(CustomerById, [row.payer_id for row in rows])

    @relation("The name of the customer whose money it was.")
    def payer_name(rows: Parent[list[AllocationRow]], info: Info) -> str:
        return load(loaders.PayerNameByAllocationId, [row.id for row in rows], shown=lambda payer, _key: payer.name)

    @relation(reads=("invoice_id",))
    def invoice(rows: Parent[list[AllocationRow]], info: Info) -> Annotated[Invoice, strawberry.lazy("holdco.invoices.graph")]:
        return load(InvoiceById, [row.invoice_id for row in rows])

    @strawberry.field(
        description="The head office, or another customer above the invoice's owner, paid.",
        metadata=reads("payer_id", "beneficiary_id"),
    )
    def is_paid_by_ancestor(row: Parent[AllocationRow]) -> bool:
        return row.payer_id != row.beneficiary_id

    @strawberry.field(
        description="From the payer down to the invoice's owner, as they stood then; without those that may not be seen.",
        metadata=reads("path"),
    )
    def path(row: Parent[AllocationRow]) -> list[ID]:
        return [ID(ids.encode(Kind.CUSTOMER, key)) for key in row.path]

    amount: Decimal = amount_of("amount")

    @relation("The row that this one takes back; null where it is no reversal.", reads=("reverses_id",))
    def reverses(rows: Parent[list[AllocationRow]], info: Info) -> Allocation | None:
        return load(loaders.AllocationById, [row.reverses_id for row in rows])

    @relation("The row that takes this one back; null while it stands.", reads=("id", "reverses_id"))
    def reversed_by(rows: Parent[list[AllocationRow]], info: Info) -> Allocation | None:
        return load(loaders.ReversalByAllocationId, [row.id if row.reverses_id is None else None for row in rows])


@strawberry.type
class AllocationPlanLine:
    amount: Decimal
    balance_after: Decimal
    invoice_id: strawberry.Private[UUID]

    @relation()
    def invoice(rows: Parent[list[Any]], info: Info) -> Annotated[Invoice, strawberry.lazy("holdco.invoices.graph")]:
        return load(InvoiceById, [row.invoice_id for row in rows])


@strawberry.input(one_of=True, description="Exactly one of these.")
class PaymentBy:
    id: Maybe[ID] = None
    number: Maybe[str] = None


@strawberry.input(description="Conditions on payments; all given ones must hold.")
class PaymentFilter:
    id: IdFilter | None = None
    number: CodeFilter | None = None
    customer_id: IdFilter | None = None
    status: PaymentStatus | None = None
    currency: CurrencyCode | None = None
    received_on: DateFilter | None = None
    reference: CodeFilter | None = None
    external_id: CodeFilter | None = None
    has_unapplied: bool | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self, {"id": Kind.PAYMENT, "customer_id": Kind.CUSTOMER})


@strawberry.type
class PaymentQueries:
    @lookup("A payment by id or number; null where there is none.")
    def payment(info: Info, by: PaymentBy) -> Payment | None:
        if by.id is not None:
            return load(loaders.PaymentById, [ids.decode(Kind.PAYMENT, by.id.value)])
        number = plain_text(by.number.value) if by.number is not None else ""
        return load(loaders.PaymentByNumber, [number])

    @strawberry.field(description="The newest first.", metadata=single())
    async def payments(
        self,
        info: Info,
        filter: PaymentFilter | None = None,  # noqa: A002 (the name that clients write)
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Payment]:
        conditions = filter.conditions() if filter is not None else ()
        request = request_of(queries.LISTING, first=first, after=after, last=last, before=before, conditions=conditions)
        return await listed(info, queries.LISTING, request)
