"""Reads price lists from their export: a row to each rate of an item, or one row to a list that is a percentage.

Rows with the same name are one list. Quantities at Zoho are whole and the last one of a bracket is in it; ours may have decimal
places, and a bracket ends before a quantity. So 1 to 10 becomes from 1 to below 11, which leaves no gap before a bracket that
begins with 11, and 10.5 costs what 10 does. An end with decimal places goes up by one in the last of them. `Quantity Below`, a
column of ours, says where a bracket ends and is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

from holdco.errors import UserErrorCode
from holdco.imports import values
from holdco.imports.headings import Columns, normalised
from holdco.imports.price_list_columns import BY_DECIMAL_PLACES, NO_ROUNDING, ROUNDING_TYPES, PriceListCells
from holdco.imports.problems import CellRefused, Problems
from holdco.imports.reading import Record
from holdco.imports.rows import Row, differing
from holdco.items.models import ItemStatus
from holdco.items.service import UNIT_PRICE_LIMIT
from holdco.price_lists.models import PriceListKind
from holdco.price_lists.pricing import Bracket, PriceDirection, PriceRounding, Rounding
from holdco.price_lists.rates import BRACKETS_MAX, QUANTITY_LIMIT
from holdco.validation import PLACES_MAX, TEXT_LENGTH_MAX, is_exact

Value = TypeVar("Value")

_OWN: Final = PriceListCells._fields.index("item_name")
_KINDS: Final = {
    "fixedpercentage": PriceListKind.PERCENTAGE,
    "percentage": PriceListKind.PERCENTAGE,
    "allitems": PriceListKind.PERCENTAGE,
    "peritem": PriceListKind.RATES,
    "individualitems": PriceListKind.RATES,
}
_USAGES: Final = {"sales": True, "purchases": False, "purchase": False}
_STATUSES: Final = {"active": True, "inactive": False}
_ITEM_STATUSES: Final = {"active": ItemStatus.ACTIVE, "inactive": ItemStatus.INACTIVE}
_DIRECTIONS: Final = {
    **dict.fromkeys(("true", "yes", "1", "markup", "increase", "up", "markuppercentage"), PriceDirection.UP),
    **dict.fromkeys(("false", "no", "0", "markdown", "decrease", "down", "markdownpercentage"), PriceDirection.DOWN),
}
_ROUNDINGS: Final[Mapping[str, Rounding | None]] = {
    **{normalised(name): Rounding(PriceRounding.NEAREST, *told) for name, told in ROUNDING_TYPES.items()},
    normalised(NO_ROUNDING): None,
    "nevermind": None,
    "none": None,
    # As Zoho's documentation spells it, and as its form shows them.
    "roundtodollor": Rounding(PriceRounding.NEAREST, *ROUNDING_TYPES["round_to_dollar"]),
    "nearestwholenumber": Rounding(PriceRounding.NEAREST, *ROUNDING_TYPES["round_to_dollar"]),
    "099": Rounding(PriceRounding.NEAREST, *ROUNDING_TYPES["round_to_dollar_minus_01"]),
    "050": Rounding(PriceRounding.NEAREST, *ROUNDING_TYPES["round_to_half_dollar"]),
    "049": Rounding(PriceRounding.NEAREST, *ROUNDING_TYPES["round_to_half_dollar_minus_01"]),
}
_OUR_ROUNDINGS: Final = {rounding.value.lower(): rounding for rounding in PriceRounding}
_SCHEMES: Final = {"unit": "unit", "volume": "volume"}


class ReadItem(NamedTuple):
    """An item as a row names it: by its SKU where it has one, else by its name. `price` is its default one, in major units."""

    line: int
    name: str
    sku: str | None
    description: str | None
    unit: str | None
    status: ItemStatus
    price: Decimal | None

    @property
    def key(self) -> tuple[str, str]:
        return ("sku", self.sku) if self.sku is not None else ("name", self.name)


@dataclass(slots=True)
class ReadPriceList:
    """`percentage` has what lists of that kind have; `rates` are the brackets by the key of their item."""

    line: int
    name: str
    currency: str
    kind: PriceListKind
    description: str | None
    is_active: bool
    percentage: dict[str, object] = field(default_factory=dict)
    items: list[ReadItem] = field(default_factory=list)
    rates: dict[tuple[str, str], list[Bracket]] = field(default_factory=dict)


class PriceListReader:
    """Makes price lists of rows. What is wrong is told in the row where it stands."""

    def __init__(self, columns: Columns[PriceListCells], problems: Problems, *, currency: str) -> None:
        """`currency` is the organization's, for lists that state none."""
        self.purchase_count = 0
        self._columns = columns
        self._problems = problems
        self._currency = currency

    def read(self, records: Sequence[Record]) -> ReadPriceList | None:
        """None where something is wrong with the list, and for a list of what is bought."""
        rows = [Row(self._columns, record.line, self._columns.read(record.cells), self._problems) for record in records]
        row = rows[0]
        if row.optional("usage", _chosen(_USAGES)) is False:
            self.purchase_count += 1
            return None
        self._check_rows(rows)
        name = row.required("name", values.limited)
        currency = row.optional("currency", values.currency) or self._currency
        kind = row.optional("type", _chosen(_KINDS)) or _kind(row)
        is_active = row.optional("status", _chosen(_STATUSES))
        price_list = ReadPriceList(
            line=row.line,
            name=name or "",
            currency=currency,
            kind=kind,
            description=row.kept("description", TEXT_LENGTH_MAX),
            is_active=is_active is not False,
        )
        if kind is PriceListKind.PERCENTAGE:
            price_list.percentage = _percentage(row)
        for each in rows:
            self._read_item(each, price_list)
        return price_list if all(each.is_sound for each in rows) else None

    def _check_rows(self, rows: Sequence[Row[PriceListCells]]) -> None:
        """All rows of a list say the same of it, but for how an item is priced."""
        first = rows[0]
        own = first.cells[:_OWN]
        for row in rows[1:]:
            given = row.cells._replace(pricing_scheme="")[:_OWN]
            index = differing(own, given)
            if index is not None:
                row.refuse(
                    f"{values.shown(given[index])} differs from the row of the same price list at line {first.line}, which has "
                    f"{values.shown(own[index])}.",
                    PriceListCells._fields[index],
                )

    def _read_item(self, row: Row[PriceListCells], price_list: ReadPriceList) -> None:
        cells = row.cells
        if not cells.item_name and not cells.sku:
            if price_list.kind is PriceListKind.RATES:
                row.refuse("This row names no item, neither by name nor by SKU.", "item_name")
            return
        sku = row.optional("sku", values.identifier)
        item = ReadItem(
            row.line,
            row.kept("item_name") or sku or "",
            sku,
            row.kept("item_description", TEXT_LENGTH_MAX),
            row.kept("unit"),
            row.optional("item_status", _chosen(_ITEM_STATUSES)) or ItemStatus.ACTIVE,
            row.optional("item_price", _exact(UNIT_PRICE_LIMIT)),
        )
        price_list.items.append(item)
        if row.optional("discount", values.percent):
            row.refuse("A discount of an item has no place in a price list here: take it off the PriceList Rate.", "discount")
        if price_list.kind is PriceListKind.RATES:
            self._read_rate(row, item, price_list)

    def _read_rate(self, row: Row[PriceListCells], item: ReadItem, price_list: ReadPriceList) -> None:
        cells = row.cells
        has_quantities = bool(cells.quantity_start or cells.quantity_end or cells.quantity_below)
        scheme = row.optional("pricing_scheme", _chosen(_SCHEMES))
        if scheme == "unit" and has_quantities:
            row.refuse("A price for every quantity (unit) has no quantities to begin or end with.", "pricing_scheme")
        if not cells.rate and not has_quantities:
            # The item costs what it costs without the list.
            return
        rate = row.required("rate", _exact(UNIT_PRICE_LIMIT))
        start = row.optional("quantity_start", _exact(QUANTITY_LIMIT)) or Decimal(0)
        below = row.optional("quantity_below", _exact(QUANTITY_LIMIT))
        end = row.optional("quantity_end", _exact(QUANTITY_LIMIT))
        if below is None and end is not None:
            below = end + _last_place(end)
            if below >= QUANTITY_LIMIT:
                # Nothing is sold above: it has no end.
                below = None
        if not row.is_sound or rate is None:
            return
        if below is not None and below <= start:
            row.refuse("The bracket ends before it begins.", "quantity_below" if cells.quantity_below else "quantity_end")
            return
        self._add_bracket(row, item, price_list, Bracket(start, below, rate))

    def _add_bracket(self, row: Row[PriceListCells], item: ReadItem, price_list: ReadPriceList, bracket: Bracket) -> None:
        brackets = price_list.rates.setdefault(item.key, [])
        other = next((each for each in brackets if _overlap(each, bracket)), None)
        if other is not None:
            row.refuse(
                f"{item.name} has a price from {other.quantity_from} "
                f"{'on' if other.quantity_to is None else f'to below {other.quantity_to}'} in this list already.",
                "quantity_start",
                UserErrorCode.BRACKETS_OVERLAP,
            )
        elif len(brackets) == BRACKETS_MAX:
            row.refuse(f"{item.name} has more than {BRACKETS_MAX} brackets in this list.", "item_name")
        else:
            brackets.append(bracket)


