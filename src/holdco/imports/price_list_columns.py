"""The columns of an export of price lists, and Zoho's words in them.

Documented by Zoho are the names of a price list's fields in its API (name, description, currency, status, pricebook_type with
fixed_percentage and per_item, is_increase, percentage, rounding_type, sales_or_purchase_type, pricing_scheme with unit and
volume) and, on the page that imports the items of one list, the headings Item Name, SKU, Start Quantity, End Quantity and
PriceList Rate. Item ID, Item Price and Status stand beside them in exports that others have read. The headings of a file of
several lists are written down nowhere: those below are assumed, from the same names as words. Of the ways to round the API's
page lists five; the others, and what they come to, are told by their names.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from holdco.imports.headings import Aliases, Columns
from holdco.imports.reading import Sheet


class PriceListCells(NamedTuple):
    """The list's own cells first, then those of an item, from `item_name`."""

    name: str
    description: str
    currency: str
    status: str
    usage: str
    type: str
    is_increase: str
    percentage: str
    rounding_type: str
    decimal_places: str
    rounding: str
    rounding_step: str
    rounding_less: str
    pricing_scheme: str
    item_name: str
    sku: str
    item_description: str
    unit: str
    item_status: str
    item_price: str
    rate: str
    discount: str
    quantity_start: str
    quantity_end: str
    quantity_below: str


HEADINGS: Final[Aliases] = {
    "name": ("Price List Name", "PriceList Name", "Price List", "Pricebook Name", "Name"),
    "description": ("Description", "Price List Description"),
    "currency": ("Currency Code", "Currency", "Price List Currency"),
    "status": ("Status", "Price List Status"),
    "usage": ("Transaction Type", "Sales Or Purchase Type", "Price List For"),
    "type": ("Price List Type", "Pricebook Type", "Item Rate", "Type"),
    "is_increase": ("Is Increase", "Markup or Markdown", "Percentage Type", "Increase or Decrease"),
    "percentage": ("Percentage", "Percent", "Price List Percentage"),
    "rounding_type": ("Rounding Type", "Round Off To", "Rounding Off"),
    "decimal_places": ("Decimal Place", "Decimal Places"),
    "rounding": ("Rounding",),
    "rounding_step": ("Rounding Step",),
    "rounding_less": ("Rounding Less",),
    "pricing_scheme": ("Pricing Scheme",),
    "item_name": ("Item Name",),
    "sku": ("SKU", "Item SKU"),
    "item_description": ("Item Desc", "Item Description"),
    "unit": ("Usage unit", "Unit"),
    "item_status": ("Item Status",),
    "item_price": ("Item Price", "Sales Rate", "Rate"),
    "rate": ("PriceList Rate", "Price List Rate", "Pricebook Rate", "Custom Rate", "Custom Price"),
    "discount": ("Discount", "Discount Percent"),
    "quantity_start": ("Start Quantity", "Start Qty"),
    "quantity_end": ("End Quantity", "End Qty"),
    "quantity_below": ("Quantity Below",),
}


class Rounding(NamedTuple):
    """To the nearest multiple of `step`, and `less` off that."""

    step: Decimal
    less: Decimal


def _rounding(step: str, less: str = "0") -> Rounding:
    return Rounding(Decimal(step), Decimal(less))


ROUNDING_TYPES: Final = {
    "round_to_one_cent": _rounding("0.01"),
    "round_to_two_cents": _rounding("0.02"),
    "round_to_nickel": _rounding("0.05"),
    "round_to_dime": _rounding("0.10"),
    "round_to_quarter": _rounding("0.25"),
    "round_to_half_dollar": _rounding("0.50"),
    "round_to_dollar": _rounding("1"),
    "round_to_dollar_minus_01": _rounding("1", "0.01"),
    "round_to_dollar_minus_02": _rounding("1", "0.02"),
    "round_to_dollar_minus_05": _rounding("1", "0.05"),
    "round_to_dollar_minus_11": _rounding("1", "0.11"),
    "round_to_half_dollar_minus_01": _rounding("0.50", "0.01"),
    "round_to_half_dollar_minus_05": _rounding("0.50", "0.05"),
    "round_to_dime_minus_01": _rounding("0.10", "0.01"),
}
NO_ROUNDING: Final = "no_rounding"
BY_DECIMAL_PLACES: Final = "round_based_on_decimal"


def columns_of(sheet: Sheet) -> Columns[PriceListCells]:
    """Raises FileRefused. A file of the items of one list does not say which list: its name has to be added as a column."""
    return Columns(sheet, PriceListCells, HEADINGS, required=[("name",), ("percentage", "rate")])
