"""Creates and changes groups and their membership. Every use case takes the transaction first and commits nothing itself.

Locks, always in this order: the ranks, the group, its customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from holdco import ids
from holdco.activity import service as activity
from holdco.customers import service as customers
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, NotFound, StaleVersion
from holdco.filtering import any_of
from holdco.groups import queries
from holdco.groups.errors import NameTaken, RankTaken
from holdco.groups.models import CustomerGroup, GroupMember
from holdco.groups.queries import GroupRow
from holdco.ids import Kind
from holdco.organizations.models import Organization
from holdco.validation import TEXT_LENGTH_MAX, Cleaner, cleaned, optional_text, required_text

RANK_MAX = 1_000_000


def _rank(value: int | None, field: str) -> int:
    if value is None or not 1 <= value <= RANK_MAX:
        raise InvalidInput(f"{field} must be from 1 to {RANK_MAX}; the group with the lowest goes first.", field=(field,))
    return value


_CLEANERS: Mapping[str, Cleaner] = {
    "name": required_text,
    "rank": _rank,
    "description": lambda value, field: optional_text(value, field, length_max=TEXT_LENGTH_MAX),
}


async def create(transaction: Transaction, *, values: Mapping[str, Any]) -> UUID:
    """A new group without members. Only the name is needed; without a rank it goes behind all others.

    Raises, in this order: Refused with InvalidInput for each bad value; NameTaken; RankTaken (domain.md G1).
    """
    fields = cleaned({"name": None, **values}, _CLEANERS)
    await _lock_ranks(transaction)
    if "rank" not in fields:
        fields["rank"] = await _next_rank(transaction)
    group_id = ids.new()
    await _write(
        transaction,
        insert(CustomerGroup).values(
            organization_id=transaction.organization_id,
            id=group_id,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
            **fields,
        ),
        fields,
    )
    await activity.record(
        transaction,
        [activity.about(Kind.GROUP, group_id, "group.created", name=fields["name"], rank=fields["rank"])],
    )
    return group_id


async def change(transaction: Transaction, group_id: UUID, *, values: Mapping[str, Any], version: int | None = None) -> None:
    """Sets the given fields and leaves all others; None clears.

    Raises, in this order: NotFound; StaleVersion (domain.md K6); Refused with InvalidInput for each bad value; NameTaken;
    RankTaken (G1).
    """
    if "rank" in values:
        await _lock_ranks(transaction)
    group = await locked(transaction, group_id, version=version)
    fields = cleaned(values, _CLEANERS)
    changed = {name: value for name, value in fields.items() if getattr(group, name) != value}
    if not changed:
        return
    await touch(transaction, group_id, **changed)
    if "rank" in changed:
        await transaction.execute(
            _REMEMBER_RANK,
            {
                "organization_id": transaction.organization_id,
                "group_id": group_id,
                "now": transaction.now,
                "rank": group.rank,
            },
        )
    await activity.record(transaction, [activity.about(Kind.GROUP, group_id, "group.updated", fields=sorted(changed))])


async def add_members(transaction: Transaction, group_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Returns the ids of those that were no members yet; to be one already is no error.

    Membership is no field of the group and leaves its version alone. Raises, in this order: NotFound for the group; Refused
    with NotFound for each unknown customer.
    """
    await locked(transaction, group_id)
    await customers.keep(transaction, customer_ids, field_of=lambda position: ("customerIds", str(position)))
    return await join(transaction, group_id, customer_ids)


