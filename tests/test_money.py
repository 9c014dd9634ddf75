"""Money against plain models: fractions for what is exact, strings of the standard library for what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from holdco import money

CURRENCIES = st.sampled_from(["JPY", "USD", "EUR", "KWD", "CLF"])
AMOUNTS = st.integers(-money.AMOUNT_MAX, money.AMOUNT_MAX)
WEIGHTS = st.lists(st.integers(0, 10**6) | st.integers(0, 2**63), max_size=30)


def half_away_from_zero(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2)) if exact >= 0 else -floor(-exact + Fraction(1, 2))


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (125000, "USD", "1250.00"),
        (-5, "USD", "-0.05"),
        (5, "USD", "0.05"),
        (0, "USD", "0.00"),
        (-100, "USD", "-1.00"),
        (7, "JPY", "7"),
        (-7, "JPY", "-7"),
        (0, "JPY", "0"),
        (7, "KWD", "0.007"),
        (-1234567, "KWD", "-1234.567"),
        (12345, "CLF", "1.2345"),
        (money.AMOUNT_MAX, "EUR", "92233720368547758.07"),
        (-money.AMOUNT_MAX, "EUR", "-92233720368547758.07"),
    ],
)
def test_minor_units_are_shown_with_as_many_places_as_the_currency_has(amount: int, currency: str, shown: str) -> None:
    assert money.to_string(amount, currency) == shown
    assert str(money.to_decimal(amount, currency)) == shown
    assert money.from_decimal(Decimal(shown), currency) == amount


@given(AMOUNTS, CURRENCIES)
def test_every_amount_survives_the_way_to_a_decimal_and_back(amount: int, currency: str) -> None:
    value = money.to_decimal(amount, currency)
    assert Fraction(value) == Fraction(amount, 10 ** money.exponent(currency))
    assert -int(value.as_tuple().exponent) == money.exponent(currency)
    assert money.from_decimal(value, currency) == amount
    assert Decimal(money.to_string(amount, currency)) == value


@given(AMOUNTS, CURRENCIES)
def test_the_callers_decimal_context_changes_nothing(amount: int, currency: str) -> None:
    expected = money.to_decimal(amount, currency)
    with localcontext() as context:
        context.prec = 2
        assert money.to_decimal(amount, currency) == expected
        assert money.from_decimal(expected, currency) == amount
        assert money.round_half_up(expected, currency) == amount


@given(st.decimals(min_value=-(10**16), max_value=10**16, places=9), CURRENCIES)
def test_rounding_takes_the_nearest_unit_and_halves_away_from_zero(value: Decimal, currency: str) -> None:
    exact = Fraction(value) * 10 ** money.exponent(currency)
    if abs(exact) > money.AMOUNT_MAX:
        return
    assert money.round_half_up(value, currency) == half_away_from_zero(exact)
    if exact.denominator == 1:
        assert money.from_decimal(value, currency) == exact
    else:
        with pytest.raises(money.AmountTooPrecise):
            money.from_decimal(value, currency)


@pytest.mark.parametrize(
    ("value", "currency", "rounded"),
    [
        ("0.125", "USD", 13),
        ("-0.125", "USD", -13),
        ("0.1249999999999999999999999999999999999999999999999", "USD", 12),
        ("0.5", "JPY", 1),
        ("-0.5", "JPY", -1),
        ("1.4", "JPY", 1),
        ("0.0005", "KWD", 1),
        ("0.00049", "KWD", 0),
        ("-0.00", "USD", 0),
        ("1E-999999", "USD", 0),
    ],
)
def test_rounding_by_example(value: str, currency: str, rounded: int) -> None:
    assert money.round_half_up(Decimal(value), currency) == rounded


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [("1.000", "USD", 100), ("5E+2", "USD", 50000), ("7.000000", "JPY", 7), ("0E+999999", "KWD", 0), ("-0", "USD", 0)],
)
def test_zeros_and_exponents_that_change_no_value_are_accepted(value: str, currency: str, amount: int) -> None:
    assert money.from_decimal(Decimal(value), currency) == amount


@pytest.mark.parametrize(
    ("value", "currency", "places_max"),
    [("0.001", "USD", 2), ("0.1", "JPY", 0), ("-1.2345", "KWD", 3), ("1E-999999", "USD", 2)],
)
def test_more_places_than_the_currency_has_are_refused(value: str, currency: str, places_max: int) -> None:
    with pytest.raises(money.AmountTooPrecise) as caught:
        money.from_decimal(Decimal(value), currency)
    assert (caught.value.value, caught.value.currency, caught.value.places_max) == (Decimal(value), currency, places_max)


@pytest.mark.parametrize("value", ["92233720368547758.08", "-92233720368547758.08", "1E+20", "1E+999999", "-1E+999999"])
def test_amounts_beyond_64_bits_are_refused(value: str) -> None:
    for convert in (money.from_decimal, money.round_half_up):
        with pytest.raises(money.AmountOutOfRange) as caught:
            convert(Decimal(value), "USD")
        assert (caught.value.value, caught.value.currency) == (Decimal(value), "USD")
        assert "92233720368547758.07" in str(caught.value)


def test_rounding_up_over_the_limit_is_refused() -> None:
    assert money.round_half_up(Decimal("92233720368547758.074"), "USD") == money.AMOUNT_MAX
    with pytest.raises(money.AmountOutOfRange):
        money.round_half_up(Decimal("92233720368547758.075"), "USD")


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(value: str) -> None:
    for convert in (money.from_decimal, money.round_half_up):
        with pytest.raises(money.AmountNotFinite):
            convert(Decimal(value), "USD")


def test_a_refusal_does_not_repeat_a_megabyte_of_digits() -> None:
    with pytest.raises(money.AmountTooPrecise) as caught:
        money.from_decimal(Decimal("0." + "3" * 100_000), "USD")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("currency", ["", "usd", "Usd", "USDT", "U$D", "DEFAULT", "XYZ", " USD"])
def test_unknown_codes_are_no_currencies_and_have_no_places(currency: str) -> None:
    assert not money.is_currency(currency)
    with pytest.raises(money.UnknownCurrency):
        money.exponent(currency)
    for convert in (money.from_decimal, money.round_half_up):
        with pytest.raises(money.UnknownCurrency):
            convert(Decimal("NaN"), currency)
    for show in (money.to_decimal, money.to_string):
        with pytest.raises(money.UnknownCurrency):
            show(1, currency)


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "CHF", "JPY", "KWD", "BHD", "INR", "SLE", "ZWG"])
def test_current_tender_is_a_currency(currency: str) -> None:
    assert money.is_currency(currency)


@pytest.mark.parametrize("currency", ["DEM", "FRF", "HRK", "ITL", "ZWL"])
def test_former_currencies_are_refused_but_remain_readable(currency: str) -> None:
    assert not money.is_currency(currency)
    assert money.exponent(currency) in (0, 2)


@pytest.mark.parametrize("currency", ["XAU", "XTS", "XXX", "CHE", "CLF"])
def test_codes_that_nobody_can_pay_in_are_no_currencies(currency: str) -> None:
    assert not money.is_currency(currency)


def test_a_new_version_of_babel_has_moved_no_decimal_point() -> None:
    by_places: dict[int, list[str]] = {}
    for currency in sorted(get_global("all_currencies")):
        by_places.setdefault(money.exponent(currency), []).append(currency)
    assert sorted(by_places) == [0, 2, 3, 4]
    assert " ".join(by_places[0]) == (
        "ADP AFN ALL BIF BYR CLP DJF ESP GNF IQD IRR ISK ITL JPY KMF KPW KRW LAK LBP LUF MGA MGF MMK MRO PYG RSD RWF SLL SOS "
        "STD SYP TMM TRL UGX UYI VND VUV XAF XOF XPF YER ZMK ZWD"
    )
    assert by_places[3] == ["BHD", "JOD", "KWD", "LYD", "OMR", "TND"]
    assert by_places[4] == ["CLF", "UYW"]


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (1000, [333, 667, 1001], [167, 333, 500]),
        (2, [1, 1, 1], [1, 1, 0]),
        (10000, [3333, 3333, 3334, 5000], [2222, 2222, 2223, 3333]),
        (1, [5, 5, 5], [1, 0, 0]),
        (-2, [1, 1, 1], [-1, -1, 0]),
        (7, [0, 3, 0], [0, 7, 0]),
        (100, [1], [100]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_split_by_example(amount: int, weights: list[int], parts: list[int]) -> None:
    assert money.split_proportionally(amount, weights) == parts


@given(AMOUNTS, WEIGHTS.filter(any))
def test_a_split_is_exact_in_sum_fair_to_one_unit_and_symmetrical(amount: int, weights: list[int]) -> None:
    parts = money.split_proportionally(amount, weights)
    shares = [Fraction(amount * weight, sum(weights)) for weight in weights]
    assert sum(parts) == amount
    assert all(abs(part - share) < 1 for part, share in zip(parts, shares, strict=True))
    assert all(part == share for part, share in zip(parts, shares, strict=True) if share.denominator == 1)
    assert money.split_proportionally(-amount, weights) == [-part for part in parts]


@given(st.integers(0, 10**6), st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any))
def test_a_split_gives_spare_units_to_the_largest_remainders_and_then_by_position(amount: int, weights: list[int]) -> None:
    shares = [Fraction(amount * weight, sum(weights)) for weight in weights]
    expected = [floor(share) for share in shares]
    owed = [share - floor(share) for share in shares]
    while sum(expected) < amount:
        neediest = owed.index(max(owed))
        expected[neediest] += 1
        owed[neediest] = Fraction(-1)
    assert money.split_proportionally(amount, weights) == expected


@given(WEIGHTS.filter(any), st.data())
def test_a_split_of_no_more_than_the_weights_stays_within_each(weights: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    parts = money.split_proportionally(amount, weights)
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, unique=True).filter(any))
def test_a_split_over_different_weights_depends_on_their_order_only_in_ties(amount: int, weights: list[int]) -> None:
    remainders = [amount * weight % sum(weights) for weight in weights]
    if len(set(remainders)) < len(remainders):
        return
    parts = dict(zip(weights, money.split_proportionally(amount, weights), strict=True))
    backwards = weights[::-1]
    assert money.split_proportionally(amount, backwards) == [parts[weight] for weight in backwards]


@pytest.mark.parametrize("weights", [[], [0], [0, 0, 0]])
def test_an_amount_is_not_split_over_nothing(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="no weight to split 5 over"):
        money.split_proportionally(5, weights)


@pytest.mark.parametrize("weights", [[-1], [5, -1], [1, -1]])
def test_negative_weights_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        money.split_proportionally(5, weights)


@given(st.lists(st.integers(-(10**12), 10**12), max_size=30), st.integers(1, 10**6))
def test_rounding_together_keeps_the_rounded_sum_and_each_within_one(numerators: Sequence[int], denominator: int) -> None:
    rounded = money.round_together(numerators, denominator)
    exact = [Fraction(numerator, denominator) for numerator in numerators]
    assert sum(rounded) == half_away_from_zero(sum(exact, Fraction(0)))
    assert all(abs(result - value) < 1 for result, value in zip(rounded, exact, strict=True))


@pytest.mark.parametrize(
    ("numerator", "denominator", "nearest"),
    [(1, 2, 1), (-1, 2, -1), (3, 2, 2), (-3, 2, -2), (1, 3, 0), (-2, 3, -1), (4, 8, 1), (0, 5, 0)],
)
def test_dividing_half_up_by_example(numerator: int, denominator: int, nearest: int) -> None:
    assert money.divide_half_up(numerator, denominator) == nearest


@given(st.integers(), st.integers(1))
def test_dividing_half_up_takes_the_nearest_integer_and_halves_away_from_zero(numerator: int, denominator: int) -> None:
    assert money.divide_half_up(numerator, denominator) == half_away_from_zero(Fraction(numerator, denominator))


@pytest.mark.parametrize("amount", [0, money.AMOUNT_MAX, -money.AMOUNT_MAX])
def test_amounts_within_64_bits_pass_the_range_check(amount: int) -> None:
    assert money.check_range(amount, "JPY") == amount


@pytest.mark.parametrize("amount", [money.AMOUNT_MAX + 1, -money.AMOUNT_MAX - 1])
def test_amounts_beyond_64_bits_fail_the_range_check_in_major_units(amount: int) -> None:
    with pytest.raises(money.AmountOutOfRange) as caught:
        money.check_range(amount, "KWD")
    assert caught.value.value == Decimal(amount).scaleb(-3)
