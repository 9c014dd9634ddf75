"""Reads groups: the rows, their order, who belongs to whom, and the statements that loaders and services share."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from holdco.customers.models import Customer
from holdco.filtering import Filters
from holdco.groups.models import CustomerGroup, GroupMember
from holdco.listing import Listing, Order, Relation
from holdco.sighted import Seen
from holdco.statements import ORGANIZATION_ID, Names, is_key

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
    condition=_GROUPS.deleted_at.is_(None),
)

OF_ANY_TIME = select(*GROUP_COLUMNS.values()).where(_GROUPS.organization_id == ORGANIZATION_ID, is_key(_GROUPS.id))

# Of the listing of customers: those that are in a group.
IN_GROUP = Relation(
    parent=_MEMBERS.group_id,
    joined=GroupMember.__table__,
    on=_MEMBERS.customer_id == Customer.__table__.c.id,
    organization=_MEMBERS.organization_id,
)


@cache
def of_customers(names: Names) -> Select[Any]:
    """In rank order."""
    return (
        select(_MEMBERS.customer_id, *(GROUP_COLUMNS[name] for name in names))
        .join_from(GroupMember.__table__, CustomerGroup.__table__, _GROUPS.id == _MEMBERS.group_id)
        .where(
            _MEMBERS.organization_id == ORGANIZATION_ID,
            _GROUPS.organization_id == ORGANIZATION_ID,
            is_key(_MEMBERS.customer_id),
            Seen(_MEMBERS.customer_id, ("group_members", "customer_groups")),
        )
        .order_by(_GROUPS.rank)
    )
