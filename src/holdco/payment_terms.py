"""Payment terms: by when an invoice is to be paid. Calendar arithmetic, nothing else (domain.md M2, I8)."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from enum import StrEnum
from typing import Final, assert_never

# Ten years: beyond that a number of days is a slip of the hand.
NET_DAYS_MAX: Final = 3650


class PaymentTermsKind(StrEnum):
    NET = "NET"
    DUE_ON_RECEIPT = "DUE_ON_RECEIPT"
    END_OF_MONTH = "END_OF_MONTH"
    END_OF_NEXT_MONTH = "END_OF_NEXT_MONTH"


class TermsRefused(ValueError):
    """What all refusals of this module have in common."""


class NetDaysOutOfRange(TermsRefused):
    def __init__(self, kind: PaymentTermsKind, net_days: int) -> None:
        self.kind = kind
        self.net_days = net_days
        expected = f"0 to {NET_DAYS_MAX} days" if kind is PaymentTermsKind.NET else "no days: its date comes from the calendar"
        super().__init__(f"{net_days} days do not go with the payment terms {kind}, which take {expected}.")


class DueDateOutOfRange(TermsRefused):
    def __init__(self, invoice_date: date, terms: PaymentTerms) -> None:
        self.invoice_date = invoice_date
        self.terms = terms
        super().__init__(f"An invoice of {invoice_date} with the terms “{label(terms)}” would be due after the year {MAXYEAR}.")


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """`net_days` are calendar days after the invoice date, 0 to NET_DAYS_MAX with NET and 0 with every other kind.

    Raises NetDaysOutOfRange.
    """

    kind: PaymentTermsKind
    net_days: int = 0

    def __post_init__(self) -> None:
        days_max = NET_DAYS_MAX if self.kind is PaymentTermsKind.NET else 0
        if not 0 <= self.net_days <= days_max:
            raise NetDaysOutOfRange(self.kind, self.net_days)


def due_date(invoice_date: date, terms: PaymentTerms) -> date:
    """The last day on which an invoice of that date can be paid without being overdue (domain.md M4).

    END_OF_MONTH is the last day of the invoice's month, that very day when it is dated on it; END_OF_NEXT_MONTH the last day
    of the month that follows. Raises DueDateOutOfRange when the calendar ends before.
    """
    try:
        match terms.kind:
            case PaymentTermsKind.NET:
                return invoice_date + timedelta(days=terms.net_days)
            case PaymentTermsKind.DUE_ON_RECEIPT:
                return invoice_date
            case PaymentTermsKind.END_OF_MONTH:
                return _end_of_month(invoice_date)
            case PaymentTermsKind.END_OF_NEXT_MONTH:
                return _end_of_month(_end_of_month(invoice_date) + timedelta(days=1))
            case _:
                assert_never(terms.kind)
    except OverflowError:
        raise DueDateOutOfRange(invoice_date, terms) from None


def label(terms: PaymentTerms) -> str:
    """The terms as an invoice prints them: "Net 30", "Due on receipt", "End of month", "End of next month"."""
    match terms.kind:
        case PaymentTermsKind.NET:
            return f"Net {terms.net_days}"
        case PaymentTermsKind.DUE_ON_RECEIPT:
            return "Due on receipt"
        case PaymentTermsKind.END_OF_MONTH:
            return "End of month"
        case PaymentTermsKind.END_OF_NEXT_MONTH:
            return "End of next month"
        case _:
            assert_never(terms.kind)


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
