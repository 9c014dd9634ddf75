"""Numbers that an organization gives to customers and documents: without gaps, and never one that is taken."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, select, text

from holdco.database import Transaction

_NEXT = text(
    """
    insert into number_counters (organization_id, kind, value) values (:organization_id, :kind, 1)
    on conflict (organization_id, kind) do update set value = number_counters.value + 1
    returning value
    """
)


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
    organization_id = transaction.organization_id
    while True:
        counted = await transaction.execute(_NEXT, {"organization_id": organization_id, "kind": series.name})
        number = f"{series.value}-{counted.scalar_one():06d}"
        # Somebody may have chosen this number by hand, or imported it.
        is_taken = await transaction.rows(select(taken).where(taken == number, taken.table.c.organization_id == organization_id))
        if not is_taken:
            return number
