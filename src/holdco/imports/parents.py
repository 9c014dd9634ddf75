"""Puts new customers under their parents: finds who is meant, orders them from the top down, refuses what cannot be.

Only new customers are linked, so what is here already neither moves nor gets a new ancestor, and a cycle can only lie among
the new ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco.customers.errors import HierarchyCycle, HierarchyTooDeep, NotABusinessCustomer
from holdco.customers.hierarchy import Rights
from holdco.customers.models import CustomerKind
from holdco.database import Transaction
from holdco.errors import UserErrorCode
from holdco.imports import directory
from holdco.imports.contacts import NewCustomer, ParentWish
from holdco.imports.problems import Problems
from holdco.imports.values import shown

_ID, _NAME = "Parent Customer ID", "Parent Customer Name"


class Link(NamedTuple):
    child: NewCustomer
    child_id: UUID
    parent_id: UUID
    rights: Rights


class Above(NamedTuple):
    """An ancestor of a customer that is here, `depth` above it, with its rights over all of the path."""

    ancestor_id: UUID
    depth: int
    rights: Rights


class _Node(NamedTuple):
    id: UUID
    name: str
    kind: str
    new: NewCustomer | None


async def links(
    transaction: Transaction,
    new: Mapping[UUID, NewCustomer],
    *,
    mentioned: set[str],
    names_mentioned: set[str],
    problems: Problems,
) -> list[Link]:
    """Links of new customers from the top down. `mentioned` are ids and names that the file has, also in rows with errors.

    Adds to the problems, for the row of the child: NOT_FOUND for a parent that nobody is; NOT_A_BUSINESS_CUSTOMER for either
    (domain.md H1); HIERARCHY_CYCLE (H3); HIERARCHY_TOO_DEEP (H4).
    """
    wishes = {key: customer.parent for key, customer in new.items() if customer.parent is not None}
    if not wishes:
        return []
    find = await _finder(transaction, new, list(wishes.values()))
    parents: dict[UUID, _Node] = {}
    for key, wish in wishes.items():
        child = new[key]
        found = find(wish)
        if len(found) == 1:
            parents[key] = found[0]
            _check_kinds(child, found[0], problems)
        elif found:
            problems.add(
                child.line,
                f"{len(found)} customers are called {shown(wish.name or '')}. Name the parent by its id.",
                column=_NAME,
            )
        elif (wish.external_id or "") not in mentioned and (wish.external_id is not None or wish.name not in names_mentioned):
            named = wish.external_id if wish.external_id is not None else wish.name or ""
            problems.add(
                child.line,
                f"There is no customer {shown(named)}, neither in this file nor here already.",
                column=_ID if wish.external_id is not None else _NAME,
                code=UserErrorCode.NOT_FOUND,
            )
    levels = _levels(new, parents, problems)
    await _check_depth(transaction, new, parents, levels, problems)
    return [Link(new[key], key, parents[key].id, wishes[key].rights) for key in sorted(levels, key=levels.__getitem__)]


async def above(transaction: Transaction, links: Sequence[Link]) -> dict[UUID, list[Above]]:
    """The ancestors of those parents that are here and have any."""
    made = {link.child_id for link in links}
    rows = await transaction.rows(
        text(
            """
            select descendant_id, ancestor_id, depth, view, pay, manage, pay_invoices_from from customer_closure
            where organization_id = :organization_id and descendant_id = any(cast(:ids as uuid[])) and depth > 0
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "ids": list({link.parent_id for link in links} - made),
        },
    )
    found: defaultdict[UUID, list[Above]] = defaultdict(list)
    for descendant_id, ancestor_id, depth, *rights in rows:
        found[descendant_id].append(Above(ancestor_id, depth, Rights(*rights)))
    return found


def closure(links: Sequence[Link], above: Mapping[UUID, Sequence[Above]]) -> Iterator[tuple[Any, ...]]:
    """For every child each of its ancestors: both ids, how far apart, and the rights that all links between them grant (H11).

    As `hierarchy.attach` writes it, for links whose children have nothing below them yet. Walking up takes as long as there
    are rows, whatever the shape of the tree.
    """
    by_child = {link.child_id: link for link in links}
    for link in links:
        child_id, rights, depth, parent_id = link.child_id, link.rights, 1, link.parent_id
        yield parent_id, child_id, depth, *_kept(rights)
        while (upper := by_child.get(parent_id)) is not None:
            parent_id, depth, rights = upper.parent_id, depth + 1, _both(rights, upper.rights)
            yield parent_id, child_id, depth, *_kept(rights)
        for ancestor in above.get(parent_id, ()):
            yield ancestor.ancestor_id, child_id, depth + ancestor.depth, *_kept(_both(rights, ancestor.rights))


