"""What clients give to find and order contacts."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from holdco.connections import DateTimeFilter, EmailFilter, IdFilter, OrderDirection, TextFilter, conditions_of
from holdco.filtering import Condition
from holdco.ids import Kind


@strawberry.enum(description="What contacts may be ordered by. Who keeps a copy reads on from the last updatedAt.")
class ContactOrderField(StrEnum):
    NAME = "name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class ContactOrder:
    field: ContactOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input(description="Conditions on contacts; all given ones must hold.")
class ContactFilter:
    id: IdFilter | None = None
    customer_id: IdFilter | None = None
    name: TextFilter | None = None
    email: EmailFilter | None = None
    created_at: DateTimeFilter | None = None
    updated_at: DateTimeFilter | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self, {"id": Kind.CONTACT, "customer_id": Kind.CUSTOMER})
