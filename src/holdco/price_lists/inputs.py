"""What clients give to find price lists, and to ask what items cost."""

from __future__ import annotations

from decimal import Decimal

import strawberry
from strawberry import ID, Maybe

from holdco.connections import TextFilter, conditions_of
from holdco.filtering import Condition
from holdco.price_lists.models import PriceListKind
from holdco.price_lists.pricing import PriceDirection, PriceRounding, PriceSource
from holdco.scalars import CurrencyCode

strawberry.enum(PriceListKind, description="Whether a price list changes default prices by a percentage, or has rates per item.")
strawberry.enum(PriceDirection, description="Whether the percentage of a price list is added to default prices or taken off.")
strawberry.enum(PriceRounding, description="Which way a price goes to a multiple of the rounding step.")
strawberry.enum(PriceSource, description="Where a price comes from: a price list, or the item's default price.")


@strawberry.input(description="Conditions on price lists; all given ones must hold.")
class PriceListFilter:
    name: TextFilter | None = None
    currency: CurrencyCode | None = None
    is_active: bool | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self)


@strawberry.input(one_of=True, description="Exactly one of these.")
class PriceListBy:
    id: Maybe[ID] = None
    name: Maybe[str] = None


@strawberry.input
class ItemQuantityInput:
    item_id: ID
    quantity: Decimal = Decimal(1)
