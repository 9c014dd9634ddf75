"""Computes an invoice from its file once more, and compares: the file's figures are the debt, so they must add up.

Lines, discounts and taxes go through `holdco.invoices.amounts`. The file decides where two honest ways to round exist: taxes
that it gives line by line are taken as they are when they are within a minor unit of their rate, and a total that fits
taxes rounded per line is as good as one that fits taxes rounded per rate. A document discount that is an amount and no
percentage is shared over the lines in proportion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from holdco import money
from holdco.invoices import amounts
from holdco.invoices.amounts import InvoiceAmounts, Line, LineAmounts

_ZERO: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)
_ONE: Final = Decimal(1)


class GivenLine(NamedTuple):
    """A row as the file has it. Amounts are minor units; None is what the file does not say.

    `discount` is what the column of that name says, which Zoho uses for a percentage and for an amount;
    `is_discount_percent` is True where it stands with a percent sign.
    """

    line: int
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = _ZERO
    is_discount_percent: bool = False
    discount_amount: int = 0
    item_total: int | None = None
    tax_percent: Decimal = _ZERO
    tax: int | None = None


@dataclass(frozen=True, slots=True)
class GivenInvoice:
    """An invoice as the file has it; amounts in minor units of its currency."""

    line: int
    currency: str
    lines: Sequence[GivenLine]
    discount_percent: Decimal = _ZERO
    discount_amount: int = 0
    is_discount_before_tax: bool = True
    shipping_charge: int = 0
    adjustment: int = 0
    subtotal: int | None = None
    total: int | None = None


class FiguresRefused(ValueError):
    """What does not add up. `line` is the line of the file, `field` names the column."""

    def __init__(self, message: str, *, line: int, field: str) -> None:
        super().__init__(message)
        self.line = line
        self.field = field


class Figures(NamedTuple):
    """What is recorded: the amounts, and what each line was computed from."""

    computed: InvoiceAmounts
    lines: list[Line]
    discount_percent: Decimal


def reconciled(given: GivenInvoice) -> Figures:
    """Raises FiguresRefused for the first figure that does not add up, with both figures in its sentence."""
    has_discount = bool(given.discount_percent or given.discount_amount)
    is_plain = not has_discount and not any(line.tax_percent or line.tax for line in given.lines)
    lines, own = _own(given, is_whole=is_plain)
    for given_line, line in zip(given.lines, own.lines, strict=True):
        if given_line.item_total is not None and line.amount != given_line.item_total:
            raise _mismatch(
                given, given_line.line, "item_total", given_line.item_total, line.amount, "quantity, price and discount come to"
            )
    if given.subtotal is not None and own.subtotal != given.subtotal:
        raise _mismatch(given, given.line, "subtotal", given.subtotal, own.subtotal, "the rows of the invoice add up to")
    computed = own if is_plain else _document(given, lines, own)
    if given.total is not None and computed.total != given.total:
        raise _mismatch(
            given,
            given.line,
            "total",
            given.total,
            computed.total,
            "rows, discount, taxes, shipping, adjustment and rounding come to",
        )
    if not is_plain:
        lines = _taxed(given, lines)
    return Figures(computed, lines, given.discount_percent)


def _own(given: GivenInvoice, *, is_whole: bool) -> tuple[list[Line], InvoiceAmounts]:
    """The lines by themselves: before the document's discount, and before taxes."""
    lines = [_line(line, given.currency) for line in given.lines]
    own = _compute(given, lines, is_whole=is_whole)
    other = [
        _other_reading(given_line, line) if given_line.item_total not in {None, amount.amount} else line
        for given_line, line, amount in zip(given.lines, lines, own.lines, strict=True)
    ]
    if other == lines:
        return lines, own
    second = _compute(given, other, is_whole=is_whole)
    # A discount that neither reading explains may be a note of the document's, which the line's total leaves out.
    third = [
        Line(line.quantity, line.unit_price) if given_line.item_total not in {None, amount.amount} else line
        for given_line, line, amount in zip(given.lines, other, second.lines, strict=True)
    ]
    return (other, second) if third == other else (third, _compute(given, third, is_whole=is_whole))


