"""The tree as SQL: the closure that answers for it, and the rights of whole paths.

`customers.parent_id` is the truth of today and `parent_links` its history; `customer_closure` follows both in the same
transaction. Everything here that writes expects the transaction to have locked the organization exclusively.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco.database import Transaction


class Rights(NamedTuple):
    """What a parent may do at and below a child (domain.md H10). `pay_invoices_from`: earlier ones it may not pay (H7).

    `inherit_terms` tells whether its terms apply to a child that has none itself (G3); the closure does not know of it.
    """

    view: bool
    pay: bool
    manage: bool
    pay_invoices_from: date | None = None
    inherit_terms: bool = False


async def add_nodes(transaction: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Each new customer is its own ancestor at depth 0, with every right over itself."""
    await transaction.execute(
        text(
            """
            insert into customer_closure
                (organization_id, ancestor_id, descendant_id, depth, view, pay, manage, pay_invoices_from)
            select o.id, node.id, node.id, 0, true, true, true, null
            from organizations o cross join unnest(cast(:ids as uuid[])) as node(id)
            where o.id = :organization_id
            on conflict do nothing
            """
        ),
        {"ids": list(customer_ids), "organization_id": transaction.organization_id},
    )


async def attach(transaction: Transaction, *, child_id: UUID, parent_id: UUID, rights: Rights) -> None:
    """Puts the child's whole subtree below the parent and its ancestors; a right holds where every link grants it (H11)."""
    await transaction.execute(
        text(
            """
            insert into customer_closure
                (organization_id, ancestor_id, descendant_id, depth, view, pay, manage, pay_invoices_from)
            select above.organization_id, above.ancestor_id, below.descendant_id, above.depth + below.depth + 1,
                   above.view and :view and below.view,
                   above.pay and :pay and below.pay,
                   above.manage and :manage and below.manage,
                   greatest(above.pay_invoices_from, cast(:pay_invoices_from as date), below.pay_invoices_from)
            from customer_closure above
            join customer_closure below on below.organization_id = above.organization_id
            where above.organization_id = :organization_id and above.descendant_id = :parent_id
              and below.organization_id = :organization_id and below.ancestor_id = :child_id
            on conflict do nothing
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "child_id": child_id,
            "parent_id": parent_id,
            "view": rights.view,
            "pay": rights.pay,
            "manage": rights.manage,
            "pay_invoices_from": rights.pay_invoices_from,
        },
    )


async def detach(transaction: Transaction, child_id: UUID) -> None:
    """Takes the child's whole subtree out from below its ancestors. What holds inside the subtree stays."""
    ancestor_ids = [ancestor_id for ancestor_id, _ in await ancestors(transaction, child_id)]
    if not ancestor_ids:
        return
    await transaction.execute(
        text(
            """
            delete from customer_closure c
            where c.organization_id = :organization_id and c.ancestor_id = any(cast(:ancestor_ids as uuid[]))
              and c.descendant_id in (
                select below.descendant_id from customer_closure below
                where below.organization_id = :organization_id and below.ancestor_id = :child_id
              )
            """
        ),
        {"organization_id": transaction.organization_id, "child_id": child_id, "ancestor_ids": ancestor_ids},
    )


async def ancestors(transaction: Transaction, customer_id: UUID) -> list[tuple[UUID, int]]:
    """Ids and distances of all ancestors, the parent first."""
    rows = await transaction.rows(
        text(
            """
            select ancestor_id, depth from customer_closure
            where organization_id = :organization_id and descendant_id = :customer_id and depth > 0
            order by depth
            """
        ),
        {"organization_id": transaction.organization_id, "customer_id": customer_id},
    )
    return [(row[0], row[1]) for row in rows]


async def height(transaction: Transaction, customer_id: UUID) -> int:
    """How many levels a customer has below itself."""
    rows = await transaction.rows(
        text("select max(depth) from customer_closure where organization_id = :organization_id and ancestor_id = :customer_id"),
        {"organization_id": transaction.organization_id, "customer_id": customer_id},
    )
    return int(rows[0][0] or 0)


async def subtree_ids(transaction: Transaction, customer_id: UUID) -> list[UUID]:
    """A customer and everything below it, from the top down."""
    rows = await transaction.rows(
        text(
            """
            select descendant_id from customer_closure
            where organization_id = :organization_id and ancestor_id = :customer_id order by depth, descendant_id
            """
        ),
        {"organization_id": transaction.organization_id, "customer_id": customer_id},
    )
    return [row[0] for row in rows]
