"""Loaders of groups, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Executable

from holdco.customers import queries as customers
from holdco.customers.queries import CustomerRow
from holdco.groups import queries
from holdco.groups.queries import GroupRow
from holdco.listing import record_of
from holdco.loading import CountsByParent, ListByKey, Loader, PagesByParent, RowByKey
from holdco.statements import KEYS, Names


class GroupById(RowByKey[UUID, GroupRow]):
    listing = queries.LISTING


class GroupOfAnyTimeById(Loader[UUID, GroupRow | None]):
    """Also one that was deleted: terms of the past name it. What is found here is found nowhere else in the operation."""

    async def read(self, keys: list[UUID]) -> list[GroupRow | None]:
        rows = await self.reader.rows(queries.OF_ANY_TIME, {KEYS: keys}, record_of(GroupRow, GroupRow._fields))
        found = {row.id: row for row in rows}
        return [found.get(key) for key in keys]


class GroupByName(RowByKey[str, GroupRow]):
    listing = queries.LISTING
    key = "name"


class GroupsByCustomerId(ListByKey[UUID, GroupRow]):
    """In rank order."""

    listing = queries.LISTING

    def statement(self, names: Names) -> Executable:
        return queries.of_customers(names)


class CustomersByGroupId(PagesByParent[CustomerRow]):
    listing = customers.LISTING
    relation = queries.IN_GROUP


class CustomerCountByGroupId(CountsByParent):
    listing = customers.LISTING
    relation = queries.IN_GROUP