def _line(given: GivenLine, currency: str) -> Line:
    quantity, unit_price = given.quantity, given.unit_price
    if not given.discount and not given.discount_amount:
        return Line(quantity, unit_price)
    if given.item_total is None and not given.is_discount_percent:
        if given.discount_amount:
            return Line(quantity, unit_price, discount_amount=given.discount_amount)
        raise FiguresRefused(
            f"A discount of {given.discount} can be a percentage or an amount, and there is no Item Total to tell. Write a "
            "percent sign behind it, or give it as Discount Amount.",
            line=given.line,
            field="line_discount",
        )
    if given.discount and given.discount <= _HUNDRED:
        return Line(quantity, unit_price, discount_percent=given.discount)
    return Line(quantity, unit_price, discount_amount=_discount_amount(given, currency))


def _other_reading(given: GivenLine, line: Line) -> Line:
    if not line.discount_percent:
        return line
    return Line(line.quantity, line.unit_price, discount_amount=given.discount_amount)


def _discount_amount(given: GivenLine, currency: str) -> int:
    if given.discount_amount:
        return given.discount_amount
    try:
        return money.from_decimal(given.discount, currency)
    except money.AmountRefused as problem:
        raise FiguresRefused(str(problem), line=given.line, field="line_discount") from None


def _document(given: GivenInvoice, lines: Sequence[Line], own: InvoiceAmounts) -> InvoiceAmounts:
    """With the document's discount and the taxes."""
    taxed = _taxed(given, lines)
    if given.discount_percent or not given.discount_amount:
        computed = _compute(given, taxed, given.discount_percent)
    else:
        computed = _with_flat_discount(given, taxed, own)
    if given.discount_percent and given.discount_amount and computed.discount_total != given.discount_amount:
        raise _mismatch(
            given,
            given.line,
            "discount_amount",
            given.discount_amount,
            computed.discount_total,
            f"a discount of {given.discount_percent} % comes to",
        )
    if any(line.tax is not None for line in given.lines):
        return _with_taxes(given, computed, _given_taxes(given, computed))
    if given.total not in {None, computed.total}:
        per_line = _with_taxes(given, computed, _taxes_per_line(given, computed))
        return per_line if per_line.total == given.total else computed
    return computed


def _taxed(given: GivenInvoice, lines: Sequence[Line]) -> list[Line]:
    return [line._replace(tax_percent=each.tax_percent) for line, each in zip(lines, given.lines, strict=True)]


def _with_flat_discount(given: GivenInvoice, taxed: Sequence[Line], own: InvoiceAmounts) -> InvoiceAmounts:
    if given.is_discount_before_tax:
        shares = _shares(given, [line.amount for line in own.lines])
        bases = [line.amount - share for line, share in zip(own.lines, shares, strict=True)]
        taxes = _taxes(given, taxed, bases)
    else:
        taxes = _taxes(given, taxed, [line.amount for line in own.lines])
        shares = _shares(given, [line.amount + tax for line, tax in zip(own.lines, taxes, strict=True)])
    return _assembled(given, own, shares, taxes)


def _taxes(given: GivenInvoice, taxed: Sequence[Line], bases: Sequence[int]) -> list[int]:
    """What `amounts` makes of rates on bases that are known already."""
    lines = [
        Line(_ONE, money.to_decimal(base, given.currency), tax_percent=line.tax_percent)
        for base, line in zip(bases, taxed, strict=True)
    ]
    return [line.tax for line in _compute(given, lines, is_whole=False).lines]


def _taxes_per_line(given: GivenInvoice, computed: InvoiceAmounts) -> list[int]:
    return [
        money.round_half_up(money.to_decimal(base, given.currency) * line.tax_percent / _HUNDRED, given.currency)
        for base, line in zip(_taxables(given, computed), given.lines, strict=True)
    ]


