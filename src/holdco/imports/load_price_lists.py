"""Writes price lists and the items that they name, as the services would one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.activity import service as activity
from holdco.database import Transaction
from holdco.errors import Refused
from holdco.ids import Kind
from holdco.imports.price_lists import ReadItem, ReadPriceList
from holdco.imports.problems import ImportConflict, Problems
from holdco.imports.staging import ActivityLog
from holdco.imports.values import shown
from holdco.price_lists import rates
from holdco.price_lists import service as price_lists
from holdco.price_lists.errors import NameTaken
from holdco.price_lists.rates import ItemRates

_AT_ONCE: Final = 5000
_COLUMN: Final = "Item Name"

_HERE: Final = text(
    "select name from price_lists where organization_id = :organization_id and name = any(cast(:names as text[]))"
)
_BY_SKU: Final = text("select sku, id from items where organization_id = :organization_id and sku = any(cast(:keys as text[]))")
_BY_NAME: Final = text(
    "select name, id from items where organization_id = :organization_id and name = any(cast(:keys as text[])) order by id"
)
_INSERT: Final = text(
    """
    insert into items (organization_id, id, name, sku, description, unit, status, created_at, updated_at, version)
    select o.id, item.id, item.name, item.sku, item.description, item.unit, item.status, :now, :now, 1
    from organizations o
    cross join unnest(cast(:ids as uuid[]), cast(:names as text[]), cast(:skus as text[]), cast(:descriptions as text[]),
                      cast(:units as text[]), cast(:statuses as text[]))
               as item(id, name, sku, description, unit, status)
    where o.id = :organization_id
    returning id
    """
)
_INSERT_PRICES: Final = text(
    """
    insert into item_prices (organization_id, item_id, currency, unit_price)
    select o.id, price.item_id, price.currency, price.unit_price
    from organizations o
    cross join unnest(cast(:item_ids as uuid[]), cast(:currencies as text[]), cast(:unit_prices as numeric[]))
               as price(item_id, currency, unit_price)
    where o.id = :organization_id
    returning item_id
    """
)

Key = tuple[str, str]


@dataclass(slots=True)
class LoadedPriceLists:
    created: int = 0
    skipped: int = 0
    items: int = 0
    rates: int = 0


class PriceListLoader:
    """Collects price lists; `write` brings them in, all or none."""

    def __init__(self, transaction: Transaction, log: ActivityLog, problems: Problems) -> None:
        self.loaded = LoadedPriceLists()
        self._transaction = transaction
        self._log = log
        self._problems = problems
        self._price_lists: list[ReadPriceList] = []

    async def here(self, names: AbstractSet[str]) -> set[str]:
        """Those of the names that price lists here have."""
        rows = await self._transaction.rows(_HERE, {**self._identity, "names": list(names)})
        return {row.name for row in rows}

    def add(self, price_list: ReadPriceList) -> None:
        self._price_lists.append(price_list)

    async def write(self) -> None:
        """Adds to the problems what contradicts itself across rows, and what the services refuse."""
        first, prices = self._items()
        keys = await self._found(first)
        if self._problems.count:
            return
        new = {ids.new(): item for key, item in first.items() if key not in keys}
        await self._write_items(new, prices)
        keys |= {item.key: item_id for item_id, item in new.items()}
        for price_list in self._price_lists:
            await self._write_price_list(price_list, keys)

    @property
    def _identity(self) -> dict[str, Any]:
        return {"organization_id": self._transaction.organization_id}

    def _items(self) -> tuple[dict[Key, ReadItem], dict[Key, dict[str, Decimal]]]:
        """Each item as its first row has it, and its default prices by currency."""
        first: dict[Key, ReadItem] = {}
        prices: dict[Key, dict[str, Decimal]] = {}
        for price_list in self._price_lists:
            for item in price_list.items:
                known = first.setdefault(item.key, item)
                if known.name != item.name:
                    self._tell(item, f"The item {shown(item.sku or '')} is called {shown(known.name)} at line {known.line}.")
                if item.price is None:
                    continue
                price = prices.setdefault(item.key, {}).setdefault(price_list.currency, item.price)
                if price != item.price:
                    self._tell(
                        item,
                        f"{item.name} costs {price:f} {price_list.currency} in a row before, and {item.price:f} in this one.",
                        column="Item Price",
                    )
        return first, prices

    async def _found(self, items: Mapping[Key, ReadItem]) -> dict[Key, UUID]:
        """The items that are here. A name that several of them have does not tell which is meant."""
        found: dict[Key, UUID] = {}
        for kind, statement in (("sku", _BY_SKU), ("name", _BY_NAME)):
            wanted = [text_ for by, text_ in items if by == kind]
            for value, item_id in await self._transaction.rows(statement, {**self._identity, "keys": wanted}):
                if (kind, value) in found:
                    self._tell(items[kind, value], f"Several items are called {shown(value)}. Name this one by its SKU.")
                found[kind, value] = item_id
        return found

    def _tell(self, item: ReadItem, sentence: str, column: str = _COLUMN) -> None:
        self._problems.add(item.line, sentence, column=column)

    async def _write_items(self, new: Mapping[UUID, ReadItem], prices: Mapping[Key, Mapping[str, Decimal]]) -> None:
        for some in _chunks(new.items()):
            items = [item for _, item in some]
            await self._transaction.execute(
                _INSERT,
                {
                    **self._identity,
                    "now": self._transaction.now,
                    "ids": [item_id for item_id, _ in some],
                    "names": [item.name for item in items],
                    "skus": [item.sku for item in items],
                    "descriptions": [item.description for item in items],
                    "units": [item.unit for item in items],
                    "statuses": [item.status.value for item in items],
                },
            )
            priced = [
                (item_id, currency, price) for item_id, item in some for currency, price in prices.get(item.key, {}).items()
            ]
            if priced:
                item_ids, currencies, unit_prices = zip(*priced, strict=True)
                await self._transaction.execute(
                    _INSERT_PRICES,
                    {
                        **self._identity,
                        "item_ids": list(item_ids),
                        "currencies": list(currencies),
                        "unit_prices": list(unit_prices),
                    },
                )
            for item_id, item in some:
                self._log.add(activity.about(Kind.ITEM, item_id, "item.created", name=item.name))
            await self._log.flush()
        self.loaded.items = len(new)

    async def _write_price_list(self, price_list: ReadPriceList, keys: Mapping[Key, UUID]) -> None:
        values = {
            "name": price_list.name,
            "currency": price_list.currency,
            "description": price_list.description,
            **price_list.percentage,
        }
        try:
            price_list_id = await price_lists.create(self._transaction, kind=price_list.kind, values=values)
        except NameTaken as taken:
            raise ImportConflict(f"{taken} It was made at the same time. Nothing was imported; run it again.") from taken
        except Refused as refused:
            for refusal in refused.refusals:
                self._problems.refuse(price_list.line, refusal)
            return
        # Past the limit of one request: a file may have more, and they are all of version 1.
        for some in _chunks(price_list.rates.items()):
            given = [ItemRates(keys[key], brackets) for key, brackets in some]
            await rates.write(self._transaction, price_list_id, 1, rates.first(given))
            self.loaded.rates += sum(len(each.brackets) for each in given)
        if not price_list.is_active:
            await price_lists.change(self._transaction, price_list_id, values={"is_active": False})
        self.loaded.created += 1


def _chunks(pairs: Any) -> Iterator[Sequence[tuple[Any, Any]]]:
    remaining = iter(pairs)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
