"""Which customers a request is about: named, in a group, found by a filter, or a subtree. One place for all who ask so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from holdco import ids
from holdco.customers import queries as customers
from holdco.customers.models import Customer, CustomerClosure
from holdco.database import Transaction
from holdco.errors import NotFound, Refused
from holdco.filtering import Condition
from holdco.groups.models import CustomerGroup, GroupMember
from holdco.ids import Kind
from holdco.statements import KEYS, ORGANIZATION_ID

_CUSTOMERS = Customer.__table__.c
_CLOSURE = CustomerClosure.__table__.c
_MEMBERS = GroupMember.__table__.c
_GROUPS = CustomerGroup.__table__.c


@dataclass(frozen=True, slots=True)
class Selection:
    """Exactly one of these is given. A subtree has the customer itself in it."""

    ids: tuple[UUID, ...] | None = None
    group_id: UUID | None = None
    conditions: tuple[Condition, ...] | None = None
    subtree_of: UUID | None = None


def select_ids(selection: Selection) -> tuple[Select[Any], Mapping[str, Any]]:
    """A statement for the column `id` of those customers, each once, and what to bind to it."""
    if selection.group_id is not None:
        members = select(_MEMBERS.customer_id.label("id")).where(
            _MEMBERS.organization_id == ORGANIZATION_ID, _MEMBERS.group_id == bindparam("group_id", type_=Uuid)
        )
        return members, {"group_id": selection.group_id}
    if selection.subtree_of is not None:
        below = select(_CLOSURE.descendant_id.label("id")).where(
            _CLOSURE.organization_id == ORGANIZATION_ID, _CLOSURE.ancestor_id == bindparam("ancestor_id", type_=Uuid)
        )
        return below, {"ancestor_id": selection.subtree_of}
    found = select(_CUSTOMERS.id).where(_CUSTOMERS.organization_id == ORGANIZATION_ID)
    if selection.ids is not None:
        return found.where(_CUSTOMERS.id == func.any(bindparam(KEYS, type_=ARRAY(Uuid)))), {KEYS: list(selection.ids)}
    shapes, values = customers.FILTERS.bound(selection.conditions or ())
    return found.where(*customers.FILTERS.clauses(ORGANIZATION_ID, shapes)), values


async def chosen(transaction: Transaction, selection: Selection, *, most: int) -> list[UUID]:
    """The customers' ids, in order; one more than `most` where there are more. Raises as `check`."""
    await check(transaction, selection)
    statement, values = select_ids(selection)
    found = statement.subquery("chosen")
    rows = await transaction.rows(
        select(found.c.id).order_by(found.c.id).limit(bindparam("most")),
        {"organization_id": transaction.organization_id, "most": most + 1, **values},
    )
    return [row[0] for row in rows]


async def check(transaction: Transaction, selection: Selection) -> None:
    """Raises Refused with NotFound for a group that there is not, and for each customer that is named and unknown."""
    named: Sequence[UUID]
    if selection.group_id is not None:
        named, kind, path = [selection.group_id], Kind.GROUP, "groupId"
        existing = select(_GROUPS.id).where(_GROUPS.organization_id == ORGANIZATION_ID, _GROUPS.deleted_at.is_(None))
        existing = existing.where(_GROUPS.id == func.any(bindparam(KEYS, type_=ARRAY(Uuid))))
    elif selection.subtree_of is not None:
        named, kind, path = [selection.subtree_of], Kind.CUSTOMER, "subtreeOf"
        existing, _ = select_ids(Selection(ids=tuple(named)))
    elif selection.ids is not None:
        named, kind, path = selection.ids, Kind.CUSTOMER, "ids"
        existing, _ = select_ids(selection)
    else:
        return
    rows = await transaction.rows(existing, {"organization_id": transaction.organization_id, KEYS: list(named)})
    found = {row[0] for row in rows}
    unknown = [
        NotFound(
            f"There is no {kind.noun} {ids.encode(kind, key)}.",
            field=("selector", path, *([str(position)] if path == "ids" else [])),
        )
        for position, key in enumerate(named)
        if key not in found
    ]
    if unknown:
        raise Refused(unknown)
