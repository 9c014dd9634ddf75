"""What clients may do with invoices. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID

from holdco.connections import Info, UserError, attempt, input_id
from holdco.errors import NotFound, Refusal, Refused
from holdco.ids import Kind
from holdco.invoices import drift
from holdco.invoices.create import NewInvoice, create
from holdco.invoices.graph import Invoice
from holdco.invoices.issue import issue
from holdco.invoices.lines import NewLine
from holdco.invoices.loaders import InvoiceById
from holdco.invoices.refresh import refresh
from holdco.invoices.terms import TermDrift
from holdco.scalars import CurrencyCode
from holdco.shapes import PaymentTermsInput


@strawberry.input(description="quantity x unitPrice less the discount: a percentage or an amount, not both.")
class InvoiceLineInput:
    description: str | None = strawberry.field(default=None, description="The item's name where it is left out.")
    item: str | None = strawberry.field(default=None, description="What the line calls the item; its name where it is left out.")
    item_id: ID | None = strawberry.field(default=None, description="An active item; needed where there is no unitPrice.")
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = strawberry.field(
        default=None,
        description="May be finer than the currency: 0.0035 per call. Where it is left out, the item's price by the invoice's "
        "price list, else its default price in the invoice's currency.",
    )
    discount_percent: Decimal = Decimal(0)
    discount_amount: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)


@strawberry.input
class InvoiceCreateInput:
    customer_id: ID
    lines: list[InvoiceLineInput]
    number: str | None = strawberry.field(default=None, description="The next free one where it is left out.")
    currency: CurrencyCode | None = strawberry.field(default=None, description="The customer's where it is left out.")
    invoice_date: date | None = strawberry.field(default=None, description="Today where it is left out.")
    price_list_id: ID | None = strawberry.field(
        default=None, description="In the invoice's currency; the one that applies to the customer where it is left out."
    )
    payment_terms: PaymentTermsInput | None = strawberry.field(
        default=None, description="Those that apply to the customer where they are left out; due on receipt where none do."
    )
    due_date: date | None = strawberry.field(default=None, description="From the payment terms where it is left out.")
    discount_percent: Decimal | None = strawberry.field(
        default=None,
        description="Of the whole document; 0 is none, and the one that applies to the customer where it is left out.",
    )
    is_discount_before_tax: bool = True
    shipping_charge: Decimal = Decimal(0)
    adjustment: Decimal = Decimal(0)
    purchase_order: str | None = None
    notes: str | None = None
    issue: bool = strawberry.field(default=False, description="Issue it at once instead of keeping a draft.")


@strawberry.input
class InvoiceIssueInput:
    id: ID
    version: int | None = None
    reprice: bool = strawberry.field(
        default=False, description="Take the terms that apply today first, as invoiceTermsRefresh does; or it is issued as it is."
    )


@strawberry.input
class InvoiceTermsRefreshInput:
    id: ID
    version: int | None = None


@strawberry.type
class InvoicePayload:
    invoice: Invoice | None = None
    terms_drift: list[TermDrift] = strawberry.field(
        default_factory=list,
        description="Of invoiceIssue: how the draft's terms had drifted. A warning, or with reprice what was changed. Of "
        "invoiceTermsRefresh: what was changed.",
    )
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _new(given: InvoiceCreateInput) -> NewInvoice:
    """Raises NotFound; Refused with NotFound for every line whose item cannot be one."""
    return NewInvoice(
        customer_id=input_id(Kind.CUSTOMER, given.customer_id, "customerId"),
        lines=[
            NewLine(
                line.description,
                line.item,
                line.quantity,
                line.unit_price,
                line.discount_percent,
                line.discount_amount,
                line.tax_percent,
                item_id,
            )
            for line, item_id in zip(given.lines, _item_ids(given.lines), strict=True)
        ],
        price_list_id=input_id(Kind.PRICE_LIST, given.price_list_id, "priceListId") if given.price_list_id is not None else None,
        number=given.number,
        currency=given.currency,
        invoice_date=given.invoice_date,
        payment_terms=given.payment_terms.terms() if given.payment_terms is not None else None,
        due_date=given.due_date,
        discount_percent=given.discount_percent,
        is_discount_before_tax=given.is_discount_before_tax,
        shipping_charge=given.shipping_charge,
        adjustment=given.adjustment,
        purchase_order=given.purchase_order,
        notes=given.notes,
    )


def _item_ids(lines: Sequence[InvoiceLineInput]) -> list[UUID | None]:
    keys: list[UUID | None] = []
    problems: list[Refusal] = []
    for position, line in enumerate(lines):
        try:
            keys.append(input_id(Kind.ITEM, line.item_id, "lines", str(position), "itemId") if line.item_id is not None else None)
        except NotFound as problem:
            problems.append(problem)
    if problems:
        raise Refused(problems)
    return keys


def _shown(drifted: Sequence[drift.TermDrift]) -> Any:
    """A drift stands for the type that shows it, which a type checker cannot know."""
    return drifted


@strawberry.type
class InvoiceMutations:
    @strawberry.mutation(description="A draft, or with issue: true an issued invoice.")
    async def invoice_create(self, info: Info, input: InvoiceCreateInput) -> InvoicePayload:  # noqa: A002
        async def use_case() -> InvoicePayload:
            new = _new(input)
            async with info.context.transaction() as transaction:
                invoice_id = await create(transaction, new, is_issued=input.issue)
            return InvoicePayload(invoice=await info.context.show(InvoiceById, invoice_id))

        return await attempt(InvoicePayload, use_case)

    @strawberry.mutation(description="Makes a draft a debt; what it says does not change any more.")
    async def invoice_issue(self, info: Info, input: InvoiceIssueInput) -> InvoicePayload:  # noqa: A002
        async def use_case() -> InvoicePayload:
            invoice_id = input_id(Kind.INVOICE, input.id, "id")
            async with info.context.transaction() as transaction:
                drifted = await issue(transaction, invoice_id, version=input.version, is_repriced=input.reprice)
            return InvoicePayload(invoice=await info.context.show(InvoiceById, invoice_id), terms_drift=_shown(drifted))

        return await attempt(InvoicePayload, use_case)

    @strawberry.mutation(
        description="Gives a draft the prices, discount and payment terms that apply today, but for those it was given itself."
    )
    async def invoice_terms_refresh(self, info: Info, input: InvoiceTermsRefreshInput) -> InvoicePayload:  # noqa: A002
        async def use_case() -> InvoicePayload:
            invoice_id = input_id(Kind.INVOICE, input.id, "id")
            async with info.context.transaction() as transaction:
                drifted = await refresh(transaction, invoice_id, version=input.version)
            return InvoicePayload(invoice=await info.context.show(InvoiceById, invoice_id), terms_drift=_shown(drifted))

        return await attempt(InvoicePayload, use_case)
