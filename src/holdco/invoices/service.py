"""Makes and issues invoices. Voiding is in `payments`, because money that was applied goes back with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdco import ids, money
from holdco.activity import service as activity
from holdco.customers import queries as customers
from holdco.customers.errors import CustomerInactive, NumberTaken
from holdco.customers.models import Customer, CustomerStatus
from holdco.customers.queries import CustomerRow
from holdco.customers.service import not_found as customer_not_found
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, NotFound, StaleVersion
from holdco.ids import Kind
from holdco.invoices import amounts, queries
from holdco.invoices.errors import InvoiceNotDraft, PeriodLocked
from holdco.invoices.models import Invoice, InvoiceLine, InvoiceStatus, InvoiceTermSource
from holdco.invoices.queries import INVOICES, InvoiceRow
from holdco.organizations.numbering import Series, next_number
from holdco.payment_terms import PaymentTerms, PaymentTermsKind, TermsRefused, due_date
from holdco.terms.precedence import EffectiveTerm
from holdco.terms.service import resolve
from holdco.validation import TEXT_LENGTH_MAX, field_name, optional_text, required_text

LINES_MAX = 1000


class NewLine(NamedTuple):
    """Amounts in major units, as people write them. `unit_price` may be finer than the currency."""

    description: str | None
    item: str | None
    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal = Decimal(0)
    discount_amount: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """What a client says of an invoice, in major units; what it leaves out comes from the customer or the organization."""

    customer_id: UUID
    lines: Sequence[NewLine]
    number: str | None = None
    currency: str | None = None
    invoice_date: date | None = None
    payment_terms: PaymentTerms | None = None
    due_date: date | None = None
    discount_percent: Decimal = Decimal(0)
    is_discount_before_tax: bool = True
    shipping_charge: Decimal = Decimal(0)
    adjustment: Decimal = Decimal(0)
    purchase_order: str | None = None
    notes: str | None = None


async def create(transaction: Transaction, new: NewInvoice, *, is_issued: bool = False) -> UUID:
    """A draft, or an issued invoice.

    Raises, in this order: NotFound; CustomerInactive (domain.md D4); InvalidInput for texts, amounts, terms or dates;
    PeriodLocked when it is issued with a date in a closed period (T8); NumberTaken.
    """
    if is_issued:
        await transaction.lock_shared()
    customer = await _customer(transaction, new.customer_id)
    _check_active(customer, field=("customerId",))
    currency = new.currency or customer.currency
    computed = _computed(new, currency)
    invoice_date = new.invoice_date or transaction.today
    if new.payment_terms is not None:
        terms, source = new.payment_terms, InvoiceTermSource.DOCUMENT
    else:
        effective = await resolve(transaction, [(customer.id, currency)])
        terms, source = usual_terms(effective[customer.id, currency].payment_terms)
    due = _due(new, invoice_date, terms)
    invoice_id = ids.new()
    texts = {
        "purchase_order": optional_text(new.purchase_order, "purchaseOrder"),
        "notes": optional_text(new.notes, "notes", length_max=TEXT_LENGTH_MAX),
    }
    lines = _lines(transaction, new, computed, invoice_id)
    number = required_text(new.number, "number") if new.number is not None else None
    if is_issued:
        check_period(transaction, invoice_date, field=("invoiceDate",))
    if number is None:
        number = await next_number(transaction, Series.INVOICE, INVOICES.number)
    try:
        await transaction.execute(
            insert(Invoice).values(
                organization_id=transaction.organization_id,
                id=invoice_id,
                number=number,
                customer_id=customer.id,
                status=(InvoiceStatus.ISSUED if is_issued else InvoiceStatus.DRAFT).value,
                currency=currency,
                invoice_date=invoice_date,
                due_date=due,
                payment_terms_kind=terms.kind.value,
                payment_terms_net_days=terms.net_days,
                payment_terms_source=source.value,
                bill_to=bill_to(customer),
                discount_percent=new.discount_percent,
                is_discount_before_tax=new.is_discount_before_tax,
                subtotal=computed.subtotal,
                discount_total=computed.discount_total,
                tax_total=computed.tax_total,
                shipping_charge=computed.shipping_charge,
                adjustment=computed.adjustment,
                total=computed.total,
                amount_paid=0,
                amount_written_off=0,
                balance=computed.total,
                issued_at=transaction.now if is_issued else None,
                created_at=transaction.now,
                updated_at=transaction.now,
                version=1,
                **texts,
            )
        )
    except IntegrityError as error:
        if constraint_of(error) == "uq_invoices_number":
            raise NumberTaken("an invoice", number) from None
        raise
    if lines:
        await transaction.execute(insert(InvoiceLine), lines)
    await _record(transaction, invoice_id, customer.id, "invoice.created", number=number)
    if is_issued:
        await _record(transaction, invoice_id, customer.id, "invoice.issued", number=number)
    return invoice_id


async def issue(transaction: Transaction, invoice_id: UUID, *, version: int | None = None) -> None:
    """Makes a draft a debt. From now on its bill-to, terms and amounts stay as they are (domain.md I8).

    Raises, in this order: NotFound; StaleVersion; InvoiceNotDraft; CustomerInactive; PeriodLocked.
    """
    await transaction.lock_shared()
    invoice = await locked(transaction, invoice_id, version=version)
    if invoice.status != InvoiceStatus.DRAFT:
        raise InvoiceNotDraft(invoice.number, invoice.status)
    customer = await _customer(transaction, invoice.customer_id)
    _check_active(customer, field=("id",))
    check_period(transaction, invoice.invoice_date, field=("id",))
    await transaction.execute(
        update(Invoice)
        .where(Invoice.organization_id == transaction.organization_id, Invoice.id == invoice_id)
        .values(
            status=InvoiceStatus.ISSUED.value,
            bill_to=bill_to(customer),
            issued_at=transaction.now,
            updated_at=transaction.now,
            version=Invoice.version + 1,
        )
    )
    await _record(transaction, invoice_id, customer.id, "invoice.issued", number=invoice.number)


async def locked(transaction: Transaction, invoice_id: UUID, *, version: int | None = None) -> InvoiceRow:
    """An invoice that nobody else can change until commit. Raises NotFound, StaleVersion."""
    rows = await transaction.rows(_one(transaction.organization_id, invoice_id).with_for_update(key_share=True))
    if not rows:
        raise not_found(invoice_id)
    invoice = InvoiceRow(*rows[0])
    if version is not None and version != invoice.version:
        raise StaleVersion(f"Invoice {invoice.number}", expected=version, found=invoice.version)
    return invoice


def not_found(invoice_id: UUID, *, field: tuple[str, ...] = ("id",)) -> NotFound:
    return NotFound(f"There is no invoice {ids.encode(Kind.INVOICE, invoice_id)}.", field=field)


def check_period(transaction: Transaction, day: date, *, field: tuple[str, ...]) -> None:
    """Raises PeriodLocked for a date in a closed period (domain.md T8)."""
    locked_until = transaction.organization.locked_until
    if locked_until is not None and day <= locked_until:
        raise PeriodLocked(day, locked_until, field=field)


def bill_to(customer: CustomerRow) -> dict[str, Any]:
    """Who is billed, as it is today (domain.md I8)."""
    return {
        "name": customer.name,
        "company_name": customer.company_name,
        "tax_id": customer.tax_id,
        "address": customer.billing_address,
    }


def _one(organization_id: UUID, invoice_id: UUID) -> Select[Any]:
    return select(*queries.LISTING.columns.values()).where(INVOICES.organization_id == organization_id, INVOICES.id == invoice_id)


def _check_active(customer: CustomerRow, *, field: tuple[str, ...]) -> None:
    if customer.status != CustomerStatus.ACTIVE:
        raise CustomerInactive(customer.name, field=field)


async def _customer(transaction: Transaction, customer_id: UUID) -> CustomerRow:
    """Shared with other invoices, but not with somebody who deactivates the customer meanwhile."""
    rows = await transaction.rows(
        select(*customers.CUSTOMER_COLUMNS.values())
        .where(Customer.organization_id == transaction.organization_id, Customer.id == customer_id)
        .with_for_update(read=True)
    )
    if not rows:
        raise customer_not_found(customer_id, field=("customerId",))
    return CustomerRow(*rows[0])


def _computed(new: NewInvoice, currency: str) -> amounts.InvoiceAmounts:
    if not new.lines:
        raise InvalidInput("An invoice needs at least one line.", field=("lines",))
    if len(new.lines) > LINES_MAX:
        raise InvalidInput(f"An invoice has at most {LINES_MAX} lines, not {len(new.lines)}.", field=("lines",))
    try:
        return amounts.compute(
            [
                amounts.Line(
                    line.quantity,
                    line.unit_price,
                    line.discount_percent,
                    _minor_units(line.discount_amount, currency, "lines", str(index), "discountAmount"),
                    line.tax_percent,
                )
                for index, line in enumerate(new.lines)
            ],
            currency=currency,
            discount_percent=new.discount_percent,
            is_discount_before_tax=new.is_discount_before_tax,
            shipping_charge=_minor_units(new.shipping_charge, currency, "shippingCharge"),
            adjustment=_minor_units(new.adjustment, currency, "adjustment"),
        )
    except amounts.AmountsRefused as problem:
        place = ["lines", str(problem.line)] if problem.line is not None else []
        name = getattr(problem, "field", None)
        path = [*place, field_name(name)] if name is not None else place
        raise InvalidInput(str(problem), field=path or ["lines"]) from None
    except money.AmountRefused as problem:
        raise InvalidInput(str(problem), field=("lines",)) from None


def _minor_units(amount: Decimal, currency: str, *field: str) -> int:
    try:
        return money.from_decimal(amount, currency)
    except money.AmountRefused as problem:
        raise InvalidInput(str(problem), field=field) from None


def usual_terms(effective: EffectiveTerm) -> tuple[PaymentTerms, InvoiceTermSource]:
    """The payment terms that apply to a customer, and where they came from; due on receipt where nobody says anything."""
    value = effective.winner.value if effective.winner is not None else None
    terms = value if isinstance(value, PaymentTerms) else PaymentTerms(PaymentTermsKind.DUE_ON_RECEIPT)
    return terms, InvoiceTermSource(effective.source.value)


def _due(new: NewInvoice, invoice_date: date, terms: PaymentTerms) -> date:
    due = new.due_date or _due_date(invoice_date, terms)
    if due < invoice_date:
        raise InvalidInput(f"The due date {due} is before the invoice date {invoice_date}.", field=("dueDate",))
    return due


def _due_date(invoice_date: date, terms: PaymentTerms) -> date:
    try:
        return due_date(invoice_date, terms)
    except TermsRefused as problem:
        raise InvalidInput(str(problem), field=("paymentTerms",)) from None


def _lines(transaction: Transaction, new: NewInvoice, computed: amounts.InvoiceAmounts, invoice_id: UUID) -> list[dict[str, Any]]:
    return [
        {
            "organization_id": transaction.organization_id,
            "invoice_id": invoice_id,
            "position": position,
            "description": optional_text(given.description, f"lines.{position - 1}.description", length_max=TEXT_LENGTH_MAX),
            "item": optional_text(given.item, f"lines.{position - 1}.item"),
            "quantity": given.quantity,
            "unit_price": given.unit_price,
            "discount_percent": given.discount_percent,
            "discount": line.discount,
            "tax_percent": given.tax_percent,
            "tax": line.tax,
            "amount": line.amount,
            "document_discount": line.document_discount,
        }
        for position, (given, line) in enumerate(zip(new.lines, computed.lines, strict=True), start=1)
    ]


async def _record(transaction: Transaction, invoice_id: UUID, customer_id: UUID, action: str, **details: Any) -> None:
    await activity.record(transaction, [activity.about(Kind.INVOICE, invoice_id, action, customer_id=customer_id, **details)])
