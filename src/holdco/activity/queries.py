"""Reads the activity record."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from holdco.activity.models import Activity
from holdco.filtering import Filters
from holdco.listing import Listing, Order, Relation


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
    columns={name: Activity.__table__.c[name] for name in ActivityRow._fields},
    organization=Activity.__table__.c.organization_id,
    filters=Filters({}),
    order_default=(Order("id", descending=True),),
)

OF_CUSTOMER = Relation(parent=Activity.__table__.c.customer_id)
