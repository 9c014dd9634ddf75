"""Makes invoices: what the document does not say comes from the terms that apply to its customer (domain.md G3, I8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from holdco import ids
from holdco.customers.errors import NumberTaken
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, NotFound
from holdco.ids import Kind
from holdco.invoices import lines
from holdco.invoices.errors import CurrencyMismatch, PriceListInactive
from holdco.invoices.lines import NewLine, minor_units
from holdco.invoices.models import Invoice, InvoiceLine, InvoiceStatus
from holdco.invoices.queries import INVOICES
from holdco.invoices.service import bill_to, check_active, check_period, locked_customer, record
from holdco.invoices.snapshots import PriceListVersion, Snapshot, TermsSnapshot, terms_of
from holdco.organizations.numbering import Series, next_number
from holdco.payment_terms import PaymentTerms, TermsRefused
from holdco.payment_terms import due_date as due_date_of
from holdco.price_lists.models import PriceList
from holdco.terms.service import resolve
from holdco.validation import TEXT_LENGTH_MAX, optional_text, required_text


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """What a client says of an invoice, in major units; what it leaves out comes from the customer's terms or its defaults."""

    customer_id: UUID
    lines: Sequence[NewLine]
    number: str | None = None
    currency: str | None = None
    invoice_date: date | None = None
    price_list_id: UUID | None = None
    payment_terms: PaymentTerms | None = None
    due_date: date | None = None
    discount_percent: Decimal | None = None
    is_discount_before_tax: bool = True
    shipping_charge: Decimal = Decimal(0)
    adjustment: Decimal = Decimal(0)
    purchase_order: str | None = None
    notes: str | None = None


async def create(transaction: Transaction, new: NewInvoice, *, is_issued: bool = False) -> UUID:
    """A draft, or an issued invoice. The number of statements does not depend on how many lines it has.

    Raises, in this order: NotFound; CustomerInactive (domain.md D4); of the document's price list NotFound, CurrencyMismatch,
    PriceListInactive; the refusals of `lines.priced`; InvalidInput for texts, amounts, terms or dates; PeriodLocked when it is
    issued with a date in a closed period (T8); NumberTaken.
    """
    if is_issued:
        await transaction.lock_shared()
    customer = await locked_customer(transaction, new.customer_id)
    check_active(customer, field=("customerId",))
    currency = new.currency or customer.currency
    terms = await _terms(transaction, new, currency)
    priced = await lines.priced(transaction, new.lines, currency=currency, price_list=terms.price_list.value)
    computed = lines.computed(
        priced,
        currency=currency,
        discount_percent=terms.discount_percent.value,
        is_discount_before_tax=new.is_discount_before_tax,
        shipping_charge=minor_units(new.shipping_charge, currency, "shippingCharge"),
        adjustment=minor_units(new.adjustment, currency, "adjustment"),
    )
    invoice_date = new.invoice_date or transaction.today
    due_date = _due_date(new, invoice_date, terms.payment_terms.value)
    texts = {
        "purchase_order": optional_text(new.purchase_order, "purchaseOrder"),
        "notes": optional_text(new.notes, "notes", length_max=TEXT_LENGTH_MAX),
    }
    number = required_text(new.number, "number") if new.number is not None else None
    if is_issued:
        check_period(transaction, invoice_date, field=("invoiceDate",))
    if number is None:
        number = await next_number(transaction, Series.INVOICE, INVOICES.number)
    invoice_id = ids.new()
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
                due_date=due_date,
                bill_to=bill_to(customer),
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
                **terms.columns(),
                **texts,
            )
        )
    except IntegrityError as error:
        if constraint_of(error) == "uq_invoices_number":
            raise NumberTaken("an invoice", number) from None
        raise
    await transaction.execute(insert(InvoiceLine), lines.rows(transaction, invoice_id, priced, computed))
    await record(transaction, invoice_id, customer.id, "invoice.created", number=number)
    if is_issued:
        await record(transaction, invoice_id, customer.id, "invoice.issued", number=number)
    return invoice_id


async def _terms(transaction: Transaction, new: NewInvoice, currency: str) -> TermsSnapshot:
    """What the document says itself, else what applies to its customer. One statement, and one for a price list of its own."""
    own = await _own_price_list(transaction, new.price_list_id, currency) if new.price_list_id is not None else None
    effective = await resolve(transaction, [(new.customer_id, currency)])
    applying = terms_of(effective[new.customer_id, currency])
    return TermsSnapshot(
        price_list=Snapshot(own) if own is not None else applying.price_list,
        discount_percent=Snapshot(new.discount_percent) if new.discount_percent is not None else applying.discount_percent,
        payment_terms=Snapshot(new.payment_terms) if new.payment_terms is not None else applying.payment_terms,
    )


async def _own_price_list(transaction: Transaction, price_list_id: UUID, currency: str) -> PriceListVersion:
    field = ("priceListId",)
    rows = await transaction.rows(
        select(PriceList.name, PriceList.currency, PriceList.inactivated_at, PriceList.version).where(
            PriceList.organization_id == transaction.organization_id, PriceList.id == price_list_id
        )
    )
    if not rows:
        raise NotFound(f"There is no price list {ids.encode(Kind.PRICE_LIST, price_list_id)}.", field=field)
    found = rows[0]
    if found.currency != currency:
        raise CurrencyMismatch(found.name, expected=currency, found=found.currency, field=field)
    if found.inactivated_at is not None:
        raise PriceListInactive(found.name, field=field)
    return PriceListVersion(price_list_id, found.version)


def _due_date(new: NewInvoice, invoice_date: date, terms: PaymentTerms) -> date:
    due_date = new.due_date
    if due_date is None:
        try:
            due_date = due_date_of(invoice_date, terms)
        except TermsRefused as problem:
            raise InvalidInput(str(problem), field=("paymentTerms",)) from None
    if due_date < invoice_date:
        raise InvalidInput(f"The due date {due_date} is before the invoice date {invoice_date}.", field=("dueDate",))
    return due_date
