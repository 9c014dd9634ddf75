"""What one unit of an item costs: the only place that makes a price out of a price list (domain.md G11, G12).

All of it is exact arithmetic with six decimal places; a price is rounded where this says so and nowhere else.

1. A list of RATES has brackets per item. The one that holds the quantity gives the price of the whole quantity (volume pricing).
   Its sign does not matter: what is returned costs what it cost. Where no bracket holds it, the item costs its default price.
2. A list of kind PERCENTAGE adds a percentage to default prices, or takes one off. The result is rounded half up to six places,
   then by the rounding rule of the list if it has one: to a multiple of `step`, in the rule's direction, halves of NEAREST
   upwards; `less` is taken off that. No price is below zero.
3. Without a price list an item costs its default price in the currency, if it has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from holdco import money

# What the columns hold. More would be rounded by the database behind our back.
PLACES_MAX: Final = 6
QUANTITY_LIMIT: Final = Decimal(10) ** 14
# Below what a line of an invoice takes, so that a price with a thousand percent on it still goes on one.
PRICE_LIMIT: Final = Decimal(10) ** 16
PERCENT_UP_MAX: Final = Decimal(1000)
PERCENT_DOWN_MAX: Final = Decimal(100)

_MILLIONTH: Final = Decimal("0.000001")
_HUNDRED_PERCENT: Final = 100 * 10**PLACES_MAX
_EXACT: Final = Context(prec=40, traps=[Inexact, InvalidOperation])


class PriceRounding(StrEnum):
    """Which way a price goes to a multiple of the rounding step."""

    NEAREST = "NEAREST"
    UP = "UP"
    DOWN = "DOWN"


class PriceSource(StrEnum):
    """Where a price comes from: a rate or the percentage of a price list, or the item's default price as it is."""

    PRICE_LIST = "PRICE_LIST"
    ITEM = "ITEM"


class Rounding(NamedTuple):
    direction: PriceRounding
    step: Decimal
    less: Decimal


class Bracket(NamedTuple):
    """What one unit costs from a quantity to below another one; None is no end."""

    quantity_from: Decimal
    quantity_to: Decimal | None
    unit_price: Decimal


class Offer(NamedTuple):
    """What a version of a price list says of an item: a percentage, below zero where it is taken off, or brackets."""

    percent: Decimal | None = None
    rounding: Rounding | None = None
    brackets: Sequence[Bracket] = ()


class Price(NamedTuple):
    """In major units; None where there is none in the currency."""

    unit_price: Decimal | None
    source: PriceSource


def price(default: Decimal | None, offer: Offer | None, quantity: Decimal) -> Price:
    """What one unit of so many costs, by the rules above. `default` is the item's price in the currency."""
    if offer is not None and offer.percent is not None and default is not None:
        return Price(_adjusted(default, offer.percent, offer.rounding), PriceSource.PRICE_LIST)
    if offer is not None and (bracket := bracket_of(offer.brackets, quantity)) is not None:
        return Price(bracket.unit_price, PriceSource.PRICE_LIST)
    return Price(default, PriceSource.ITEM)


def bracket_of(brackets: Iterable[Bracket], quantity: Decimal) -> Bracket | None:
    """The one that holds the quantity, whatever its sign; None where it falls into a gap."""
    # copy_abs() and not abs(): the latter rounds to the caller's decimal context.
    size = quantity.copy_abs()
    return next((bracket for bracket in brackets if _holds(bracket, size)), None)


def overlapping(brackets: Iterable[Bracket]) -> tuple[Bracket, Bracket] | None:
    """Two brackets that hold the same quantity, the first such pair from below; None where there is none."""
    in_order = sorted(brackets, key=lambda bracket: bracket.quantity_from)
    for lower, upper in pairwise(in_order):
        if lower.quantity_to is None or lower.quantity_to > upper.quantity_from:
            return lower, upper
    return None


def is_exact(value: Decimal, limit: Decimal) -> bool:
    """Whether a column keeps it as it is: a number from zero to below the limit, with at most six decimal places."""
    if not value.is_finite() or value < 0 or value >= limit:
        return False
    try:
        value.quantize(_MILLIONTH, context=_EXACT)
    except Inexact:
        return False
    return True


def _holds(bracket: Bracket, size: Decimal) -> bool:
    return bracket.quantity_from <= size and (bracket.quantity_to is None or size < bracket.quantity_to)


def _adjusted(default: Decimal, percent: Decimal, rounding: Rounding | None) -> Decimal:
    changed = money.divide_half_up(_millionths(default) * (_HUNDRED_PERCENT + _millionths(percent)), _HUNDRED_PERCENT)
    if rounding is not None:
        step = _millionths(rounding.step)
        changed = max(_multiple(changed, step, rounding.direction) - _millionths(rounding.less), 0)
    return Decimal(changed).scaleb(-PLACES_MAX, context=_EXACT)


def _multiple(value: int, step: int, direction: PriceRounding) -> int:
    match direction:
        case PriceRounding.NEAREST:
            return money.divide_half_up(value, step) * step
        case PriceRounding.UP:
            return -(-value // step) * step
        case PriceRounding.DOWN:
            return value // step * step


def _millionths(value: Decimal) -> int:
    return int(value.quantize(_MILLIONTH, context=_EXACT).scaleb(PLACES_MAX, context=_EXACT))
