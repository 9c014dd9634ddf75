"""Reads what stands in cells. Nothing is guessed: what could mean two things is refused, with a sentence that says how to
write it. Every function raises CellRefused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from holdco import money
from holdco.imports.headings import normalised
from holdco.imports.problems import CellRefused, DateFormatRefused
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.validation import NAME_LENGTH_MAX

Value = TypeVar("Value")
Member = TypeVar("Member", bound=StrEnum)

_CACHED_MAX: Final = 50_000
_YEARS: Final = range(1900, 2200)
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_WORD: Final = "[A-Za-z]{3,9}"
# Letters as Java and Zoho write them, in whatever case: there are no minutes in a date that MM could be confused with.
_LETTERS: Final[Mapping[str, tuple[str, str]]] = {
    "yyyy": ("year", "[0-9]{4}"),
    "mm": ("month", "[0-9]{2}"),
    "m": ("month", "[0-9]{1,2}"),
    "mmm": ("month_name", _WORD),
    "mmmm": ("month_name", _WORD),
    "dd": ("day", "[0-9]{2}"),
    "d": ("day", "[0-9]{1,2}"),
    "eee": ("weekday", _WORD),
    "eeee": ("weekday", _WORD),
}
_DIRECTIVES: Final = {"%Y": "yyyy", "%m": "m", "%b": "mmm", "%B": "mmmm", "%d": "d", "%a": "eee", "%A": "eeee"}
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WRITTEN: Final[Mapping[str, Callable[[date], str]]] = {
    "yyyy": lambda day: f"{day.year:04}",
    "mm": lambda day: f"{day.month:02}",
    "m": lambda day: str(day.month),
    "mmm": lambda day: _MONTHS[day.month - 1][:3].title(),
    "mmmm": lambda day: _MONTHS[day.month - 1].title(),
    "dd": lambda day: f"{day.day:02}",
    "d": lambda day: str(day.day),
    "eee": lambda day: _WEEKDAYS[day.weekday()][:3],
    "eeee": lambda day: _WEEKDAYS[day.weekday()],
}

_PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# Commas between groups of three and a dot behind them can only be read one way; without the dot 1,250 can be read two ways.
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+")
# With the exponent of two digits that ids of 19 digits get; 3E8 may well be somebody's number.
_SCIENTIFIC: Final = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]{2}")
_FRACTION: Final = re.compile(r"[0-9]{10,}\.0+")
_NUMBER_LENGTH_MAX: Final = 40
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Remembered(dict[str, Value]):
    """What was read before is not read again: the same dates and amounts come thousands of times."""

    @classmethod
    def with_empty(cls, parse: Callable[[str], Value]) -> Remembered[Value | None]:
        """As the class itself, but an empty text is None."""

        def parse_or_none(text: str) -> Value | None:
            return parse(text) if text else None

        return Remembered[Value | None](parse_or_none)

    def __init__(self, parse: Callable[[str], Value]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> Value:
        value = self._parse(text)
        if len(self) >= _CACHED_MAX:
            self.clear()
        self[text] = value
        return value


class DateFormat:
    """A format such as yyyy-MM-dd, dd/MM/yyyy or MMM dd, yyyy, or the same as strptime writes it: %Y-%m-%d (rule 4).

    `read` maps a text to a date and refuses one of any other form; `text` writes what it reads. Month names are English. Raises
    DateFormatRefused for a format that does not say year, month and day once each, or has a year of two digits.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        parts: list[str] = []
        names: list[str] = []
        self._pieces: list[str | Callable[[date], str]] = []
        self._written: dict[date, str] = {}
        for piece in re.findall(r"%.?|(?i:y+|m+|d+|e+)|[A-Za-z]+|[^A-Za-z%]+", pattern):
            letters = _DIRECTIVES.get(piece, piece.lower())
            if letters not in _LETTERS:
                if piece[0].isalpha() or piece[0] == "%":
                    raise DateFormatRefused(_format_sentence(pattern, piece))
                parts.append(re.escape(piece))
                self._pieces.append(piece)
                continue
            # strptime reads one digit as well as two, strftime writes two.
            self._pieces.append(_WRITTEN[{"%m": "mm", "%d": "dd"}.get(piece, letters)])
            name, expression = _LETTERS[letters]
            names.append(name)
            parts.append(f"(?P<{name}>{expression})" if name not in names[:-1] else expression)
        kinds = sorted(name.removesuffix("_name") for name in names if name != "weekday")
        if kinds != ["day", "month", "year"]:
            raise DateFormatRefused(_format_sentence(pattern, None))
        self._expression = re.compile("".join(parts))
        self.read: Mapping[str, date] = Remembered(self._parse)

    def text(self, day: date) -> str:
        written = self._written.get(day)
        if written is None:
            written = self._written[day] = "".join(piece if isinstance(piece, str) else piece(day) for piece in self._pieces)
        return written

    def _parse(self, text: str) -> date:
        match = self._expression.fullmatch(text)
        if match is None:
            raise CellRefused(f"{shown(text)} is no date of the form {self.pattern}.")
        found = match.groupdict()
        year, day = int(found["year"]), int(found["day"])
        month = int(found["month"]) if "month" in found else _month(found["month_name"])
        try:
            result = date(year, month, day)
        except ValueError:
            raise CellRefused(f"{shown(text)} is no day of the calendar, read as {self.pattern}.") from None
        if year not in _YEARS:
            raise CellRefused(f"{shown(text)} lies in the year {year}, read as {self.pattern}.")
        return result


