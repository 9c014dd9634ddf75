"""Reads contacts: the rows, their order, and the statements that loaders and services share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from holdco.contacts.models import Contact
from holdco.filtering import Filters
from holdco.paging import Listing, Order, Relation, any_of

_CONTACTS = Contact.__table__.c


class ContactRow(NamedTuple):
    id: UUID
    customer_id: UUID
    name: str
    email: str | None
    phone: str | None
    designation: str | None
    department: str | None
    created_at: datetime
    updated_at: datetime
    version: int


CONTACT_COLUMNS: dict[str, ColumnElement[Any]] = {name: _CONTACTS[name] for name in ContactRow._fields}

LISTING: Listing[ContactRow] = Listing(
    row=ContactRow,
    columns=CONTACT_COLUMNS,
    organization=_CONTACTS.organization_id,
    filters=Filters({}),
    order_default=(Order("name"),),
)

OF_CUSTOMER = Relation(parent=_CONTACTS.customer_id)


def by_ids(organization_id: UUID, keys: Sequence[UUID]) -> Select[Any]:
    return select(_CONTACTS.id.label("key"), *CONTACT_COLUMNS.values()).where(
        _CONTACTS.organization_id == organization_id, any_of(_CONTACTS.id, keys)
    )
