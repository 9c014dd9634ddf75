"""What mutations of money answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from holdco import ids
from holdco.connections import Info, UserError
from holdco.errors import UserErrorCode
from holdco.execution.fields import relation
from holdco.ids import Kind
from holdco.payments import loaders
from holdco.payments.allocation import PlanNote
from holdco.payments.graph import Allocation, AllocationPlanLine, AllocationSource, CreditNote, Payment
from holdco.scalars import CurrencyCode

if TYPE_CHECKING:
    from holdco.customers.graph import Customer
    from holdco.invoices.graph import Invoice

strawberry.enum(PlanNote, description="Why EXACT_MATCH found nothing to apply.")


async def load_all(info: Info, loader: type[Any], kind: Kind, texts: Sequence[str]) -> list[Any]:
    """What ids of one kind name, in their order, without what may not be seen any more when an answer is told again."""
    futures = [info.context.loader(loader).load(ids.decode(kind, text)) for text in texts]
    return [row for row in [await future for future in futures] if row is not None]


async def _allocations(rows: strawberry.Parent[list[Any]], info: Info) -> list[Allocation]:
    """Thousands of rows, maybe: read only where they are asked for; those that may be seen, as `load_all`."""
    keys = [[ids.decode(Kind.ALLOCATION, text) for text in payload.allocation_ids] for payload in rows]
    found = await info.context.loader(loaders.AllocationById).load_level(chain.from_iterable(keys))
    return [[found[key] for key in each if found[key] is not None] for each in keys]  # type: ignore[misc]


@strawberry.type(description="A customer whose invoices were left alone, and why.")
class SkippedCustomer:
    code: UserErrorCode
    customer: Annotated[Customer, strawberry.lazy("holdco.customers.graph")]


@strawberry.type(description="What paymentApply or creditNoteApply would do.")
class AllocationPlan:
    lines: list[AllocationPlanLine] = dataclasses.field(default_factory=list)
    currency: CurrencyCode | None = None
    allocated: Decimal = Decimal(0)
    unapplied: Decimal = Decimal(0)
    skipped: list[SkippedCustomer] = dataclasses.field(default_factory=list)
    note: PlanNote | None = None
    plan_hash: str | None = strawberry.field(default=None, description="Give it to paymentApply; null where it would be refused.")
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class AllocationPayload:
    source: AllocationSource | None = None
    allocation_ids: strawberry.Private[Sequence[str]] = ()
    allocations: list[Allocation] = relation()(_allocations)
    skipped: list[SkippedCustomer] = dataclasses.field(default_factory=list)
    note: PlanNote | None = None
    replayed: bool = strawberry.field(default=False, description="This request was carried out before; nothing was done again.")
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class PaymentPayload:
    payment: Payment | None = None
    allocation_ids: strawberry.Private[Sequence[str]] = ()
    allocations: list[Allocation] = relation()(_allocations)
    skipped: list[SkippedCustomer] = dataclasses.field(default_factory=list)
    note: PlanNote | None = None
    allocation_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why kept money was not applied (onAllocationError: KEEP_UNAPPLIED)."
    )
    possible_duplicates: list[Payment] = strawberry.field(
        default_factory=list, description="Payments of the same payer, date, amount and reference. A warning."
    )
    replayed: bool = False
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class CreditNotePayload:
    credit_note: CreditNote | None = None
    replayed: bool = False
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class InvoiceVoidPayload:
    invoice: Annotated[Invoice, strawberry.lazy("holdco.invoices.graph")] | None = None
    allocation_ids: strawberry.Private[Sequence[str]] = ()
    reversals: list[Allocation] = relation()(_allocations)
    replayed: bool = False
    user_errors: list[UserError] = dataclasses.field(default_factory=list)
