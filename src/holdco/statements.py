"""Statements that loaders share: pages, counts and rows by their keys.

What differs from one operation to the next is bound to them: the organization, the keys, the cursors, the values of filters.
Everything else is part of the statement, so that it can be kept: to put one together takes longer than to execute it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
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

from holdco.filtering import array_of
from holdco.listing import Listing, Order, Relation
from holdco.paging import PageRequest
from holdco.sighted import Seen

# What the reader binds: always the first, and what a loader is asked for.
ORGANIZATION_ID: Final = bindparam("organization_id", type_=Uuid)
KEYS: Final = "keys"

# A statement takes some 80 kB.
STATEMENTS_MAX = 200

Names = tuple[str, ...]


class Shape(NamedTuple):
    """A request without the values of its filters and cursors, on which its statement depends, and the values to bind to it."""

    request: PageRequest
    values: Mapping[str, Any]


def shape_of(listing: Listing[Any], request: PageRequest) -> Shape:
    """Raises BadUserInput for a filter with a list that is too long."""
    conditions, values = listing.filters.bound(request.conditions)
    for name, cursor in (("after", request.after), ("before", request.before)):
        values |= {f"{name}_{index}": value for index, value in enumerate(cursor or ())}
    after = () if request.after is not None else None
    before = () if request.before is not None else None
    return Shape(request._replace(after=after, before=before, conditions=conditions), values)


def _behind(listing: Listing[Any], orders: Sequence[Order], cursor: str, *, backwards: bool) -> ColumnElement[bool]:
    """Rows behind the cursor in the ordering (before it, going backwards)."""
    columns = [listing.columns[order.name] for order in orders]
    bound = [bindparam(f"{cursor}_{index}", type_=column.type) for index, column in enumerate(columns)]
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


def _ordering(listing: Listing[Any], request: PageRequest) -> list[ColumnElement[Any]]:
    return [
        listing.columns[order.name].desc() if order.descending != request.backwards else listing.columns[order.name].asc()
        for order in request.orders
    ]


@lru_cache(STATEMENTS_MAX)
def page_select(listing: Listing[Any], request: PageRequest, names: Names) -> Select[Any]:
    """One row more than asked for, which tells whether there is a next page. Backwards pages come in reverse."""
    statement = _all(listing, request, *(listing.columns[name].label(name) for name in names))
    if request.after is not None:
        statement = statement.where(_behind(listing, request.orders, "after", backwards=False))
    if request.before is not None:
        statement = statement.where(_behind(listing, request.orders, "before", backwards=True))
    return statement.order_by(*_ordering(listing, request)).limit(request.limit + 1)


def _all(listing: Listing[Any], request: PageRequest, *columns: ColumnElement[Any]) -> Select[Any]:
    clauses = [*_found(listing), *listing.filters.clauses(ORGANIZATION_ID, request.conditions)]
    return select(*columns).select_from(listing.organization.table).where(listing.organization == ORGANIZATION_ID, *clauses)


@lru_cache(STATEMENTS_MAX)
def count_select(listing: Listing[Any], request: PageRequest) -> Select[Any]:
    return _all(listing, request, func.count().label("count"))


@lru_cache(STATEMENTS_MAX)
def rows_by_key(listing: Listing[Any], key: str, names: Names) -> Select[Any]:
    """Rows by a column that is unique: what it holds, then the row's columns."""
    column_of_key = listing.columns[key]
    return select(column_of_key.label("key"), *(listing.columns[name].label(name) for name in names)).where(
        listing.organization == ORGANIZATION_ID, is_key(column_of_key), *_found(listing)
    )


def _found(listing: Listing[Any]) -> list[ColumnElement[bool]]:
    return [listing.condition] if listing.condition is not None else []


