"""Pricing: examples worked by hand, and properties against fractions (domain.md G11, G12)."""

from __future__ import annotations

import os
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdco.price_lists.pricing import (
    Bracket,
    Offer,
    Percentage,
    Price,
    PriceDirection,
    PriceRounding,
    PriceSource,
    Rounding,
    bracket_of,
    direction_of,
    overlapping,
    price,
)

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "400"))
D = Decimal
LIST, ITEM = PriceSource.PRICE_LIST, PriceSource.ITEM
NEAREST, UP, DOWN = PriceRounding.NEAREST, PriceRounding.UP, PriceRounding.DOWN

UNTIL_10 = Bracket(D(0), D(10), D("9.00"))
FROM_10 = Bracket(D(10), D(100), D("8.50"))
FROM_100 = Bracket(D(100), None, D("0.0035"))
VOLUME = [FROM_100, UNTIL_10, FROM_10]


@pytest.mark.parametrize(
    ("quantity", "unit_price"),
    [
        ("0", "9.00"),
        ("1", "9.00"),
        ("9.999999", "9.00"),
        ("10", "8.50"),
        ("99.5", "8.50"),
        ("100", "0.0035"),
        ("99999999999999.999999", "0.0035"),
        # What is returned costs what it cost.
        ("-1", "9.00"),
        ("-10", "8.50"),
    ],
)
def test_the_bracket_that_holds_the_quantity_gives_the_price_of_all_of_it(quantity: str, unit_price: str) -> None:
    assert price(D(5), VOLUME, D(quantity)) == Price(D(unit_price), LIST)


def test_a_quantity_in_a_gap_and_an_item_without_rates_have_the_default_price() -> None:
    gap = [Bracket(D(1), D(2), D(9)), Bracket(D(3), None, D(8))]
    for quantity in ("0", "0.999999", "2", "2.5"):
        assert price(D(5), gap, D(quantity)) == Price(D(5), ITEM)
    assert price(D(5), (), D(1)) == Price(D(5), ITEM)


def test_an_item_without_a_default_price_has_none_but_by_a_rate() -> None:
    assert price(None, (), D(1)) == Price(None, ITEM)
    assert price(None, [UNTIL_10], D(10)) == Price(None, ITEM)
    assert price(None, [UNTIL_10], D(9)) == Price(D("9.00"), LIST)
    assert price(None, Percentage(D(10)), D(1)) == Price(None, ITEM)


@pytest.mark.parametrize(
    ("brackets", "expected"),
    [
        ([], None),
        ([UNTIL_10], None),
        (VOLUME, None),
        ([UNTIL_10, FROM_10, Bracket(D("9.999999"), D(10), D(1))], (UNTIL_10, Bracket(D("9.999999"), D(10), D(1)))),
        ([FROM_100, Bracket(D(200), D(300), D(1))], (FROM_100, Bracket(D(200), D(300), D(1)))),
        ([FROM_10, FROM_10._replace(quantity_to=None)], (FROM_10, FROM_10._replace(quantity_to=None))),
        ([FROM_100, FROM_10._replace(quantity_to=D("100.000001"))], (FROM_10._replace(quantity_to=D("100.000001")), FROM_100)),
    ],
)
def test_brackets_that_touch_do_not_overlap_and_others_are_found_out(
    brackets: list[Bracket], expected: tuple[Bracket, Bracket] | None
) -> None:
    assert overlapping(brackets) == expected
    assert (overlapping(list(reversed(brackets))) is None) == (expected is None)


@pytest.mark.parametrize(
    ("default", "percent", "unit_price"),
    [
        ("10", "0", "10"),
        ("10", "-100", "0"),
        ("10", "1000", "110"),
        ("10", "-12.5", "8.75"),
        ("0", "1000", "0"),
        ("0.0035", "10", "0.00385"),
        # Half a millionth goes up, also where the percentage goes down.
        ("0.000001", "50", "0.000002"),
        ("0.000001", "-50", "0.000001"),
        ("0.000001", "-50.000001", "0"),
        ("3.333333", "-33.333333", "2.222222"),
        ("9999999999999999.999999", "1000", "109999999999999999.999989"),
    ],
)
def test_a_percentage_is_exact_to_six_places(default: str, percent: str, unit_price: str) -> None:
    assert price(D(default), Percentage(D(percent)), D(-3)) == Price(D(unit_price), LIST)


@pytest.mark.parametrize(
    ("default", "rounding", "unit_price"),
    [
        ("10.37", Rounding(NEAREST, D("0.05"), D(0)), "10.35"),
        ("10.375", Rounding(NEAREST, D("0.05"), D(0)), "10.40"),
        ("10.37", Rounding(UP, D("0.05"), D(0)), "10.40"),
        ("10.40", Rounding(UP, D("0.05"), D(0)), "10.40"),
        ("10.39", Rounding(DOWN, D("0.05"), D(0)), "10.35"),
        ("9.50", Rounding(NEAREST, D(1), D("0.01")), "9.99"),
        ("9.49", Rounding(NEAREST, D(1), D("0.01")), "8.99"),
        ("9.01", Rounding(UP, D(1), D("0.01")), "9.99"),
        ("10.999999", Rounding(DOWN, D(1), D("0.01")), "9.99"),
        # Never below zero.
        ("0.40", Rounding(NEAREST, D(1), D("0.01")), "0"),
        ("0", Rounding(UP, D(1), D("0.01")), "0"),
        ("1234", Rounding(NEAREST, D(100), D(1)), "1199"),
        ("7", Rounding(UP, D("0.000003"), D(0)), "7.000002"),
    ],
)
def test_prices_go_to_a_multiple_of_the_step_less_what_is_taken_off(default: str, rounding: Rounding, unit_price: str) -> None:
    assert price(D(default), Percentage(D(0), rounding), D(1)) == Price(D(unit_price), LIST)


