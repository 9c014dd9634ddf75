"""What clients give to find and order contacts."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from holdco.connections import DateTimeFilter, EmailFilter, IdFilter, OrderDirection, TextFilter, conditions_of, orders_of
from holdco.contacts import queries
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.paging import PageRequest, request_of


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


def contact_request(
    filter: ContactFilter | None,  # noqa: A002 (the name that clients write)
    order_by: list[ContactOrder] | None,
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
) -> PageRequest:
    return request_of(
        queries.LISTING,
        first=first,
        after=after,
        last=last,
        before=before,
        orders=orders_of(order_by),
        conditions=filter.conditions() if filter is not None else (),
    )
