"""Items as clients see them: types and queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry import Parent

from holdco import ids
from holdco.connections import Connection, Info, NodeInterface, list_request, listed, plain_text
from holdco.execution.fields import identifier, load, lookup, relation, single
from holdco.ids import Kind
from holdco.items import loaders, queries
from holdco.items.inputs import ItemBy, ItemFilter, ItemOrder
from holdco.items.models import ItemStatus
from holdco.items.queries import ItemRow
from holdco.scalars import CurrencyCode


@strawberry.type(description="What one unit costs where no price list says otherwise.")
class ItemPrice:
    currency: CurrencyCode
    unit_price: Decimal = strawberry.field(description="May be finer than the currency: 0.0035 per call.")


@strawberry.type(description="Something that is sold. Only staff see items; on an invoice a customer reads what it pays.")
class Item(NodeInterface):
    name: str
    sku: str | None = strawberry.field(description="The stock keeping unit, by which other systems know it.")
    description: str | None
    unit: str | None = strawberry.field(description="What one of it is: an hour, a licence, a kilogram.")
    status: ItemStatus
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = ItemRow

    id = identifier(Kind.ITEM)

    @relation("Its default prices, in the order of the currencies' codes.")
    def prices(rows: Parent[list[ItemRow]], info: Info) -> list[ItemPrice]:
        return load(loaders.PricesByItemId, [row.id for row in rows])


@strawberry.type
class ItemQueries:
    @lookup("An item by id or SKU; null where there is none.")
    def item(info: Info, by: ItemBy) -> Item | None:
        if by.id is not None:
            return load(loaders.ItemById, [ids.decode(Kind.ITEM, by.id.value)])
        return load(loaders.ItemBySku, [plain_text(by.sku.value) if by.sku is not None else ""])

    @strawberry.field(description="By name, where no other order is asked for.", metadata=single())
    async def items(
        self,
        info: Info,
        filter: ItemFilter | None = None,  # noqa: A002 (the name that clients write)
        order_by: list[ItemOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Item]:
        return await listed(info, queries.LISTING, list_request(queries.LISTING, filter, order_by, first, after, last, before))
