"""What an invoice comes to: the only place that computes amounts, discounts, taxes and totals (domain.md G11, I8).

All of it is integer arithmetic; a value is rounded where this says so and nowhere else, halves away from zero.

1. Line. gross = quantity * unit price. `amount` = the gross less the line's discount, rounded once; `discount` is the rounded
   gross less the amount, so that both columns can be printed side by side. `subtotal` is the sum of the amounts.
2. Document discount. Before tax it is its percentage of the subtotal, after tax its percentage of subtotal and taxes
   together. It is rounded once, for the document; the lines carry it in shares (`document_discount`) that are rounded
   together by the largest remainder, each within one minor unit of its percentage of the line.
3. Tax. A line is taxed on its amount, less its share of a document discount before tax. The tax of one rate is the rate
   times all that it taxes, rounded once: so does a tax summary per rate agree with itself, and European e-invoicing asks
   for it (EN 16931, BR-CO-17). Lines of that rate carry it in shares rounded together.
4. total = subtotal - document discount + taxes + shipping charge + adjustment. Neither of the last two is taxed here.

So the columns of the lines add up to the totals, to the cent. Lines may be negative (a return, a deposit taken off); the
document as a whole may not.

    AmountsRefused             a ValueError; `line` is the position from 0, None for the document
    ├── PercentOutOfRange      discounts 0 to 100, taxes 0 to below 1000, six places
    ├── AmountNegative         a shipping charge, or a line's discount, below zero
    ├── FactorOutOfRange       a quantity or unit price that is no number, too large, or has more than six places
    ├── LineDiscountAmbiguous  both a percentage and an amount
    ├── LineDiscountTooLarge   a discount above what the line costs
    └── TotalNegative
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, NamedTuple

from holdco import money

# What the columns of invoices and invoice_lines hold. More would be rounded by the database behind our back.
PLACES_MAX: Final = 6
QUANTITY_LIMIT: Final = Decimal(10) ** 14
UNIT_PRICE_LIMIT: Final = Decimal(10) ** 18
TAX_PERCENT_LIMIT: Final = Decimal(1000)
DISCOUNT_PERCENT_MAX: Final = Decimal(100)

_ZERO: Final = Decimal(0)
_MILLIONTH: Final = Decimal("0.000001")
_MILLION: Final = 10**6
_HUNDRED_PERCENT: Final = 100 * _MILLION
_EXACT: Final = Context(prec=30, traps=[Inexact, InvalidOperation])


class Line(NamedTuple):
    """`unit_price` is in major units and may be finer than the currency (0.0035 a call); `discount_amount` is in minor units.

    A discount is a percentage or an amount, not both. Percentages are 7.5 for 7.5 %.
    """

    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal = _ZERO
    discount_amount: int = 0
    tax_percent: Decimal = _ZERO


class LineAmounts(NamedTuple):
    """Minor units. `amount` is after `discount`, the line's own, and before `document_discount` and `tax`."""

    discount: int
    amount: int
    document_discount: int
    tax: int


class InvoiceAmounts(NamedTuple):
    """Minor units. `discount_total` is the document's alone; `line_discount_total` is already taken off in `subtotal`."""

    lines: list[LineAmounts]
    line_discount_total: int
    subtotal: int
    discount_total: int
    tax_total: int
    shipping_charge: int
    adjustment: int
    total: int


class AmountsRefused(ValueError):
    """What all refusals of this module have in common."""

    line: int | None = None


class PercentOutOfRange(AmountsRefused):
    def __init__(self, field: str, value: Decimal, line: int | None) -> None:
        self.field = field
        self.value = value
        self.line = line
        allowed = f"below {TAX_PERCENT_LIMIT}" if field == "tax_percent" else f"to {DISCOUNT_PERCENT_MAX}"
        super().__init__(f"{_place(line)}: {field} must be from 0 {allowed} with at most {PLACES_MAX} decimal places.")


class AmountNegative(AmountsRefused):
    def __init__(self, field: str, amount: int, line: int | None) -> None:
        self.field = field
        self.amount = amount
        self.line = line
        super().__init__(f"{_place(line)}: {field} must not be negative.")


class FactorOutOfRange(AmountsRefused):
    def __init__(self, field: str, value: Decimal, line: int) -> None:
        self.field = field
        self.value = value
        self.line = line
        limit = QUANTITY_LIMIT if field == "quantity" else UNIT_PRICE_LIMIT
        super().__init__(f"{_place(line)}: {field} must be a number below {limit:f} with at most {PLACES_MAX} decimal places.")


class LineDiscountAmbiguous(AmountsRefused):
    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"{_place(line)}: give the discount as a percentage or as an amount, not both.")


class LineDiscountTooLarge(AmountsRefused):
    def __init__(self, discount_amount: int, gross: int, currency: str, line: int) -> None:
        self.discount_amount = discount_amount
        self.gross = gross
        self.currency = currency
        self.line = line
        super().__init__(
            f"{_place(line)}: the discount of {money.to_string(discount_amount, currency)} {currency} is more than the line "
            f"costs, {money.to_string(gross, currency)} {currency}."
        )


class TotalNegative(AmountsRefused):
    def __init__(self, total: int, currency: str) -> None:
        self.total = total
        self.currency = currency
        super().__init__(
            f"The invoice would come to {money.to_string(total, currency)} {currency}. Use a credit note to give money back."
        )


