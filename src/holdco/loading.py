"""The base of all loaders: many keys of one operation, one statement (aiodataloader)."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy import Executable

from holdco.listing import Listing, Relation, record_of
from holdco.monitoring import metrics
from holdco.paging import Page, PageRequest, page_of
from holdco.reader import Reader
from holdco.statements import (
    KEYS,
    Names,
    count_select,
    counts_by_parent,
    page_select,
    pages_by_level,
    pages_by_parent,
    rows_by_key,
    shape_of,
)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Row = TypeVar("Row")

# Parents whose pages are made without a pause.
MUCH = 2_000


class Loader(DataLoader[Key, Value]):
    """A loader lives for one operation and reads from its snapshot. Whatever else it depends on is part of its identity."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader
        # What has been found so far; aiodataloader's own cache has a future for each key that was loaded alone.
        self._found: dict[Key, Value] = {}
        self._fetching = asyncio.Lock()

    def load(self, key: Key) -> asyncio.Future[Value]:
        if key in self._found:
            found = asyncio.get_running_loop().create_future()
            found.set_result(self._found[key])
            return found
        # graphql-core cancels the siblings of a field that failed; another branch may be waiting for the same key.
        return asyncio.shield(super().load(key))

    async def read(self, keys: list[Key]) -> list[Value]:
        """What belongs to each key, in their order, by one statement."""
        raise NotImplementedError

    async def batch_load_fn(self, keys: list[Key]) -> list[Value]:
        metrics.batches.note(type(self), len(keys))
        values = await self.read(keys)
        self._found.update(zip(keys, values, strict=True))
        return values

    async def load_level(self, keys: Iterable[Key], levels: int = 1) -> dict[Key, Value]:
        """What belongs to all keys of a level, in one call of the batch function and without a future for each key.

        `levels` tells how often the same relation is nested below; who can fetch that ahead does (`PagesByParent`).
        """
        found = self._found
        # Several relations may ask one loader at the same time; the second finds what the first has fetched.
        async with self._fetching:
            missing = [key for key in dict.fromkeys(keys) if key not in found]
            if missing:
                await self.fetch(missing, levels)
        return found

    async def fetch(self, keys: list[Key], _levels: int) -> None:
        await self.batch_load_fn(keys)


class ListedLoader(Loader[Key, Value]):
    """Reads rows of a listing, with the columns that the operation wants of them."""

    listing: ClassVar[Listing[Any]]

    def names(self, request: PageRequest | None = None) -> Names:
        listing = self.listing
        return listing.names(self.reader.columns.get(listing.row), request.orders if request is not None else ())

    async def rows(
        self,
        statement: Executable,
        names: Names,
        keys: Sequence[Any],
        values: Mapping[str, Any] | None = None,
        *,
        is_by_key: bool = False,
    ) -> Sequence[Any]:
        """Rows that begin with a column more than their own."""
        record = record_of(self.listing.row, names, 1)
        rows = await self.reader.rows(statement, {KEYS: keys, **(values or {})}, record, is_by_key=is_by_key)
        self.reader.seen.setdefault(self.listing.row, []).append(rows)
        return rows


class RowByKey(ListedLoader[Key, Row | None]):
    """A row of a listing, or None, for each key."""

    # The column, which is unique.
    key: ClassVar[str] = "id"

    async def read(self, keys: list[Key]) -> list[Row | None]:
        found = self._seen(keys)
        missing = [key for key in keys if key not in found]
        if missing:
            names = self.names()
            statement = rows_by_key(self.listing, self.key, names)
            found |= {row[0]: row for row in await self.rows(statement, names, missing, is_by_key=True)}
        return [found.get(key) for key in keys]

    def _seen(self, keys: Iterable[Key]) -> dict[Any, Any]:
        """Rows that this snapshot has given already: who came down from a customer to its invoices knows whose they are."""
        lists = self.reader.seen.get(self.listing.row)
        if not lists or self.key != self.listing.key:
            return {}
        wanted = set(keys)
        return {row.id: row for rows in lists for row in rows if row.id in wanted}


class OneByKey(Loader[Key, Row | None]):
    """One row or None for each key."""

    row: ClassVar[Any]
    # Its first column is the key, the others are those of `row`.
    statement: ClassVar[Executable]

    async def read(self, keys: list[Key]) -> list[Row | None]:
        rows = await self.reader.rows(self.statement, {KEYS: keys}, record_of(self.row, self.row._fields, 1), is_by_key=True)
        found = {row[0]: row for row in rows}
        return [found.get(key) for key in keys]


