"""Lists of rows: which columns, which orders and filters, and pages of them by keyset cursors.

A cursor holds the values by which the last row was ordered, and the name of that ordering; the next page starts behind it,
however many rows came or went meanwhile, and costs the same on the last page as on the first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from holdco.errors import BadUserInput
from holdco.filtering import Condition, Filters

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200

# What loaders bind to the statements below. Everything else is part of the statement, so that it can be kept: to put one
# together takes longer than to execute it.
PARENT_IDS = "parent_ids"
# A statement takes some 80 kB, and those with filters or cursors of a client come once: few are worth keeping.
_STATEMENTS_MAX = 100

Row = TypeVar("Row")


class Order(NamedTuple):
    """One column of an ordering, by its name in the row."""

    name: str
    descending: bool = False


class PageRequest(NamedTuple):
    """What a client asks of a connection. Hashable: it is part of the identity of the loader that answers it.

    `after` and `before` are decoded: the values of the ordering's columns, the id last.
    """

    limit: int
    backwards: bool
    after: tuple[Any, ...] | None
    before: tuple[Any, ...] | None
    orders: tuple[Order, ...]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Listing(Generic[Row]):
    """A kind of row that can be listed.

    `columns` are those of `row`, by name; `orders` those that may order (each indexed, none of them null); `key` breaks ties.
    """

    row: Callable[..., Row]
    columns: Mapping[str, ColumnElement[Any]]
    organization: ColumnElement[UUID]
    filters: Filters
    order_default: tuple[Order, ...]
    key: str = "id"


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """How rows of a listing belong to a parent: the column that holds its id, and what has to be joined to reach that."""

    parent: ColumnElement[UUID]
    joined: FromClause | None = None
    on: ColumnElement[bool] | None = None
    organization: ColumnElement[UUID] | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    has_next: bool
    has_previous: bool
    orders: tuple[Order, ...]

    def cursor(self, row: Row) -> str:
        return encode_cursor(self.orders, row)


def request_of(
    listing: Listing[Any],
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    orders: Sequence[Order] = (),
    conditions: Sequence[Condition] = (),
    size_max: int = PAGE_SIZE_MAX,
) -> PageRequest:
    """Reads a connection's arguments. Raises BadUserInput for a size out of range or a cursor of another ordering."""
    if first is not None and last is not None:
        raise BadUserInput("Ask for first or for last, not for both.")
    limit = last if last is not None else first if first is not None else PAGE_SIZE
    name = "last" if last is not None else "first"
    if not 0 <= limit <= size_max:
        raise BadUserInput(f"{name} must be from 0 to {size_max}, not {limit}.")
    complete = _complete(listing, orders)
    return PageRequest(
        limit,
        last is not None,
        decode_cursor(listing, complete, after) if after is not None else None,
        decode_cursor(listing, complete, before) if before is not None else None,
        complete,
        tuple(conditions),
    )


def _complete(listing: Listing[Any], orders: Sequence[Order]) -> tuple[Order, ...]:
    """The ordering made total by the key, so that no row is skipped or shown twice. A column counts where it is named first."""
    by_name: dict[str, Order] = {}
    for order in orders:
        by_name.setdefault(order.name, order)
    chosen = tuple(by_name.values()) or listing.order_default
    if any(order.name == listing.key for order in chosen):
        return chosen
    return (*chosen, Order(listing.key, chosen[-1].descending))


def _fingerprint(orders: Sequence[Order]) -> str:
    return ",".join(f"-{order.name}" if order.descending else order.name for order in orders)


def encode_cursor(orders: Sequence[Order], row: Any) -> str:
    values = [_fingerprint(orders), *(getattr(row, order.name) for order in orders)]
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).rstrip(b"=").decode()


def decode_cursor(listing: Listing[Any], orders: Sequence[Order], cursor: str) -> tuple[Any, ...]:
    """Raises BadUserInput for anything that is not a cursor of this ordering."""
    try:
        values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        fingerprint, *values = values
        if fingerprint != _fingerprint(orders):
            raise BadUserInput(f"This cursor belongs to another ordering ({fingerprint}), not to {_fingerprint(orders)}.")
        columns = [listing.columns[order.name] for order in orders]
        return tuple(_value(column, value) for column, value in zip(columns, values, strict=True))
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise BadUserInput("This is not a cursor. Take it from pageInfo.endCursor or from an edge.") from None


def _value(column: ColumnElement[Any], value: Any) -> Any:
    """What the column can be compared with. Cursors come from outside: anybody can make one up."""
    kind = column.type.python_type
    if kind is date:
        return date.fromisoformat(value)
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    if kind is UUID:
        if not isinstance(value, str):
            raise TypeError
        return UUID(value)
    if type(value) is not kind:
        raise TypeError
    if kind is int:
        limit = 2**63 if isinstance(column.type, BigInteger) else 2**31
        if not -limit <= value < limit:
            raise ValueError
    if kind is str and "\0" in value:
        raise ValueError
    return value


def _behind(listing: Listing[Any], orders: Sequence[Order], values: Sequence[Any], *, backwards: bool) -> ColumnElement[bool]:
    """Rows behind these values in the ordering (before them, going backwards)."""
    columns = [listing.columns[order.name] for order in orders]
    bound = [literal(value, column.type) for value, column in zip(values, columns, strict=True)]
    if len({order.descending for order in orders}) == 1:
        # One comparison of whole rows is one range of the index.
        left, right = tuple_(*columns), tuple_(*bound)
        return left < right if orders[0].descending != backwards else left > right
    alternatives = []
    for index, order in enumerate(orders):
        same = [columns[earlier] == bound[earlier] for earlier in range(index)]
        further = columns[index] < bound[index] if order.descending != backwards else columns[index] > bound[index]
        alternatives.append(and_(*same, further))
    return or_(*alternatives)


