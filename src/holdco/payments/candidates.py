"""What may be paid: reads open invoices in reach of a payer, or named ones with how their owners stand to it.

The same statements serve a preview on a snapshot and the transaction that pays, where they lock what they read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco.database import Transaction
from holdco.payments.allocation import Strategy


class AllocationScope(StrEnum):
    SELF = "SELF"
    DIRECT_CHILDREN = "DIRECT_CHILDREN"
    SUBTREE = "SUBTREE"
    CUSTOMERS = "CUSTOMERS"


class SourceKind(StrEnum):
    PAYMENT = "PAYMENT"
    CREDIT_NOTE = "CREDIT_NOTE"


class Source(NamedTuple):
    """The money that is applied: whose it is, since when it is there, and how much is left, in minor units."""

    kind: SourceKind
    id: UUID
    customer_id: UUID
    currency: str
    available: int
    dated_on: date


class ExplicitLine(NamedTuple):
    """An invoice, and an amount in major units as the client wrote it. `invoice_id` None: its id was none."""

    invoice_id: UUID | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for. `amount_max` in major units is an upper bound; without it all that is available.

    `invoice_ids` None means any invoice. With EXPLICIT the lines say it all, and only `applied_on` goes with them.
    """

    strategy: Strategy = Strategy.OLDEST_DUE_FIRST
    scope: AllocationScope = AllocationScope.SUBTREE
    customer_ids: tuple[UUID, ...] = ()
    invoice_ids: tuple[UUID, ...] | None = None
    due_on_or_before: date | None = None
    amount_max: Decimal | None = None
    lines: tuple[ExplicitLine, ...] = ()
    applied_on: date | None = None


@dataclass(frozen=True, slots=True)
class World:
    """Where to look: a snapshot for a preview, a transaction that locks for the real thing."""

    rows: Callable[[Any, dict[str, Any]], Awaitable[Sequence[Any]]]
    organization_id: UUID
    today: date
    locked_until: date | None
    is_locking: bool

    @classmethod
    def of(cls, transaction: Transaction) -> World:
        organization = transaction.organization
        return cls(transaction.rows, organization.id, transaction.today, organization.locked_until, is_locking=True)


class Candidate(NamedTuple):
    """An invoice as the database has it, and how its owner stands to the payer: `depth` is None where it is not below."""

    id: UUID
    customer_id: UUID
    number: str
    status: str
    currency: str
    invoice_date: date
    due_date: date
    balance: int
    depth: int | None
    pay: bool | None
    pay_invoices_from: date | None

    @property
    def is_payable(self) -> bool:
        return bool(self.pay) and (self.pay_invoices_from is None or self.invoice_date >= self.pay_invoices_from)


_SCOPES = {
    AllocationScope.SELF: "and c.depth = 0",
    AllocationScope.DIRECT_CHILDREN: "and c.depth = 1",
    AllocationScope.SUBTREE: "",
    AllocationScope.CUSTOMERS: "and c.descendant_id = any(cast(:customer_ids as uuid[]))",
}
_COLUMNS = (
    "i.id, i.customer_id, i.number, i.status, i.currency, i.invoice_date, i.due_date, i.balance, "
    "c.depth, c.pay, c.pay_invoices_from"
)


def _scope_parameters(world: World, source: Source, wish: Wish) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "organization_id": world.organization_id,
        "payer_id": source.customer_id,
        "currency": source.currency,
    }
    if wish.scope is AllocationScope.CUSTOMERS:
        parameters["customer_ids"] = list(wish.customer_ids)
    return parameters


