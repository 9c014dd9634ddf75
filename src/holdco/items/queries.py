"""Reads items: the rows, their order, how they are found, and their default prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select

from holdco.filtering import Filters
from holdco.items.models import Item, ItemPrice
from holdco.listing import Listing, Order
from holdco.statements import ORGANIZATION_ID, is_key

_ITEMS = Item.__table__.c
_PRICES = ItemPrice.__table__.c


class ItemRow(NamedTuple):
    id: UUID
    name: str
    sku: str | None
    description: str | None
    unit: str | None
    status: str
    created_at: datetime
    updated_at: datetime
    version: int


class ItemPriceRow(NamedTuple):
    currency: str
    unit_price: Decimal


ITEM_COLUMNS: dict[str, ColumnElement[Any]] = {name: _ITEMS[name] for name in ItemRow._fields}

LISTING: Listing[ItemRow] = Listing(
    row=ItemRow,
    columns=ITEM_COLUMNS,
    organization=_ITEMS.organization_id,
    filters=Filters({name: _ITEMS[name] for name in ("id", "name", "sku", "status")}),
    order_default=(Order("name"),),
)

# In the order of the currencies' codes.
PRICES = (
    select(_PRICES.item_id, *(_PRICES[name] for name in ItemPriceRow._fields))
    .where(_PRICES.organization_id == ORGANIZATION_ID, is_key(_PRICES.item_id))
    .order_by(_PRICES.item_id, _PRICES.currency)
)