def test_the_direction_of_a_percentage_is_its_sign() -> None:
    assert [direction_of(D(percent)) for percent in ("-0.000001", "0", "-0", "7")] == [
        PriceDirection.DOWN,
        *[PriceDirection.UP] * 3,
    ]


def test_prices_do_not_depend_on_the_decimal_context_of_the_caller() -> None:
    with localcontext() as context:
        context.prec, context.rounding = 3, ROUND_DOWN
        assert price(D("12345.678901"), Percentage(D(0)), D(1)).unit_price == D("12345.678901")
        assert bracket_of([Bracket(D("12345.678901"), None, D(1))], D("-12345.678900")) is None


PRICES = st.decimals(0, 100_000, places=6) | st.decimals(0, 100, places=2) | st.sampled_from([D(0), D("0.000001")])
PERCENTS = st.decimals(-100, 1000, places=6) | st.sampled_from([D(-100), D(0), D("-12.5"), D(1000)])
STEPS = st.decimals("0.000001", 1000, places=6) | st.sampled_from([D("0.05"), D(1), D("0.01")])


@st.composite
def roundings(draw: st.DrawFn) -> Rounding:
    step = draw(STEPS)
    return Rounding(
        draw(st.sampled_from(PriceRounding)), step, draw(st.decimals(0, step, places=6).filter(lambda less: less < step))
    )


@st.composite
def brackets(draw: st.DrawFn) -> list[Bracket]:
    """Without overlaps, with gaps, in any order."""
    bounds = draw(st.lists(st.integers(0, 60), min_size=0, max_size=12, unique=True).map(sorted))
    ends: list[int | None] = [*bounds[1:], None]
    pairs = [pair for pair in zip(bounds, ends, strict=False) if draw(st.integers(0, 3)) > 0]
    made = [Bracket(D(begin), None if end is None else D(end), draw(PRICES)) for begin, end in pairs]
    return draw(st.permutations(made))


def plain(default: Decimal | None, offer: Offer, quantity: Decimal) -> tuple[Fraction | None, PriceSource]:
    """The rules once more, by fractions."""
    if not isinstance(offer, Percentage):
        for bracket in offer:
            if bracket.quantity_from <= abs(quantity) and (bracket.quantity_to is None or abs(quantity) < bracket.quantity_to):
                return Fraction(bracket.unit_price), LIST
        return (None if default is None else Fraction(default)), ITEM
    if default is None:
        return None, ITEM
    exact = Fraction(default) * (100 + Fraction(offer.percent)) / 100
    value = Fraction(floor(exact * 10**6 + Fraction(1, 2)), 10**6)
    if offer.rounding is not None:
        steps = value / Fraction(offer.rounding.step)
        whole = {NEAREST: floor(steps + Fraction(1, 2)), UP: ceil(steps), DOWN: floor(steps)}[offer.rounding.direction]
        value = max(whole * Fraction(offer.rounding.step) - Fraction(offer.rounding.less), Fraction(0))
    return value, LIST


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    default=st.none() | PRICES,
    offer=st.builds(Percentage, PERCENTS, st.none() | roundings()) | brackets(),
    quantity=st.decimals(-70, 70, places=6) | st.integers(-70, 70).map(D),
)
def test_prices_are_those_of_a_plain_model(default: Decimal | None, offer: Offer, quantity: Decimal) -> None:
    found = price(default, offer, quantity)
    assert (None if found.unit_price is None else Fraction(found.unit_price), found.source) == plain(default, offer, quantity)
    if found.unit_price is not None:
        assert found.unit_price >= 0
        assert found.unit_price == found.unit_price.quantize(D("0.000001"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(given_brackets=brackets(), begin=st.integers(0, 60), length=st.none() | st.integers(1, 20))
def test_brackets_overlap_where_some_quantity_is_in_two_of_them(
    given_brackets: list[Bracket], begin: int, length: int | None
) -> None:
    assert overlapping(given_brackets) is None
    added = Bracket(D(begin), None if length is None else D(begin + length), D(1))
    whole = [*given_brackets, added]
    # All bounds are whole numbers, and none is beyond 80.
    is_shared = any(bracket_of([added], D(size)) and bracket_of(given_brackets, D(size)) for size in range(82))
    found = overlapping(whole)
    assert (found is not None) == is_shared
    if found is not None:
        assert any(all(bracket_of([each], D(size)) for each in found) for size in range(82))
