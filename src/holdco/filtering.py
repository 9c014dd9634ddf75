"""Filters as data: which field, which comparison, which value. Hashable, so that they can be part of a loader's identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Text, Uuid, and_, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY

from holdco.errors import BadUserInput

# A list in a filter is bound to the statement; without a cap it would be a way to make the server hold anything.
LIST_SIZE_MAX = 1000
_LAST_CHARACTER = "\U0010ffff"


class Condition(NamedTuple):
    """`value` is a tuple for `in`, None for "is not set"."""

    field: str
    operator: str
    value: Any


# From the organization, the operator and the value. Each subquery names the organization itself (distributed.md 2.2).
OrganizationId = UUID | BindParameter[UUID]
Clause = Callable[[OrganizationId, str, Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be filtered: a column, or a function that makes the clause where the answer is elsewhere."""

    by_field: Mapping[str, ColumnElement[Any] | Clause]

    def clauses(self, organization_id: OrganizationId, conditions: Sequence[Condition]) -> list[ColumnElement[bool]]:
        return [self._clause(organization_id, condition) for condition in conditions]

    def _clause(self, organization_id: OrganizationId, condition: Condition) -> ColumnElement[bool]:
        target = self.by_field[condition.field]
        if isinstance(target, ColumnElement):
            return compare(target, condition.operator, condition.value)
        return target(organization_id, condition.operator, condition.value)


def compare(column: ColumnElement[Any], operator: str, value: Any) -> ColumnElement[bool]:
    return _COMPARISONS[operator](column, value)


def _in(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    if len(values) > LIST_SIZE_MAX:
        raise BadUserInput(f"A filter takes at most {LIST_SIZE_MAX} values, not {len(values)}.")
    return any_of(column, values)


def any_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """One array instead of as many parameters as values: the statement stays the same, and so does its plan."""
    kind = Uuid() if isinstance(column.type, Uuid) else Text()
    return column == func.any(bindparam(None, list(values), type_=ARRAY(kind), unique=True))


def _contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """The database's own collation knows that É is é; "C", by which names are ordered, knows ASCII only."""
    return column.collate("default").ilike(f"%{_escaped(text)}%")


def _starts_with(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """A range, because in the order of "C" the texts with a prefix stand together: the index finds them."""
    return and_(column >= text, column < text + _LAST_CHARACTER)


_COMPARISONS: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column.is_(None) if value is None else column == value,
    # Both in the database: Python knows other small letters than its collation does, and then nothing would be found.
    "eq_ignoring_case": lambda column, value: func.lower(column) == func.lower(value),
    "in": _in,
    "contains": _contains,
    "starts_with": _starts_with,
    "gte": lambda column, value: column >= value,
    "lte": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "lt": lambda column, value: column < value,
}


def _escaped(value: str) -> str:
    """Text as a pattern that means itself."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