def _kind(row: Row[PriceListCells]) -> PriceListKind:
    is_percentage = bool(row.cells.percentage) and not row.cells.rate
    return PriceListKind.PERCENTAGE if is_percentage else PriceListKind.RATES


def _percentage(row: Row[PriceListCells]) -> dict[str, object]:
    percent = row.required("percentage", values.percent)
    direction = row.optional("is_increase", _chosen(_DIRECTIONS))
    if percent is not None and percent < 0 and direction is None:
        percent, direction = -percent, PriceDirection.DOWN
    if direction is None and percent and row.is_sound:
        row.refuse("Say whether the percentage is added to prices or taken off: true or false in Is Increase.", "is_increase")
    return {"direction": direction or PriceDirection.UP, "percent": percent, "rounding": _rounding(row)}


def _rounding(row: Row[PriceListCells]) -> Rounding | None:
    if direction := row.optional("rounding", _chosen(_OUR_ROUNDINGS)):
        step = row.required("rounding_step", values.number) or Decimal(0)
        return Rounding(direction, step, row.optional("rounding_less", values.number) or Decimal(0))
    if normalised(row.cells.rounding_type) != normalised(BY_DECIMAL_PLACES):
        return row.optional("rounding_type", _chosen(_ROUNDINGS))
    places = row.required("decimal_places", values.whole_number)
    if places is None:
        return None
    if not 0 <= places <= PLACES_MAX:
        row.refuse(f"Prices have 0 to {PLACES_MAX} decimal places.", "decimal_places")
        return None
    return Rounding(PriceRounding.NEAREST, Decimal(1).scaleb(-places), Decimal(0))


def _chosen(members: Mapping[str, Value]) -> Callable[[str], Value]:
    return lambda text: values.chosen(text, members)


def _exact(limit: Decimal) -> Callable[[str], Decimal]:
    def read(text: str) -> Decimal:
        number = values.number(text)
        if not is_exact(number, limit=limit):
            raise CellRefused(f"{values.shown(text)} is not from 0 to below {limit:f} with at most {PLACES_MAX} decimal places.")
        return number

    return read


def _last_place(value: Decimal) -> Decimal:
    """1 for 10 and for 10.00, 0.1 for 10.5."""
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int), "only numbers are read"
    return Decimal(1).scaleb(min(exponent, 0))


def _overlap(one: Bracket, other: Bracket) -> bool:
    return (one.quantity_to is None or other.quantity_from < one.quantity_to) and (
        other.quantity_to is None or one.quantity_from < other.quantity_to
    )