def _format_sentence(pattern: str, piece: str | None) -> str:
    why = "needs a year of four digits, a month and a day, each once" if piece is None else f"has {piece!r} in it"
    return f"The date format {pattern!r} {why}. Write it as yyyy-MM-dd, dd/MM/yyyy, MM/dd/yyyy or %Y-%m-%d."


def _month(name: str) -> int:
    folded = name.lower()
    for number, month in enumerate(_MONTHS, start=1):
        if folded in {month, month[:3]} or (folded == "sept" and number == 9):  # noqa: PLR2004 (September)
            return number
    return 0


def amounts(currency: str) -> Remembered[int | None]:
    """Maps texts to minor units of a currency, exactly: more places than the currency has are refused. Nothing is None."""

    def parse(text: str) -> int:
        try:
            return money.from_decimal(number(text), currency)
        except money.AmountRefused as problem:
            raise CellRefused(str(problem)) from None

    return Remembered[int].with_empty(parse)


def number(text: str) -> Decimal:
    """1250.00 or 1,250.00; not 1,250, which is 1.25 in half of the world, nor 1.250,00, $5 or 1E3."""
    if len(text) <= _NUMBER_LENGTH_MAX:
        if _PLAIN.fullmatch(text):
            return Decimal(text)
        if _GROUPED.fullmatch(text):
            return Decimal(text.replace(",", ""))
    raise CellRefused(f"{shown(text)} is not a plain number. Write 1250.00: a dot before the decimals, no currency sign.")


def percent(text: str) -> Decimal:
    """10, 10.00 and 10% are ten percent."""
    return number(text.removesuffix("%").rstrip())


def whole_number(text: str) -> int:
    value = number(text)
    if value != int(value):
        raise CellRefused(f"{shown(text)} is not a whole number.")
    return int(value)


def boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise CellRefused(f"{shown(text)} is neither true nor false.") from None


def identifier(text: str) -> str:
    """An id of the other system, as it is (rule 2). What a spreadsheet has made a number of has lost its last digits."""
    if _SCIENTIFIC.fullmatch(text) or _FRACTION.fullmatch(text):
        raise CellRefused(
            f"{shown(text)} was an id before a spreadsheet made a number of it; its last digits are lost. Export the file again "
            "and do not save it from a spreadsheet, or format the column as text first."
        )
    return limited(text)


def limited(text: str, length_max: int = NAME_LENGTH_MAX) -> str:
    if len(text) > length_max:
        raise CellRefused(f"This text is {len(text)} characters long; at most {length_max} are kept.")
    return text


def currency(text: str) -> str:
    if not money.is_currency(text):
        raise CellRefused(f"{shown(text)} is not a currency. Write its three letters (ISO 4217), such as USD.")
    return text


def chosen(text: str, members: Mapping[str, Value]) -> Value:
    """The value that a word stands for; case, spaces and punctuation do not count."""
    try:
        return members[normalised(text)]
    except KeyError:
        raise CellRefused(f"{shown(text)} is not known here. Known are: {', '.join(members)}.") from None


_CALENDAR_TERMS: Final = {
    "dueonreceipt": PaymentTermsKind.DUE_ON_RECEIPT,
    "dueendofthemonth": PaymentTermsKind.END_OF_MONTH,
    "dueendofmonth": PaymentTermsKind.END_OF_MONTH,
    "endofmonth": PaymentTermsKind.END_OF_MONTH,
    "dueendofnextmonth": PaymentTermsKind.END_OF_NEXT_MONTH,
    "endofnextmonth": PaymentTermsKind.END_OF_NEXT_MONTH,
}
_NET: Final = re.compile(r"net([0-9]{1,4})(days)?")
_NET_DAYS_MAX: Final = 9999


def payment_terms(days: str, label: str) -> PaymentTerms | None:
    """From days and label: "Net 30", "Due on Receipt", "Due end of the month"; None where neither says anything.

    A label of the organization's own ("Custom", "2 weeks") counts by its days; without days above 0 it says nothing.
    """
    word = normalised(label)
    if kind := _CALENDAR_TERMS.get(word):
        return PaymentTerms(kind)
    net_days = whole_number(days) if days else None
    if net_days is not None and not 0 <= net_days <= _NET_DAYS_MAX:
        raise CellRefused(f"{net_days} are no days of payment terms; the label {shown(label)} is not known either.")
    if net := _NET.fullmatch(word):
        if net_days is not None and net_days != int(net[1]):
            raise CellRefused(f"The label {shown(label)} does not go with {net_days} days.")
        return _net(int(net[1]))
    if net_days is None or (word and net_days == 0):
        return None
    return _net(net_days)


def _net(days: int) -> PaymentTerms:
    return PaymentTerms(PaymentTermsKind.NET, days) if days else PaymentTerms(PaymentTermsKind.DUE_ON_RECEIPT)


def shown(text: str) -> str:
    return f"“{text}”" if len(text) <= 60 else f"“{text[:57]}…”"  # noqa: PLR2004 (enough to recognise a cell)
