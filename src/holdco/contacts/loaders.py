"""Loaders of contacts, each named for its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from holdco.contacts import queries
from holdco.contacts.queries import ContactRow
from holdco.loading import CountsByParent, OneByKey, PagesByParent


class ContactById(OneByKey[UUID, ContactRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> ContactRow:
        return ContactRow(*row)


class ContactsByCustomerId(PagesByParent[ContactRow]):
    """By name."""

    listing = queries.LISTING
    relation = queries.OF_CUSTOMER


class ContactCountByCustomerId(CountsByParent):
    listing = queries.LISTING
    relation = queries.OF_CUSTOMER