def is_key(column_of_key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of the keys that a loader binds: one array, so that the statement is always the same.

    By way of a subquery, because Postgres then does not look at how many keys there are. Otherwise one key is so much less than
    its general plan allows for that it plans anew for each request, which takes several times as long as finding the row.
    """
    keys = bindparam(KEYS, type_=array_of(column_of_key))
    return column_of_key == func.any(func.array(select(func.unnest(keys)).scalar_subquery()))


def _parents_table(relation: Relation) -> FromClause:
    """The parents as a table of `id` and `position`. MATERIALIZED: they are few, and the planner must start from them."""
    unnested = (
        func.unnest(bindparam(KEYS, type_=ARRAY(Uuid)))
        .table_valued(column("id", Uuid), with_ordinality="position", name="given")
        .render_derived()
    )
    parents = select(unnested.c.id, unnested.c.position)
    if relation.below:
        parents = parents.where(Seen(unnested.c.id, relation.below))
    return parents.cte("parents").prefix_with("MATERIALIZED", dialect="postgresql")


def _related(statement: Select[Any], relation: Relation, parents: FromClause) -> Select[Any]:
    if relation.joined is not None and relation.on is not None and relation.organization is not None:
        statement = statement.join(relation.joined, relation.on).where(relation.organization == ORGANIZATION_ID)
    return statement.where(relation.parent == parents.c.id)


@lru_cache(STATEMENTS_MAX)
def pages_by_parent(listing: Listing[Any], relation: Relation, request: PageRequest, names: Names) -> Select[Any]:
    """A page for each parent: which of the keys it is, counted from 1, then the row's columns."""
    parents = _parents_table(relation)
    page = _related(page_select(listing, request, names), relation, parents).correlate(parents).lateral("page")
    return (
        select(parents.c.position, *page.c)
        .select_from(parents.join(page, true()))
        .order_by(parents.c.position, *_ordering_of(page, request))
    )


@lru_cache(STATEMENTS_MAX)
def pages_by_level(listing: Listing[Any], relation: Relation, request: PageRequest, names: Names, levels: int) -> Select[Any]:
    """A page for each parent, then one for each row of these pages, and so on: a relation that leads to rows of its own kind.

    One statement for all levels, and no row in it that is not asked for: only rows that stay on their page lead further. The
    id of the parent comes first, then the row's columns, then the level: a parent that is below another one is reached at several
    levels, with the same page at each.
    """
    parents = _parents_table(relation)

    def page(of: FromClause) -> Any:
        rows = _related(page_select(listing, request, names), relation, of).correlate(of).subquery("rows_of_page")
        place = func.row_number().over(order_by=_ordering_of(rows, request)).label("place")
        return select(rows, place).lateral("page")

    first = page(parents)
    tree = (
        select(parents.c.id.label("parent_id_above"), *first.c, literal(1).label("level"))
        .select_from(parents.join(first, true()))
        .cte("tree", recursive=True)
    )
    further = page(tree)
    tree = tree.union_all(
        select(tree.c.id, *further.c, tree.c.level + 1)
        .select_from(tree.join(further, true()))
        .where(tree.c.level < levels, tree.c.place <= request.limit)
    )
    columns = [tree.c[name] for name in names]
    return select(tree.c.parent_id_above, *columns, tree.c.level).order_by(tree.c.level, tree.c.parent_id_above, tree.c.place)


def _ordering_of(page: FromClause, request: PageRequest) -> list[ColumnElement[Any]]:
    """The request's ordering, by the columns of a page."""
    columns = [(page.c[order.name], order.descending != request.backwards) for order in request.orders]
    return [column.desc() if is_descending else column.asc() for column, is_descending in columns]


@lru_cache(STATEMENTS_MAX)
def counts_by_parent(listing: Listing[Any], relation: Relation, request: PageRequest) -> Select[Any]:
    """The id of each parent, and how many it has."""
    parents = _parents_table(relation)
    counted = _related(count_select(listing, request), relation, parents).correlate(parents).lateral("counted")
    return select(parents.c.id, counted.c.count).select_from(parents.join(counted, true()))
