"""The brackets of a price list's items: which are refused, and which rows a change of them writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.database import Transaction
from holdco.errors import InvalidInput, NotFound, Refusal
from holdco.ids import Kind
from holdco.items import service as items
from holdco.price_lists.errors import BracketsOverlap
from holdco.price_lists.pricing import Bracket, overlapping
from holdco.validation import exact_decimal

# Of one request, which is one transaction and must not hold its locks for long.
RATES_PER_REQUEST_MAX: Final = 10_000
# Of an item: whoever asks what it costs looks through them.
BRACKETS_MAX: Final = 100
# What a line of an invoice takes.
QUANTITY_LIMIT: Final = Decimal(10) ** 14


class ItemRates(NamedTuple):
    """All brackets of an item, in any order; none where the list says nothing of it."""

    item_id: UUID
    brackets: Sequence[Bracket]


class Changed(NamedTuple):
    """Rows to write: those that end, by item and the quantity that they begin with, and those that begin."""

    ended: Sequence[tuple[UUID, Decimal]]
    begun: Sequence[tuple[UUID, Bracket]]


async def problems_of(transaction: Transaction, given: Sequence[ItemRates]) -> list[Refusal]:
    """What is wrong with them, in their order: InvalidInput for an item that stands there twice and for each bad bracket,
    NotFound for an item that there is not, BracketsOverlap.

    Raises InvalidInput for more than one request takes.
    """
    count = max(len(given), sum(len(rates.brackets) for rates in given))
    if count > RATES_PER_REQUEST_MAX:
        raise InvalidInput(
            f"A request takes at most {RATES_PER_REQUEST_MAX} rates, not {count}. Send them in several.", field=("rates",)
        )
    names = await items.names_of(transaction, [rates.item_id for rates in given]) if given else {}
    problems: list[Refusal] = []
    seen: set[UUID] = set()
    for position, (item_id, brackets) in enumerate(given):
        path = ("rates", str(position))
        if item_id not in names:
            problems.append(NotFound(f"There is no item {ids.encode(Kind.ITEM, item_id)}.", field=(*path, "itemId")))
        elif item_id in seen:
            message = f"{names[item_id]} stands in rates more than once: give all of its brackets together."
            problems.append(InvalidInput(message, field=(*path, "itemId")))
        seen.add(item_id)
        bad = _bad_brackets(brackets, path)
        problems += bad
        if not bad and (both := overlapping(brackets)) is not None:
            name = names.get(item_id, ids.encode(Kind.ITEM, item_id))
            problems.append(BracketsOverlap(name, *both, field=(*path, "brackets")))
    return problems


def _bad_brackets(brackets: Sequence[Bracket], path: tuple[str, ...]) -> list[Refusal]:
    if len(brackets) > BRACKETS_MAX:
        return [InvalidInput(f"An item has at most {BRACKETS_MAX} brackets, not {len(brackets)}.", field=(*path, "brackets"))]
    problems: list[Refusal] = []
    for position, bracket in enumerate(brackets):
        where = ".".join((*path, "brackets", str(position)))
        try:
            exact_decimal(bracket.quantity_from, f"{where}.quantityFrom", limit=QUANTITY_LIMIT)
            if bracket.quantity_to is not None:
                _check_end(bracket.quantity_from, bracket.quantity_to, f"{where}.quantityTo")
        except InvalidInput as problem:
            problems.append(problem)
        try:
            exact_decimal(bracket.unit_price, f"{where}.unitPrice", limit=items.UNIT_PRICE_LIMIT)
        except InvalidInput as problem:
            problems.append(problem)
    return problems


def _check_end(begin: Decimal, end: Decimal, field: str) -> None:
    exact_decimal(end, field, limit=QUANTITY_LIMIT)
    if end <= begin:
        raise InvalidInput(f"{field} must be above quantityFrom: a bracket ends below it.", field=field.split("."))


_PRESENT: Final = text(
    """
    select r.item_id, r.quantity_from, r.quantity_to, r.unit_price
    from price_list_rates r
    where r.organization_id = :organization_id and r.price_list_id = :price_list_id
      and r.item_id = any(cast(:item_ids as uuid[])) and r.version_to is null
    """
)
_END: Final = text(
    """
    update price_list_rates r set version_to = :version
    from unnest(cast(:item_ids as uuid[]), cast(:quantities_from as numeric[])) as ended(item_id, quantity_from)
    where r.organization_id = :organization_id and r.price_list_id = :price_list_id and r.item_id = ended.item_id
      and r.quantity_from = ended.quantity_from and r.version_to is null
    """
)
_BEGIN: Final = text(
    """
    insert into price_list_rates (organization_id, price_list_id, item_id, quantity_from, version_from, quantity_to, unit_price)
    select o.id, :price_list_id, begun.item_id, begun.quantity_from, :version, begun.quantity_to, begun.unit_price
    from organizations o
    cross join unnest(cast(:item_ids as uuid[]), cast(:quantities_from as numeric[]), cast(:quantities_to as numeric[]),
                      cast(:unit_prices as numeric[]))
               as begun(item_id, quantity_from, quantity_to, unit_price)
    where o.id = :organization_id
    returning item_id
    """
)


async def changed(transaction: Transaction, price_list_id: UUID, given: Sequence[ItemRates]) -> Changed:
    """What differs from the present brackets of the items that are given."""
    if not given:
        return Changed((), ())
    present: dict[UUID, dict[Decimal, Bracket]] = {rates.item_id: {} for rates in given}
    parameters = {**_identity(transaction, price_list_id), "item_ids": list(present)}
    for row in await transaction.rows(_PRESENT, parameters):
        present[row.item_id][row.quantity_from] = Bracket(row.quantity_from, row.quantity_to, row.unit_price)
    ended: list[tuple[UUID, Decimal]] = []
    begun: list[tuple[UUID, Bracket]] = []
    for item_id, brackets in given:
        wanted = {bracket.quantity_from: bracket for bracket in brackets}
        ended += [(item_id, begin) for begin, bracket in present[item_id].items() if wanted.get(begin) != bracket]
        begun += [(item_id, bracket) for bracket in brackets if present[item_id].get(bracket.quantity_from) != bracket]
    return Changed(ended, begun)


def first(given: Iterable[ItemRates]) -> Changed:
    """What a new list writes."""
    return Changed((), [(item_id, bracket) for item_id, brackets in given for bracket in brackets])


async def write(transaction: Transaction, price_list_id: UUID, version: int, rows: Changed) -> None:
    """In a version that is there already. Only rows that change are written, by two statements however many."""
    identity = {**_identity(transaction, price_list_id), "version": version}
    if rows.ended:
        item_ids, quantities = zip(*rows.ended, strict=True)
        await transaction.execute(_END, {**identity, "item_ids": list(item_ids), "quantities_from": list(quantities)})
    if rows.begun:
        brackets = [bracket for _, bracket in rows.begun]
        await transaction.execute(
            _BEGIN,
            {
                **identity,
                "item_ids": [item_id for item_id, _ in rows.begun],
                "quantities_from": [bracket.quantity_from for bracket in brackets],
                "quantities_to": [bracket.quantity_to for bracket in brackets],
                "unit_prices": [bracket.unit_price for bracket in brackets],
            },
        )


def _identity(transaction: Transaction, price_list_id: UUID) -> dict[str, Any]:
    return {"organization_id": transaction.organization_id, "price_list_id": price_list_id}
