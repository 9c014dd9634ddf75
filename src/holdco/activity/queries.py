"""Reads the activity record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, select

from holdco.activity.models import Activity
from holdco.filtering import Filters
from holdco.paging import Listing, Order, Relation, any_of


class ActivityRow(NamedTuple):
    id: UUID
    occurred_at: datetime
    actor: str
    action: str
    customer_id: UUID | None
    subject_id: str
    details: dict[str, Any]


LISTING: Listing[ActivityRow] = Listing(
    row=ActivityRow,
    columns={name: getattr(Activity, name) for name in ActivityRow._fields},
    organization=Activity.__table__.c.organization_id,
    filters=Filters({}),
    order_default=(Order("id", descending=True),),
)

OF_CUSTOMER = Relation(parent=Activity.__table__.c.customer_id)


def by_ids(organization_id: UUID, keys: Sequence[UUID]) -> Select[Any]:
    return select(Activity.__table__.c.id.label("key"), *LISTING.columns.values()).where(
        LISTING.organization == organization_id, any_of(LISTING.columns["id"], keys)
    )
