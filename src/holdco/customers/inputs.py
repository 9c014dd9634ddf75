"""What clients give to find and order customers."""

from __future__ import annotations

from enum import StrEnum

import strawberry
from strawberry import ID, Maybe

from holdco.connections import (
    CodeFilter,
    DateTimeFilter,
    EmailFilter,
    IdFilter,
    OrderDirection,
    TextFilter,
    conditions_of,
)
from holdco.customers.models import CustomerKind, CustomerRole, CustomerStatus
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.scalars import CurrencyCode

strawberry.enum(CustomerKind)
strawberry.enum(CustomerRole, description="What a customer is within its tree.")
strawberry.enum(CustomerStatus)


@strawberry.enum(description="What customers may be ordered by.")
class CustomerOrderField(StrEnum):
    NUMBER = "number"
    NAME = "name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class CustomerOrder:
    field: CustomerOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input(description="Conditions on customers; all given ones must hold.")
class CustomerFilter:
    id: IdFilter | None = None
    number: CodeFilter | None = None
    name: TextFilter | None = None
    email: EmailFilter | None = None
    kind: CustomerKind | None = None
    role: CustomerRole | None = None
    status: CustomerStatus | None = None
    currency: CurrencyCode | None = None
    parent_id: IdFilter | None = None
    is_root: bool | None = strawberry.field(default=None, description="Has no parent.")
    external_id: CodeFilter | None = None
    group_id: IdFilter | None = strawberry.field(default=None, description="In one of these groups; null: in none at all.")
    created_at: DateTimeFilter | None = None
    updated_at: DateTimeFilter | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self, {"id": Kind.CUSTOMER, "parent_id": Kind.CUSTOMER, "group_id": Kind.GROUP})


@strawberry.input(one_of=True, description="Exactly one of these.")
class CustomerBy:
    id: Maybe[ID] = None
    number: Maybe[str] = None
    external_id: Maybe[str] = None
