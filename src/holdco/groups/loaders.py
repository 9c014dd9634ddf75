"""Loaders of groups, each named for its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from holdco.customers import queries as customers
from holdco.customers.queries import CustomerRow
from holdco.groups import queries
from holdco.groups.queries import GroupRow
from holdco.loading import CountsByParent, ManyByKey, OneByKey, PagesByParent


class GroupById(OneByKey[UUID, GroupRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> GroupRow:
        return GroupRow(*row)


class GroupsByCustomerId(ManyByKey[UUID, GroupRow]):
    """In rank order."""

    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.of_customers(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> GroupRow:
        return GroupRow(*row)


class CustomersByGroupId(PagesByParent[CustomerRow]):
    listing = customers.LISTING
    relation = queries.IN_GROUP


class CustomerCountByGroupId(CountsByParent):
    listing = customers.LISTING
    relation = queries.IN_GROUP
