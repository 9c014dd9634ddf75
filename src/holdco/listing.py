"""Kinds of rows that can be listed, and rows as the database gives them, with no more columns than somebody asked for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from asyncpg import Record
from sqlalchemy import ColumnElement, FromClause

from holdco.filtering import Filters

Row = TypeVar("Row")

# Classes of rows are kept for every set of columns that clients select; they are small, but clients think of many.
_RECORDS_MAX = 500


class Order(NamedTuple):
    """One column of an ordering, by its name in the row."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Listing(Generic[Row]):
    """A kind of row that can be listed.

    `columns` are those of `row`, by name, and what else its ordering needs. Those that may order are indexed and never null;
    `key` breaks ties. Rows for which `condition` does not hold are found by nobody.
    """

    row: Any
    columns: Mapping[str, ColumnElement[Any]]
    organization: ColumnElement[UUID]
    filters: Filters
    order_default: tuple[Order, ...]
    key: str = "id"
    condition: ColumnElement[bool] | None = None

    def names(self, selected: frozenset[str] | None, orders: Iterable[Order] = ()) -> tuple[str, ...]:
        """The columns to read, in order: what is selected, the key, and what cursors are made of; all when None is given."""
        if selected is None:
            return tuple(self.columns)
        needed = selected | {self.key} | {order.name for order in orders}
        return tuple(name for name in self.columns if name in needed)


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """How rows of a listing belong to a parent: the column that holds its id, and what has to be joined to reach that.

    `below` are the tables whose rows a client user may see when it sees the parent, which is a customer (`sight.py`).
    """

    parent: ColumnElement[UUID]
    joined: FromClause | None = None
    on: ColumnElement[bool] | None = None
    organization: ColumnElement[UUID] | None = None
    below: tuple[str, ...] = ()


@lru_cache(_RECORDS_MAX)
def record_of(kind: Hashable, names: tuple[str, ...], offset: int = 0) -> type[Record]:
    """A class for rows whose columns from `offset` on have these names.

    asyncpg makes its rows of this class, so that no second object is made for any of them. It can be read like the named
    tuple `kind`, whose properties it has as well; a column that was not read is an AttributeError.
    """
    members: dict[str, Any] = {"__slots__": (), "row_type": kind}
    members |= {name: member for name, member in vars(kind).items() if isinstance(member, property)}
    members |= {name: property(itemgetter(index)) for index, name in enumerate(names, offset)}
    return type("Record", (Record,), members)


def row_type_of(row: Any) -> Any:
    """The named tuple that a row can be read as."""
    return getattr(row, "row_type", None) or type(row)
