"""Reads what items cost by a version of a price list: the statements, and the one use of them by whoever makes an invoice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, text

from holdco.database import Transaction
from holdco.items.models import ItemStatus
from holdco.price_lists import pricing
from holdco.price_lists.pricing import Bracket, Offer, Percentage, PriceRounding, PriceSource, Rounding

# The brackets of an item are as many rows; where it has none, they are null. Of each list the present version, or a given one.
ON_LISTS: Final = text(
    """
    select l.id as price_list_id, v.percent, v.rounding, v.rounding_step, v.rounding_less,
           i.id as item_id, i.name, i.status, p.unit_price as default_price,
           r.quantity_from, r.quantity_to, r.unit_price
    from price_lists l
    join price_list_versions v on v.organization_id = :organization_id and v.price_list_id = l.id
         and v.version = coalesce(cast(:version as integer), l.version)
    join items i on i.organization_id = :organization_id and i.id = any(cast(:item_ids as uuid[]))
    left join item_prices p on p.organization_id = :organization_id and p.item_id = i.id and p.currency = l.currency
    left join price_list_rates r on r.organization_id = :organization_id and r.price_list_id = l.id and r.item_id = i.id
         and r.version_from <= v.version and (r.version_to is null or r.version_to > v.version)
    where l.organization_id = :organization_id and l.id = any(cast(:keys as uuid[]))
    """
)
_BY_DEFAULT: Final = text(
    """
    select i.id as item_id, i.name, i.status, p.unit_price as default_price
    from items i
    left join item_prices p on p.organization_id = :organization_id and p.item_id = i.id and p.currency = :currency
    where i.organization_id = :organization_id and i.id = any(cast(:item_ids as uuid[]))
    """
)


class Quote(NamedTuple):
    """What one unit of an item costs, in major units; `unit_price` is None where it has no price in the currency.

    An item that is not known has no name and is not active. `source` is ITEM where there is no price.
    """

    unit_price: Decimal | None
    source: PriceSource
    is_known: bool
    is_active: bool
    name: str | None


class PricedItem(NamedTuple):
    """An item with its default price in a currency, and what a price list says of it."""

    name: str
    is_active: bool
    default: Decimal | None
    offer: Offer


UNKNOWN: Final = Quote(None, PriceSource.ITEM, is_known=False, is_active=False, name=None)


async def unit_prices(
    transaction: Transaction, *, currency: str, price_list: tuple[UUID, int] | None, wanted: Sequence[tuple[UUID, Decimal]]
) -> list[Quote]:
    """A quote for each item and quantity, in their order, by one statement.

    `price_list` is the id of a list in that currency, and its version. Whether it is active is for the caller to know.
    """
    if not wanted:
        return []
    parameters: dict[str, Any] = {
        "organization_id": transaction.organization_id,
        "item_ids": list(dict.fromkeys(item_id for item_id, _ in wanted)),
    }
    if price_list is None:
        rows = await transaction.rows(_BY_DEFAULT, {**parameters, "currency": currency})
        items = {row.item_id: _priced(row, ()) for row in rows}
    else:
        price_list_id, version = price_list
        rows = await transaction.rows(ON_LISTS, {**parameters, "keys": [price_list_id], "version": version})
        items = {item_id: item for (_, item_id), item in by_list(rows).items()}
    return [quote(items.get(item_id), quantity) for item_id, quantity in wanted]


def quote(item: PricedItem | None, quantity: Decimal) -> Quote:
    if item is None:
        return UNKNOWN
    found = pricing.price(item.default, item.offer, quantity)
    return Quote(found.unit_price, found.source, is_known=True, is_active=item.is_active, name=item.name)


def by_list(rows: Iterable[Any]) -> dict[tuple[UUID, UUID], PricedItem]:
    """By price list and item what `ON_LISTS` has selected."""
    found: dict[tuple[UUID, UUID], PricedItem] = {}
    brackets: dict[tuple[UUID, UUID], list[Bracket]] = {}
    for row in rows:
        key = (row.price_list_id, row.item_id)
        if row.percent is not None:
            found[key] = _priced(row, Percentage(row.percent, rounding_of(row)))
            continue
        if key not in found:
            found[key] = _priced(row, brackets.setdefault(key, []))
        if row.quantity_from is not None:
            brackets[key].append(Bracket(row.quantity_from, row.quantity_to, row.unit_price))
    return found


def rounding_of(row: Any) -> Rounding | None:
    """Of a row with the columns of a version."""
    if row.rounding is None:
        return None
    return Rounding(PriceRounding(row.rounding), row.rounding_step, row.rounding_less)


def _priced(row: Any, offer: Offer) -> PricedItem:
    return PricedItem(row.name, row.status == ItemStatus.ACTIVE, row.default_price, offer)


class Wanted(NamedTuple):
    """An item, how many of it, and by what it is priced: a list in that currency and its version, or no list."""

    item_id: UUID
    quantity: Decimal
    currency: str
    price_list: tuple[UUID, int] | None


_WANTED: Final = text(
    """
    select w.place, i.name, i.status, p.unit_price as default_price,
           v.percent, v.rounding, v.rounding_step, v.rounding_less, r.quantity_from, r.quantity_to, r.unit_price
    from unnest(cast(:item_ids as uuid[]), cast(:currencies as text[]), cast(:price_list_ids as uuid[]),
                cast(:versions as integer[])) with ordinality as w(item_id, currency, price_list_id, version, place)
    join items i on i.organization_id = :organization_id and i.id = w.item_id
    left join item_prices p on p.organization_id = :organization_id and p.item_id = i.id and p.currency = w.currency
    left join price_list_versions v on v.organization_id = :organization_id and v.price_list_id = w.price_list_id
         and v.version = w.version
    left join price_list_rates r on r.organization_id = :organization_id and r.price_list_id = v.price_list_id
         and r.item_id = i.id and r.version_from <= v.version and (r.version_to is null or r.version_to > v.version)
    """
)


async def quotes(
    read: Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[Any]]], organization_id: UUID, wanted: Sequence[Wanted]
) -> list[Quote]:
    """As `unit_prices`, by any number of price lists, in one statement. `read` is that of a transaction or of a snapshot."""
    if not wanted:
        return []
    places = {
        key: place for place, key in enumerate(dict.fromkeys((w.item_id, w.currency, w.price_list) for w in wanted), start=1)
    }
    found: dict[int, list[Any]] = {}
    parameters = {
        "organization_id": organization_id,
        "item_ids": [item_id for item_id, _, _ in places],
        "currencies": [currency for _, currency, _ in places],
        "price_list_ids": [price_list[0] if price_list is not None else None for _, _, price_list in places],
        "versions": [price_list[1] if price_list is not None else None for _, _, price_list in places],
    }
    for row in await read(_WANTED, parameters):
        found.setdefault(row.place, []).append(row)
    items = {place: _priced(rows[0], _offer_of(rows)) for place, rows in found.items()}
    return [quote(items.get(places[each.item_id, each.currency, each.price_list]), each.quantity) for each in wanted]


def _offer_of(rows: Sequence[Any]) -> Offer:
    if rows[0].percent is not None:
        return Percentage(rows[0].percent, rounding_of(rows[0]))
    return [Bracket(row.quantity_from, row.quantity_to, row.unit_price) for row in rows if row.quantity_from is not None]
