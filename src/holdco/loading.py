"""The base of all loaders: many keys of one operation, one statement (aiodataloader)."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy import Executable

from holdco.database import Reader
from holdco.paging import Listing, Page, PageRequest, Relation, counts_by_parent, page_of, pages_by_parent

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Row = TypeVar("Row")


class Loader(DataLoader[Key, Value]):
    """A loader lives for one operation and reads from its snapshot. Whatever else it depends on is part of its identity."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def load(self, key: Key) -> asyncio.Future[Value]:
        # graphql-core cancels the siblings of a field that failed; another branch may be waiting for the same key.
        return asyncio.shield(super().load(key))

    async def batch_load_fn(self, keys: list[Key]) -> list[Value]:
        raise NotImplementedError


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
        statement = pages_by_parent(self.listing, self.relation, self.reader.organization_id, keys, self.request)
        found: dict[UUID, list[Any]] = {key: [] for key in keys}
        for row in await self.reader.rows(statement):
            found[row[0]].append(self.listing.row(*row[1:]))
        return [page_of(found[key], self.request) for key in keys]


class CountsByParent(Loader[UUID, int]):
    """`totalCount` of a connection for each parent. Loaded only where it is asked for."""

    listing: ClassVar[Listing[Any]]
    relation: Relation

    def __init__(self, reader: Reader, request: PageRequest) -> None:
        super().__init__(reader)
        self.request = request

    async def batch_load_fn(self, keys: list[UUID]) -> list[int]:
        statement = counts_by_parent(self.listing, self.relation, self.reader.organization_id, keys, self.request)
        found = {row[0]: row[1] for row in await self.reader.rows(statement)}
        return [found.get(key, 0) for key in keys]
