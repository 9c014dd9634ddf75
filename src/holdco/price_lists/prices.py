"""Reads what items cost by a version of a price list, for those who put them on an invoice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, text

from holdco.database import Transaction
from holdco.items.models import ItemStatus
from holdco.price_lists import pricing
from holdco.price_lists.pricing import Bracket, Offer, PriceRounding, PriceSource, Rounding

_ITEMS: Final = text(
    """
    select i.id, i.name, i.status, p.currency, p.unit_price
    from items i
    left join item_prices p on p.organization_id = :organization_id and p.item_id = i.id
         and p.currency = any(cast(:currencies as text[]))
    where i.organization_id = :organization_id and i.id = any(cast(:item_ids as uuid[]))
    """
)
_OFFERS: Final = text(
    """
    select v.price_list_id, v.version, v.percent, v.rounding, v.rounding_step, v.rounding_less,
           r.item_id, r.quantity_from, r.quantity_to, r.unit_price
    from unnest(cast(:price_list_ids as uuid[]), cast(:versions as integer[])) as asked(price_list_id, version)
    join price_list_versions v on v.organization_id = :organization_id and v.price_list_id = asked.price_list_id
         and v.version = asked.version
    left join price_list_rates r on r.organization_id = :organization_id and r.price_list_id = v.price_list_id
         and r.item_id = any(cast(:item_ids as uuid[])) and r.version_from <= v.version
         and (r.version_to is null or r.version_to > v.version)
    """
)


class Wanted(NamedTuple):
    """An item, how many of it, and by what it is priced: a list in that currency and its version, or no list."""

    item_id: UUID
    quantity: Decimal
    currency: str
    price_list: tuple[UUID, int] | None


class Quote(NamedTuple):
    """What one unit of an item costs, in major units; `unit_price` is None where it has no price in the currency.

    An item that is not known has no name and is not active. `source` is ITEM where there is no price.
    """

    unit_price: Decimal | None
    source: PriceSource
    is_known: bool
    is_active: bool
    name: str | None


_UNKNOWN: Final = Quote(None, PriceSource.ITEM, is_known=False, is_active=False, name=None)


async def unit_prices(
    transaction: Transaction, *, currency: str, price_list: tuple[UUID, int] | None, wanted: Sequence[tuple[UUID, Decimal]]
) -> list[Quote]:
    """A quote for each item and quantity, in their order, by two statements at most.

    `price_list` is a list in that currency and its version; inactive or not, it gives the prices of that version.
    """
    asked = [Wanted(item_id, quantity, currency, price_list) for item_id, quantity in wanted]
    return await quotes(transaction.rows, transaction.organization_id, asked)


async def quotes(
    read: Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[Any]]], organization_id: UUID, wanted: Sequence[Wanted]
) -> list[Quote]:
    """As `unit_prices`, for any currencies and price lists; `read` is that of a transaction or of a snapshot."""
    if not wanted:
        return []
    item_ids = list(dict.fromkeys(each.item_id for each in wanted))
    parameters = {"organization_id": organization_id, "item_ids": item_ids}
    rows = await read(_ITEMS, {**parameters, "currencies": sorted({each.currency for each in wanted})})
    items = {row.id: row for row in rows}
    defaults = {(row.id, row.currency): row.unit_price for row in rows}
    price_lists = list(dict.fromkeys(each.price_list for each in wanted if each.price_list is not None))
    offers: dict[tuple[UUID, int], dict[UUID, Offer]] = {}
    if price_lists:
        found: dict[tuple[UUID, int], list[Any]] = {price_list: [] for price_list in price_lists}
        lists = {"price_list_ids": [key for key, _ in price_lists], "versions": [version for _, version in price_lists]}
        for row in await read(_OFFERS, {**parameters, **lists}):
            found[row.price_list_id, row.version].append(row)
        offers = {price_list: offers_of(rows, item_ids) for price_list, rows in found.items()}
    return [
        _quote(
            items.get(each.item_id),
            defaults.get((each.item_id, each.currency)),
            offers[each.price_list].get(each.item_id) if each.price_list is not None else None,
            each.quantity,
        )
        for each in wanted
    ]


def offers_of(rows: Sequence[Any], item_ids: Sequence[UUID]) -> dict[UUID, Offer]:
    """What one version says of each item."""
    if not rows:
        return {}
    percent = rows[0].percent
    if percent is not None:
        return dict.fromkeys(item_ids, Offer(percent, rounding_of(rows[0])))
    brackets: dict[UUID, list[Bracket]] = {}
    for row in rows:
        if row.item_id is not None:
            brackets.setdefault(row.item_id, []).append(Bracket(row.quantity_from, row.quantity_to, row.unit_price))
    return {item_id: Offer(brackets=found) for item_id, found in brackets.items()}


def rounding_of(row: Any) -> Rounding | None:
    if row.rounding is None:
        return None
    return Rounding(PriceRounding(row.rounding), row.rounding_step, row.rounding_less)


def _quote(item: Any, default: Decimal | None, offer: Offer | None, quantity: Decimal) -> Quote:
    if item is None:
        return _UNKNOWN
    found = pricing.price(default, offer, quantity)
    return Quote(found.unit_price, found.source, is_known=True, is_active=item.status == ItemStatus.ACTIVE, name=item.name)
