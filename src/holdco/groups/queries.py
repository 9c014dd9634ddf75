"""Reads groups: the rows, their order, who belongs to whom, and the statements that loaders and services share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from holdco.customers.models import Customer
from holdco.filtering import Filters
from holdco.groups.models import CustomerGroup, GroupMember
from holdco.paging import Listing, Order, Relation, any_of

_GROUPS = CustomerGroup.__table__.c
_MEMBERS = GroupMember.__table__.c


class GroupRow(NamedTuple):
    id: UUID
    name: str
    rank: int
    description: str | None
    created_at: datetime
    updated_at: datetime
    version: int


GROUP_COLUMNS: dict[str, ColumnElement[Any]] = {name: _GROUPS[name] for name in GroupRow._fields}

LISTING: Listing[GroupRow] = Listing(
    row=GroupRow,
    columns=GROUP_COLUMNS,
    organization=_GROUPS.organization_id,
    filters=Filters({}),
    order_default=(Order("rank"),),
)

# Of the listing of customers: those that are in a group.
IN_GROUP = Relation(
    parent=_MEMBERS.group_id,
    joined=GroupMember.__table__,
    on=_MEMBERS.customer_id == Customer.__table__.c.id,
    organization=_MEMBERS.organization_id,
)


def by_ids(organization_id: UUID, keys: Sequence[UUID]) -> Select[Any]:
    return select(_GROUPS.id.label("key"), *GROUP_COLUMNS.values()).where(
        _GROUPS.organization_id == organization_id, any_of(_GROUPS.id, keys)
    )


def id_by_name(organization_id: UUID, name: str) -> Select[Any]:
    return select(_GROUPS.id).where(_GROUPS.organization_id == organization_id, _GROUPS.name == name)


def of_customers(organization_id: UUID, keys: Sequence[UUID]) -> Select[Any]:
    """In rank order."""
    return (
        select(_MEMBERS.customer_id, *GROUP_COLUMNS.values())
        .join_from(GroupMember.__table__, CustomerGroup.__table__, _GROUPS.id == _MEMBERS.group_id)
        .where(
            _MEMBERS.organization_id == organization_id,
            _GROUPS.organization_id == organization_id,
            any_of(_MEMBERS.customer_id, keys),
        )
        .order_by(_GROUPS.rank)
    )
