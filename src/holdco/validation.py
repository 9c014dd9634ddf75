"""What a text or number must be like before it is stored. One place, so that every mutation and every import refuses alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal, Inexact
from enum import StrEnum
from typing import Any, Final, TypeVar

from holdco import money
from holdco.errors import InvalidInput, Refusal, Refused

# Longer values do not fit into an index, and nobody's name or number is longer.
NAME_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 10_000

# Of prices, quantities and percentages. More would be rounded by the database behind our back.
PLACES_MAX: Final = 6
_SMALLEST: Final = Decimal(1).scaleb(-PLACES_MAX)
_EXACT: Final = Context(prec=40, traps=[Inexact])

Member = TypeVar("Member", bound=StrEnum)

# From a value and the name of its field to the value as it is stored. Raises InvalidInput.
Cleaner = Callable[[Any, str], Any]


def cleaned(values: Mapping[str, Any], cleaners: Mapping[str, Cleaner]) -> dict[str, Any]:
    """Each value by the cleaner of its name, which speaks of the field as clients write it.

    Raises Refused with every problem at once.
    """
    result: dict[str, Any] = {}
    problems: list[Refusal] = []
    for name, value in values.items():
        try:
            result[name] = cleaners[name](value, field_name(name))
        except InvalidInput as problem:
            problems.append(problem)
    if problems:
        raise Refused(problems)
    return result


def field_name(column: str) -> str:
    """The name that clients know a column by: `company_name` is `companyName`."""
    first, *rest = column.split("_")
    return first + "".join(word.title() for word in rest)


def is_text(value: str) -> bool:
    """Whether Postgres can keep it: there is no zero character and no half of a surrogate pair in it."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def required_text(value: str | None, field: str, *, length_max: int = NAME_LENGTH_MAX) -> str:
    """The text without white space around it. `field` is its path, with dots. Raises InvalidInput when nothing is left."""
    cleaned = optional_text(value, field, length_max=length_max)
    if cleaned is None:
        raise InvalidInput(f"{field} cannot be empty.", field=field.split("."))
    return cleaned


def optional_text(value: str | None, field: str, *, length_max: int = NAME_LENGTH_MAX) -> str | None:
    """As `required_text`, but an empty text is the same as none."""
    if value is None:
        return None
    cleaned = value.strip()
    if not is_text(cleaned):
        raise InvalidInput(f"{field} contains a character that is no text.", field=field.split("."))
    if len(cleaned) > length_max:
        raise InvalidInput(f"{field} is {len(cleaned)} characters long; at most {length_max} are kept.", field=field.split("."))
    return cleaned or None


def email_address(value: str | None, field: str = "email") -> str | None:
    """Only what cannot be an address is refused: whether one works is known by writing to it."""
    cleaned = optional_text(value, field)
    if cleaned is None:
        return None
    name, at, domain = cleaned.rpartition("@")
    if not (name and at and domain) or any(character.isspace() for character in cleaned):
        raise InvalidInput(f"{cleaned!r} is not an e-mail address.", field=(field,))
    return cleaned


def currency_code(value: str, field: str = "currency") -> str:
    if not money.is_currency(value):
        raise InvalidInput(
            f"{value[:60]!r} is not a currency. Write its three letters (ISO 4217), such as USD.", field=field.split(".")
        )
    return value


def is_exact(value: Decimal, *, limit: Decimal) -> bool:
    """Whether it is kept as it is: a number from zero to below the limit, with at most PLACES_MAX decimal places."""
    if not value.is_finite() or value < 0 or value >= limit:
        return False
    try:
        value.quantize(_SMALLEST, context=_EXACT)
    except Inexact:
        return False
    return True


def exact_decimal(value: Decimal, field: str, *, limit: Decimal) -> Decimal:
    """A price or a quantity. `field` is its path, with dots. Raises InvalidInput."""
    if not is_exact(value, limit=limit):
        raise InvalidInput(
            f"{field} must be a number from 0 to below {limit:f} with at most {PLACES_MAX} decimal places.",
            field=field.split("."),
        )
    return value


def member_of(kind: type[Member], value: str, field: str) -> Member:
    """The member of an enumeration, whatever case it is written in."""
    try:
        return kind(value.strip().upper().replace(" ", "_"))
    except ValueError:
        raise InvalidInput(f"{value[:60]!r} is not one of {listed(kind)}.", field=(field,)) from None


def listed(values: Iterable[str]) -> str:
    return ", ".join(values)
