"""What clients may change about groups. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import ID, Maybe

from holdco import ids
from holdco.connections import Info, UserError, attempt, input_id, input_ids
from holdco.customers.queries import CustomerRow
from holdco.database import Transaction
from holdco.errors import InvalidInput
from holdco.execution.fields import relation
from holdco.groups import deletion, service
from holdco.groups.graph import SHADOWED_NAMED_MAX, CustomerGroup, shadowed
from holdco.groups.inputs import CustomerSelectorInput
from holdco.groups.loaders import GroupById
from holdco.groups.selection import Selection, chosen
from holdco.ids import Kind

if TYPE_CHECKING:
    from holdco.terms.graph import ShadowedTerm

# One request is one transaction, which must not hold its locks for long.
MEMBERS_PER_REQUEST_MAX = 1000


@strawberry.input
class CustomerGroupCreateInput:
    name: str
    rank: int | None = strawberry.field(default=None, description="Behind all others where it is left out.")
    description: str | None = None


@strawberry.input(description="A field that is left out stays as it is; null clears it, where it can be empty.")
class CustomerGroupUpdateInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    rank: Maybe[int | None] = None
    description: Maybe[str | None] = None


@strawberry.input(description="Either customerIds or a selector.")
class CustomerGroupMembersInput:
    id: ID = strawberry.field(description="The group.")
    customer_ids: list[ID] | None = strawberry.field(default=None, description=f"At most {MEMBERS_PER_REQUEST_MAX}.")
    selector: CustomerSelectorInput | None = strawberry.field(
        default=None, description=f"For at most {MEMBERS_PER_REQUEST_MAX} customers; customersBulkUpdate takes more."
    )


async def _shadowed(
    rows: strawberry.Parent[list[Any]], info: Info
) -> list[Annotated[ShadowedTerm, strawberry.lazy("holdco.terms.graph")]]:
    return [(await shadowed(info, *payload.added))[:SHADOWED_NAMED_MAX] if payload.added else [] for payload in rows]  # type: ignore[misc]


async def _shadowed_count(rows: strawberry.Parent[list[Any]], info: Info) -> int:
    return [len(await shadowed(info, *payload.added)) if payload.added else 0 for payload in rows]  # type: ignore[return-value]


@strawberry.type
class CustomerGroupPayload:
    customer_group: CustomerGroup | None = None
    # The group and the customers that were added to it.
    added: strawberry.Private[tuple[UUID, Sequence[UUID]] | None] = None
    shadowed: list[Annotated[ShadowedTerm, strawberry.lazy("holdco.terms.graph")]] = relation(
        "Of customers that were added: what the group sets and does not apply to them, and why. "
        f"At most {SHADOWED_NAMED_MAX} are named.",
        reads=("id", "currency"),
        of=CustomerRow,
    )(_shadowed)
    shadowed_count: int = relation("How many `shadowed` has in all.", reads=("id", "currency"), of=CustomerRow)(_shadowed_count)
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _created(given: CustomerGroupCreateInput) -> dict[str, Any]:
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    return {name: value for name, value in fields.items() if value is not None}


def _changed(given: CustomerGroupUpdateInput) -> dict[str, Any]:
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    return {name: some.value for name, some in fields.items() if name not in {"id", "version"} and some is not None}


def _named(given: CustomerGroupMembersInput) -> list[UUID] | Selection:
    if given.customer_ids is not None and given.selector is None:
        return input_ids(Kind.CUSTOMER, given.customer_ids, "customerIds", most=MEMBERS_PER_REQUEST_MAX)
    if given.customer_ids is None and given.selector is not None:
        return given.selector.selection()
    raise InvalidInput("Say which customers: either by customerIds or by a selector.", field=("customerIds",))


async def _customer_ids(transaction: Transaction, named: list[UUID] | Selection) -> list[UUID]:
    if not isinstance(named, Selection):
        return named
    found = await chosen(transaction, named, most=MEMBERS_PER_REQUEST_MAX)
    if len(found) > MEMBERS_PER_REQUEST_MAX:
        raise InvalidInput(
            f"These are more than {MEMBERS_PER_REQUEST_MAX} customers. customersBulkUpdate takes as many.", field=("selector",)
        )
    return found


@strawberry.input
class CustomerGroupDeleteInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    move_members_to: ID | None = strawberry.field(
        default=None,
        description="The group that its members go to. Left out, a group with members is not deleted. At most "
        f"{deletion.MOVED_MAX} are moved; customersBulkUpdate moves more.",
    )


@strawberry.type
class CustomerGroupDeletePayload:
    deleted_customer_group_id: ID | None = None
    moved_member_count: int = 0
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class GroupMutations:
    @strawberry.mutation
    async def customer_group_create(
        self,
        info: Info,
        input: CustomerGroupCreateInput,  # noqa: A002
    ) -> CustomerGroupPayload:
        async def use_case() -> CustomerGroupPayload:
            async with info.context.transaction() as transaction:
                group_id = await service.create(transaction, values=_created(input))
            return CustomerGroupPayload(customer_group=await info.context.show(GroupById, group_id))

        return await attempt(CustomerGroupPayload, use_case)

    @strawberry.mutation
    async def customer_group_update(
        self,
        info: Info,
        input: CustomerGroupUpdateInput,  # noqa: A002
    ) -> CustomerGroupPayload:
        async def use_case() -> CustomerGroupPayload:
            group_id = input_id(Kind.GROUP, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.change(transaction, group_id, values=_changed(input), version=input.version)
            return CustomerGroupPayload(customer_group=await info.context.show(GroupById, group_id))

        return await attempt(CustomerGroupPayload, use_case)

    @strawberry.mutation(description="Adds customers; those that are members already stay members. All of them or none.")
    async def customer_group_members_add(
        self,
        info: Info,
        input: CustomerGroupMembersInput,  # noqa: A002
    ) -> CustomerGroupPayload:
        async def use_case() -> CustomerGroupPayload:
            group_id = input_id(Kind.GROUP, input.id, "id")
            named = _named(input)
            async with info.context.transaction() as transaction:
                customer_ids = await _customer_ids(transaction, named)
                await service.add_members(transaction, group_id, customer_ids)
            group = await info.context.show(GroupById, group_id)
            return CustomerGroupPayload(customer_group=group, added=(group_id, customer_ids))

        return await attempt(CustomerGroupPayload, use_case)

    @strawberry.mutation(description="Removes customers; those that are no members stay none. All of them or none.")
    async def customer_group_members_remove(
        self,
        info: Info,
        input: CustomerGroupMembersInput,  # noqa: A002
    ) -> CustomerGroupPayload:
        async def use_case() -> CustomerGroupPayload:
            group_id = input_id(Kind.GROUP, input.id, "id")
            named = _named(input)
            async with info.context.transaction() as transaction:
                customer_ids = await _customer_ids(transaction, named)
                await service.remove_members(transaction, group_id, customer_ids)
            return CustomerGroupPayload(customer_group=await info.context.show(GroupById, group_id))

        return await attempt(CustomerGroupPayload, use_case)

    @strawberry.mutation(description="Deletes a group, which ends its terms. Its name and rank are free again.")
    async def customer_group_delete(
        self,
        info: Info,
        input: CustomerGroupDeleteInput,  # noqa: A002
    ) -> CustomerGroupDeletePayload:
        async def use_case() -> CustomerGroupDeletePayload:
            group_id = input_id(Kind.GROUP, input.id, "id")
            other = input.move_members_to
            move_members_to = input_id(Kind.GROUP, other, "moveMembersTo") if other is not None else None
            async with info.context.transaction() as transaction:
                moved = await deletion.delete(transaction, group_id, version=input.version, move_members_to=move_members_to)
            return CustomerGroupDeletePayload(
                deleted_customer_group_id=ID(ids.encode(Kind.GROUP, group_id)), moved_member_count=moved
            )

        return await attempt(CustomerGroupDeletePayload, use_case)
