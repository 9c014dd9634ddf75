"""Deletes customers that never had a transaction, in two steps, so that nobody does it by accident (domain.md D1, D5)."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, delete, text

from holdco.activity import service as activity
from holdco.customers import service
from holdco.customers.errors import ConfirmationStale, HasChildren, HasPassedPayments, HasTransactions, HasUnappliedFunds
from holdco.customers.models import Customer
from holdco.database import Transaction
from holdco.errors import Refusal, Refused
from holdco.ids import Kind

Rows = Callable[[Executable, dict[str, Any]], Awaitable[Any]]


class Preview(NamedTuple):
    """What a deletion would remove and what stands in its way. `token` confirms exactly this state of this customer."""

    id: UUID
    name: str
    version: int
    child_count: int
    transaction_count: int
    unapplied_count: int
    passed_count: int
    contact_count: int

    @property
    def token(self) -> str:
        return hashlib.sha256(repr(tuple(self)).encode()).hexdigest()[:32]

    def refusals(self) -> list[Refusal]:
        return [
            *([HasChildren(self.name, count=self.child_count)] if self.child_count else []),
            *([HasUnappliedFunds(self.name, count=self.unapplied_count)] if self.unapplied_count else []),
            *([HasTransactions(self.name, count=self.transaction_count)] if self.transaction_count else []),
            *([HasPassedPayments(self.name, count=self.passed_count)] if self.passed_count else []),
        ]


# A statement over tables of features above this one: they are one schema all the same.
_PREVIEW = text(
    """
    select c.id, c.name, c.version,
      (select count(*) from customers k where k.organization_id = :organization_id and k.parent_id = c.id),
      (select count(*) from invoices i where i.organization_id = :organization_id and i.customer_id = c.id)
        + (select count(*) from payments p where p.organization_id = :organization_id and p.customer_id = c.id)
        + (select count(*) from credit_notes n where n.organization_id = :organization_id and n.customer_id = c.id),
      (select count(*) from payments p
       where p.organization_id = :organization_id and p.customer_id = c.id and p.unapplied > 0)
        + (select count(*) from credit_notes n
           where n.organization_id = :organization_id and n.customer_id = c.id and n.remaining > 0),
      -- Its links are the proof of the right by which this money went down (domain.md A2, A10). Only former parents have any.
      case when exists (select from parent_links l where l.organization_id = :organization_id and l.parent_id = c.id)
        then (select count(*) from allocations a
              where a.organization_id = :organization_id and c.id = any(a.path) and a.reverses_id is null
                and a.payer_id <> c.id and a.beneficiary_id <> c.id)
        else 0 end,
      (select count(*) from contacts t where t.organization_id = :organization_id and t.customer_id = c.id)
    from customers c where c.organization_id = :organization_id and c.id = :customer_id
    """
)


async def preview(rows: Rows, organization_id: UUID, customer_id: UUID) -> Preview | None:
    """Reads with a Reader's or a Transaction's `rows`. None for an unknown customer."""
    found = await rows(_PREVIEW, {"organization_id": organization_id, "customer_id": customer_id})
    return Preview(*found[0]) if found else None


async def delete_confirmed(transaction: Transaction, customer_id: UUID, *, token: str) -> Preview:
    """Deletes a customer with its contacts (D2). Returns what was there.

    Raises, in this order: NotFound; Refused with HasChildren, HasUnappliedFunds, HasTransactions, HasPassedPayments;
    ConfirmationStale.
    """
    await transaction.lock_exclusive()
    await service.locked(transaction, customer_id, is_ending=True)
    found = await preview(transaction.rows, transaction.organization_id, customer_id)
    if found is None:
        raise service.not_found(customer_id)
    if refusals := found.refusals():
        raise Refused(refusals)
    if token != found.token:
        raise ConfirmationStale
    await transaction.execute(
        delete(Customer).where(Customer.organization_id == transaction.organization_id, Customer.id == customer_id)
    )
    await activity.record(
        transaction,
        [
            activity.about(
                Kind.CUSTOMER,
                customer_id,
                "customer.deleted",
                customer_id=customer_id,
                name=found.name,
                contacts=found.contact_count,
            )
        ],
    )
    return found
