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
from typing import Final, NamedTuple, TypeAlias

from holdco import money

# Of prices, quantities and percentages.
PLACES: Final = 6
_MILLIONTH: Final = Decimal(1).scaleb(-PLACES)
_HUNDRED_PERCENT: Final = 100 * 10**PLACES
_EXACT: Final = Context(prec=40, traps=[Inexact, InvalidOperation])


class PriceRounding(StrEnum):
    """Which way a price goes to a multiple of the rounding step."""

    NEAREST = "NEAREST"
    UP = "UP"
    DOWN = "DOWN"


class PriceDirection(StrEnum):
    """Whether a price list of kind PERCENTAGE adds to default prices or takes off."""

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


class Percentage(NamedTuple):
    """What a version of a price list does to default prices. `percent` is below zero where it is taken off."""

    percent: Decimal
    rounding: Rounding | None = None


# What a version of a price list says of an item.
Offer: TypeAlias = Percentage | Sequence[Bracket]


class Price(NamedTuple):
    """In major units; None where there is none in the currency."""

    unit_price: Decimal | None
    source: PriceSource


def price(default: Decimal | None, offer: Offer, quantity: Decimal) -> Price:
    """What one unit of so many costs, by the rules above. `default` is the item's price in the currency."""
    if isinstance(offer, Percentage):
        if default is not None:
            return Price(_adjusted(default, offer), PriceSource.PRICE_LIST)
    elif (bracket := bracket_of(offer, quantity)) is not None:
        return Price(bracket.unit_price, PriceSource.PRICE_LIST)
    return Price(default, PriceSource.ITEM)


def direction_of(percent: Decimal) -> PriceDirection:
    """Of a percentage as it is kept. Nothing added is UP."""
    return PriceDirection.DOWN if percent < 0 else PriceDirection.UP


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


def _holds(bracket: Bracket, size: Decimal) -> bool:
    return bracket.quantity_from <= size and (bracket.quantity_to is None or size < bracket.quantity_to)


def _adjusted(default: Decimal, offer: Percentage) -> Decimal:
    changed = money.divide_half_up(_millionths(default) * (_HUNDRED_PERCENT + _millionths(offer.percent)), _HUNDRED_PERCENT)
    rounding = offer.rounding
    if rounding is not None:
        step = _millionths(rounding.step)
        changed = max(_multiple(changed, step, rounding.direction) - _millionths(rounding.less), 0)
    return Decimal(changed).scaleb(-PLACES, context=_EXACT)


def _multiple(value: int, step: int, direction: PriceRounding) -> int:
    match direction:
        case PriceRounding.NEAREST:
            return money.divide_half_up(value, step) * step
        case PriceRounding.UP:
            return -(-value // step) * step
        case PriceRounding.DOWN:
            return value // step * step


def _millionths(value: Decimal) -> int:
    return int(value.quantize(_MILLIONTH, context=_EXACT).scaleb(PLACES, context=_EXACT))