def ordering(listing: Listing[Any], request: PageRequest) -> list[ColumnElement[Any]]:
    return [
        listing.columns[order.name].desc() if order.descending != request.backwards else listing.columns[order.name].asc()
        for order in request.orders
    ]


@lru_cache(_STATEMENTS_MAX)
def page_select(listing: Listing[Any], organization_id: UUID, request: PageRequest) -> Select[Any]:
    """One row more than asked for, which tells whether there is a next page. Backwards pages come in reverse."""
    statement = (
        select(*(column.label(name) for name, column in listing.columns.items()))
        .select_from(listing.organization.table)
        .where(listing.organization == organization_id, *listing.filters.clauses(organization_id, request.conditions))
    )
    if request.after is not None:
        statement = statement.where(_behind(listing, request.orders, request.after, backwards=False))
    if request.before is not None:
        statement = statement.where(_behind(listing, request.orders, request.before, backwards=True))
    return statement.order_by(*ordering(listing, request)).limit(request.limit + 1)


def count_select(listing: Listing[Any], organization_id: UUID, request: PageRequest) -> Select[Any]:
    return (
        select(func.count())
        .select_from(listing.organization.table)
        .where(listing.organization == organization_id, *listing.filters.clauses(organization_id, request.conditions))
    )


def page_of(rows: Sequence[Row], request: PageRequest) -> Page[Row]:
    """Cuts the extra row off. What lies on the side that one came from is known only by the cursor that was given."""
    kept = list(rows[: request.limit])
    is_more = len(rows) > request.limit
    if request.backwards:
        kept.reverse()
        return Page(kept, has_next=request.before is not None, has_previous=is_more, orders=request.orders)
    return Page(kept, has_next=is_more, has_previous=request.after is not None, orders=request.orders)


def any_of(column: ColumnElement[UUID], keys: Sequence[UUID]) -> ColumnElement[bool]:
    """One array instead of as many parameters as keys: the statement stays the same, and so does its plan."""
    return column == func.any(bindparam(None, list(keys), type_=ARRAY(Uuid), unique=True))


def parents_table() -> FromClause:
    """The parents as a table of `id` and `position`. MATERIALIZED: they are few, and the planner must start from them."""
    unnested = (
        func.unnest(bindparam(PARENT_IDS, type_=ARRAY(Uuid)))
        .table_valued(column("id", Uuid), with_ordinality="position", name="given")
        .render_derived()
    )
    return select(unnested.c.id, unnested.c.position).cte("parents").prefix_with("MATERIALIZED", dialect="postgresql")


def _related(statement: Select[Any], relation: Relation, organization_id: UUID, parents: FromClause) -> Select[Any]:
    if relation.joined is not None and relation.on is not None and relation.organization is not None:
        statement = statement.join(relation.joined, relation.on).where(relation.organization == organization_id)
    return statement.where(relation.parent == parents.c.id)


@lru_cache(_STATEMENTS_MAX)
def pages_by_parent(listing: Listing[Any], relation: Relation, organization_id: UUID, request: PageRequest) -> Select[Any]:
    """A page for each parent: its id, then the row's columns."""
    parents = parents_table()
    inner = _related(page_select(listing, organization_id, request), relation, organization_id, parents)
    page = inner.correlate(parents).lateral("page")
    return (
        select(parents.c.id, *page.c)
        .select_from(parents.join(page, true()))
        .order_by(
            parents.c.position,
            *ordering_of(page, request),
        )
    )


@lru_cache(_STATEMENTS_MAX)
def pages_by_level(
    listing: Listing[Any], relation: Relation, organization_id: UUID, request: PageRequest, levels: int
) -> Select[Any]:
    """As `pages_by_parent`, then a page for each row of these pages, and so on: a relation that leads to rows of its own kind.

    One statement for all levels, and no row in it that is not asked for: only rows that stay on their page lead further.
    """
    parents = parents_table()

    def page(of: FromClause) -> Any:
        related = _related(page_select(listing, organization_id, request), relation, organization_id, of)
        rows = related.correlate(of).subquery("rows_of_page")
        place = func.row_number().over(order_by=ordering_of(rows, request)).label("place")
        return select(rows, place).lateral("page")

    first = page(parents)
    tree = (
        select(parents.c.id.label("parent_id"), *first.c, literal(1).label("level"))
        .select_from(parents.join(first, true()))
        .cte("tree", recursive=True)
    )
    further = page(tree)
    tree = tree.union_all(
        select(tree.c.id, *further.c, tree.c.level + 1)
        .select_from(tree.join(further, true()))
        .where(tree.c.level < levels, tree.c.place <= request.limit)
    )
    columns = [tree.c[name] for name in listing.columns]
    return select(tree.c.parent_id, *columns).order_by(tree.c.level, tree.c.parent_id, tree.c.place)


def ordering_of(page: FromClause, request: PageRequest) -> list[ColumnElement[Any]]:
    """The request's ordering, by the columns of a page."""
    columns = [(page.c[order.name], order.descending != request.backwards) for order in request.orders]
    return [column.desc() if is_descending else column.asc() for column, is_descending in columns]


@lru_cache(_STATEMENTS_MAX)
def counts_by_parent(listing: Listing[Any], relation: Relation, organization_id: UUID, request: PageRequest) -> Select[Any]:
    parents = parents_table()
    inner = _related(count_select(listing, organization_id, request), relation, organization_id, parents)
    counted = inner.with_only_columns(func.count().label("count")).correlate(parents).lateral("counted")
    return select(parents.c.id, counted.c.count).select_from(parents.join(counted, true()))
