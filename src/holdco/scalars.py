"""The graph's own scalars. The built-in ones are lax: they take NaN, 1e3 and times without a zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, ValueNode
from graphql.utilities import value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from holdco import money
from holdco.validation import is_text

CurrencyCode = NewType("CurrencyCode", str)
JSON = NewType("JSON", object)

_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,12})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

# JSON is kept as it came; without a bound a client could store a database in one field.
_JSON_DEPTH_MAX = 16


def _refuse(value: object, wanted: str) -> GraphQLError:
    return GraphQLError(f"{str(value)[:60]!r} is not {wanted}.", extensions={"code": "BAD_USER_INPUT"})


def _parse_decimal(value: object) -> Decimal:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise _refuse(value, 'a decimal: write it as a string of digits such as "1250.00"')
    return Decimal(text)


def _serialize_decimal(value: Decimal) -> str:
    return format(value, "f")


def _parse_date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _refuse(value, "a date: write it as 2026-03-31")


def _parse_date_time(value: object) -> datetime:
    if isinstance(value, str) and _DATE_TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _refuse(value, "a time with its zone: write it as 2026-03-31T12:00:00Z")


def _serialize_date_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_currency(value: object) -> CurrencyCode:
    if isinstance(value, str) and money.is_currency(value):
        return CurrencyCode(value)
    raise _refuse(value, "a currency: write its three letters (ISO 4217), such as USD")


def _parse_json(value: object) -> Any:
    pending: list[tuple[Any, int]] = [(value, 1)]
    while pending:
        part, depth = pending.pop()
        if depth > _JSON_DEPTH_MAX:
            raise _refuse("this value", f"acceptable JSON: it is nested deeper than {_JSON_DEPTH_MAX} levels")
        if isinstance(part, str) and not is_text(part):
            raise _refuse("this value", "acceptable JSON: it contains a zero character or half of a surrogate pair")
        # A document can have numbers of any size as literals; JSON readers cannot, and would change them silently.
        if isinstance(part, int) and not -(2**63) <= part < 2**63:
            raise _refuse("this value", "acceptable JSON: it contains a number beyond 64 bits. Write it as a string")
        if isinstance(part, float) and not isfinite(part):
            raise _refuse("this value", "acceptable JSON: it contains a number that is not finite")
        if isinstance(part, dict):
            pending.extend((key, depth) for key in part)
            pending.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, list):
            pending.extend((inner, depth + 1) for inner in part)
    return value


def _parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    return _parse_json(value_from_ast_untyped(node, variables))


SCALARS: Mapping[object, ScalarDefinition] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal as a string: money with as many places as its currency has ("1250.00").',
        specified_by_url="https://en.wikipedia.org/wiki/Decimal#Decimal_fractions",
        parse_value=_parse_decimal,
        serialize=_serialize_decimal,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar date of the organization: 2026-03-31.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        parse_value=_parse_date,
        serialize=date.isoformat,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC: 2026-03-31T12:00:00Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        parse_value=_parse_date_time,
        serialize=_serialize_date_time,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="Three letters of ISO 4217: USD.",
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        parse_value=_parse_currency,
        serialize=str,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, kept as it came.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        parse_value=_parse_json,
        parse_literal=_parse_json_literal,
        serialize=lambda value: value,
    ),
}
