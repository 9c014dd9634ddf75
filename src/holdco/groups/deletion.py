"""Deletes groups. Nobody finds a deleted one any more, but terms of the past still name it (domain.md G8)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.activity import service as activity
from holdco.database import Transaction
from holdco.errors import InvalidInput, NotFound, StaleVersion
from holdco.groups import service
from holdco.groups.errors import GroupHasMembers
from holdco.ids import Kind

# One request is one transaction, which must not hold its locks for long, nor keep the server from answering others.
MOVED_MAX: Final = 10_000

# In one order, as two deletions that each move members to the other's group would wait for one another otherwise.
_LOCK = text(
    """
    select id, name, version from customer_groups
    where organization_id = :organization_id and id = any(cast(:group_ids as uuid[])) and deleted_at is null
    order by id for no key update
    """
)
_COUNT = text("select count(*) from group_members where organization_id = :organization_id and group_id = :group_id")
# Nobody deletes these customers until commit.
_MEMBERS = text(
    """
    select c.id from customers c
    join group_members m on m.organization_id = :organization_id and m.customer_id = c.id
    where c.organization_id = :organization_id and m.group_id = :group_id
    order by c.id for key share of c
    """
)
# Text, because terms are a feature above this one.
_END_TERMS = text(
    """
    update terms set valid_to = greatest(cast(:now as timestamptz), valid_from)
    where organization_id = :organization_id and group_id = :group_id and valid_to is null
    """
)


async def delete(
    transaction: Transaction, group_id: UUID, *, version: int | None = None, move_members_to: UUID | None = None
) -> int:
    """Ends the group's terms, and frees its name and rank. Returns how many members went to the other group.

    Raises, in this order: InvalidInput where its members would stay; NotFound for it, and for the other group; StaleVersion
    (domain.md K6); GroupHasMembers (G8); InvalidInput for more members than are moved at once.
    """
    if move_members_to == group_id:
        raise InvalidInput("The members cannot stay in the group that is deleted.", field=("moveMembersTo",))
    wanted = {group_id: "id", **({move_members_to: "moveMembersTo"} if move_members_to is not None else {})}
    key = {"organization_id": transaction.organization_id, "group_id": group_id}
    rows = await transaction.rows(_LOCK, {**key, "group_ids": list(wanted)})
    found = {row.id: row for row in rows}
    for each, field in wanted.items():
        if each not in found:
            raise NotFound(f"There is no group {ids.encode(Kind.GROUP, each)}.", field=(field,))
    group = found[group_id]
    if version is not None and version != group.version:
        raise StaleVersion(group.name, expected=version, found=group.version)
    ((count,),) = await transaction.rows(_COUNT, key)
    if count and move_members_to is None:
        raise GroupHasMembers(group.name, count=count)
    if count > MOVED_MAX:
        raise InvalidInput(
            f"{group.name} has {count} members, and at most {MOVED_MAX} are moved at once. customersBulkUpdate moves as many.",
            field=("moveMembersTo",),
        )
    members = [row[0] for row in await transaction.rows(_MEMBERS, key)] if count else []
    if move_members_to is not None:
        await service.leave(transaction, group_id, members)
        await service.join(transaction, move_members_to, members)
    await transaction.execute(_END_TERMS, {**key, "now": transaction.now})
    await service.touch(transaction, group_id, deleted_at=transaction.now)
    other = ids.encode(Kind.GROUP, move_members_to) if move_members_to is not None else None
    entry = activity.about(Kind.GROUP, group_id, "group.deleted", name=group.name, moveMembersTo=other, affected=len(members))
    await activity.record(transaction, [entry])
    return len(members)
