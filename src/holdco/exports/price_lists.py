"""Writes price lists as they are now: one row to a rate of an item, one to a list that changes default prices by a percentage.

Zoho's quantities are whole numbers, the end included; ours end before a quantity. Where its columns cannot say what is meant,
nor its ways of rounding, columns of ours behind them do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text

from holdco import ids, money
from holdco.exports import cells
from holdco.exports.snapshot import Snapshot
from holdco.exports.writing import Sheet
from holdco.ids import Kind
from holdco.imports.price_list_columns import NO_ROUNDING, ROUNDING_TYPES, Rounding
from holdco.imports.progress import Watcher
from holdco.price_lists.models import PriceListKind

HEADINGS: Final = (
    "Price List ID", "Price List Name", "Description", "Currency Code", "Status", "Transaction Type", "Price List Type",
    "Is Increase", "Percentage", "Rounding Type", "Pricing Scheme", "Item ID", "Item Name", "SKU", "Item Price", "PriceList Rate",
    "Start Quantity", "End Quantity", "Quantity Below", "Rounding", "Rounding Step", "Rounding Less", "Item Desc", "Usage unit",
    "Item Status",
)  # fmt: skip
_TYPES: Final = {rounding: name for name, rounding in ROUNDING_TYPES.items()}
_NEAREST: Final = "NEAREST"

_COUNT: Final = text("select count(*) from price_lists where organization_id = :organization_id")
_PRICE_LISTS: Final = text(
    """
    select l.id, l.name, l.description, l.currency, l.kind, l.inactivated_at is null as is_active, v.percent, v.rounding,
           v.rounding_step, v.rounding_less, r.item_id, r.quantity_from, r.quantity_to, r.unit_price, i.name as item, i.sku,
           i.description as item_description, i.unit, i.status as item_status, p.unit_price as item_price,
           count(*) over (partition by l.id, r.item_id) as bracket_count
    from price_lists l
    join price_list_versions v
      on v.organization_id = :organization_id and v.price_list_id = l.id and v.version = l.version
    left join price_list_rates r
      on r.organization_id = :organization_id and r.price_list_id = l.id and r.version_from <= l.version
         and (r.version_to is null or r.version_to > l.version)
    left join items i on i.organization_id = :organization_id and i.id = r.item_id
    left join item_prices p on p.organization_id = :organization_id and p.item_id = i.id and p.currency = l.currency
    where l.organization_id = :organization_id and v.organization_id = :organization_id
    order by l.id, i.name, i.id, r.quantity_from
    """
)


@dataclass(slots=True)
class WrittenPriceLists:
    price_lists: int = 0
    rates: int = 0


async def write(snapshot: Snapshot, sheet: Sheet, progress: Watcher) -> WrittenPriceLists:
    progress.begin("Writing price lists", total=(await snapshot.rows(_COUNT))[0].count)
    sheet.begin(HEADINGS)
    written = WrittenPriceLists()
    last = None
    async for batch in snapshot.batches(_PRICE_LISTS):
        for row in batch:
            written.price_lists += row.id != last
            last = row.id
            sheet.add({**_own(row), **(_rate(row) if row.item_id is not None else {})})
            written.rates += row.item_id is not None
        progress.reach(written.price_lists)
    return written


def _own(row: Any) -> dict[str, str | None]:
    own = {
        "Price List ID": ids.encode(Kind.PRICE_LIST, row.id),
        "Price List Name": row.name,
        "Description": row.description,
        "Currency Code": row.currency,
        "Status": "active" if row.is_active else "inactive",
        "Transaction Type": "sales",
        "Price List Type": "fixed_percentage" if row.kind == PriceListKind.PERCENTAGE else "per_item",
        **_rounding(row),
    }
    if row.percent is not None:
        own |= {"Is Increase": cells.boolean(row.percent >= 0), "Percentage": cells.plain(row.percent.copy_abs())}
    return own


def _rounding(row: Any) -> dict[str, str]:
    if row.rounding is None:
        return {"Rounding Type": NO_ROUNDING} if row.kind == PriceListKind.PERCENTAGE else {}
    known = _TYPES.get(Rounding(row.rounding_step, row.rounding_less)) if row.rounding == _NEAREST else None
    if known is not None:
        return {"Rounding Type": known}
    return {
        "Rounding": row.rounding,
        "Rounding Step": cells.plain(row.rounding_step),
        "Rounding Less": cells.plain(row.rounding_less),
    }


def _rate(row: Any) -> Mapping[str, str | None]:
    places = money.exponent(row.currency)
    is_unit = row.bracket_count == 1 and not row.quantity_from and row.quantity_to is None
    quantities = {} if is_unit else _quantities(row.quantity_from, row.quantity_to)
    return {
        "Pricing Scheme": "unit" if is_unit else "volume",
        "Item ID": ids.encode(Kind.ITEM, row.item_id),
        "Item Name": row.item,
        "SKU": row.sku,
        "Item Price": cells.plain(row.item_price, places) if row.item_price is not None else "",
        "PriceList Rate": cells.plain(row.unit_price, places),
        **quantities,
        "Item Desc": row.item_description,
        "Usage unit": row.unit,
        "Item Status": row.item_status.lower(),
    }


def _quantities(start: Decimal, below: Decimal | None) -> dict[str, str]:
    """From 10 to below 20 is 10 to 19 for Zoho. To below 2.5 it cannot say: the nearest is 2, and our own column says it."""
    if below is None:
        return {"Start Quantity": cells.plain(start, 0)}
    end = -(-below // 1) - 1
    exact = {} if below == below.to_integral_value() else {"Quantity Below": cells.plain(below, 0)}
    return {"Start Quantity": cells.plain(start, 0), "End Quantity": cells.plain(end, 0), **exact}
