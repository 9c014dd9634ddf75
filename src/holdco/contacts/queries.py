"""Reads contacts: the rows, their order, and the statements that loaders and services share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement

from holdco.contacts.models import Contact
from holdco.filtering import Elsewhere, Filters, OrganizationId, compare
from holdco.listing import Listing, Order, Relation

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


def _email(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    return compare(_CONTACTS.email, "eq" if value is None else "eq_ignoring_case", value)


LISTING: Listing[ContactRow] = Listing(
    row=ContactRow,
    columns=CONTACT_COLUMNS,
    organization=_CONTACTS.organization_id,
    filters=Filters(
        {
            "id": _CONTACTS.id,
            "customer_id": _CONTACTS.customer_id,
            "name": _CONTACTS.name,
            "email": Elsewhere(_email),
            "created_at": _CONTACTS.created_at,
            "updated_at": _CONTACTS.updated_at,
        }
    ),
    order_default=(Order("name"),),
)

OF_CUSTOMER = Relation(parent=_CONTACTS.customer_id, below=("contacts",))
