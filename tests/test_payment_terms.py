from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdco.payment_terms import DueDateOutOfRange, NetDaysOutOfRange, PaymentTerms, PaymentTermsKind, due_date, label

NET_30 = PaymentTerms(PaymentTermsKind.NET, 30)
ON_RECEIPT = PaymentTerms(PaymentTermsKind.DUE_ON_RECEIPT)
END_OF_MONTH = PaymentTerms(PaymentTermsKind.END_OF_MONTH)
END_OF_NEXT_MONTH = PaymentTerms(PaymentTermsKind.END_OF_NEXT_MONTH)

DATES = st.dates(max_value=date(9999, 10, 31))


@pytest.mark.parametrize(
    ("invoice_date", "terms", "due"),
    [
        ("2026-01-30", NET_30, "2026-03-01"),
        ("2024-01-30", NET_30, "2024-02-29"),
        ("2026-12-15", NET_30, "2027-01-14"),
        ("2026-01-31", PaymentTerms(PaymentTermsKind.NET, 0), "2026-01-31"),
        ("2023-03-01", PaymentTerms(PaymentTermsKind.NET, 365), "2024-02-29"),
        ("2026-03-31", ON_RECEIPT, "2026-03-31"),
        ("2026-02-01", END_OF_MONTH, "2026-02-28"),
        ("2024-02-01", END_OF_MONTH, "2024-02-29"),
        ("2000-02-10", END_OF_MONTH, "2000-02-29"),
        ("2100-02-10", END_OF_MONTH, "2100-02-28"),
        ("2026-04-30", END_OF_MONTH, "2026-04-30"),
        ("9999-12-05", END_OF_MONTH, "9999-12-31"),
        ("2026-01-31", END_OF_NEXT_MONTH, "2026-02-28"),
        ("2024-01-31", END_OF_NEXT_MONTH, "2024-02-29"),
        ("2026-02-28", END_OF_NEXT_MONTH, "2026-03-31"),
        ("2026-12-31", END_OF_NEXT_MONTH, "2027-01-31"),
        ("9999-11-30", END_OF_NEXT_MONTH, "9999-12-31"),
    ],
)
def test_due_dates_by_example(invoice_date: str, terms: PaymentTerms, due: str) -> None:
    assert due_date(date.fromisoformat(invoice_date), terms) == date.fromisoformat(due)


@given(DATES, st.integers(0, 60))
def test_net_days_are_calendar_days(invoice_date: date, net_days: int) -> None:
    terms = PaymentTerms(PaymentTermsKind.NET, net_days)
    assert due_date(invoice_date, terms).toordinal() == invoice_date.toordinal() + net_days


@given(DATES)
def test_the_end_of_a_month_is_the_last_day_with_its_month_and_not_before_the_invoice(invoice_date: date) -> None:
    due = due_date(invoice_date, END_OF_MONTH)
    assert due >= invoice_date
    assert (due.year, due.month) == (invoice_date.year, invoice_date.month)
    assert (due + timedelta(days=1)).day == 1


@given(DATES)
def test_the_end_of_next_month_is_the_end_of_the_month_that_follows(invoice_date: date) -> None:
    due = due_date(invoice_date, END_OF_NEXT_MONTH)
    assert due.year * 12 + due.month == invoice_date.year * 12 + invoice_date.month + 1
    assert (due + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("invoice_date", "terms"),
    [
        (date(9999, 12, 2), NET_30),
        (date(9999, 12, 1), END_OF_NEXT_MONTH),
        (date(9999, 12, 31), END_OF_NEXT_MONTH),
        (date(9995, 1, 1), PaymentTerms(PaymentTermsKind.NET, 3650)),
    ],
)
def test_a_due_date_after_the_calendar_ends_is_refused(invoice_date: date, terms: PaymentTerms) -> None:
    with pytest.raises(DueDateOutOfRange) as caught:
        due_date(invoice_date, terms)
    assert (caught.value.invoice_date, caught.value.terms) == (invoice_date, terms)


@pytest.mark.parametrize(
    ("kind", "net_days"),
    [
        (PaymentTermsKind.NET, -1),
        (PaymentTermsKind.NET, 3651),
        (PaymentTermsKind.NET, 10**30),
        *((kind, 1) for kind in PaymentTermsKind if kind is not PaymentTermsKind.NET),
    ],
)
def test_days_that_do_not_go_with_the_terms_are_refused(kind: PaymentTermsKind, net_days: int) -> None:
    with pytest.raises(NetDaysOutOfRange) as caught:
        PaymentTerms(kind, net_days)
    assert (caught.value.kind, caught.value.net_days) == (kind, net_days)


def test_payment_terms_are_labelled_as_invoices_print_them() -> None:
    labels = [label(terms) for terms in (NET_30, ON_RECEIPT, END_OF_MONTH, END_OF_NEXT_MONTH)]
    assert labels == ["Net 30", "Due on receipt", "End of month", "End of next month"]