async def remove_members(transaction: Transaction, group_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Returns the ids of those that were members; to be none is no error. Raises as `add_members`."""
    await locked(transaction, group_id)
    await customers.keep(transaction, customer_ids, field_of=lambda position: ("customerIds", str(position)))
    return await leave(transaction, group_id, customer_ids)


# Of ranks that end with the same instant, or before another one that was remembered, the others never counted.
_REMEMBER_RANK = text(
    """
    insert into former_group_ranks (organization_id, group_id, valid_to, rank)
    select o.id, :group_id, :now, :rank from organizations o
    where o.id = :organization_id and not exists (
      select from former_group_ranks f
      where f.organization_id = :organization_id and f.group_id = :group_id and f.valid_to >= cast(:now as timestamptz)
    )
    on conflict do nothing
    """
)
# Who comes back does not begin before it had left, whatever the clocks of servers say.
_JOIN = text(
    """
    insert into group_members (organization_id, group_id, customer_id, added_at, actor)
    select o.id, :group_id, member.id,
           greatest(cast(:now as timestamptz), (
             select max(f.removed_at) from former_group_members f
             where f.organization_id = :organization_id and f.group_id = :group_id and f.customer_id = member.id
           )),
           :actor
    from organizations o cross join unnest(cast(:customer_ids as uuid[])) as member(id)
    where o.id = :organization_id
    on conflict do nothing
    returning customer_id
    """
)
# Clocks of servers differ: a membership that ended when it began, or before, was none, and the next may begin with it.
_REMEMBER = text(
    """
    insert into former_group_members (organization_id, group_id, customer_id, added_at, removed_at, actor)
    select o.id, :group_id, member.id, member.added_at, :now, :actor
    from organizations o
    cross join unnest(cast(:customer_ids as uuid[]), cast(:added_at as timestamptz[])) as member(id, added_at)
    where o.id = :organization_id and member.added_at < cast(:now as timestamptz)
    on conflict do nothing
    """
)
# Text, because terms are a feature above this one: who leaves a group uses nothing of what it offers any more (domain.md G2).
_END_ACCEPTANCES = text(
    """
    update term_acceptances set valid_to = greatest(cast(:now as timestamptz), valid_from)
    where organization_id = :organization_id and group_id = :group_id and customer_id = any(cast(:customer_ids as uuid[]))
      and valid_to is null
    """
)


async def join(transaction: Transaction, group_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Adds customers that nobody deletes to a group that is locked. Returns the ids of those that were no members yet."""
    joined = await enlist(transaction, group_id, customer_ids)
    return await _record_members(transaction, group_id, "group.member_added", joined)


async def enlist(transaction: Transaction, group_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """As `join`, for a caller who records it."""
    rows = await transaction.rows(
        _JOIN,
        {
            "organization_id": transaction.organization_id,
            "group_id": group_id,
            "customer_ids": list(customer_ids),
            "now": transaction.now,
            "actor": transaction.actor,
        },
    )
    return [row[0] for row in rows]


async def leave(transaction: Transaction, group_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Removes customers from a group that is locked, and remembers that they were in it. Returns the ids of those that were."""
    left = await release(transaction, group_id, customer_ids)
    return await _record_members(transaction, group_id, "group.member_removed", left)


async def release(transaction: Transaction, group_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """As `leave`, for a caller who records it."""
    members = GroupMember.__table__.c
    rows = await transaction.rows(
        delete(GroupMember)
        .where(
            members.organization_id == transaction.organization_id,
            members.group_id == group_id,
            any_of(members.customer_id, customer_ids),
        )
        .returning(members.customer_id, members.added_at)
    )
    if not rows:
        return []
    left = [row.customer_id for row in rows]
    parameters = {
        "organization_id": transaction.organization_id,
        "group_id": group_id,
        "customer_ids": left,
        "now": transaction.now,
    }
    await transaction.execute(_REMEMBER, {**parameters, "added_at": [row.added_at for row in rows], "actor": transaction.actor})
    await transaction.execute(_END_ACCEPTANCES, parameters)
    return left


async def _record_members(transaction: Transaction, group_id: UUID, action: str, customer_ids: Sequence[UUID]) -> list[UUID]:
    """On the page of each customer, and once for the group."""
    affected = sorted(customer_ids)
    if affected:
        entries = [activity.about(Kind.GROUP, group_id, action, customer_id=key) for key in affected]
        await activity.record(transaction, [*entries, activity.about(Kind.GROUP, group_id, action, affected=len(affected))])
    return affected


async def _lock_ranks(transaction: Transaction) -> None:
    """Until commit nobody else gives a rank: two groups made at once get ranks that follow each other."""
    await transaction.execute(
        select(Organization.__table__.c.id).where(Organization.id == transaction.organization_id).with_for_update(key_share=True)
    )


async def _next_rank(transaction: Transaction) -> int:
    groups = CustomerGroup.__table__.c
    rows = await transaction.rows(
        select(func.coalesce(func.max(groups.rank), 0) + 1).where(
            groups.organization_id == transaction.organization_id, groups.deleted_at.is_(None)
        )
    )
    if rows[0][0] > RANK_MAX:
        raise InvalidInput(f"No rank is left behind the last group, which has {RANK_MAX}. Give one.", field=("rank",))
    return int(rows[0][0])


async def locked(
    transaction: Transaction, group_id: UUID, *, version: int | None = None, field: tuple[str, ...] = ("id",)
) -> GroupRow:
    """A group that nobody else changes, joins or leaves until commit. Raises NotFound, also for a deleted one; StaleVersion."""
    rows = await transaction.rows(
        select(*queries.GROUP_COLUMNS.values())
        .where(
            CustomerGroup.organization_id == transaction.organization_id,
            CustomerGroup.id == group_id,
            CustomerGroup.deleted_at.is_(None),
        )
        .with_for_update(key_share=True)
    )
    if not rows:
        raise NotFound(f"There is no group {ids.encode(Kind.GROUP, group_id)}.", field=field)
    group = GroupRow(*rows[0])
    if version is not None and version != group.version:
        raise StaleVersion(group.name, expected=version, found=group.version)
    return group


async def touch(transaction: Transaction, group_id: UUID, **changed: Any) -> None:
    """Writes columns of one group and counts its version up. Raises NameTaken, RankTaken."""
    await _write(
        transaction,
        update(CustomerGroup)
        .where(CustomerGroup.organization_id == transaction.organization_id, CustomerGroup.id == group_id)
        .values(updated_at=transaction.now, version=CustomerGroup.version + 1, **changed),
        changed,
    )


async def _write(transaction: Transaction, statement: Executable, fields: Mapping[str, Any]) -> None:
    try:
        await transaction.execute(statement)
    except IntegrityError as error:
        match constraint_of(error):
            case "uq_customer_groups_name":
                raise NameTaken(fields["name"]) from None
            case "uq_customer_groups_rank":
                raise RankTaken(fields["rank"]) from None
        raise
