"""Reads what items cost, by default or by a version of a price list: one statement, however many are asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, text

from holdco.database import Transaction
from holdco.items.models import ItemStatus
from holdco.price_lists import pricing
from holdco.price_lists.pricing import Bracket, Offer, Percentage, PriceRounding, PriceSource, Rounding


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


UNKNOWN: Final = Quote(None, PriceSource.ITEM, is_known=False, is_active=False, name=None)

# The brackets of an item are as many rows; where it has none, they are null. OFFSET has each of them looked up by its key: of a
# large list whose size Postgres has not heard of, all rows would be read again for every item.
_PRICED: Final = text(
    """
    select w.place, i.name, i.status, p.unit_price as default_price,
           v.percent, v.rounding, v.rounding_step, v.rounding_less, r.quantity_from, r.quantity_to, r.unit_price
    from unnest(cast(:item_ids as uuid[]), cast(:currencies as text[]), cast(:price_list_ids as uuid[]),
                cast(:versions as integer[])) with ordinality as w(item_id, currency, price_list_id, version, place)
    cross join lateral (
      select known.name, known.status from items known
      where known.organization_id = :organization_id and known.id = w.item_id
      offset 0
    ) i
    left join lateral (
      select usual.unit_price from item_prices usual
      where usual.organization_id = :organization_id and usual.item_id = w.item_id and usual.currency = w.currency
      offset 0
    ) p on true
    left join lateral (
      select said.percent, said.rounding, said.rounding_step, said.rounding_less from price_list_versions said
      where said.organization_id = :organization_id and said.price_list_id = w.price_list_id and said.version = w.version
      offset 0
    ) v on true
    left join lateral (
      select rate.quantity_from, rate.quantity_to, rate.unit_price from price_list_rates rate
      where rate.organization_id = :organization_id and rate.price_list_id = w.price_list_id and rate.item_id = w.item_id
        and rate.version_from <= w.version and (rate.version_to is null or rate.version_to > w.version)
      offset 0
    ) r on true
    """
)


async def unit_prices(
    transaction: Transaction, *, currency: str, price_list: tuple[UUID, int] | None, wanted: Sequence[tuple[UUID, Decimal]]
) -> list[Quote]:
    """`quotes` of items and quantities that are all priced by the same."""
    asked = [Wanted(item_id, quantity, currency, price_list) for item_id, quantity in wanted]
    return await quotes(transaction.rows, transaction.organization_id, asked)


async def quotes(
    read: Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[Any]]], organization_id: UUID, wanted: Sequence[Wanted]
) -> list[Quote]:
    """What each costs, in their order. `read` is that of a transaction or of a snapshot.

    Whether a list is active is for the caller to know, and that its version is one that there is.
    """
    if not wanted:
        return []
    places = {
        key: place for place, key in enumerate(dict.fromkeys((w.item_id, w.currency, w.price_list) for w in wanted), start=1)
    }
    parameters = {
        "organization_id": organization_id,
        "item_ids": [item_id for item_id, _, _ in places],
        "currencies": [currency for _, currency, _ in places],
        "price_list_ids": [price_list[0] if price_list is not None else None for _, _, price_list in places],
        "versions": [price_list[1] if price_list is not None else None for _, _, price_list in places],
    }
    found: dict[int, list[Any]] = {}
    for row in await read(_PRICED, parameters):
        found.setdefault(row.place, []).append(row)
    offers = {place: _offer_of(rows) for place, rows in found.items()}
    answers = []
    for each in wanted:
        place = places[each.item_id, each.currency, each.price_list]
        answers.append(_quote(found[place][0], offers[place], each.quantity) if place in found else UNKNOWN)
    return answers


def rounding_of(row: Any) -> Rounding | None:
    """Of a row with the columns of a version."""
    if row.rounding is None:
        return None
    return Rounding(PriceRounding(row.rounding), row.rounding_step, row.rounding_less)


def _offer_of(rows: Sequence[Any]) -> Offer:
    if rows[0].percent is not None:
        return Percentage(rows[0].percent, rounding_of(rows[0]))
    return [Bracket(row.quantity_from, row.quantity_to, row.unit_price) for row in rows if row.quantity_from is not None]


def _quote(item: Any, offer: Offer, quantity: Decimal) -> Quote:
    found = pricing.price(item.default_price, offer, quantity)
    return Quote(found.unit_price, found.source, is_known=True, is_active=item.status == ItemStatus.ACTIVE, name=item.name)
