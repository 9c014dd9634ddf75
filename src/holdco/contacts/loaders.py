"""Loaders of contacts, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from holdco.contacts import queries
from holdco.contacts.queries import ContactRow
from holdco.loading import CountsByParent, PagesByParent, RowByKey


class ContactById(RowByKey[UUID, ContactRow]):
    listing = queries.LISTING


class ContactsByCustomerId(PagesByParent[ContactRow]):
    """By name."""

    listing = queries.LISTING
    relation = queries.OF_CUSTOMER


class ContactCountByCustomerId(CountsByParent):
    listing = queries.LISTING
    relation = queries.OF_CUSTOMER
