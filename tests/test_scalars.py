"""The graph's own scalars take what they should, as variable and as literal alike, and nothing else (scalars.py)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLScalarType, ast_from_value, parse_value

from holdco.schema import schema

DEEP: Any = 1
for _ in range(15):
    DEEP = [DEEP]


def scalar(name: str) -> GraphQLScalarType:
    found = schema._schema.type_map[name]  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
    assert isinstance(found, GraphQLScalarType)
    return found


TAKEN: list[tuple[str, Any, Any]] = [
    ("Decimal", "0", Decimal(0)),
    ("Decimal", "1250.00", Decimal("1250.00")),
    ("Decimal", "-0.05", Decimal("-0.05")),
    ("Decimal", "007.10", Decimal("7.10")),
    ("Decimal", 12, Decimal(12)),
    ("Decimal", -12, Decimal(-12)),
    ("Decimal", "9" * 20 + "." + "9" * 12, Decimal("9" * 20 + "." + "9" * 12)),
    ("Date", "2026-03-31", date(2026, 3, 31)),
    ("Date", "2028-02-29", date(2028, 2, 29)),
    ("Date", "0001-01-01", date.min),
    ("Date", "9999-12-31", date.max),
    ("DateTime", "2026-03-31T12:00:00Z", datetime(2026, 3, 31, 12, tzinfo=UTC)),
    ("DateTime", "2026-03-31t12:00:00z", datetime(2026, 3, 31, 12, tzinfo=UTC)),
    ("DateTime", "2026-03-31T12:00:00.25+02:00", datetime(2026, 3, 31, 10, 0, 0, 250_000, tzinfo=UTC)),
    ("DateTime", "2026-01-01T00:30:00+01:00", datetime(2025, 12, 31, 23, 30, tzinfo=UTC)),
    ("CurrencyCode", "USD", "USD"),
    ("CurrencyCode", "JPY", "JPY"),
    ("JSON", None, None),
    ("JSON", "text", "text"),
    ("JSON", 2**63 - 1, 2**63 - 1),
    ("JSON", {"a": [1, 2.5, None, True, {"b": "é"}]}, {"a": [1, 2.5, None, True, {"b": "é"}]}),
    ("JSON", DEEP, DEEP),
]

WRONG: dict[str, list[Any]] = {
    "Decimal": [
        "",
        " 1",
        "1 ",
        "1,000.00",
        "1.",
        ".5",
        "+1",
        "--1",
        "1e3",
        "1E3",
        "0x10",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "١٢",
        "1\n",
        "9" * 21,
        "1." + "0" * 13,
        1.5,
        1.0,
        True,
        None,
        [],
        {},
        10**20,
    ],
    "Date": [
        "",
        "2026-3-1",
        "2026-02-30",
        "2026-13-01",
        "0000-01-01",
        "20260331",
        "2026-03-31T00:00:00Z",
        "31.03.2026",
        "2026-W01-1",
        "-2026-03-31",
        "10000-01-01",
        "2026-03-31 ",
        "٢٠٢٦-٠٣-٣١",
        20260331,
        1.5,
        True,
        None,
        [],
    ],
    "DateTime": [
        "",
        "2026-03-31",
        "2026-03-31T12:00:00",
        "2026-03-31T12:00Z",
        "2026-03-31 12:00:00Z",
        "2026-03-31T24:00:00Z",
        "2026-03-31T12:00:60Z",
        "2026-02-30T12:00:00Z",
        "2026-03-31T12:00:00+0200",
        "2026-03-31T12:00:00+25:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-31T12:00:00.1234567Z",
        0,
        1.5,
        True,
        None,
        [],
    ],
    "CurrencyCode": ["", "usd", "US", "USDX", "XXX", "DEM", "$", "USD ", 840, True, None, []],
    "JSON": [
        "a\0b",
        "\ud800",
        {"a\0": 1},
        {"\ud800": 1},
        ["\0"],
        [DEEP, [DEEP]],
        {"a": {"b": DEEP}},
        2**63,
        -(2**63) - 1,
        [2**100],
        float("inf"),
        float("nan"),
        {"a": [float("-inf")]},
    ],
}
REFUSED = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value", "expected"), TAKEN)
def test_a_value_is_taken_as_a_variable(name: str, value: Any, expected: Any) -> None:
    taken = scalar(name).parse_value(value)
    assert taken == expected
    assert type(taken) is type(expected)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_is_no_such_value_is_refused_as_a_variable_with_a_sentence(name: str, value: Any) -> None:
    with pytest.raises(GraphQLError) as refused:
        scalar(name).parse_value(value)
    assert refused.value.extensions == {"code": "BAD_USER_INPUT"}
    assert len(refused.value.message) < 250


@pytest.mark.parametrize(
    ("name", "literal", "expected"),
    [
        ("Decimal", '"1250.00"', Decimal("1250.00")),
        ("Decimal", "12", Decimal(12)),
        ("Date", '"2026-03-31"', date(2026, 3, 31)),
        ("DateTime", '"2026-03-31T12:00:00Z"', datetime(2026, 3, 31, 12, tzinfo=UTC)),
        ("CurrencyCode", '"USD"', "USD"),
        ("JSON", '{a: [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
    ],
)
def test_a_value_is_taken_as_a_literal(name: str, literal: str, expected: Any) -> None:
    assert scalar(name).parse_literal(parse_value(literal)) == expected


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        ("Decimal", "1.5"),
        ("Decimal", "1e3"),
        ("Decimal", "NaN"),
        ("Decimal", "true"),
        ("Decimal", "9" * 21),
        ("Date", "2026"),
        ("DateTime", '"2026-03-31"'),
        ("CurrencyCode", "usd"),
        ("JSON", "9" * 30),
        ("JSON", "1e999"),
        ("JSON", "[" * 17 + "]" * 17),
    ],
)
def test_what_is_no_such_value_is_refused_as_a_literal(name: str, literal: str) -> None:
    with pytest.raises(GraphQLError):
        scalar(name).parse_literal(parse_value(literal))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Decimal", Decimal("1250.00"), "1250.00"),
        ("Decimal", Decimal("1E+3"), "1000"),
        ("Decimal", Decimal("0.0000001"), "0.0000001"),
        ("Date", date(1, 1, 1), "0001-01-01"),
        ("DateTime", datetime(2026, 3, 31, 12, 0, 0, 5, tzinfo=UTC), "2026-03-31T12:00:00.000005Z"),
        ("CurrencyCode", "USD", "USD"),
    ],
)
def test_a_value_is_shown_as_it_would_be_written(name: str, value: Any, expected: str) -> None:
    assert scalar(name).serialize(value) == expected
    literal = ast_from_value(value, scalar(name))
    assert literal is not None


@pytest.mark.parametrize("name", ["Decimal", "Date", "DateTime", "CurrencyCode", "JSON"])
def test_every_scalar_says_where_it_is_specified(name: str) -> None:
    assert (scalar(name).specified_by_url or "").startswith("https://")
    assert scalar(name).description
