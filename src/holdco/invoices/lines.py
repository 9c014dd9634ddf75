"""Lines of an invoice: what they cost where nobody says it, and what they come to.

A line with a price of its own keeps it. Any other is of an item, and costs what the invoice's price list says, else the item's
default price in the invoice's currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from holdco import ids, money
from holdco.database import Transaction
from holdco.errors import InvalidInput, NotFound, Refusal, Refused
from holdco.ids import Kind
from holdco.invoices import amounts
from holdco.invoices.errors import ItemInactive, PriceMissing
from holdco.invoices.models import UnitPriceSource
from holdco.invoices.snapshots import PriceListVersion
from holdco.price_lists import prices
from holdco.price_lists.prices import Quote
from holdco.validation import TEXT_LENGTH_MAX, field_name, optional_text

LINES_MAX = 1000


class NewLine(NamedTuple):
    """Amounts in major units, as people write them. `unit_price` may be finer than the currency.

    Without one, the line is of an item, which has a price.
    """

    description: str | None
    item: str | None
    quantity: Decimal
    unit_price: Decimal | None
    discount_percent: Decimal = Decimal(0)
    discount_amount: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)
    item_id: UUID | None = None


class PricedLine(NamedTuple):
    """As the table has it. `discount_amount` is in minor units, and 0 where the discount is a percentage."""

    description: str | None
    item: str | None
    item_id: UUID | None
    quantity: Decimal
    unit_price: Decimal
    unit_price_source: UnitPriceSource
    discount_percent: Decimal
    discount_amount: int
    tax_percent: Decimal


async def priced(
    transaction: Transaction, lines: Sequence[NewLine], *, currency: str, price_list: PriceListVersion | None
) -> list[PricedLine]:
    """By two statements at most, however many lines there are; by none where they are of no items.

    Raises InvalidInput for no lines or too many; then Refused, for every line that has neither a price nor an item, an item that
    is not there (NotFound), ItemInactive or PriceMissing; then InvalidInput for amounts and texts.
    """
    if not lines:
        raise InvalidInput("An invoice needs at least one line.", field=("lines",))
    if len(lines) > LINES_MAX:
        raise InvalidInput(f"An invoice has at most {LINES_MAX} lines, not {len(lines)}.", field=("lines",))
    wanted = [(line.item_id, line.quantity) for line in lines if line.item_id is not None]
    quotes = iter(await prices.unit_prices(transaction, currency=currency, price_list=price_list, wanted=wanted))
    quoted = [next(quotes) if line.item_id is not None else None for line in lines]
    problems = [
        problem
        for index, (line, quote) in enumerate(zip(lines, quoted, strict=True))
        if (problem := _problem(line, quote, index, currency)) is not None
    ]
    if problems:
        raise Refused(problems)
    return [_priced(line, quote, index, currency) for index, (line, quote) in enumerate(zip(lines, quoted, strict=True))]


def _problem(line: NewLine, quote: Quote | None, index: int, currency: str) -> Refusal | None:
    field = ("lines", str(index))
    if quote is None or line.item_id is None:
        if line.unit_price is None:
            return InvalidInput("A line needs a unitPrice, or an itemId to get its price from.", field=(*field, "unitPrice"))
        return None
    if not quote.is_known:
        return NotFound(f"There is no item {ids.encode(Kind.ITEM, line.item_id)}.", field=(*field, "itemId"))
    if not quote.is_active:
        return ItemInactive(quote.name or "", field=(*field, "itemId"))
    if line.unit_price is None and quote.unit_price is None:
        return PriceMissing(quote.name or "", currency, field=field)
    return None


def _priced(line: NewLine, quote: Quote | None, index: int, currency: str) -> PricedLine:
    unit_price, source = line.unit_price, UnitPriceSource.DOCUMENT
    if unit_price is None:
        assert quote is not None, "a line with neither a price nor an item was refused"
        assert quote.unit_price is not None, "an item without a price was refused"
        unit_price, source = quote.unit_price, UnitPriceSource(quote.source.value)
    name = quote.name if quote is not None else None
    return PricedLine(
        description=optional_text(line.description, f"lines.{index}.description", length_max=TEXT_LENGTH_MAX) or name,
        item=optional_text(line.item, f"lines.{index}.item") or name,
        item_id=line.item_id,
        quantity=line.quantity,
        unit_price=unit_price,
        unit_price_source=source,
        discount_percent=line.discount_percent,
        discount_amount=minor_units(line.discount_amount, currency, "lines", str(index), "discountAmount"),
        tax_percent=line.tax_percent,
    )


def computed(
    lines: Sequence[PricedLine],
    *,
    currency: str,
    discount_percent: Decimal,
    is_discount_before_tax: bool,
    shipping_charge: int,
    adjustment: int,
) -> amounts.InvoiceAmounts:
    """What the lines come to (`amounts.compute`). Raises InvalidInput, with the place in the input."""
    try:
        return amounts.compute(
            [
                amounts.Line(line.quantity, line.unit_price, line.discount_percent, line.discount_amount, line.tax_percent)
                for line in lines
            ],
            currency=currency,
            discount_percent=discount_percent,
            is_discount_before_tax=is_discount_before_tax,
            shipping_charge=shipping_charge,
            adjustment=adjustment,
        )
    except amounts.AmountsRefused as problem:
        place = ["lines", str(problem.line)] if problem.line is not None else []
        name = getattr(problem, "field", None)
        path = [*place, field_name(name)] if name is not None else place
        raise InvalidInput(str(problem), field=path or ["lines"]) from None
    except money.AmountRefused as problem:
        raise InvalidInput(str(problem), field=("lines",)) from None


def minor_units(amount: Decimal, currency: str, *field: str) -> int:
    try:
        return money.from_decimal(amount, currency)
    except money.AmountRefused as problem:
        raise InvalidInput(str(problem), field=field) from None


def rows(
    transaction: Transaction, invoice_id: UUID, lines: Sequence[PricedLine], computed: amounts.InvoiceAmounts
) -> list[dict[str, Any]]:
    """For the table of lines."""
    return [
        {
            "organization_id": transaction.organization_id,
            "invoice_id": invoice_id,
            "position": position,
            "description": line.description,
            "item": line.item,
            "item_id": line.item_id,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "unit_price_source": line.unit_price_source.value,
            "discount_percent": line.discount_percent,
            "discount": figures.discount,
            "tax_percent": line.tax_percent,
            "tax": figures.tax,
            "amount": figures.amount,
            "document_discount": figures.document_discount,
        }
        for position, (line, figures) in enumerate(zip(lines, computed.lines, strict=True), start=1)
    ]