def _given_taxes(given: GivenInvoice, computed: InvoiceAmounts) -> list[int]:
    taxes = []
    for given_line, line in zip(given.lines, computed.lines, strict=True):
        tax = line.tax if given_line.tax is None else given_line.tax
        if given_line.tax_percent and abs(tax - line.tax) > 1:
            raise _mismatch(given, given_line.line, "tax_amount", tax, line.tax, f"a tax of {given_line.tax_percent} % comes to")
        taxes.append(tax)
    return taxes


def _taxables(given: GivenInvoice, computed: InvoiceAmounts) -> list[int]:
    return [line.amount - (line.document_discount if given.is_discount_before_tax else 0) for line in computed.lines]


def _with_taxes(given: GivenInvoice, computed: InvoiceAmounts, taxes: Sequence[int]) -> InvoiceAmounts:
    """A percentage taken off after tax follows the taxes; every other discount stays as it is."""
    shares = [line.document_discount for line in computed.lines]
    if not given.is_discount_before_tax and given.discount_percent:
        bases = [line.amount + tax for line, tax in zip(computed.lines, taxes, strict=True)]
        scale = 10**6
        shares = money.round_together([base * int(given.discount_percent * scale) for base in bases], 100 * scale)
    return _assembled(given, computed, shares, taxes)


def _assembled(given: GivenInvoice, own: InvoiceAmounts, shares: Sequence[int], taxes: Sequence[int]) -> InvoiceAmounts:
    lines = [
        LineAmounts(line.discount, line.amount, share, tax) for line, share, tax in zip(own.lines, shares, taxes, strict=True)
    ]
    discount_total, tax_total = sum(shares), sum(taxes)
    total = own.subtotal - discount_total + tax_total + given.shipping_charge + given.adjustment
    try:
        for figure in (discount_total, tax_total, total):
            money.check_range(figure, given.currency)
    except money.AmountOutOfRange as problem:
        raise FiguresRefused(str(problem), line=given.line, field="total") from None
    if total < 0:
        raise FiguresRefused(str(amounts.TotalNegative(total, given.currency)), line=given.line, field="total")
    return own._replace(lines=lines, discount_total=discount_total, tax_total=tax_total, total=total)


def _shares(given: GivenInvoice, weights: Sequence[int]) -> list[int]:
    positive = [max(weight, 0) for weight in weights]
    if given.discount_amount < 0 or given.discount_amount > sum(positive):
        raise FiguresRefused(
            f"A discount of {money.to_string(given.discount_amount, given.currency)} is not between nothing and what the rows "
            f"come to, {money.to_string(sum(positive), given.currency)}.",
            line=given.line,
            field="discount_amount",
        )
    return money.split_proportionally(given.discount_amount, positive)


def _compute(
    given: GivenInvoice, lines: Sequence[Line], discount_percent: Decimal = _ZERO, *, is_whole: bool = True
) -> InvoiceAmounts:
    """`is_whole` False where taxes are still to come: an adjustment may be larger than the rows without them."""
    try:
        return amounts.compute(
            lines,
            currency=given.currency,
            discount_percent=discount_percent,
            is_discount_before_tax=given.is_discount_before_tax,
            shipping_charge=given.shipping_charge,
            adjustment=given.adjustment if is_whole else max(given.adjustment, 0),
        )
    except amounts.AmountsRefused as problem:
        if problem.line is None:
            raise FiguresRefused(str(problem), line=given.line, field="total") from None
        # Its position within the invoice says less than the line of the file.
        sentence = str(problem).partition(": ")[2]
        raise FiguresRefused(sentence, line=given.lines[problem.line].line, field="item_total") from None
    except money.AmountRefused as problem:
        raise FiguresRefused(str(problem), line=given.line, field="total") from None


def _mismatch(given: GivenInvoice, line: int, field: str, theirs: int, ours: int, what: str) -> FiguresRefused:
    return FiguresRefused(
        f"The file says {money.to_string(theirs, given.currency)} {given.currency}, but {what} "
        f"{money.to_string(ours, given.currency)}.",
        line=line,
        field=field,
    )
