"""Loaders of price lists, each named for its contract."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from holdco.loading import CountsByParent, Loader, OneByKey, PagesByParent, RowByKey
from holdco.price_lists import prices, queries
from holdco.price_lists.prices import Wanted
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


class PricedBy(NamedTuple):
    """A price list in one of its versions."""

    id: UUID
    version: int
    currency: str


class QuotesByPriceList(Loader[PricedBy, list[QuotedRow]]):
    """What items cost by each list, in the order in which they are asked for."""

    def __init__(self, reader: Reader, wanted: tuple[tuple[UUID, Decimal], ...]) -> None:
        super().__init__(reader)
        self.wanted = wanted

    async def read(self, keys: list[PricedBy]) -> list[list[QuotedRow]]:
        asked = [Wanted(*each, key.currency, (key.id, key.version)) for key in keys for each in self.wanted]
        quotes = iter(await prices.quotes(self.reader.rows, self.reader.organization_id, asked))
        return [[QuotedRow(*each, *next(quotes)[:2]) for each in self.wanted] for _ in keys]
