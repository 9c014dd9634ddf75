"""What clients may change about contacts. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from typing import Any

import strawberry
from strawberry import ID, Maybe

from holdco import ids
from holdco.connections import Info, UserError, attempt, input_id
from holdco.contacts import service
from holdco.contacts.graph import Contact
from holdco.contacts.loaders import ContactById
from holdco.ids import Kind


@strawberry.input
class ContactCreateInput:
    customer_id: ID
    name: str
    email: str | None = None
    phone: str | None = None
    designation: str | None = None
    department: str | None = None


@strawberry.input(description="A field that is left out stays as it is; null clears it, where it can be empty.")
class ContactUpdateInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    email: Maybe[str | None] = None
    phone: Maybe[str | None] = None
    designation: Maybe[str | None] = None
    department: Maybe[str | None] = None


@strawberry.input
class ContactDeleteInput:
    id: ID
    confirm: bool = strawberry.field(
        default=False, description="Without true nothing is deleted, and the refusal says what would have been."
    )


@strawberry.type
class ContactPayload:
    contact: Contact | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class ContactDeletePayload:
    deleted_contact_id: ID | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _created(given: ContactCreateInput) -> dict[str, Any]:
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(given) if field.name != "customer_id"}
    return {name: value for name, value in fields.items() if value is not None}


def _changed(given: ContactUpdateInput) -> dict[str, Any]:
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    return {name: some.value for name, some in fields.items() if name not in {"id", "version"} and some is not None}


@strawberry.type
class ContactMutations:
    @strawberry.mutation
    async def contact_create(self, info: Info, input: ContactCreateInput) -> ContactPayload:  # noqa: A002
        async def use_case() -> ContactPayload:
            customer_id = input_id(Kind.CUSTOMER, input.customer_id, "customerId")
            async with info.context.transaction() as transaction:
                contact_id = await service.create(transaction, customer_id=customer_id, values=_created(input))
            return ContactPayload(contact=await info.context.show(ContactById, contact_id))

        return await attempt(ContactPayload, use_case)

    @strawberry.mutation
    async def contact_update(self, info: Info, input: ContactUpdateInput) -> ContactPayload:  # noqa: A002
        async def use_case() -> ContactPayload:
            contact_id = input_id(Kind.CONTACT, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.change(transaction, contact_id, values=_changed(input), version=input.version)
            return ContactPayload(contact=await info.context.show(ContactById, contact_id))

        return await attempt(ContactPayload, use_case)

    @strawberry.mutation(description="Deletes a contact for good.")
    async def contact_delete(self, info: Info, input: ContactDeleteInput) -> ContactDeletePayload:  # noqa: A002
        async def use_case() -> ContactDeletePayload:
            contact_id = input_id(Kind.CONTACT, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.remove(transaction, contact_id, is_confirmed=input.confirm)
            return ContactDeletePayload(deleted_contact_id=ID(ids.encode(Kind.CONTACT, contact_id)))

        return await attempt(ContactDeletePayload, use_case)
