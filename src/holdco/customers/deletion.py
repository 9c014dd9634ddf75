"""Deletes customers that never had a transaction or a project, in two steps: nobody does it by accident (domain.md D1 to D5)."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, delete, select, text

from holdco.activity import service as activity
from holdco.customers import move, service
from holdco.customers.errors import (
    ConfirmationStale,
    HasChildren,
    HasPassedPayments,
    HasProjects,
    HasTransactions,
    HasUnappliedFunds,
)
from holdco.customers.hierarchy import Rights
from holdco.customers.models import Customer
from holdco.customers.queries import CustomerRow
from holdco.database import Transaction
from holdco.errors import InvalidInput, Refusal, Refused
from holdco.ids import Kind


class Above(Enum):
    """Where the children of a customer that is deleted may go, beside a customer by its id."""

    GRANDPARENT = auto()
    ROOT = auto()


class Placement(NamedTuple):
    """Where the children go (domain.md D3). Whoever becomes their parent is given rights, which have no default (H10)."""

    under: UUID | Above
    rights: Rights | None = None


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
    client_user_count: int
    project_count: int

    @property
    def token(self) -> str:
        return hashlib.sha256(repr(tuple(self)).encode()).hexdigest()[:32]

    def refusals(self, *, is_reparenting: bool = False) -> list[Refusal]:
        """`is_reparenting`: a place for its children is, or will be, said."""
        return [
            *([HasChildren(self.name, count=self.child_count)] if self.child_count and not is_reparenting else []),
            *([HasUnappliedFunds(self.name, count=self.unapplied_count)] if self.unapplied_count else []),
            *([HasTransactions(self.name, count=self.transaction_count)] if self.transaction_count else []),
            *([HasPassedPayments(self.name, count=self.passed_count)] if self.passed_count else []),
            *([HasProjects(self.name, count=self.project_count)] if self.project_count else []),
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
      (select count(*) from contacts t where t.organization_id = :organization_id and t.customer_id = c.id),
      (select count(*) from client_user_customers m where m.organization_id = :organization_id and m.customer_id = c.id),
      (select count(*) from projects j where j.organization_id = :organization_id and j.customer_id = c.id)
    from customers c where c.organization_id = :organization_id and c.id = :customer_id
    """
)


async def preview(rows: Rows, organization_id: UUID, customer_id: UUID) -> Preview | None:
    """Reads with a Reader's or a Transaction's `rows`. None for an unknown customer."""
    found = await rows(_PREVIEW, {"organization_id": organization_id, "customer_id": customer_id})
    return Preview(*found[0]) if found else None


async def delete_confirmed(
    transaction: Transaction, customer_id: UUID, *, token: str, children: Placement | None = None
) -> Preview:
    """Deletes a customer with its contacts. Client users lose it and stay, also those that belong to no other (D2): who was let
    in, and what it did, is kept, and it can be given another customer. Returns what was there.

    Raises, in this order: NotFound; Refused with HasChildren (unless it is said where they go), HasUnappliedFunds,
    HasTransactions, HasPassedPayments, HasProjects; ConfirmationStale; InvalidInput for a place where no children can go;
    the refusals of `move.link` for each child.
    """
    await transaction.lock_exclusive()
    customer = await service.locked(transaction, customer_id, is_ending=True)
    found = await preview(transaction.rows, transaction.organization_id, customer_id)
    if found is None:
        raise service.not_found(customer_id)
    if refusals := found.refusals(is_reparenting=children is not None):
        raise Refused(refusals)
    if token != found.token:
        raise ConfirmationStale
    if children is not None and found.child_count:
        await _reparent(transaction, customer, children)
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
                clientUsers=found.client_user_count,
            )
        ],
    )
    return found


async def _reparent(transaction: Transaction, customer: CustomerRow, children: Placement) -> None:
    parent_id = _parent_of(customer, children)
    rows = await transaction.rows(
        select(Customer.__table__.c.id)
        .where(Customer.organization_id == transaction.organization_id, Customer.parent_id == customer.id)
        .order_by(Customer.number)
    )
    for (child_id,) in rows:
        await move.place(transaction, child_id, parent_id=parent_id, rights=children.rights)


def _parent_of(customer: CustomerRow, children: Placement) -> UUID | None:
    """The id of their new parent; None makes roots of them. Raises InvalidInput."""
    if children.under is Above.ROOT:
        return None
    if isinstance(children.under, UUID):
        if children.under == customer.id:
            raise InvalidInput("The children cannot stay under the customer that is deleted.", field=("parentId",))
        return children.under
    if customer.parent_id is None:
        raise InvalidInput(f"{customer.name} has no parent that could take its children. Say root: true.", field=("grandparent",))
    return customer.parent_id
