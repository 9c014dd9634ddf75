"""Gives a draft the terms that apply today (domain.md G6): prices, discount, payment terms, and what follows from them.

What the document said itself stays. Who holds the lock of the invoice's row may refresh it; then nobody issues it meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text, update

from holdco.database import Transaction
from holdco.errors import InvalidInput, Refused
from holdco.invoices import lines, queries
from holdco.invoices.drift import PriceDrift, TermDrift, draft_of, drifts
from holdco.invoices.errors import InvoiceNotDraft, PriceMissing
from holdco.invoices.lines import PricedLine
from holdco.invoices.models import Invoice, InvoiceStatus, UnitPriceSource
from holdco.invoices.queries import InvoiceRow
from holdco.invoices.service import locked, record
from holdco.invoices.snapshots import TermsSnapshot
from holdco.payment_terms import PaymentTerms, TermsRefused
from holdco.payment_terms import due_date as due_date_of
from holdco.terms.precedence import TermField

_UPDATE_LINES = text(
    """
    update invoice_lines l
    set unit_price = n.unit_price, unit_price_source = n.unit_price_source, discount = n.discount, tax = n.tax,
        amount = n.amount, document_discount = n.document_discount
    from unnest(cast(:positions as integer[]), cast(:unit_prices as numeric[]), cast(:unit_price_sources as text[]),
                cast(:discounts as bigint[]), cast(:taxes as bigint[]), cast(:amounts as bigint[]),
                cast(:document_discounts as bigint[]))
         as n(position, unit_price, unit_price_source, discount, tax, amount, document_discount)
    where l.organization_id = :organization_id and l.invoice_id = :invoice_id and l.position = n.position
    """
)


async def refresh(transaction: Transaction, invoice_id: UUID, *, version: int | None = None) -> list[TermDrift]:
    """What has drifted is as it would be on a new invoice of the same date; a draft of which nothing has stays as it is.

    Returns what was changed. Raises, in this order: NotFound; StaleVersion; InvoiceNotDraft; the refusals of `apply`.
    """
    invoice = await locked(transaction, invoice_id, version=version)
    if invoice.status != InvoiceStatus.DRAFT:
        raise InvoiceNotDraft(invoice.number, invoice.status, action="take other terms")
    drifted = await drift_of(transaction, invoice)
    await apply(transaction, invoice, drifted)
    return drifted


async def drift_of(transaction: Transaction, invoice: InvoiceRow) -> list[TermDrift]:
    draft = draft_of(invoice)
    return (await drifts(transaction.rows, transaction.organization_id, [draft]))[draft.id]


async def apply(transaction: Transaction, invoice: InvoiceRow, drifted: Sequence[TermDrift]) -> None:
    """Gives a locked draft what it drifted to.

    Raises Refused with PriceMissing for every line whose item has no price any more; InvalidInput for amounts or a due date that
    cannot be.
    """
    if not drifted:
        return
    prices = {price.position: price for drift in drifted for price in drift.prices}
    problems = [PriceMissing(price.item, invoice.currency, field=("id",)) for price in prices.values() if price.after is None]
    if problems:
        raise Refused(problems)
    after = {drift.field: drift.after for drift in drifted}
    before = draft_of(invoice).terms
    terms = TermsSnapshot(
        price_list=after.get(TermField.PRICE_LIST, before.price_list),
        discount_percent=after.get(TermField.DISCOUNT_PERCENT, before.discount_percent),
        payment_terms=after.get(TermField.PAYMENT_TERMS, before.payment_terms),
    )
    values = terms.columns() | {"due_date": _due_date(invoice, before.payment_terms.value, terms.payment_terms.value)}
    # The amounts of a draft that was imported are the file's, which may have rounded them in its own way.
    if TermField.PRICE_LIST in after or TermField.DISCOUNT_PERCENT in after:
        values |= await _recompute(transaction, invoice, terms.discount_percent.value, prices)
    await transaction.execute(
        update(Invoice)
        .where(Invoice.organization_id == transaction.organization_id, Invoice.id == invoice.id)
        .values(updated_at=transaction.now, version=Invoice.version + 1, **values)
    )
    fields = [drift.field.value for drift in drifted]
    await record(transaction, invoice.id, invoice.customer_id, "invoice.terms_refreshed", number=invoice.number, fields=fields)


async def _recompute(
    transaction: Transaction, invoice: InvoiceRow, discount_percent: Decimal, prices: Mapping[int, PriceDrift]
) -> dict[str, Any]:
    """Writes the lines, some with other prices, and gives the amounts of the invoice."""
    rows = await transaction.rows(queries.LINES, {"organization_id": transaction.organization_id, "keys": [invoice.id]})
    found = [queries.InvoiceLineRow(*row[1:]) for row in rows]
    stored = [_priced_anew(_stored(row), prices.get(row.position)) for row in found]
    computed = lines.computed(
        stored,
        currency=invoice.currency,
        discount_percent=discount_percent,
        is_discount_before_tax=invoice.is_discount_before_tax,
        shipping_charge=invoice.shipping_charge,
        adjustment=invoice.adjustment,
    )
    made = lines.rows(transaction, invoice.id, stored, computed)
    columns = {
        "positions": "position",
        "unit_prices": "unit_price",
        "unit_price_sources": "unit_price_source",
        "discounts": "discount",
        "taxes": "tax",
        "amounts": "amount",
        "document_discounts": "document_discount",
    }
    await transaction.execute(
        _UPDATE_LINES,
        {
            "organization_id": transaction.organization_id,
            "invoice_id": invoice.id,
            **{name: [line[column] for line in made] for name, column in columns.items()},
        },
    )
    return {
        "subtotal": computed.subtotal,
        "discount_total": computed.discount_total,
        "tax_total": computed.tax_total,
        "total": computed.total,
        "balance": computed.total,
    }


def _stored(row: queries.InvoiceLineRow) -> PricedLine:
    return PricedLine(
        description=row.description,
        item=row.item,
        item_id=row.item_id,
        quantity=row.quantity,
        unit_price=row.unit_price,
        unit_price_source=UnitPriceSource(row.unit_price_source),
        discount_percent=row.discount_percent,
        discount_amount=0 if row.discount_percent else row.discount,
        tax_percent=row.tax_percent,
    )


def _priced_anew(line: PricedLine, price: PriceDrift | None) -> PricedLine:
    if price is None or price.after is None:
        return line
    return line._replace(unit_price=price.after, unit_price_source=price.source)


def _due_date(invoice: InvoiceRow, before: PaymentTerms, after: PaymentTerms) -> date:
    """A due date that is not what the terms made of the invoice date was given with the invoice, and stays."""
    try:
        if invoice.due_date != due_date_of(invoice.invoice_date, before):
            return invoice.due_date
        return due_date_of(invoice.invoice_date, after)
    except TermsRefused as problem:
        raise InvalidInput(str(problem), field=("id",)) from None
