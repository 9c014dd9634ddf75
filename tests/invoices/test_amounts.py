"""Invoice amounts: examples worked by hand, and properties against fractions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdco import money
from holdco.invoices import amounts
from holdco.invoices.amounts import InvoiceAmounts, Line, LineAmounts

D = Decimal

CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])
PERCENTS = st.sampled_from([D(0), D(5), D("7.5"), D("33.333333"), D(50), D(100)]) | st.decimals(0, 100, places=4)
TAX_PERCENTS = st.sampled_from([D(0), D(7), D(19), D("8.875"), D(150)])
QUANTITIES = st.decimals(-10, 1000, places=3)
UNIT_PRICES = st.decimals(0, 10_000, places=4)
LINES = st.lists(
    st.builds(Line, QUANTITIES, UNIT_PRICES, st.just(D(0)) | PERCENTS, st.just(0), TAX_PERCENTS), min_size=1, max_size=12
)


def rounded(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2)) if exact >= 0 else -floor(-exact + Fraction(1, 2))


def gross_of(line: Line, currency: str) -> Fraction:
    return Fraction(line.quantity) * Fraction(line.unit_price) * int(10 ** money.exponent(currency))


def shared(exact: Sequence[Fraction]) -> list[int]:
    """The largest remainder, one unit at a time; a negative sum is that of the opposite document."""
    if sum(exact) < 0:
        return [-share for share in shared([-value for value in exact])]
    shares = [floor(value) for value in exact]
    remainders = [value - floor(value) for value in exact]
    while sum(shares) < rounded(sum(exact, Fraction(0))):
        largest = remainders.index(max(remainders))
        shares[largest] += 1
        remainders[largest] = Fraction(-1)
    return shares


def plain_totals(
    lines: Sequence[Line], currency: str, percent: Decimal, is_discount_before_tax: bool, other: int
) -> tuple[list[int], int, int, int]:
    """Amounts of the lines, document discount, taxes and total, by the shortest way that a textbook would take."""
    own = [rounded(gross_of(line, currency) * (1 - Fraction(line.discount_percent) / 100)) for line in lines]
    rate = Fraction(percent) / 100

    def tax_on(taxables: Sequence[int]) -> int:
        by_rate: dict[Decimal, int] = {}
        for line, taxable in zip(lines, taxables, strict=True):
            by_rate[line.tax_percent] = by_rate.get(line.tax_percent, 0) + taxable
        return sum(rounded(Fraction(tax_percent) / 100 * taxable) for tax_percent, taxable in by_rate.items())

    if is_discount_before_tax:
        discount = rounded(rate * sum(own))
        tax = tax_on([amount - share for amount, share in zip(own, shared([rate * amount for amount in own]), strict=True)])
    else:
        tax = tax_on(own)
        discount = rounded(rate * (sum(own) + tax))
    return own, discount, tax, sum(own) - discount + tax + other


@given(LINES, CURRENCIES, PERCENTS, st.booleans(), st.tuples(st.integers(0, 5000), st.integers(-500, 500)))
def test_totals_are_those_of_exact_arithmetic_and_the_sums_of_the_lines(
    lines: list[Line], currency: str, percent: Decimal, is_before_tax: bool, charges: tuple[int, int]
) -> None:
    shipping_charge, adjustment = charges
    own, discount, tax, total = plain_totals(lines, currency, percent, is_before_tax, shipping_charge + adjustment)
    assume(total >= 0)
    result = amounts.compute(
        lines,
        currency=currency,
        discount_percent=percent,
        is_discount_before_tax=is_before_tax,
        shipping_charge=shipping_charge,
        adjustment=adjustment,
    )
    assert [line.amount for line in result.lines] == own
    assert result.subtotal == sum(own)
    assert result.discount_total == discount == sum(line.document_discount for line in result.lines)
    assert result.tax_total == tax == sum(line.tax for line in result.lines)
    assert result.line_discount_total == sum(line.discount for line in result.lines)
    assert (result.shipping_charge, result.adjustment) == (shipping_charge, adjustment)
    assert result.total == total


@given(LINES, CURRENCIES, PERCENTS, st.booleans())
def test_each_line_carries_its_share_to_within_one_minor_unit(
    lines: list[Line], currency: str, percent: Decimal, is_discount_before_tax: bool
) -> None:
    result = amounts.compute(
        lines,
        currency=currency,
        discount_percent=percent,
        is_discount_before_tax=is_discount_before_tax,
        shipping_charge=10**12,
    )
    for line, figures in zip(lines, result.lines, strict=True):
        assert figures.amount + figures.discount == rounded(gross_of(line, currency))
        taxable = figures.amount - (figures.document_discount if is_discount_before_tax else 0)
        discountable = figures.amount + (0 if is_discount_before_tax else figures.tax)
        assert abs(figures.tax - Fraction(line.tax_percent) / 100 * taxable) < 1
        assert abs(figures.document_discount - Fraction(percent) / 100 * discountable) < 1


@given(LINES, CURRENCIES)
def test_a_line_discount_never_gives_more_than_the_line_costs(lines: list[Line], currency: str) -> None:
    result = amounts.compute(lines, currency=currency, shipping_charge=10**12)
    for line, figures in zip(lines, result.lines, strict=True):
        gross = rounded(gross_of(line, currency))
        assert min(0, gross) <= figures.discount <= max(0, gross)
        assert min(0, gross) <= figures.amount <= max(0, gross)


@given(LINES, CURRENCIES, PERCENTS, st.booleans(), st.data())
def test_the_order_of_lines_changes_no_total(
    lines: list[Line], currency: str, percent: Decimal, is_before_tax: bool, data: st.DataObject
) -> None:
    # Shares of a discount before tax that tie go to the first line, whose tax rate may be another: one rate for all, then.
    lines = [line._replace(tax_percent=D(19)) for line in lines]
    shuffled = data.draw(st.permutations(lines))
    results = [
        amounts.compute(
            some, currency=currency, discount_percent=percent, is_discount_before_tax=is_before_tax, shipping_charge=10**12
        )
        for some in (lines, shuffled)
    ]
    assert results[0][1:] == results[1][1:]


@given(LINES, PERCENTS)
def test_the_callers_decimal_context_changes_nothing(lines: list[Line], percent: Decimal) -> None:
    expected = amounts.compute(lines, currency="USD", discount_percent=percent, shipping_charge=10**12)
    with localcontext() as context:
        context.prec = 3
        assert amounts.compute(lines, currency="USD", discount_percent=percent, shipping_charge=10**12) == expected


def test_the_rows_of_an_export_recompute_to_its_item_totals_subtotal_and_total() -> None:
    # As in Zoho's invoice export: Quantity, Item Price, Item Total; then SubTotal and Total.
    rows = [("6.00", "4.25", 2550), ("1.00", "4.25", 425), ("4.00", "45.00", 18000), ("2.00", "140.00", 28000)]
    result = amounts.compute([Line(D(quantity), D(price)) for quantity, price, _ in rows], currency="USD")
    assert [line.amount for line in result.lines] == [item_total for _, _, item_total in rows]
    assert (result.subtotal, result.total) == (48975, 48975)
    assert (result.line_discount_total, result.discount_total, result.tax_total) == (0, 0, 0)


def test_a_price_finer_than_the_currency_is_rounded_once_on_the_line() -> None:
    # 12,345 calls at 0.0035 are 43.2075; a price rounded to cents first would make 0.00.
    result = amounts.compute([Line(D(12345), D("0.0035"))], currency="USD")
    assert result.lines == [LineAmounts(discount=0, amount=4321, document_discount=0, tax=0)]


@pytest.mark.parametrize(
    ("currency", "unit_price", "amount"), [("JPY", "0.5", 1), ("USD", "0.005", 1), ("KWD", "0.0005", 1), ("KWD", "0.0004", 0)]
)
def test_half_a_minor_unit_is_rounded_up(currency: str, unit_price: str, amount: int) -> None:
    assert amounts.compute([Line(D(1), D(unit_price))], currency=currency).subtotal == amount


def test_discounts_and_taxes_before_tax_by_hand() -> None:
    # 3 x 33.33 less 10 % = 89.991 -> 89.99; 1 x 50.00 less 5.00 = 45.00; subtotal 134.99. Document 5 % = 6.7495 -> 6.75:
    # exact shares 4.4995 and 2.25. Taxed are 85.49 at 19 % = 16.2431 and 42.75 at 7 % = 2.9925.
    result = amounts.compute(
        [
            Line(D(3), D("33.33"), discount_percent=D(10), tax_percent=D(19)),
            Line(D(1), D("50.00"), discount_amount=500, tax_percent=D(7)),
        ],
        currency="EUR",
        discount_percent=D(5),
        shipping_charge=490,
        adjustment=-1,
    )
    assert result == InvoiceAmounts(
        lines=[
            LineAmounts(discount=1000, amount=8999, document_discount=450, tax=1624),
            LineAmounts(discount=500, amount=4500, document_discount=225, tax=299),
        ],
        line_discount_total=1500,
        subtotal=13499,
        discount_total=675,
        tax_total=1923,
        shipping_charge=490,
        adjustment=-1,
        total=15236,
    )


def test_a_discount_after_tax_leaves_the_tax_alone_and_takes_its_part_of_it() -> None:
    lines = [Line(D(1), D(100), tax_percent=D(20))]
    before = amounts.compute(lines, currency="EUR", discount_percent=D(10))
    assert (before.discount_total, before.tax_total, before.total) == (1000, 1800, 10800)
    after = amounts.compute(lines, currency="EUR", discount_percent=D(10), is_discount_before_tax=False)
    assert (after.discount_total, after.tax_total, after.total) == (1200, 2000, 10800)


def test_the_tax_of_a_rate_is_rounded_once_and_shared_by_its_lines() -> None:
    # 3 x 0.05 at 10 % is 0.015 -> 0.02; line by line it would be 0.03. The other rate is a sum of its own: 0.0125 -> 0.01.
    nickel = Line(D(1), D("0.05"), tax_percent=D(10))
    result = amounts.compute([nickel, nickel._replace(tax_percent=D(25)), nickel, nickel], currency="USD")
    assert [line.tax for line in result.lines] == [1, 1, 1, 0]
    assert result.tax_total == 3


def test_one_yen_of_discount_goes_to_the_first_of_equal_lines() -> None:
    result = amounts.compute([Line(D(1), D(5))] * 3, currency="JPY", discount_percent=D(7))
    assert [line.document_discount for line in result.lines] == [1, 0, 0]
    assert result.total == 14


def test_a_returned_item_takes_back_its_share_of_discount_and_tax() -> None:
    result = amounts.compute(
        [Line(D(2), D(50), tax_percent=D(20)), Line(D(-1), D(50), discount_percent=D(10), tax_percent=D(20))],
        currency="USD",
        discount_percent=D(10),
    )
    assert result.lines == [
        LineAmounts(discount=0, amount=10000, document_discount=1000, tax=1800),
        LineAmounts(discount=-500, amount=-4500, document_discount=-450, tax=-810),
    ]
    assert (result.subtotal, result.discount_total, result.tax_total, result.total) == (5500, 550, 990, 5940)


def test_a_discount_of_all_leaves_nothing_to_tax() -> None:
    lines = [Line(D(3), D("19.99"), discount_percent=D(100), tax_percent=D(19)), Line(D(1), D("0.01"), tax_percent=D(19))]
    result = amounts.compute(lines, currency="EUR", discount_percent=D(100))
    assert (result.line_discount_total, result.subtotal, result.discount_total, result.tax_total) == (5997, 1, 1, 0)
    assert result.total == 0


def test_an_invoice_without_lines_comes_to_its_charges() -> None:
    result = amounts.compute([], currency="USD", discount_percent=D(10), shipping_charge=500, adjustment=25)
    assert result == InvoiceAmounts([], 0, 0, 0, 0, 500, 25, 525)


def test_a_total_of_zero_stands_and_one_below_zero_is_refused() -> None:
    lines = [Line(D(1), D("10.00"))]
    assert amounts.compute(lines, currency="USD", adjustment=-1000).total == 0
    with pytest.raises(amounts.TotalNegative) as caught:
        amounts.compute(lines, currency="USD", adjustment=-1001)
    assert (caught.value.total, caught.value.currency, caught.value.line) == (-1, "USD", None)
    assert str(caught.value).startswith("The invoice would come to -0.01 USD.")


@pytest.mark.parametrize("percent", ["-0.01", "100.000001", "50.0000001", "NaN", "sNaN", "Infinity", "1E+999999", "1E-999999"])
def test_a_discount_percent_out_of_range_is_refused(percent: str) -> None:
    with pytest.raises(amounts.PercentOutOfRange) as caught:
        amounts.compute([], currency="USD", discount_percent=D(percent))
    assert (caught.value.field, caught.value.line) == ("discount_percent", None)
    good = Line(D(1), D(1))
    with pytest.raises(amounts.PercentOutOfRange) as caught:
        amounts.compute([good, good._replace(discount_percent=D(percent))], currency="USD")
    assert (caught.value.field, caught.value.line) == ("discount_percent", 1)


@pytest.mark.parametrize("percent", ["-1", "1000", "0.0000001", "NaN", "Infinity"])
def test_a_tax_percent_out_of_range_is_refused(percent: str) -> None:
    with pytest.raises(amounts.PercentOutOfRange) as caught:
        amounts.compute([Line(D(1), D(1), tax_percent=D(percent))], currency="USD")
    assert (caught.value.field, caught.value.line) == ("tax_percent", 0)


@pytest.mark.parametrize("field", ["quantity", "unit_price"])
@pytest.mark.parametrize("value", ["NaN", "sNaN", "-Infinity", "0.0000001", "1E+18", "-1E+18", "1E+999999", "1E-999999"])
def test_a_quantity_or_price_that_cannot_be_stored_is_refused(field: str, value: str) -> None:
    factors = {"quantity": D(1), "unit_price": D(1)} | {field: D(value)}
    with pytest.raises(amounts.FactorOutOfRange) as caught:
        amounts.compute([Line(factors["quantity"], factors["unit_price"])], currency="USD")
    assert (caught.value.field, caught.value.line) == (field, 0)


def test_zeros_beyond_six_places_are_no_places() -> None:
    line = Line(D("2.000000000"), D("1.50000000"), discount_percent=D("10.0000000"), tax_percent=D("0E-20"))
    assert amounts.compute([line], currency="USD").total == 270


@pytest.mark.parametrize("line", [Line(D(1), D("10.00"), discount_amount=1001), Line(D(-1), D(10), discount_amount=1)])
def test_a_line_discount_above_the_line_is_refused(line: Line) -> None:
    with pytest.raises(amounts.LineDiscountTooLarge) as caught:
        amounts.compute([Line(D(1), D(1)), line], currency="USD")
    gross = int(line.quantity * line.unit_price * 100)
    assert (caught.value.discount_amount, caught.value.gross, caught.value.line) == (line.discount_amount, gross, 1)


def test_a_line_discount_of_the_whole_line_is_taken() -> None:
    result = amounts.compute([Line(D(1), D("10.00"), discount_amount=1000)], currency="USD")
    assert result.lines == [LineAmounts(discount=1000, amount=0, document_discount=0, tax=0)]


def test_negative_charges_and_discounts_are_refused() -> None:
    with pytest.raises(amounts.AmountNegative) as caught:
        amounts.compute([], currency="USD", shipping_charge=-1)
    assert (caught.value.field, caught.value.amount, caught.value.line) == ("shipping_charge", -1, None)
    with pytest.raises(amounts.AmountNegative) as caught:
        amounts.compute([Line(D(1), D(1), discount_amount=-1)], currency="USD")
    assert (caught.value.field, caught.value.amount, caught.value.line) == ("discount_amount", -1, 0)


def test_a_percentage_together_with_an_amount_is_refused() -> None:
    with pytest.raises(amounts.LineDiscountAmbiguous) as caught:
        amounts.compute([Line(D(1), D(10), discount_percent=D(5), discount_amount=1)], currency="USD")
    assert caught.value.line == 0


@pytest.mark.parametrize(
    ("lines", "shipping_charge", "adjustment"),
    [
        ([Line(D(10) ** 13, D(10) ** 17)], 0, 0),
        ([Line(D(1), D(10) ** 17, discount_percent=D(100))], 0, 0),
        ([Line(D(1), D(5) * 10**16)] * 2, 0, 0),
        ([Line(D(1), D(9) * 10**16, tax_percent=D(900))], 0, 0),
        ([], 2**63, -(2**63)),
        ([Line(D(1), D(9) * 10**16), Line(D(-1), D(9) * 10**16)], 0, 2**63),
        ([Line(D(1), D(10) ** 17), Line(D(-1), D(10) ** 17)], 0, 0),
        ([Line(D(1), D(9) * 10**16, tax_percent=D(900)), Line(D(-1), D(9) * 10**16, tax_percent=D(900))], 0, 0),
    ],
)
def test_figures_beyond_64_bits_are_refused(lines: list[Line], shipping_charge: int, adjustment: int) -> None:
    with pytest.raises(money.AmountOutOfRange):
        amounts.compute(lines, currency="USD", shipping_charge=shipping_charge, adjustment=adjustment)


def test_shares_beyond_64_bits_are_refused_even_where_they_cancel_out() -> None:
    lines = [Line(D(quantity), D(9) * 10**16, tax_percent=D(100)) for quantity in (1, -1)]
    assert amounts.compute(lines, currency="USD").total == 0
    with pytest.raises(money.AmountOutOfRange):
        amounts.compute(lines, currency="USD", discount_percent=D(100), is_discount_before_tax=False)


def test_a_tax_just_below_the_limit_is_no_other_in_a_coarse_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 3
        assert amounts.compute([Line(D(1), D(100), tax_percent=D("999.99"))], currency="USD").tax_total == 99999


def test_the_largest_amount_is_computed_exactly() -> None:
    result = amounts.compute([Line(D(1), D("92233720368547758.07"))], currency="USD")
    assert result.total == money.AMOUNT_MAX


def test_an_unknown_currency_is_refused_first() -> None:
    with pytest.raises(money.UnknownCurrency):
        amounts.compute([Line(D("NaN"), D(1))], currency="usd", shipping_charge=-1)
