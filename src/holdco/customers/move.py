"""Links, moves and unlinks customers, and sets what a parent may do (domain.md H1 to H10).

All under the exclusive lock of the tree, so that no money is applied over a link while it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from holdco import ids
from holdco.activity import service as activity
from holdco.customers import hierarchy, queries
from holdco.customers.errors import (
    ChildHasOpenInvoices,
    HierarchyCycle,
    HierarchyTooDeep,
    NotABusinessCustomer,
    NotAChild,
    RightsInconsistent,
)
from holdco.customers.models import Customer, CustomerKind, ParentLink
from holdco.customers.queries import CustomerRow
from holdco.database import Transaction
from holdco.errors import InvalidInput, NotFound, StaleVersion
from holdco.ids import Kind
from holdco.validation import optional_text


class Moved(NamedTuple):
    """What a clerk wants to know after a move (domain.md H7)."""

    former_parent_id: UUID | None
    open_invoice_count: int
    former_ancestor_allocation_count: int


async def place(
    transaction: Transaction,
    child_id: UUID,
    *,
    parent_id: UUID | None,
    rights: hierarchy.Rights | None,
    reason: str | None = None,
    version: int | None = None,
) -> Moved:
    """Puts a customer and its whole subtree under a parent, or makes it a root (`parent_id` None).

    Open invoices, debts, payments and allocations stay where they are (H7). Raises, in this order: NotFound; StaleVersion;
    InvalidInput for a bad reason and for a parent without rights (H10); the refusals of `link`.
    """
    await transaction.lock_exclusive()
    child = await _locked(transaction, child_id, version=version)
    reason = optional_text(reason, "reason")
    former = [ancestor_id for ancestor_id, _ in await hierarchy.ancestors(transaction, child_id)]
    if parent_id is None:
        if child.parent_id is not None:
            await _unlink(transaction, child, reason=reason)
    elif rights is None:
        raise InvalidInput("Say what the parent may do: access with view, pay and manage.", field=("access",))
    else:
        await link(transaction, child_id=child_id, parent_id=parent_id, rights=rights, reason=reason)
    return Moved(child.parent_id, *await _left_behind(transaction, child_id, former))


async def link(
    transaction: Transaction, *, child_id: UUID, parent_id: UUID, rights: hierarchy.Rights, reason: str | None = None
) -> None:
    """Begins a link, ending the one before. Expects the exclusive lock.

    Raises, in this order: NotFound; RightsInconsistent (H10); NotABusinessCustomer (H1); HierarchyCycle (H3);
    HierarchyTooDeep (H4); ChildHasOpenInvoices where the organization wants clear accounts (H5).
    """
    child = await _found(transaction, child_id, field="id")
    parent = await _found(transaction, parent_id, field="parentId")
    _check_rights(rights)
    if child.kind != CustomerKind.BUSINESS:
        raise NotABusinessCustomer(child.name, field=("id",))
    if parent.kind != CustomerKind.BUSINESS:
        raise NotABusinessCustomer(parent.name, field=("parentId",))
    await _check_cycle(transaction, child, parent)
    await _check_depth(transaction, child, parent)
    await _check_policy(transaction, child)
    instant = await _instant(transaction, child_id)
    if child.parent_id is not None:
        await _end_link(transaction, child_id, instant)
        await hierarchy.detach(transaction, child_id)
    await _begin_link(transaction, instant, child_id=child_id, parent_id=parent_id, rights=rights, reason=reason)
    await _set_parent(transaction, child_id, parent_id)
    await hierarchy.attach(transaction, child_id=child_id, parent_id=parent_id, rights=rights)
    below = await hierarchy.subtree_ids(transaction, child_id)
    await _record(
        transaction,
        "customer.reparented" if child.parent_id is not None else "customer.parent_linked",
        child,
        parent_id,
        reason=reason,
        view=rights.view,
        pay=rights.pay,
        manage=rights.manage,
        inheritTerms=rights.inherit_terms,
        affected=len(below),
    )


async def set_access(
    transaction: Transaction, child_id: UUID, *, rights: hierarchy.Rights, reason: str | None = None, version: int | None = None
) -> None:
    """Changes what the parent may do, from now on: the old rights stay in the history.

    Raises, in this order: NotFound; StaleVersion; NotAChild; RightsInconsistent; InvalidInput for a bad reason.
    """
    await transaction.lock_exclusive()
    child = await _locked(transaction, child_id, version=version)
    if child.parent_id is None:
        raise NotAChild(child.name)
    _check_rights(rights)
    reason = optional_text(reason, "reason")
    instant = await _instant(transaction, child_id)
    await _end_link(transaction, child_id, instant)
    await hierarchy.detach(transaction, child_id)
    await _begin_link(transaction, instant, child_id=child_id, parent_id=child.parent_id, rights=rights, reason=reason)
    await _set_parent(transaction, child_id, child.parent_id)
    await hierarchy.attach(transaction, child_id=child_id, parent_id=child.parent_id, rights=rights)
    await _record(
        transaction,
        "customer.permissions_changed",
        child,
        child.parent_id,
        reason=reason,
        view=rights.view,
        pay=rights.pay,
        manage=rights.manage,
        inheritTerms=rights.inherit_terms,
    )


def _check_rights(rights: hierarchy.Rights) -> None:
    if (rights.pay or rights.manage) and not rights.view:
        raise RightsInconsistent


async def _check_cycle(transaction: Transaction, child: CustomerRow, parent: CustomerRow) -> None:
    """Under the lock, so that A under B and B under A at once leave exactly one success."""
    if child.id == parent.id:
        raise HierarchyCycle([child.name, child.name])
    above = [ancestor_id for ancestor_id, _ in await hierarchy.ancestors(transaction, parent.id)]
    if child.id not in above:
        return
    between = above[: above.index(child.id)]
    names = {row[0]: row[3] for row in await transaction.rows(queries.by_ids(transaction.organization_id, between))}
    raise HierarchyCycle([child.name, *(names[key] for key in reversed(between)), parent.name, child.name])


async def _check_depth(transaction: Transaction, child: CustomerRow, parent: CustomerRow) -> None:
    depth_max = transaction.organization.hierarchy_depth_max
    if depth_max is None:
        return
    depth = len(await hierarchy.ancestors(transaction, parent.id)) + 1 + await hierarchy.height(transaction, child.id)
    if depth > depth_max:
        raise HierarchyTooDeep(depth=depth, depth_max=depth_max)


async def _check_policy(transaction: Transaction, child: CustomerRow) -> None:
    if transaction.organization.link_policy != "REQUIRE_CLEAR":
        return
    rows = await transaction.rows(
        text(
            """
            select count(*) from invoices
            where organization_id = :organization_id and customer_id = :customer_id and status = 'ISSUED' and balance > 0
            """
        ),
        {"organization_id": transaction.organization_id, "customer_id": child.id},
    )
    if rows[0][0]:
        raise ChildHasOpenInvoices(child.name, count=rows[0][0])


async def _left_behind(transaction: Transaction, child_id: UUID, former: Sequence[UUID]) -> tuple[int, int]:
    """Open invoices of the subtree, and live allocations to it from ancestors that it had before."""
    rows = await transaction.rows(
        text(
            """
            select
              (select count(*) from customer_closure c
               join invoices i on i.organization_id = c.organization_id and i.customer_id = c.descendant_id
               where c.organization_id = :organization_id and i.organization_id = :organization_id
                 and c.ancestor_id = :child_id and i.status = 'ISSUED' and i.balance > 0),
              (select count(*) from customer_closure c
               join allocations a on a.organization_id = c.organization_id and a.beneficiary_id = c.descendant_id
               where c.organization_id = :organization_id and a.organization_id = :organization_id
                 and c.ancestor_id = :child_id and a.payer_id = any(cast(:former as uuid[])) and a.reverses_id is null
                 and not exists (select from allocations r where r.organization_id = :organization_id and r.reverses_id = a.id))
            """
        ),
        {"organization_id": transaction.organization_id, "child_id": child_id, "former": list(former)},
    )
    return rows[0][0], rows[0][1]


async def _unlink(transaction: Transaction, child: CustomerRow, *, reason: str | None) -> None:
    await _end_link(transaction, child.id, await _instant(transaction, child.id))
    await hierarchy.detach(transaction, child.id)
    await _set_parent(transaction, child.id, None)
    await _record(transaction, "customer.parent_unlinked", child, child.parent_id, reason=reason)


async def _found(transaction: Transaction, customer_id: UUID, *, field: str) -> CustomerRow:
    rows = await transaction.rows(queries.by_ids(transaction.organization_id, [customer_id]))
    if not rows:
        raise _not_found(customer_id, field=field)
    return CustomerRow(*rows[0][1:])


async def _locked(transaction: Transaction, child_id: UUID, *, version: int | None) -> CustomerRow:
    """The customer that moves: nobody changes it between the look at its version and the move."""
    rows = await transaction.rows(queries.by_ids(transaction.organization_id, [child_id]).with_for_update(key_share=True))
    if not rows:
        raise _not_found(child_id, field="id")
    child = CustomerRow(*rows[0][1:])
    if version is not None and version != child.version:
        raise StaleVersion(child.name, expected=version, found=child.version)
    return child


def _not_found(customer_id: UUID, *, field: str) -> NotFound:
    return NotFound(f"There is no customer {ids.encode(Kind.CUSTOMER, customer_id)}.", field=(field,))


async def _instant(transaction: Transaction, child_id: UUID) -> datetime:
    """When a link of this child ends and the next begins: now, but not before the last change.

    Who waited for the lock began earlier than who had it, and clocks of two machines differ; the intervals of the history
    follow one another all the same (domain.md H6).
    """
    links = ParentLink.__table__.c
    rows = await transaction.rows(
        select(func.max(func.coalesce(links.valid_to, links.valid_from))).where(
            links.organization_id == transaction.organization_id, links.child_id == child_id
        )
    )
    return max(transaction.now, rows[0][0] or transaction.now)


async def _end_link(transaction: Transaction, child_id: UUID, instant: datetime) -> None:
    """Why it ends is in the record of activity: who began the link, and why, stays in its row."""
    await transaction.execute(
        update(ParentLink)
        .where(
            ParentLink.organization_id == transaction.organization_id,
            ParentLink.child_id == child_id,
            ParentLink.valid_to.is_(None),
        )
        .values(valid_to=instant)
    )


async def _begin_link(
    transaction: Transaction,
    instant: datetime,
    *,
    child_id: UUID,
    parent_id: UUID,
    rights: hierarchy.Rights,
    reason: str | None,
) -> None:
    await transaction.execute(
        insert(ParentLink).values(
            organization_id=transaction.organization_id,
            id=ids.new(),
            child_id=child_id,
            parent_id=parent_id,
            valid_from=instant,
            valid_to=None,
            actor=transaction.actor,
            reason=reason,
            **rights._asdict(),
        )
    )


async def _set_parent(transaction: Transaction, child_id: UUID, parent_id: UUID | None) -> None:
    await transaction.execute(
        update(Customer)
        .where(Customer.organization_id == transaction.organization_id, Customer.id == child_id)
        .values(parent_id=parent_id, updated_at=transaction.now, version=Customer.version + 1)
    )


async def _record(
    transaction: Transaction, action: str, child: CustomerRow, parent_id: UUID | None, *, reason: str | None, **details: Any
) -> None:
    """On the pages of both: the child's, and that of the parent that gained or lost it."""
    if reason is not None:
        details["reason"] = reason
    if parent_id is not None:
        details["parentId"] = ids.encode(Kind.CUSTOMER, parent_id)
    entries = [activity.about(Kind.CUSTOMER, child.id, action, customer_id=child.id, **details)]
    if parent_id is not None:
        entries.append(activity.about(Kind.CUSTOMER, child.id, action, customer_id=parent_id, **details))
    if child.parent_id is not None and child.parent_id != parent_id:
        entries.append(activity.about(Kind.CUSTOMER, child.id, action, customer_id=child.parent_id, **details))
    await activity.record(transaction, entries)
