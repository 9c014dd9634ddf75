"""Invoices as clients see them: types and queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

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
    OrderDirection,
    conditions_of,
    listed,
    orders_of,
    plain_text,
    related,
)
from holdco.customers.loaders import CustomerById
from holdco.execution.fields import amount_of, identifier, load, lookup, reads, relation
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.invoices import queries
from holdco.invoices.drift import COLUMNS as TERMS
from holdco.invoices.drift import draft_of
from holdco.invoices.loaders import InvoiceById, InvoiceByNumber, LinesByInvoiceId, TermsDriftByDraft
from holdco.invoices.models import InvoicePaymentStatus, InvoiceStatus, UnitPriceSource
from holdco.invoices.queries import InvoiceLineRow, InvoiceRow
from holdco.invoices.terms import InvoiceTerms, TermDrift
from holdco.items.graph import Item
from holdco.items.loaders import ItemById
from holdco.organizations.loaders import today
from holdco.paging import request_of
from holdco.payments import queries as payments
from holdco.payments.loaders import AllocationCountByInvoiceId, AllocationsByInvoiceId
from holdco.scalars import CurrencyCode
from holdco.shapes import Address, PaymentTermsType, address_of, terms_of

if TYPE_CHECKING:
    from holdco.customers.graph import Customer
    from holdco.payments.graph import Allocation

strawberry.enum(InvoiceStatus)
strawberry.enum(InvoicePaymentStatus, description="What has been paid of an issued invoice; derived, never set.")
strawberry.enum(
    UnitPriceSource,
    description="Where a line's price came from: given with it, the invoice's price list, or the item's default price.",
)


@strawberry.type(description="Amounts are in the invoice's currency.")
class InvoiceLine:
    position: int
    description: str | None
    item: str | None = strawberry.field(description="What the line calls it.")
    quantity: Decimal
    unit_price: Decimal
    unit_price_source: UnitPriceSource
    discount_percent: Decimal
    tax_percent: Decimal

    @relation("The item that it is of; null for client users, and where it is of none.")
    def catalog_item(rows: Parent[list[InvoiceLineRow]], info: Info) -> Item | None:
        return load(ItemById, [row.item_id if info.context.viewer.is_staff else None for row in rows])

    discount: Decimal = amount_of("discount", description="The line's own discount, already taken off in amount.")

    amount: Decimal = amount_of("amount", description="After the line's discount, before the document's discount and tax.")

    tax: Decimal = amount_of("tax")


@strawberry.type(description="Who was billed, as it was when the invoice was issued.")
class BillTo:
    name: str
    company_name: str | None
    tax_id: str | None
    address: Address | None


@strawberry.enum(description="What invoices may be ordered by.")
class InvoiceOrderField(StrEnum):
    NUMBER = "number"
    INVOICE_DATE = "invoice_date"
    DUE_DATE = "due_date"
    TOTAL = "total"


@strawberry.input
class InvoiceOrder:
    field: InvoiceOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input(description="Conditions on invoices; all given ones must hold.")
class InvoiceFilter:
    id: IdFilter | None = None
    number: CodeFilter | None = None
    customer_id: IdFilter | None = None
    status: InvoiceStatus | None = None
    payment_status: InvoicePaymentStatus | None = None
    is_open: bool | None = strawberry.field(default=None, description="Issued, with something left to pay.")
    is_overdue: bool | None = None
    currency: CurrencyCode | None = None
    invoice_date: DateFilter | None = None
    due_date: DateFilter | None = None
    purchase_order: CodeFilter | None = None
    external_id: CodeFilter | None = None

    async def conditions(self, info: Info) -> list[Condition]:
        conditions = conditions_of(self, {"id": Kind.INVOICE, "customer_id": Kind.CUSTOMER})
        if self.is_overdue is None:
            return conditions
        day = await today(info.context)
        return [
            Condition("is_overdue", "eq", (self.is_overdue, day)) if condition.field == "is_overdue" else condition
            for condition in conditions
        ]


@strawberry.input(one_of=True, description="Exactly one of these.")
class InvoiceBy:
    id: Maybe[ID] = None
    number: Maybe[str] = None


@strawberry.type(description="What one customer owes for what it got. Its owner never changes. Amounts are in its currency.")
class Invoice(NodeInterface):
    number: str
    status: InvoiceStatus
    currency: CurrencyCode
    invoice_date: date
    due_date: date
    discount_percent: Decimal = strawberry.field(description="The document's discount.")
    is_discount_before_tax: bool
    purchase_order: str | None
    notes: str | None
    external_id: str | None
    issued_at: datetime | None
    voided_at: datetime | None
    void_reason: str | None
    created_at: datetime
    updated_at: datetime
    version: int

    row_type = InvoiceRow

    id = identifier(Kind.INVOICE)

    @relation("Which team owes it; customer.ancestors says under which head office.", reads=("customer_id",))
    def customer(rows: Parent[list[InvoiceRow]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(CustomerById, [row.customer_id for row in rows])

    @strawberry.field(
        description="Null for drafts and void invoices.",
        metadata=reads("status", "balance", "amount_paid", "amount_written_off"),
    )
    def payment_status(row: Parent[InvoiceRow]) -> InvoicePaymentStatus | None:
        return queries.payment_status_of(row)

    @relation(
        "Something is left to pay and the due date has passed; due today is not overdue.",
        reads=("status", "balance", "due_date"),
    )
    async def is_overdue(rows: Parent[list[InvoiceRow]], info: Info) -> bool:
        day = await today(info.context)
        overdue: Any = [queries.is_overdue(row, day) for row in rows]
        return overdue

    @strawberry.field(metadata=reads("payment_terms_kind", "payment_terms_net_days"))
    def payment_terms(row: Parent[InvoiceRow]) -> PaymentTermsType:
        return terms_of(row.payment_terms_kind, row.payment_terms_net_days)  # type: ignore[return-value]  # never null here

    @strawberry.field(metadata=reads("bill_to"))
    def bill_to(row: Parent[InvoiceRow]) -> BillTo:
        stored = row.bill_to
        return BillTo(
            name=stored["name"],
            company_name=stored.get("company_name"),
            tax_id=stored.get("tax_id"),
            address=address_of(stored.get("address")),
        )

    @relation()
    def lines(rows: Parent[list[InvoiceRow]], info: Info) -> list[InvoiceLine]:
        return load(LinesByInvoiceId, [row.id for row in rows])

    @strawberry.field(metadata=reads())
    def terms(row: Parent[InvoiceRow]) -> InvoiceTerms:
        return row  # type: ignore[return-value]  # a row stands for the type that shows it

    @relation(
        "Of a draft, terms that would be others today; issued invoices keep theirs. Empty for client users.",
        reads=("status", *TERMS),
    )
    def terms_drift(rows: Parent[list[InvoiceRow]], info: Info) -> list[TermDrift]:
        is_staff = info.context.viewer.is_staff
        drafts = [draft_of(row) if is_staff and row.status == InvoiceStatus.DRAFT else None for row in rows]
        return load(TermsDriftByDraft, drafts, shown=lambda found, _draft: found or [])

    subtotal: Decimal = amount_of("subtotal", description="The lines' amounts together.")

    discount_total: Decimal = amount_of(
        "discount_total", description="The document's discount; lines' are taken off in subtotal."
    )

    tax_total: Decimal = amount_of("tax_total")

    shipping_charge: Decimal = amount_of("shipping_charge")

    adjustment: Decimal = amount_of("adjustment")

    total: Decimal = amount_of("total", description="subtotal - discountTotal + taxTotal + shippingCharge + adjustment.")

    amount_paid: Decimal = amount_of("amount_paid", description="By payments and credit notes; see allocations.")

    amount_written_off: Decimal = amount_of("amount_written_off", description="Given up.")

    balance: Decimal = amount_of("balance", description="What is left to pay; 0 when void.")

    @relation("Who paid what of it, and when: did the head office already pay for this?")
    def allocations(
        rows: Parent[list[InvoiceRow]],
        info: Info,
        include_reversed: bool = False,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Annotated[Allocation, strawberry.lazy("holdco.payments.graph")]]:
        request = request_of(payments.ALLOCATIONS, first=first, after=after, conditions=payments.live_unless(include_reversed))
        return related([row.id for row in rows], AllocationsByInvoiceId, AllocationCountByInvoiceId, request)


@strawberry.type
class InvoiceQueries:
    @lookup("An invoice by id or number; null where there is none.")
    def invoice(info: Info, by: InvoiceBy) -> Invoice | None:
        if by.id is not None:
            return load(InvoiceById, [ids.decode(Kind.INVOICE, by.id.value)])
        number = plain_text(by.number.value) if by.number is not None else ""
        return load(InvoiceByNumber, [number])

    @strawberry.field
    async def invoices(
        self,
        info: Info,
        filter: InvoiceFilter | None = None,  # noqa: A002 (the name that clients write)
        order_by: list[InvoiceOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Invoice]:
        conditions = await filter.conditions(info) if filter is not None else ()
        request = request_of(
            queries.LISTING,
            first=first,
            after=after,
            last=last,
            before=before,
            orders=orders_of(order_by),
            conditions=conditions,
        )
        return await listed(info, queries.LISTING, request)
