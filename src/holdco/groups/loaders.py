"""Loaders of groups, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Executable

from holdco.customers import queries as customers
from holdco.customers.queries import CustomerRow
from holdco.groups import queries
from holdco.groups.queries import GroupRow
from holdco.loading import CountsByParent, ListByKey, PagesByParent, RowByKey
from holdco.statements import Names


class GroupById(RowByKey[UUID, GroupRow]):
    listing = queries.LISTING


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
