"""The base of all loaders: many keys of one operation, one statement (aiodataloader)."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy import Executable

from holdco.database import Reader
from holdco.paging import (
    PARENT_IDS,
    Listing,
    Page,
    PageRequest,
    Relation,
    count_select,
    counts_by_parent,
    page_of,
    pages_by_level,
    pages_by_parent,
)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Row = TypeVar("Row")


class Loader(DataLoader[Key, Value]):
    """A loader lives for one operation and reads from its snapshot. Whatever else it depends on is part of its identity."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader
        # What levels have found so far. Apart from aiodataloader's own cache, which keeps a future for each key.
        self._found: dict[Key, Value] = {}

    def load(self, key: Key) -> asyncio.Future[Value]:
        # graphql-core cancels the siblings of a field that failed; another branch may be waiting for the same key.
        return asyncio.shield(super().load(key))

    async def batch_load_fn(self, keys: list[Key]) -> list[Value]:
        raise NotImplementedError

    async def load_level(self, keys: Iterable[Key], levels: int = 1) -> dict[Key, Value]:
        """What belongs to all keys of a level, in one call of the batch function and without a future for each key.

        `levels` tells how often the same relation is nested below; who can fetch that ahead does (`PagesByParent`).
        """
        found = self._found
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            await self.fetch(missing, levels)
        return found

    async def fetch(self, keys: list[Key], _levels: int) -> None:
        self._found.update(zip(keys, await self.batch_load_fn(keys), strict=True))


class OneByKey(Loader[Key, Row | None]):
    """One row or None for each key. Subclasses give the statement, whose first column is the key."""

    def statement(self, keys: Sequence[Key]) -> Executable:
        raise NotImplementedError

    def build(self, row: Sequence[Any]) -> Row:
        raise NotImplementedError

    async def batch_load_fn(self, keys: list[Key]) -> list[Row | None]:
        found = {row[0]: self.build(row[1:]) for row in await self.reader.rows(self.statement(keys))}
        return [found.get(key) for key in keys]


class ManyByKey(Loader[Key, list[Row]]):
    """A list for each key, in the statement's order. Its first column is the key."""

    def statement(self, keys: Sequence[Key]) -> Executable:
        raise NotImplementedError

    def build(self, row: Sequence[Any]) -> Row:
        raise NotImplementedError

    async def batch_load_fn(self, keys: list[Key]) -> list[list[Row]]:
        found: dict[Key, list[Row]] = {key: [] for key in keys}
        for row in await self.reader.rows(self.statement(keys)):
            found[row[0]].append(self.build(row[1:]))
        return [found[key] for key in keys]


class PagesByParent(Loader[UUID, Page[Row]]):
    """A page of a connection for each parent, all in one statement."""

    listing: ClassVar[Listing[Any]]
    relation: Relation

    def __init__(self, reader: Reader, request: PageRequest) -> None:
        super().__init__(reader)
        self.request = request

    async def batch_load_fn(self, keys: list[UUID]) -> list[Page[Row]]:
        statement = pages_by_parent(self.listing, self.relation, self.reader.organization_id, self.request)
        found: dict[UUID, list[Any]] = {key: [] for key in keys}
        for row in await self.reader.rows(statement, {PARENT_IDS: keys}):
            found[row[0]].append(self.listing.row(*row[1:]))
        return [page_of(found[key], self.request) for key in keys]


class NestedPagesByParent(PagesByParent[Row]):
    """Pages of rows that have such pages themselves: a document that nests them is answered in one statement."""

    async def fetch(self, keys: list[UUID], levels: int) -> None:
        if levels == 1:
            return await super().fetch(keys, levels)
        statement = pages_by_level(self.listing, self.relation, self.reader.organization_id, self.request, levels)
        rows: dict[UUID, list[Any]] = {}
        for parent_id, *row in await self.reader.rows(statement, {PARENT_IDS: keys}):
            rows.setdefault(parent_id, []).append(self.listing.row(*row))
        reached: list[UUID] = keys
        for _ in range(levels):
            pages = {key: page_of(rows.get(key, ()), self.request) for key in reached}
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

    async def batch_load_fn(self, keys: list[UUID]) -> list[int]:
        statement = counts_by_parent(self.listing, self.relation, self.reader.organization_id, self.request)
        found = {row[0]: row[1] for row in await self.reader.rows(statement, {PARENT_IDS: keys})}
        return [found.get(key, 0) for key in keys]


class CountOfAll(Loader[str, int]):
    """`totalCount` of a connection that has no parent. The key says so."""

    def __init__(self, reader: Reader, listing: Listing[Any], request: PageRequest) -> None:
        super().__init__(reader)
        self.statement = count_select(listing, reader.organization_id, request)

    async def batch_load_fn(self, keys: list[str]) -> list[int]:
        counted = await self.reader.rows(self.statement)
        return [int(counted[0][0])] * len(keys)
