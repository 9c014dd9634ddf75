"""Numbers that an organization gives to customers and documents: without gaps, and never one that is taken."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ARRAY, ColumnElement, Text, cast, func, select, text

from holdco.database import Transaction

_NEXT = text(
    """
    insert into number_counters (organization_id, kind, value) values (:organization_id, :kind, 1)
    on conflict (organization_id, kind) do update set value = number_counters.value + 1
    returning value
    """
)


_SET = text("update number_counters set value = :value where organization_id = :organization_id and kind = :kind")
_WINDOW_MAX = 10_000


class Series(StrEnum):
    """What is numbered. The value is the prefix."""

    CUSTOMER = "CUS"
    INVOICE = "INV"
    PAYMENT = "PAY"
    CREDIT_NOTE = "CRN"


async def next_number(transaction: Transaction, series: Series, taken: ColumnElement[str]) -> str:
    """The next free number, e.g. `INV-000042`; `taken` is the column that holds the numbers in use.

    The counter's row stays locked until commit: take the number as late as possible, behind all other locks (domain.md K2).
    """
    parameters = {"organization_id": transaction.organization_id, "kind": series.name}
    counted = (await transaction.execute(_NEXT, parameters)).scalar_one()
    first, window = counted, 1
    while True:
        numbers = {f"{series.value}-{value:06d}": value for value in range(first, first + window)}
        is_mine = taken.table.c.organization_id == transaction.organization_id
        rows = await transaction.rows(select(taken).where(is_mine, taken == func.any(cast(list(numbers), ARRAY(Text)))))
        used = {row[0] for row in rows}
        free = next((number for number in numbers if number not in used), None)
        if free is not None:
            break
        # Somebody chose these by hand. Or imported them: then there are thousands in a row.
        first, window = first + window, min(window * 10, _WINDOW_MAX)
    if numbers[free] != counted:
        await transaction.execute(_SET, {**parameters, "value": numbers[free]})
    return free
