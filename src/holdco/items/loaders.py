"""Loaders of items, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from holdco.items import queries
from holdco.items.queries import ItemPriceRow, ItemRow
from holdco.loading import ManyByKey, RowByKey


class ItemById(RowByKey[UUID, ItemRow]):
    listing = queries.LISTING


class ItemBySku(RowByKey[str, ItemRow]):
    listing = queries.LISTING
    key = "sku"


class PricesByItemId(ManyByKey[UUID, ItemPriceRow]):
    """In the order of the currencies' codes."""

    row = ItemPriceRow
    statement = queries.PRICES