def compute(
    lines: Sequence[Line],
    *,
    currency: str,
    discount_percent: Decimal = _ZERO,
    is_discount_before_tax: bool = True,
    shipping_charge: int = 0,
    adjustment: int = 0,
) -> InvoiceAmounts:
    """The amounts of an invoice by the rules above. `shipping_charge` and `adjustment` are minor units, the latter of any sign.

    Raises money.UnknownCurrency; of the document PercentOutOfRange, AmountNegative; then of the first line that has any,
    FactorOutOfRange, PercentOutOfRange, AmountNegative, LineDiscountAmbiguous, LineDiscountTooLarge,
    money.AmountOutOfRange; of the totals money.AmountOutOfRange, TotalNegative.
    """
    minor_units = 10 ** money.exponent(currency)
    document_rate = _discount_rate("discount_percent", discount_percent, None)
    if shipping_charge < 0:
        raise AmountNegative("shipping_charge", shipping_charge, None)

    own = [_own_amounts(line, index, minor_units, currency) for index, line in enumerate(lines)]
    amounts = [line.amount for line in own]
    rates = [line.tax_rate for line in own]
    if is_discount_before_tax:
        shares = _percentage(amounts, document_rate)
        taxes = _taxes([amount - share for amount, share in zip(amounts, shares, strict=True)], rates)
    else:
        taxes = _taxes(amounts, rates)
        shares = _percentage([amount + tax for amount, tax in zip(amounts, taxes, strict=True)], document_rate)

    subtotal, discount_total, tax_total = sum(amounts), sum(shares), sum(taxes)
    result = InvoiceAmounts(
        lines=[LineAmounts(line.discount, line.amount, share, tax) for line, share, tax in zip(own, shares, taxes, strict=True)],
        line_discount_total=sum(line.discount for line in own),
        subtotal=subtotal,
        discount_total=discount_total,
        tax_total=tax_total,
        shipping_charge=shipping_charge,
        adjustment=adjustment,
        total=subtotal - discount_total + tax_total + shipping_charge + adjustment,
    )
    for figure in (*shares, *taxes, *result[1:]):
        money.check_range(figure, currency)
    if result.total < 0:
        raise TotalNegative(result.total, currency)
    return result


class _OwnAmounts(NamedTuple):
    """What a line comes to by itself. The rate is in millionths of a percent."""

    amount: int
    discount: int
    tax_rate: int


def _own_amounts(line: Line, index: int, minor_units: int, currency: str) -> _OwnAmounts:
    quantity = _millionths(line.quantity, QUANTITY_LIMIT)
    if quantity is None:
        raise FactorOutOfRange("quantity", line.quantity, index)
    unit_price = _millionths(line.unit_price, UNIT_PRICE_LIMIT)
    if unit_price is None:
        raise FactorOutOfRange("unit_price", line.unit_price, index)
    rate = _discount_rate("discount_percent", line.discount_percent, index)
    tax_rate = _tax_rate(line.tax_percent, index)
    if line.discount_amount < 0:
        raise AmountNegative("discount_amount", line.discount_amount, index)
    if rate and line.discount_amount:
        raise LineDiscountAmbiguous(index)

    gross_exact = quantity * unit_price * minor_units
    gross = money.divide_half_up(gross_exact, _MILLION**2)
    if line.discount_amount > max(gross, 0):
        raise LineDiscountTooLarge(line.discount_amount, gross, currency, index)
    if rate:
        amount = money.divide_half_up(gross_exact * (_HUNDRED_PERCENT - rate), _MILLION**2 * _HUNDRED_PERCENT)
    else:
        amount = gross - line.discount_amount
    money.check_range(gross, currency)
    return _OwnAmounts(amount, gross - amount, tax_rate)


def _percentage(bases: Sequence[int], rate: int) -> list[int]:
    if rate == 0:
        return [0] * len(bases)
    return money.round_together([base * rate for base in bases], _HUNDRED_PERCENT)


def _taxes(taxables: Sequence[int], rates: Sequence[int]) -> list[int]:
    """Each line's tax; what is rounded together is what has the same rate."""
    lines_by_rate: dict[int, list[int]] = {}
    for index, rate in enumerate(rates):
        lines_by_rate.setdefault(rate, []).append(index)
    taxes = [0] * len(taxables)
    lines_by_rate.pop(0, None)
    for rate, indexes in lines_by_rate.items():
        for index, tax in zip(indexes, _percentage([taxables[index] for index in indexes], rate), strict=True):
            taxes[index] = tax
    return taxes


def _discount_rate(field: str, percent: Decimal, line: int | None) -> int:
    rate = _millionths(percent, DISCOUNT_PERCENT_MAX + 1)
    if rate is None or not 0 <= rate <= _HUNDRED_PERCENT:
        raise PercentOutOfRange(field, percent, line)
    return rate


def _tax_rate(percent: Decimal, line: int) -> int:
    rate = _millionths(percent, TAX_PERCENT_LIMIT)
    if rate is None or rate < 0:
        raise PercentOutOfRange("tax_percent", percent, line)
    return rate


def _millionths(value: Decimal, limit: Decimal) -> int | None:
    """A million times `value`, or None where that is no integer or `value` is not within the limit, exclusive, on either side."""
    if not value:
        return 0
    # copy_abs() and not abs(): the latter rounds to the caller's decimal context.
    if not value.is_finite() or value.copy_abs() >= limit:
        return None
    try:
        return int(value.quantize(_MILLIONTH, context=_EXACT).scaleb(PLACES_MAX, context=_EXACT))
    except Inexact:
        return None


def _place(line: int | None) -> str:
    return "The invoice" if line is None else f"Line {line + 1}"
