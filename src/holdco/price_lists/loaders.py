"""Loaders of price lists, each named for its contract."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from holdco.loading import CountsByParent, Loader, OneByKey, PagesByParent, RowByKey
from holdco.price_lists import prices, queries
from holdco.price_lists.pricing import PriceSource
from holdco.price_lists.queries import PriceListRateRow, PriceListRow, PriceListVersionRow
from holdco.reader import Reader


class PriceListById(RowByKey[UUID, PriceListRow]):
    listing = queries.LISTING


class PriceListByName(RowByKey[str, PriceListRow]):
    listing = queries.LISTING
    key = "name"


class PresentVersionByPriceListId(OneByKey[UUID, PriceListVersionRow]):
    row = PriceListVersionRow
    statement = queries.PRESENT


class VersionsByPriceListId(PagesByParent[PriceListVersionRow]):
    """The latest first."""

    listing = queries.VERSIONS
    relation = queries.HISTORY


class VersionCountByPriceListId(CountsByParent):
    listing = queries.VERSIONS
    relation = queries.HISTORY


class RatesByPriceListId(PagesByParent[PriceListRateRow]):
    listing = queries.RATES
    relation = queries.ON_LIST


class RateCountByPriceListId(CountsByParent):
    listing = queries.RATES
    relation = queries.ON_LIST


class QuotedRow(NamedTuple):
    """What one unit of an item costs when so many are bought; an item that there is not has no price."""

    item_id: UUID
    quantity: Decimal
    unit_price: Decimal | None
    source: PriceSource


class PricesByPriceListId(Loader[UUID, list[QuotedRow]]):
    """What items cost by each list: in its present version, or in one of that number."""

    def __init__(self, reader: Reader, wanted: tuple[tuple[UUID, Decimal], ...], version: int | None) -> None:
        super().__init__(reader)
        self.wanted = wanted
        self.version = version

    async def read(self, keys: list[UUID]) -> list[list[QuotedRow]]:
        item_ids = list(dict.fromkeys(item_id for item_id, _ in self.wanted))
        rows = await self.reader.rows(prices.ON_LISTS, {"keys": keys, "item_ids": item_ids, "version": self.version})
        found = prices.by_list(rows)
        return [
            [
                QuotedRow(item_id, quantity, *prices.quote(found.get((key, item_id)), quantity)[:2])
                for item_id, quantity in self.wanted
            ]
            for key in keys
        ]
