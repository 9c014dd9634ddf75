"""What clients give to find and order items."""

from __future__ import annotations

from enum import StrEnum

import strawberry
from strawberry import ID, Maybe

from holdco.connections import CodeFilter, IdFilter, OrderDirection, TextFilter, conditions_of
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.items.models import ItemStatus

strawberry.enum(ItemStatus, description="What was sold once is not deleted: an inactive item goes on no new line.")


@strawberry.enum(description="What items may be ordered by.")
class ItemOrderField(StrEnum):
    NAME = "name"
    CREATED_AT = "created_at"


@strawberry.input
class ItemOrder:
    field: ItemOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input(description="Conditions on items; all given ones must hold.")
class ItemFilter:
    id: IdFilter | None = None
    name: TextFilter | None = None
    sku: CodeFilter | None = None
    status: ItemStatus | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self, {"id": Kind.ITEM})


@strawberry.input(one_of=True, description="Exactly one of these.")
class ItemBy:
    id: Maybe[ID] = None
    sku: Maybe[str] = None
