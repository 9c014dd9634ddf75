"""What clients may change about items. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID, Maybe

from holdco.connections import Info, UserError, attempt, input_id
from holdco.ids import Kind
from holdco.items import service
from holdco.items.graph import Item
from holdco.items.loaders import ItemById
from holdco.items.models import ItemStatus
from holdco.items.service import NewPrice
from holdco.scalars import CurrencyCode


@strawberry.input(description="The default price in one currency.")
class ItemPriceInput:
    currency: CurrencyCode
    unit_price: Decimal | None = strawberry.field(
        default=None, description="May be finer than the currency: 0.0035 per call. Null: the item has no price in it."
    )


@strawberry.input
class ItemCreateInput:
    name: str
    sku: str | None = None
    description: str | None = None
    unit: str | None = None
    status: ItemStatus = ItemStatus.ACTIVE
    prices: list[ItemPriceInput] | None = strawberry.field(default=None, description="One for each currency that it is sold in.")


@strawberry.input(description="A field that is left out stays as it is; null clears it, where it can be empty.")
class ItemUpdateInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    sku: Maybe[str | None] = None
    description: Maybe[str | None] = None
    unit: Maybe[str | None] = None
    status: Maybe[ItemStatus | None] = None
    prices: list[ItemPriceInput] | None = strawberry.field(
        default=None, description="Prices in currencies that are left out stay as they are."
    )


@strawberry.type
class ItemPayload:
    item: Item | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


_FIELDS = ("name", "sku", "description", "unit", "status")


def _created(given: ItemCreateInput) -> dict[str, Any]:
    return {name: getattr(given, name) for name in _FIELDS}


def _changed(given: ItemUpdateInput) -> dict[str, Any]:
    fields = {name: getattr(given, name) for name in _FIELDS}
    return {name: some.value for name, some in fields.items() if some is not None}


def _prices(given: Sequence[ItemPriceInput] | None) -> list[NewPrice]:
    return [NewPrice(price.currency, price.unit_price) for price in given or ()]


@strawberry.type
class ItemMutations:
    @strawberry.mutation
    async def item_create(self, info: Info, input: ItemCreateInput) -> ItemPayload:  # noqa: A002
        async def use_case() -> ItemPayload:
            async with info.context.transaction() as transaction:
                item_id = await service.create(transaction, values=_created(input), prices=_prices(input.prices))
            return ItemPayload(item=await info.context.show(ItemById, item_id))

        return await attempt(ItemPayload, use_case)

    @strawberry.mutation(description="Prices of documents and of price lists' rates stay as they are.")
    async def item_update(self, info: Info, input: ItemUpdateInput) -> ItemPayload:  # noqa: A002
        async def use_case() -> ItemPayload:
            item_id = input_id(Kind.ITEM, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.change(
                    transaction, item_id, values=_changed(input), prices=_prices(input.prices), version=input.version
                )
            return ItemPayload(item=await info.context.show(ItemById, item_id))

        return await attempt(ItemPayload, use_case)
