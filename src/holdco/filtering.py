"""Filters as data: which field, which comparison, which value. Hashable, so that they can be part of a loader's identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, false, func

from holdco.errors import BadUserInput

# A list in a filter is bound to the statement; without a cap it would be a way to make the server hold anything.
LIST_SIZE_MAX = 1000


class Condition(NamedTuple):
    """`value` is a tuple for `in`, None for "is not set"."""

    field: str
    operator: str
    value: Any


Clause = Callable[[str, Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be filtered: a column, or a function from operator and value to a clause where the answer is elsewhere."""

    by_field: Mapping[str, ColumnElement[Any] | Clause]

    def clauses(self, conditions: Sequence[Condition]) -> list[ColumnElement[bool]]:
        return [self._clause(condition) for condition in conditions]

    def _clause(self, condition: Condition) -> ColumnElement[bool]:
        target = self.by_field[condition.field]
        if isinstance(target, ColumnElement):
            return compare(target, condition.operator, condition.value)
        return target(condition.operator, condition.value)


def compare(column: ColumnElement[Any], operator: str, value: Any) -> ColumnElement[bool]:
    clause: ColumnElement[bool]
    match operator:
        case "eq":
            clause = column.is_(None) if value is None else column == value
        case "in":
            if len(value) > LIST_SIZE_MAX:
                raise BadUserInput(f"A filter takes at most {LIST_SIZE_MAX} values, not {len(value)}.")
            clause = column.in_(value) if value else false()
        case "contains":
            clause = column.icontains(value, autoescape=True)
        case "eq_ignoring_case":
            clause = func.lower(column) == value.lower()
        case "gte":
            clause = column >= value
        case "lte":
            clause = column <= value
        case "gt":
            clause = column > value
        case "lt":
            clause = column < value
        case _:
            raise AssertionError(operator)
    return clause
