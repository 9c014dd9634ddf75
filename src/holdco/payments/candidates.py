"""What may be paid: reads open invoices in reach of a payer, or named ones with how their owners stand to it.

The same statements serve a preview on a snapshot and the transaction that pays, where they lock what they read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
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

    An id that was none is None, which `planning` refuses with everything else. `invoice_ids` None means any invoice. With
    EXPLICIT the lines say it all, and only `applied_on` goes with them.
    """

    strategy: Strategy = Strategy.OLDEST_DUE_FIRST
    scope: AllocationScope = AllocationScope.SUBTREE
    customer_ids: tuple[UUID | None, ...] = ()
    invoice_ids: tuple[UUID | None, ...] | None = None
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
    transaction: Transaction | None = None

    @classmethod
    def of(cls, transaction: Transaction) -> World:
        organization = transaction.organization
        return cls(transaction.rows, organization.id, transaction.today, organization.locked_until, transaction)

    @property
    def locking(self) -> str:
        """How statements end that read invoices in the order of their ids."""
        return "order by i.id for no key update of i" if self.transaction is not None else "order by i.id"


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


_BY_DUE_DATE = "i.due_date, i.invoice_date, i.number, i.id"
# As `allocation.plan` orders; numbers are compared by code point there and here.
_ORDERS = {
    Strategy.OLDEST_DUE_FIRST: _BY_DUE_DATE,
    Strategy.OLDEST_ISSUED_FIRST: f"i.invoice_date, {_BY_DUE_DATE}",
    Strategy.SELF_FIRST: f"c.depth > 0, {_BY_DUE_DATE}",
    Strategy.CHILDREN_FIRST: f"c.depth = 0, {_BY_DUE_DATE}",
    Strategy.SMALLEST_FIRST: f"i.balance, {_BY_DUE_DATE}",
    Strategy.LARGEST_FIRST: f"i.balance desc, {_BY_DUE_DATE}",
    Strategy.CUSTOMER_ORDER: f"array_position(cast(:customer_ids as uuid[]), i.customer_id), {_BY_DUE_DATE}",
}


class _Reach:
    """The open invoices that a payer may pay by a wish."""

    def __init__(self, world: World, source: Source, wish: Wish, applied_on: date, available: int) -> None:
        self._world = world
        self._parameters = {**_scope_parameters(world, source, wish), "applied_on": applied_on, "available": available}
        self._order = _ORDERS.get(wish.strategy)
        conditions = [
            "c.organization_id = :organization_id and i.organization_id = :organization_id",
            "c.ancestor_id = :payer_id and c.pay",
            "(c.pay_invoices_from is null or i.invoice_date >= c.pay_invoices_from)",
            "i.status = 'ISSUED' and i.balance > 0 and i.currency = :currency and i.invoice_date <= :applied_on",
        ]
        if wish.due_on_or_before is not None:
            conditions.append("i.due_date <= :due_on_or_before")
            self._parameters["due_on_or_before"] = wish.due_on_or_before
        if wish.strategy is Strategy.CUSTOMER_ORDER:
            conditions.append("i.customer_id = any(cast(:customer_ids as uuid[]))")
            self._parameters["customer_ids"] = list(wish.customer_ids)
        if wish.strategy is Strategy.EXACT_MATCH:
            conditions.append("i.balance <= :available")
        self._from = f"""
            from customer_closure c
            join invoices i on i.organization_id = c.organization_id and i.customer_id = c.descendant_id
            where {" and ".join(conditions)} {_SCOPES[wish.scope]}
        """

    async def all(self) -> list[Candidate]:
        return await self._candidates("")

    async def first(self) -> list[UUID]:
        """The ids of those that `available` reaches, by the strategy's order, as they are without waiting for anybody."""
        rows = await self._world.rows(
            text(
                f"""
                select id from (
                  select i.id, sum(i.balance) over (order by {self._order} rows unbounded preceding) - i.balance as before
                  {self._from}
                ) as reached where before < :available
                """  # noqa: S608 (constants of this file only)
            ),
            self._parameters,
        )
        return [row[0] for row in rows]

    async def by_ids(self, invoice_ids: Sequence[UUID]) -> list[Candidate]:
        return await self._candidates("and i.id = any(cast(:invoice_ids as uuid[]))", invoice_ids=list(invoice_ids))

    async def _candidates(self, condition: str, **parameters: Any) -> list[Candidate]:
        statement = text(f"select {_COLUMNS} {self._from} {condition} {self._world.locking}")
        return [Candidate(*row) for row in await self._world.rows(statement, {**self._parameters, **parameters})]


async def open_invoices(world: World, source: Source, wish: Wish, applied_on: date, available: int) -> list[Candidate]:
    """Open invoices that may be paid, locked in the order of their ids (domain.md K2), as they are once they are locked.

    Where the strategy pays one invoice after the other these are only those that `available` reaches: a small payment into a
    large tree reads and locks few rows. PROPORTIONAL and EXACT_MATCH look at all.
    """
    reach = _Reach(world, source, wish, applied_on, available)
    if wish.strategy not in _ORDERS:
        return await reach.all()
    if world.transaction is None:
        return await reach.by_ids(await reach.first())
    while True:
        chosen = await reach.first()
        savepoint = await world.transaction.connection.begin_nested()
        found = await reach.by_ids(chosen)
        # Somebody may have paid of them while they were waited for. Then the money reaches further, unless there is nothing
        # further; what has to be locked besides comes with them in the order of ids, so these are given back first.
        is_enough = sum(invoice.balance for invoice in found) >= available
        if is_enough or set(await reach.first()) <= {invoice.id for invoice in found}:
            await savepoint.commit()
            return found
        await savepoint.rollback()


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


async def named_invoices(world: World, source: Source, invoice_ids: Iterable[UUID | None]) -> dict[UUID, Candidate]:
    """Invoices by their ids, whatever their state, locked in the order of their ids."""
    rows = await world.rows(
        text(
            f"""
            select {_COLUMNS}
            from invoices i
            left join customer_closure c on c.organization_id = i.organization_id and c.organization_id = :organization_id
              and c.ancestor_id = :payer_id and c.descendant_id = i.customer_id
            where i.organization_id = :organization_id and i.id = any(cast(:invoice_ids as uuid[]))
            {world.locking}
            """  # noqa: S608 (constants of this file only)
        ),
        {
            "organization_id": world.organization_id,
            "payer_id": source.customer_id,
            "invoice_ids": sorted({key for key in invoice_ids if key is not None}),
        },
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