class ManyByKey(Loader[Key, list[Row]]):
    """A list for each key, in the statement's order."""

    row: ClassVar[Any]
    # Its first column is the key, the others are those of `row`.
    statement: ClassVar[Executable]

    async def read(self, keys: list[Key]) -> list[list[Row]]:
        rows = await self.reader.rows(self.statement, {KEYS: keys}, record_of(self.row, self.row._fields, 1), is_by_key=True)
        return lists_by_key(keys, rows)


class ListByKey(ListedLoader[Key, list[Row]]):
    """A list of a listing's rows for each key, in the statement's order."""

    def statement(self, names: Names) -> Executable:
        """Its first column is the key, then the row's columns."""
        raise NotImplementedError

    async def read(self, keys: list[Key]) -> list[list[Row]]:
        names = self.names()
        return lists_by_key(keys, await self.rows(self.statement(names), names, keys, is_by_key=True))


def lists_by_key(keys: Sequence[Key], rows: Sequence[Any]) -> list[list[Any]]:
    found: dict[Key, list[Any]] = {key: [] for key in keys}
    for row in rows:
        found[row[0]].append(row)
    return list(found.values())


class PagesByParent(ListedLoader[UUID, Page[Row]]):
    """A page of a connection for each parent, all in one statement."""

    relation: Relation

    def __init__(self, reader: Reader, request: PageRequest) -> None:
        super().__init__(reader)
        self.request = request

    async def read(self, keys: list[UUID]) -> list[Page[Row]]:
        names = self.names(self.request)
        pages: list[list[Any]] = [[] for _ in keys]
        shape = shape_of(self.listing, self.request)
        statement = pages_by_parent(self.listing, self.relation, shape.request, names)
        for row in await self.rows(statement, names, keys, shape.values):
            pages[row[0] - 1].append(row)
        await give_way(len(keys))
        return [page_of(rows, self.request) for rows in pages]


class NestedPagesByParent(PagesByParent[Row]):
    """Pages of rows that have such pages themselves: a document that nests them is answered in one statement."""

    async def fetch(self, keys: list[UUID], levels: int) -> None:
        if levels == 1:
            return await super().fetch(keys, levels)
        metrics.batches.note(type(self), len(keys))
        names = self.names(self.request)
        shape = shape_of(self.listing, self.request)
        statement = pages_by_level(self.listing, self.relation, shape.request, names, levels)
        by_parent: dict[UUID, list[Any]] = {}
        reached_at: dict[UUID, int] = {}
        level = len(names) + 1
        for row in await self.rows(statement, names, keys, shape.values):
            if reached_at.setdefault(row[0], row[level]) == row[level]:
                by_parent.setdefault(row[0], []).append(row)
        await give_way(len(by_parent))
        reached: list[UUID] = keys
        for _ in range(levels):
            pages = {key: page_of(by_parent.get(key, ()), self.request) for key in reached}
            self._found.update(pages)
            reached = [row.id for page in pages.values() for row in page.rows]
        return None


class CountsByParent(Loader[UUID, int]):
    """`totalCount` of a connection for each parent. Loaded only where it is asked for."""

    listing: ClassVar[Listing[Any]]
    relation: Relation

    def __init__(self, reader: Reader, request: PageRequest) -> None:
        super().__init__(reader)
        self.request = request

    async def read(self, keys: list[UUID]) -> list[int]:
        shape = shape_of(self.listing, self.request)
        statement = counts_by_parent(self.listing, self.relation, shape.request)
        found = {row[0]: row[1] for row in await self.reader.rows(statement, {KEYS: keys, **shape.values})}
        return [found.get(key, 0) for key in keys]


class CountOfAll(Loader[str, int]):
    """`totalCount` of a connection that has no parent. The key says so."""

    def __init__(self, reader: Reader, listing: Listing[Any], request: PageRequest) -> None:
        super().__init__(reader)
        self.shape = shape_of(listing, request)
        self.statement = count_select(listing, self.shape.request)

    async def read(self, keys: list[str]) -> list[int]:
        counted = await self.reader.rows(self.statement, self.shape.values)
        return [int(counted[0][0])] * len(keys)


async def give_way(count: int) -> None:
    """Lets others have their turn where much has been done, and as much is to be done yet."""
    if count > MUCH:
        await asyncio.sleep(0)


async def page_of_all(reader: Reader, listing: Listing[Row], request: PageRequest) -> Page[Row]:
    """A page of a connection that has no parent."""
    names = listing.names(reader.columns.get(listing.row), request.orders)
    shape = shape_of(listing, request)
    rows = await reader.rows(page_select(listing, shape.request, names), shape.values, record_of(listing.row, names))
    reader.seen.setdefault(listing.row, []).append(rows)
    return page_of(rows, request)
