"""What clients may do with invoices. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from uuid import UUID

import strawberry
from strawberry import ID

from holdco.connections import Info, UserError, attempt, input_id
from holdco.ids import Kind
from holdco.invoices import service
from holdco.invoices.graph import Invoice
from holdco.invoices.loaders import InvoiceById
from holdco.invoices.service import NewInvoice, NewLine
from holdco.scalars import CurrencyCode
from holdco.shapes import PaymentTermsInput


@strawberry.input(description="quantity x unitPrice less the discount: a percentage or an amount, not both.")
class InvoiceLineInput:
    description: str | None = None
    item: str | None = None
    quantity: Decimal = Decimal(1)
    unit_price: Decimal = strawberry.field(description="May be finer than the currency: 0.0035 per call.")
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
    payment_terms: PaymentTermsInput | None = strawberry.field(
        default=None, description="The customer's, else the organization's, where they are left out."
    )
    due_date: date | None = strawberry.field(default=None, description="From the payment terms where it is left out.")
    discount_percent: Decimal = strawberry.field(default=Decimal(0), description="Of the whole document.")
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


@strawberry.type
class InvoicePayload:
    invoice: Invoice | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _new(given: InvoiceCreateInput, customer_id: UUID) -> NewInvoice:
    return NewInvoice(
        customer_id=customer_id,
        lines=[
            NewLine(
                line.description,
                line.item,
                line.quantity,
                line.unit_price,
                line.discount_percent,
                line.discount_amount,
                line.tax_percent,
            )
            for line in given.lines
        ],
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


@strawberry.type
class InvoiceMutations:
    @strawberry.mutation(description="A draft, or with issue: true an issued invoice.")
    async def invoice_create(self, info: Info, input: InvoiceCreateInput) -> InvoicePayload:  # noqa: A002
        async def use_case() -> InvoicePayload:
            customer_id = input_id(Kind.CUSTOMER, input.customer_id, "customerId")
            async with info.context.transaction() as transaction:
                invoice_id = await service.create(transaction, _new(input, customer_id), is_issued=input.issue)
            return InvoicePayload(invoice=await info.context.show(InvoiceById, invoice_id))

        return await attempt(InvoicePayload, use_case)

    @strawberry.mutation(description="Makes a draft a debt; what it says does not change any more.")
    async def invoice_issue(self, info: Info, input: InvoiceIssueInput) -> InvoicePayload:  # noqa: A002
        async def use_case() -> InvoicePayload:
            invoice_id = input_id(Kind.INVOICE, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.issue(transaction, invoice_id, version=input.version)
            return InvoicePayload(invoice=await info.context.show(InvoiceById, invoice_id))

        return await attempt(InvoicePayload, use_case)
