"""Cells: what is read, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdco.imports import values
from holdco.imports.problems import CellRefused, DateFormatRefused
from holdco.imports.values import DateFormat
from holdco.payment_terms import PaymentTerms, PaymentTermsKind


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("yyyy-MM-dd", "2025-04-03", date(2025, 4, 3)),
        ("YYYY-MM-DD", "2025-04-03", date(2025, 4, 3)),
        ("dd/MM/yyyy", "03/04/2025", date(2025, 4, 3)),
        ("MM/dd/yyyy", "04/03/2025", date(2025, 4, 3)),
        ("d.M.yyyy", "3.4.2025", date(2025, 4, 3)),
        ("d.M.yyyy", "13.12.2025", date(2025, 12, 13)),
        ("dd MMM yyyy", "03 Sept 2025", date(2025, 9, 3)),
        ("MMMM d, yyyy", "April 3, 2025", date(2025, 4, 3)),
        ("EEE, MMM dd, yyyy", "Thu, Apr 03, 2025", date(2025, 4, 3)),
        ("yyyyMMdd", "20250403", date(2025, 4, 3)),
        ("%Y-%m-%d", "2025-04-03", date(2025, 4, 3)),
        ("%d %b %Y", "3 apr 2025", date(2025, 4, 3)),
        ("yyyy-MM-dd", "2024-02-29", date(2024, 2, 29)),
    ],
)
def test_a_date_is_read_as_the_format_says(pattern: str, text: str, expected: date) -> None:
    assert DateFormat(pattern).read[text] == expected


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd", "d/M/yyyy", "EEE, MMM dd yyyy", "EEEE d MMMM yyyy", "%d.%m.%Y", "%a %d %b %Y"])
@given(day=st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_date_is_written_as_it_is_read(pattern: str, day: date) -> None:
    dates = DateFormat(pattern)
    assert dates.read[dates.text(day)] == day
    if "%" in pattern:
        assert dates.text(day) == day.strftime(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd", "03/04/2025"),
        ("yyyy-MM-dd", "2025-4-3"),
        ("yyyy-MM-dd", "2025-04-03 00:00"),
        ("yyyy-MM-dd", "2025-02-29"),
        ("yyyy-MM-dd", "0025-04-03"),
        ("dd/MM/yyyy", "13/25/2025"),
        ("MM/dd/yyyy", "25/04/2025"),
        ("dd/MM/yyyy", "03/04/25"),
        ("dd MMM yyyy", "03 Avr 2025"),
        ("yyyy-MM-dd", "\N{ARABIC-INDIC DIGIT TWO}025-04-03"),
        ("yyyy.MM.dd", "2025-04-03"),
    ],
)
def test_a_date_of_another_form_is_refused(pattern: str, text: str) -> None:
    with pytest.raises(CellRefused, match=pattern):
        DateFormat(pattern).read[text]


@pytest.mark.parametrize(
    "pattern", ["", "yy-MM-dd", "dd/MM/yy", "yyyy-MM", "yyyy-MM-MM", "yyyy-MM-dd HH:mm", "%y-%m-%d", "%", "%D"]
)
def test_a_format_that_leaves_the_day_open_is_refused(pattern: str) -> None:
    with pytest.raises(DateFormatRefused, match="Write it as yyyy-MM-dd"):
        DateFormat(pattern)


@pytest.mark.parametrize(
    ("text", "expected"), [("1250", 125_000), ("1250.00", 125_000), ("-0.05", -5), ("1,250.50", 125_050), ("489.7500", 48_975)]
)
def test_an_amount_is_exact(text: str, expected: int) -> None:
    assert values.amounts("GBP")[text] == expected


@pytest.mark.parametrize(
    "text",
    ["1,250", "1.250,00", "12,50", "$5", "5 USD", "£5.00", "(5.00)", "1E3", "NaN", "Infinity", "5.", ".5", "+5", "1 000.00",
     "--5", "12,34.00", "\N{ARABIC-INDIC DIGIT FIVE}", "0.005", "9" * 41, "99999999999999999999.00"],
)  # fmt: skip
def test_an_amount_that_could_mean_two_things_or_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(CellRefused):
        values.amounts("GBP")[text]


def test_the_places_of_an_amount_are_its_currencys() -> None:
    assert (values.amounts("JPY")["7.00"], values.amounts("KWD")["0.125"]) == (7, 125)
    with pytest.raises(CellRefused, match="more decimal places than JPY"):
        values.amounts("JPY")["7.50"]


def test_an_empty_amount_is_none() -> None:
    assert values.amounts("GBP")[""] is None


def test_a_percentage_may_have_its_sign() -> None:
    assert [values.percent(text) for text in ("10", "7.5%", "12 %")] == [Decimal(10), Decimal("7.5"), Decimal(12)]


@pytest.mark.parametrize(
    "text", ["2.52E+18", "2,52E+18", "3E18", "2.52002e18", "2520018000000073000.0", "2520018000000073000.00"]
)
def test_an_id_that_a_spreadsheet_has_made_a_number_of_is_refused_with_that_reason(text: str) -> None:
    with pytest.raises(CellRefused, match="its last digits are lost"):
        values.identifier(text)


@pytest.mark.parametrize("text", ["2520018000000073005", "0042", "CUS-7", "3E8", "12.5"])
def test_an_id_is_kept_as_it_is(text: str) -> None:
    assert values.identifier(text) == text


def test_booleans_are_read_in_the_ways_people_write_them() -> None:
    assert [values.boolean(text) for text in ("true", "Yes", "1", "FALSE", "no", "0")] == [True, True, True, False, False, False]
    with pytest.raises(CellRefused, match="neither true nor false"):
        values.boolean("maybe")


NET_30 = PaymentTerms(PaymentTermsKind.NET, 30)


@pytest.mark.parametrize(
    ("days", "label", "expected"),
    [
        ("30", "Net 30", NET_30),
        ("30", "", NET_30),
        ("", "net 30 days", NET_30),
        ("30", "House terms", NET_30),
        ("0", "Due on Receipt", PaymentTerms(PaymentTermsKind.DUE_ON_RECEIPT)),
        ("0", "", PaymentTerms(PaymentTermsKind.DUE_ON_RECEIPT)),
        ("", "Net 0", PaymentTerms(PaymentTermsKind.DUE_ON_RECEIPT)),
        ("0", "Due end of the month", PaymentTerms(PaymentTermsKind.END_OF_MONTH)),
        ("-2", "Due end of next month", PaymentTerms(PaymentTermsKind.END_OF_NEXT_MONTH)),
        ("0", "Custom", None),
        ("", "Custom", None),
        ("", "", None),
    ],
)
def test_payment_terms_come_from_days_and_label(days: str, label: str, expected: PaymentTerms | None) -> None:
    assert values.payment_terms(days, label) == expected


@pytest.mark.parametrize(("days", "label"), [("15", "Net 30"), ("-2", "House terms"), ("ten", ""), ("7.5", ""), ("10000", "")])
def test_payment_terms_that_contradict_themselves_are_refused(days: str, label: str) -> None:
    with pytest.raises(CellRefused):
        values.payment_terms(days, label)


def test_what_was_read_is_remembered_but_not_without_end() -> None:
    asked: list[str] = []
    remembered = values.Remembered[str](lambda text: asked.append(text) or text)
    assert [remembered["a"], remembered["a"]] == ["a", "a"]
    assert asked == ["a"]
    for number in range(50_001):
        remembered[str(number)]
    assert len(remembered) < 50_001
