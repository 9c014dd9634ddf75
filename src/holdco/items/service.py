"""Creates and changes items. Every use case takes the transaction first and commits nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from holdco import ids
from holdco.activity import service as activity
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, NotFound, Refusal, Refused, StaleVersion
from holdco.filtering import any_of
from holdco.ids import Kind
from holdco.items import queries
from holdco.items.errors import SkuTaken
from holdco.items.models import Item, ItemPrice, ItemStatus
from holdco.items.queries import ItemRow
from holdco.validation import (
    TEXT_LENGTH_MAX,
    Cleaner,
    cleaned,
    currency_code,
    exact_decimal,
    member_of,
    optional_text,
    required_text,
)

# Below what a line of an invoice takes, so that a price with a thousand percent on it still goes on one.
UNIT_PRICE_LIMIT: Final = Decimal(10) ** 16

_CLEANERS: Mapping[str, Cleaner] = {
    "name": required_text,
    "sku": optional_text,
    "description": lambda value, field: optional_text(value, field, length_max=TEXT_LENGTH_MAX),
    "unit": optional_text,
    "status": lambda value, field: member_of(ItemStatus, value or "", field),
}


class NewPrice(NamedTuple):
    """What one unit costs in a currency, in major units; None: it has no price in it."""

    currency: str
    unit_price: Decimal | None


async def create(transaction: Transaction, *, values: Mapping[str, Any], prices: Sequence[NewPrice] = ()) -> UUID:
    """A new item, active unless something else is said. Only the name is needed.

    Raises, in this order: Refused with InvalidInput for each bad value; SkuTaken.
    """
    fields, wanted = _checked({"name": None, **values}, prices)
    fields = {"status": ItemStatus.ACTIVE, **fields}
    item_id = ids.new()
    await _write(
        transaction,
        insert(Item).values(
            organization_id=transaction.organization_id,
            id=item_id,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
            **fields,
        ),
        fields,
    )
    await _set_prices(transaction, item_id, {}, wanted)
    await activity.record(transaction, [activity.about(Kind.ITEM, item_id, "item.created", name=fields["name"])])
    return item_id


async def change(
    transaction: Transaction,
    item_id: UUID,
    *,
    values: Mapping[str, Any],
    prices: Sequence[NewPrice] = (),
    version: int | None = None,
) -> None:
    """Sets the given fields and the prices in the given currencies, and leaves all others; None clears, or takes a price away.

    Raises, in this order: NotFound; StaleVersion (domain.md K6); Refused with InvalidInput for each bad value; SkuTaken.
    """
    item = await _locked(transaction, item_id)
    if version is not None and version != item.version:
        raise StaleVersion(item.name, expected=version, found=item.version)
    fields, wanted = _checked(values, prices)
    changed = {name: value for name, value in fields.items() if getattr(item, name) != value}
    present = await _prices_of(transaction, item_id) if wanted else {}
    are_prices_changed = any(present.get(currency) != unit_price for currency, unit_price in wanted.items())
    if not changed and not are_prices_changed:
        return
    await _write(
        transaction,
        update(Item)
        .where(Item.organization_id == transaction.organization_id, Item.id == item_id)
        .values(updated_at=transaction.now, version=Item.version + 1, **changed),
        changed,
    )
    await _set_prices(transaction, item_id, present, wanted)
    names = sorted([*changed, "prices"] if are_prices_changed else changed)
    await activity.record(transaction, [activity.about(Kind.ITEM, item_id, "item.updated", fields=names)])


async def names_of(transaction: Transaction, item_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of those that there are. Items are never deleted, so none of them goes."""
    items = Item.__table__.c
    statement = select(items.id, items.name).where(
        items.organization_id == transaction.organization_id, any_of(items.id, item_ids)
    )
    return {row.id: row.name for row in await transaction.rows(statement)}


def _checked(values: Mapping[str, Any], prices: Sequence[NewPrice]) -> tuple[dict[str, Any], dict[str, Decimal | None]]:
    """Fields, and prices by currency. Raises Refused with InvalidInput for each bad value of either."""
    fields: dict[str, Any] = {}
    problems: list[Refusal] = []
    try:
        fields = cleaned(values, _CLEANERS)
    except Refused as refused:
        problems += refused.refusals
    wanted: dict[str, Decimal | None] = {}
    for position, new in enumerate(prices):
        path = f"prices.{position}"
        try:
            currency = currency_code(new.currency, f"{path}.currency")
            if new.unit_price is not None:
                exact_decimal(new.unit_price, f"{path}.unitPrice", limit=UNIT_PRICE_LIMIT)
        except InvalidInput as problem:
            problems.append(problem)
            continue
        if currency in wanted:
            message = f"{currency} stands in prices more than once."
            problems.append(InvalidInput(message, field=("prices", str(position), "currency")))
        wanted[currency] = new.unit_price
    if problems:
        raise Refused(problems)
    return fields, wanted


async def _prices_of(transaction: Transaction, item_id: UUID) -> dict[str, Decimal]:
    prices = ItemPrice.__table__.c
    rows = await transaction.rows(
        select(prices.currency, prices.unit_price).where(
            prices.organization_id == transaction.organization_id, prices.item_id == item_id
        )
    )
    return {row.currency: row.unit_price for row in rows}


_PUT = text(
    """
    insert into item_prices (organization_id, item_id, currency, unit_price)
    select o.id, :item_id, price.currency, price.unit_price
    from organizations o
    cross join unnest(cast(:currencies as text[]), cast(:unit_prices as numeric[])) as price(currency, unit_price)
    where o.id = :organization_id
    on conflict (organization_id, item_id, currency) do update set unit_price = excluded.unit_price
    """
)
_TAKE = text(
    """
    delete from item_prices
    where organization_id = :organization_id and item_id = :item_id and currency = any(cast(:currencies as text[]))
    """
)


async def _set_prices(
    transaction: Transaction, item_id: UUID, present: Mapping[str, Decimal], wanted: Mapping[str, Decimal | None]
) -> None:
    identity = {"organization_id": transaction.organization_id, "item_id": item_id}
    put = {
        currency: unit_price
        for currency, unit_price in wanted.items()
        if unit_price is not None and present.get(currency) != unit_price
    }
    taken = [currency for currency, unit_price in wanted.items() if unit_price is None and currency in present]
    if put:
        await transaction.execute(_PUT, {**identity, "currencies": list(put), "unit_prices": list(put.values())})
    if taken:
        await transaction.execute(_TAKE, {**identity, "currencies": taken})


async def _locked(transaction: Transaction, item_id: UUID) -> ItemRow:
    rows = await transaction.rows(
        select(*queries.ITEM_COLUMNS.values())
        .where(Item.organization_id == transaction.organization_id, Item.id == item_id)
        .with_for_update(key_share=True)
    )
    if not rows:
        raise NotFound(f"There is no item {ids.encode(Kind.ITEM, item_id)}.", field=("id",))
    return ItemRow(*rows[0])


async def _write(transaction: Transaction, statement: Executable, fields: Mapping[str, Any]) -> None:
    try:
        await transaction.execute(statement)
    except IntegrityError as error:
        if constraint_of(error) == "uq_items_sku":
            raise SkuTaken(fields["sku"]) from None
        raise