def _kept(rights: Rights) -> tuple[bool, bool, bool, date | None]:
    """What the closure knows of rights."""
    return rights.view, rights.pay, rights.manage, rights.pay_invoices_from


def _both(lower: Rights, upper: Rights) -> Rights:
    """Of two dates from which invoices may be paid the later one."""
    since = [rights.pay_invoices_from for rights in (lower, upper) if rights.pay_invoices_from is not None]
    return Rights(lower.view and upper.view, lower.pay and upper.pay, lower.manage and upper.manage, max(since, default=None))


async def _finder(
    transaction: Transaction, new: Mapping[UUID, NewCustomer], wishes: Sequence[ParentWish]
) -> Callable[[ParentWish], Sequence[_Node]]:
    by_id: dict[str, _Node] = {}
    by_name: defaultdict[str, list[_Node]] = defaultdict(list)
    here = await directory.load(
        transaction,
        external_ids={wish.external_id for wish in wishes if wish.external_id is not None},
        names={wish.name for wish in wishes if wish.external_id is None and wish.name is not None},
    )
    for external_id, customer in here.by_external_id.items():
        by_id[external_id] = _Node(customer.id, customer.name, customer.kind, None)
    for name, customers in here.by_name.items():
        by_name[name] = [_Node(customer.id, customer.name, customer.kind, None) for customer in customers]
    for key, each in new.items():
        node = _Node(key, each.name, each.fields["kind"], each)
        by_id[each.external_id] = node
        by_name[each.name].append(node)

    def find(wish: ParentWish) -> Sequence[_Node]:
        if wish.external_id is not None:
            found = by_id.get(wish.external_id)
            return [found] if found is not None else []
        return by_name.get(wish.name or "", [])

    return find


def _check_kinds(child: NewCustomer, parent: _Node, problems: Problems) -> None:
    for name, kind in ((child.name, child.fields["kind"]), (parent.name, parent.kind)):
        if kind != CustomerKind.BUSINESS:
            problems.refuse(child.line, NotABusinessCustomer(name, field=()), column=_ID)


def _levels(new: Mapping[UUID, NewCustomer], parents: Mapping[UUID, _Node], problems: Problems) -> dict[UUID, int]:
    """How many links there are from each child up to what has none of its own; children on or below a cycle have no level."""
    levels: dict[UUID, int] = {}
    hopeless: set[UUID] = set()
    for start in parents:
        path: list[UUID] = []
        positions: dict[UUID, int] = {}
        key = start
        while key in parents and key not in levels and key not in hopeless and key not in positions:
            positions[key] = len(path)
            path.append(key)
            key = parents[key].id
        if key in positions:
            _tell_cycle(new, path[positions[key] :], problems)
        if key in positions or key in hopeless:
            hopeless.update(path)
            continue
        level = levels.get(key, 0)
        for each in reversed(path):
            level += 1
            levels[each] = level
    return levels


def _tell_cycle(new: Mapping[UUID, NewCustomer], cycle: Sequence[UUID], problems: Problems) -> None:
    """In the row of each customer on it; `cycle` goes upwards."""
    names = [new[key].name for key in cycle]
    for index, key in enumerate(cycle):
        upwards = names[index:] + names[:index]
        problems.refuse(new[key].line, HierarchyCycle([upwards[0], *reversed(upwards[1:]), upwards[0]]), column=_ID)


async def _check_depth(
    transaction: Transaction,
    new: Mapping[UUID, NewCustomer],
    parents: Mapping[UUID, _Node],
    levels: Mapping[UUID, int],
    problems: Problems,
) -> None:
    depth_max = transaction.organization.hierarchy_depth_max
    if depth_max is None:
        return
    rows = await transaction.rows(
        text(
            """
            select descendant_id, max(depth) from customer_closure
            where organization_id = :organization_id and descendant_id = any(cast(:ids as uuid[]))
            group by descendant_id
            """
        ),
        {"organization_id": transaction.organization_id, "ids": [node.id for node in parents.values() if node.new is None]},
    )
    depths: dict[UUID, int] = {row[0]: row[1] for row in rows}
    for key in sorted(levels, key=levels.__getitem__):
        depths[key] = depths.get(parents[key].id, 0) + 1
        if depths[key] > depth_max:
            problems.refuse(new[key].line, HierarchyTooDeep(depth=depths[key], depth_max=depth_max), column=_ID)
