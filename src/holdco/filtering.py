"""Filters as data: which field, which comparison, which value. Hashable, so that they can be part of a loader's identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


class Bound(NamedTuple):
    """Stands in a condition for a value that is bound to the statement, under this name."""

    name: str


# From the organization, the operator and the value. Each subquery names the organization itself (distributed.md 2.2).
OrganizationId = UUID | BindParameter[UUID]
Clause = Callable[[OrganizationId, str, Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A clause that compares what stands in another table, or in another form, with the value as it is."""

    clause: Clause


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be filtered: a column, what stands elsewhere, or a function that makes the clause of a value out of few."""

    by_field: Mapping[str, ColumnElement[Any] | Elsewhere | Clause]

    def clauses(self, organization_id: OrganizationId, conditions: Sequence[Condition]) -> list[ColumnElement[bool]]:
        return [self._clause(organization_id, condition) for condition in conditions]

    def _clause(self, organization_id: OrganizationId, condition: Condition) -> ColumnElement[bool]:
        target = self.by_field[condition.field]
        if isinstance(target, ColumnElement):
            return compare(target, condition.operator, condition.value)
        clause = target.clause if isinstance(target, Elsewhere) else target
        return clause(organization_id, condition.operator, condition.value)

    def bound(self, conditions: Sequence[Condition]) -> tuple[tuple[Condition, ...], dict[str, Any]]:
        """The conditions without their values, and the values to bind: statements are kept, and what clients write is not.

        Raises BadUserInput for a list that is too long.
        """
        shapes: list[Condition] = []
        values: dict[str, Any] = {}
        for index, condition in enumerate(conditions):
            target = self.by_field[condition.field]
            if condition.value is None or not isinstance(target, ColumnElement | Elsewhere):
                shapes.append(condition)
                continue
            name = f"condition_{index}"
            shapes.append(condition._replace(value=Bound(name)))
            values |= {name + part: value for part, value in _BINDINGS.get(condition.operator, _as_it_is)(condition.value)}
        return tuple(shapes), values


def compare(column: ColumnElement[Any], operator: str, value: Any) -> ColumnElement[bool]:
    """`value` is one of `Bound`, or None, which means that nothing is there."""
    if value is None:
        return column.is_(None)
    return _COMPARISONS[operator](column, value.name)


def any_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """One array instead of as many parameters as values: the statement stays the same, and so does its plan."""
    return column == func.any(bindparam(None, list(values), type_=array_of(column), unique=True))


def array_of(column: ColumnElement[Any]) -> ARRAY[Any]:
    return ARRAY(Uuid() if isinstance(column.type, Uuid) else Text())


def _value(column: ColumnElement[Any], name: str) -> BindParameter[Any]:
    return bindparam(name, type_=column.type)


def _contains(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The database's own collation knows that É is é; "C", by which names are ordered, knows ASCII only."""
    return column.collate("default").ilike(bindparam(name, type_=Text()))


def _starts_with(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """A range, because in the order of "C" the texts with a prefix stand together: the index finds them."""
    return and_(column >= _value(column, name), column < _value(column, f"{name}_end"))


_Parts = Iterable[tuple[str, Any]]


def _as_it_is(value: Any) -> _Parts:
    return [("", value)]


def _listed(values: Sequence[Any]) -> _Parts:
    if len(values) > LIST_SIZE_MAX:
        raise BadUserInput(f"A filter takes at most {LIST_SIZE_MAX} values, not {len(values)}.")
    return [("", list(values))]


# What is bound for a value, by what follows the name of the condition; as it is, where nothing is said.
_BINDINGS: Mapping[str, Callable[[Any], _Parts]] = {
    "in": _listed,
    "contains": lambda text: [("", f"%{_escaped(text)}%")],
    "starts_with": lambda text: [("", text), ("_end", text + _LAST_CHARACTER)],
}

_COMPARISONS: Mapping[str, Callable[[ColumnElement[Any], str], ColumnElement[bool]]] = {
    "eq": lambda column, name: column == _value(column, name),
    # Both in the database: Python knows other small letters than its collation does, and then nothing would be found.
    "eq_ignoring_case": lambda column, name: func.lower(column) == func.lower(_value(column, name)),
    "in": lambda column, name: column == func.any(bindparam(name, type_=array_of(column))),
    "contains": _contains,
    "starts_with": _starts_with,
    "gte": lambda column, name: column >= _value(column, name),
    "lte": lambda column, name: column <= _value(column, name),
    "gt": lambda column, name: column > _value(column, name),
    "lt": lambda column, name: column < _value(column, name),
}


def _escaped(value: str) -> str:
    """Text as a pattern that means itself."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
