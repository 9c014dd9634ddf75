"""Gives numbers to many new customers at once, from the counter that the services count with."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol

from sqlalchemy import text

from holdco.database import Transaction
from holdco.organizations.numbering import Series

_RESERVE = text(
    """
    insert into number_counters (organization_id, kind, value) values (:organization_id, :kind, :count)
    on conflict (organization_id, kind) do update set value = number_counters.value + :count
    returning value
    """
)


class Numbered(Protocol):
    number: str | None


async def taken(transaction: Transaction, numbers: list[str]) -> set[str]:
    """Those of the numbers that a customer has already."""
    if not numbers:
        return set()
    rows = await transaction.rows(
        text(
            """
            select number from customers
            where organization_id = :organization_id and number = any(cast(:numbers as text[]))
            """
        ),
        {"organization_id": transaction.organization_id, "numbers": numbers},
    )
    return {row[0] for row in rows}


async def fill(transaction: Transaction, customers: Iterable[Numbered], *, given: AbstractSet[str]) -> None:
    """Numbers those that have none. `given` are numbers that this import gives to others."""
    waiting = [customer for customer in customers if customer.number is None]
    while waiting:
        free = await _reserve(transaction, len(waiting), given)
        for number, customer in zip(free, waiting, strict=False):
            customer.number = number
        waiting = waiting[len(free) :]


async def _reserve(transaction: Transaction, count: int, excluded: AbstractSet[str]) -> list[str]:
    """The next `count` numbers without those that somebody has chosen by hand, or imported."""
    series = Series.CUSTOMER
    last = (
        await transaction.rows(_RESERVE, {"organization_id": transaction.organization_id, "kind": series.name, "count": count})
    )[0][0]
    numbers = [f"{series.value}-{value:06d}" for value in range(last - count + 1, last + 1)]
    unusable = await taken(transaction, numbers) | excluded
    return [number for number in numbers if number not in unusable]