async def open_invoices(world: World, source: Source, wish: Wish, applied_on: date) -> list[Candidate]:
    """Open invoices that may be paid, locked in the order of their ids (domain.md K2), as they are once they are locked."""
    parameters = {**_scope_parameters(world, source, wish), "applied_on": applied_on}
    due = ""
    if wish.due_on_or_before is not None:
        due, parameters["due_on_or_before"] = "and i.due_date <= :due_on_or_before", wish.due_on_or_before
    rows = await world.rows(
        text(
            f"""
            select {_COLUMNS}
            from customer_closure c
            join invoices i on i.organization_id = c.organization_id and i.customer_id = c.descendant_id
            where c.organization_id = :organization_id and i.organization_id = :organization_id
              and c.ancestor_id = :payer_id and c.pay {_SCOPES[wish.scope]}
              and (c.pay_invoices_from is null or i.invoice_date >= c.pay_invoices_from)
              and i.status = 'ISSUED' and i.balance > 0 and i.currency = :currency and i.invoice_date <= :applied_on {due}
            order by i.id {"for no key update of i" if world.is_locking else ""}
            """  # noqa: S608 (constants of this file only)
        ),
        parameters,
    )
    return [Candidate(*row) for row in rows]


async def skipped_customers(world: World, source: Source, wish: Wish) -> tuple[UUID, ...]:
    """Customers in scope with open invoices of which the payer may pay none or not all (domain.md 2.15)."""
    rows = await world.rows(
        text(
            f"""
            select c.descendant_id
            from customer_closure c
            where c.organization_id = :organization_id and c.ancestor_id = :payer_id
              and (not c.pay or c.pay_invoices_from is not null) {_SCOPES[wish.scope]}
              and exists (
                select from invoices i
                where i.organization_id = :organization_id and i.customer_id = c.descendant_id
                  and i.status = 'ISSUED' and i.balance > 0 and i.currency = :currency
                  and (not c.pay or i.invoice_date < c.pay_invoices_from)
              )
            order by c.descendant_id
            """  # noqa: S608 (constants of this file only)
        ),
        _scope_parameters(world, source, wish),
    )
    return tuple(row[0] for row in rows)


async def named_invoices(world: World, source: Source, invoice_ids: Sequence[UUID]) -> dict[UUID, Candidate]:
    """Invoices by their ids, whatever their state, locked in the order of their ids."""
    rows = await world.rows(
        text(
            f"""
            select {_COLUMNS}
            from invoices i
            left join customer_closure c on c.organization_id = i.organization_id and c.organization_id = :organization_id
              and c.ancestor_id = :payer_id and c.descendant_id = i.customer_id
            where i.organization_id = :organization_id and i.id = any(cast(:invoice_ids as uuid[]))
            order by i.id {"for no key update of i" if world.is_locking else ""}
            """  # noqa: S608 (constants of this file only)
        ),
        {"organization_id": world.organization_id, "payer_id": source.customer_id, "invoice_ids": sorted(set(invoice_ids))},
    )
    return {row[0]: Candidate(*row) for row in rows}


async def owners_of(world: World, source: Source, named: dict[UUID, Candidate]) -> tuple[dict[UUID, str], set[UUID]]:
    """Names for the messages, and which owners were once below the payer: both only where something is refused."""
    strangers = {each.customer_id for each in named.values() if each.depth is None}
    refused = strangers | {each.customer_id for each in named.values() if not each.is_payable}
    if not refused:
        return {}, set()
    parameters = {"organization_id": world.organization_id, "keys": [*refused, source.customer_id]}
    names = await world.rows(
        text("select id, name from customers where organization_id = :organization_id and id = any(cast(:keys as uuid[]))"),
        parameters,
    )
    # Below the payer at any time: over links that were open together, which their half-open intervals tell (domain.md H6).
    former = await world.rows(
        text(
            """
            with recursive above as (
              select l.child_id as start_id, l.parent_id, l.valid_from, l.valid_to, 1 as steps from parent_links l
              where l.organization_id = :organization_id and l.child_id = any(cast(:keys as uuid[]))
              union all
              select a.start_id, l.parent_id, greatest(a.valid_from, l.valid_from), least(a.valid_to, l.valid_to), a.steps + 1
              from above a join parent_links l on l.child_id = a.parent_id
              where l.organization_id = :organization_id and a.steps < 100
                and (a.valid_to is null or l.valid_from < a.valid_to) and (l.valid_to is null or a.valid_from < l.valid_to)
            )
            select distinct start_id from above where parent_id = :payer_id
            """
        ),
        {"organization_id": world.organization_id, "keys": list(strangers), "payer_id": source.customer_id},
    )
    return {row[0]: row[1] for row in names}, {row[0] for row in former}
