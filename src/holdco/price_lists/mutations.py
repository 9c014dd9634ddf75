"""What clients may change about price lists. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID, Maybe

from holdco.connections import Info, UserError, attempt, input_id, input_ids
from holdco.ids import Kind
from holdco.price_lists import service
from holdco.price_lists.graph import PriceList
from holdco.price_lists.loaders import PriceListById
from holdco.price_lists.models import PriceListKind
from holdco.price_lists.pricing import Bracket, PriceDirection, PriceRounding, Rounding
from holdco.price_lists.rates import BRACKETS_MAX, RATES_PER_REQUEST_MAX, ItemRates
from holdco.scalars import CurrencyCode


@strawberry.input(
    description="A price goes to a multiple of `step`, then `less` is taken off: steps of 1.00 less 0.01 end in .99."
)
class PriceRoundingInput:
    direction: PriceRounding = PriceRounding.NEAREST
    step: Decimal
    less: Decimal = strawberry.field(default=Decimal(0), description="Below `step`.")


@strawberry.input(description="What one unit costs from one quantity to below another one, both of the whole line.")
class PriceBracketInput:
    quantity_from: Decimal = Decimal(0)
    quantity_to: Decimal | None = strawberry.field(default=None, description="Above quantityFrom; null: there is no end.")
    unit_price: Decimal = strawberry.field(description="May be finer than the currency: 0.0035 per call.")


@strawberry.input
class PriceListRatesInput:
    item_id: ID
    brackets: list[PriceBracketInput] = strawberry.field(
        description=f"All of the item, at most {BRACKETS_MAX}, in any order. A quantity that none holds has the default price."
    )


_RATES = f"At most {RATES_PER_REQUEST_MAX} brackets in all."


@strawberry.input
class PriceListCreateInput:
    name: str
    description: str | None = None
    currency: CurrencyCode
    kind: PriceListKind
    direction: PriceDirection | None = strawberry.field(default=None, description="With PERCENTAGE, and only with it.")
    percent: Decimal | None = strawberry.field(
        default=None, description="With PERCENTAGE, and only with it: up by at most 1000, down by at most 100."
    )
    rounding: PriceRoundingInput | None = strawberry.field(default=None, description="Only with PERCENTAGE.")
    rates: list[PriceListRatesInput] | None = strawberry.field(default=None, description=f"Only with RATES. {_RATES}")


@strawberry.input(description="A field that is left out stays as it is; null clears it, where it can be empty.")
class PriceListUpdateInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    description: Maybe[str | None] = None
    direction: Maybe[PriceDirection | None] = None
    percent: Maybe[Decimal | None] = None
    rounding: Maybe[PriceRoundingInput | None] = None
    is_active: Maybe[bool | None] = strawberry.field(default=None, description="An inactive list applies to nothing new.")
    rates: list[PriceListRatesInput] | None = strawberry.field(
        default=None,
        description=f"The brackets of these items become these; items that are left out keep theirs. {_RATES} "
        "No brackets: the item has its default price.",
    )


@strawberry.type
class PriceListPayload:
    price_list: PriceList | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _created(given: PriceListCreateInput) -> dict[str, Any]:
    names = ("name", "description", "currency", "direction", "percent")
    return {**{name: getattr(given, name) for name in names}, "rounding": _rounding(given.rounding)}


def _changed(given: PriceListUpdateInput) -> dict[str, Any]:
    names = ("name", "description", "direction", "percent", "rounding", "is_active")
    fields = {name: getattr(given, name) for name in names}
    values = {name: some.value for name, some in fields.items() if some is not None}
    return {**values, "rounding": _rounding(values["rounding"])} if "rounding" in values else values


def _rounding(given: PriceRoundingInput | None) -> Rounding | None:
    return Rounding(given.direction, given.step, given.less) if given is not None else None


def _rates(given: Sequence[PriceListRatesInput] | None) -> list[ItemRates]:
    entries = given or ()
    item_ids = input_ids(Kind.ITEM, [entry.item_id for entry in entries], "rates", within=("itemId",), most=RATES_PER_REQUEST_MAX)
    return [
        ItemRates(item_id, [Bracket(each.quantity_from, each.quantity_to, each.unit_price) for each in entry.brackets])
        for item_id, entry in zip(item_ids, entries, strict=True)
    ]


@strawberry.type
class PriceListMutations:
    @strawberry.mutation(description="Its currency and kind never change.")
    async def price_list_create(self, info: Info, input: PriceListCreateInput) -> PriceListPayload:  # noqa: A002
        async def use_case() -> PriceListPayload:
            given = _rates(input.rates)
            async with info.context.transaction() as transaction:
                price_list_id = await service.create(transaction, kind=input.kind, values=_created(input), given=given)
            return PriceListPayload(price_list=await info.context.show(PriceListById, price_list_id))

        return await attempt(PriceListPayload, use_case)

    @strawberry.mutation(description="Makes a version, unless nothing differs. Documents keep the prices that they have.")
    async def price_list_update(self, info: Info, input: PriceListUpdateInput) -> PriceListPayload:  # noqa: A002
        async def use_case() -> PriceListPayload:
            price_list_id = input_id(Kind.PRICE_LIST, input.id, "id")
            given = _rates(input.rates)
            async with info.context.transaction() as transaction:
                await service.change(transaction, price_list_id, values=_changed(input), given=given, version=input.version)
            return PriceListPayload(price_list=await info.context.show(PriceListById, price_list_id))

        return await attempt(PriceListPayload, use_case)
