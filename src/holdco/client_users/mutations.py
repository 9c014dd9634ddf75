"""What clients may change about client users. Here inputs are read, nothing else; `service.py` and `conversion.py` decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from holdco.client_users import conversion, service
from holdco.client_users.graph import ClientUser
from holdco.client_users.inputs import (
    ClientUserCustomerInput,
    ClientUserDeactivateInput,
    ClientUserInviteInput,
    ClientUserReactivateInput,
    ClientUserReinviteInput,
    ClientUserUpdateInput,
    ContactConvertInput,
    ContactInviteInput,
)
from holdco.client_users.invitations import Opened
from holdco.client_users.loaders import ClientUserById
from holdco.client_users.service import Membership
from holdco.connections import Info, UserError, attempt, input_id, input_ids
from holdco.ids import Kind

# One request is one transaction, which must not hold its locks for long.
IDS_PER_REQUEST_MAX = 1000


@strawberry.type(description="What a client user needs to get in. It is told this once; send it, and do not keep it.")
class Invitation:
    secret: str
    expires_at: datetime


@strawberry.type
class ClientUserPayload:
    client_user: ClientUser | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class ClientUserInvitePayload:
    client_user: ClientUser | None = None
    invitation: Invitation | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _memberships(given: Sequence[ClientUserCustomerInput]) -> list[Membership]:
    """Raises InvalidInput for too many; Refused with NotFound for each that cannot be a customer's id."""
    keys = input_ids(Kind.CUSTOMER, [each.id for each in given], "customers", within=("id",), most=IDS_PER_REQUEST_MAX)
    return [Membership(key, each.role) for key, each in zip(keys, given, strict=True)]


def _project_ids(given: Sequence[ID]) -> Any:
    return input_ids(Kind.PROJECT, given, "projectIds", most=IDS_PER_REQUEST_MAX)


def _changed(given: ClientUserUpdateInput) -> dict[str, Any]:
    fields = {"name": given.name, "email": given.email, "project_scope": given.project_scope}
    return {name: some.value for name, some in fields.items() if some is not None}


def _shown(opened: Opened) -> Invitation:
    return Invitation(secret=opened.secret, expires_at=opened.expires_at)


@strawberry.type
class ClientUserMutations:
    @strawberry.mutation(description="A new client user, and the secret by which it gets in.")
    async def client_user_invite(
        self,
        info: Info,
        input: ClientUserInviteInput,  # noqa: A002
    ) -> ClientUserInvitePayload:
        async def use_case() -> ClientUserInvitePayload:
            memberships = _memberships(input.customers)
            project_ids = _project_ids(input.project_ids or ())
            async with info.context.transaction() as transaction:
                client_user_id, opened = await service.invite(
                    transaction,
                    name=input.name,
                    email=input.email,
                    memberships=memberships,
                    project_scope=input.project_scope,
                    project_ids=project_ids,
                )
            shown = await info.context.show(ClientUserById, client_user_id)
            return ClientUserInvitePayload(client_user=shown, invitation=_shown(opened))

        return await attempt(ClientUserInvitePayload, use_case)

    @strawberry.mutation(description="A new secret; the earlier one is no longer accepted.")
    async def client_user_reinvite(
        self,
        info: Info,
        input: ClientUserReinviteInput,  # noqa: A002
    ) -> ClientUserInvitePayload:
        async def use_case() -> ClientUserInvitePayload:
            client_user_id = input_id(Kind.CLIENT_USER, input.id, "id")
            async with info.context.transaction() as transaction:
                opened = await service.reinvite(transaction, client_user_id)
            shown = await info.context.show(ClientUserById, client_user_id)
            return ClientUserInvitePayload(client_user=shown, invitation=_shown(opened))

        return await attempt(ClientUserInvitePayload, use_case)

    @strawberry.mutation
    async def client_user_update(self, info: Info, input: ClientUserUpdateInput) -> ClientUserPayload:  # noqa: A002
        async def use_case() -> ClientUserPayload:
            client_user_id = input_id(Kind.CLIENT_USER, input.id, "id")
            memberships = _memberships(input.customers) if input.customers is not None else None
            project_ids = _project_ids(input.project_ids) if input.project_ids is not None else None
            async with info.context.transaction() as transaction:
                await service.change(
                    transaction,
                    client_user_id,
                    values=_changed(input),
                    memberships=memberships,
                    project_ids=project_ids,
                    version=input.version,
                )
            return ClientUserPayload(client_user=await info.context.show(ClientUserById, client_user_id))

        return await attempt(ClientUserPayload, use_case)

    @strawberry.mutation(description="Ends its access and its invitation. What it did stays.")
    async def client_user_deactivate(
        self,
        info: Info,
        input: ClientUserDeactivateInput,  # noqa: A002
    ) -> ClientUserPayload:
        async def use_case() -> ClientUserPayload:
            client_user_id = input_id(Kind.CLIENT_USER, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.deactivate(transaction, client_user_id)
            return ClientUserPayload(client_user=await info.context.show(ClientUserById, client_user_id))

        return await attempt(ClientUserPayload, use_case)

    @strawberry.mutation(description="Active again, where it had ever accepted an invitation; else it may be invited again.")
    async def client_user_reactivate(
        self,
        info: Info,
        input: ClientUserReactivateInput,  # noqa: A002
    ) -> ClientUserPayload:
        async def use_case() -> ClientUserPayload:
            client_user_id = input_id(Kind.CLIENT_USER, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.reactivate(transaction, client_user_id)
            return ClientUserPayload(client_user=await info.context.show(ClientUserById, client_user_id))

        return await attempt(ClientUserPayload, use_case)

    @strawberry.mutation(
        description="A client user with the contact's id, history and projects, not invited yet. The contact stays."
    )
    async def contact_convert(self, info: Info, input: ContactConvertInput) -> ClientUserPayload:  # noqa: A002
        async def use_case() -> ClientUserPayload:
            contact_id = input_id(Kind.CONTACT, input.id, "id")
            project_ids = _project_ids(input.project_ids or ())
            async with info.context.transaction() as transaction:
                await conversion.convert(
                    transaction,
                    contact_id,
                    role=input.role,
                    project_scope=input.project_scope,
                    project_ids=project_ids,
                    email=input.email,
                )
            return ClientUserPayload(client_user=await info.context.show(ClientUserById, contact_id))

        return await attempt(ClientUserPayload, use_case)

    @strawberry.mutation(description="As contactConvert, and the secret by which the client user gets in.")
    async def contact_invite(self, info: Info, input: ContactInviteInput) -> ClientUserInvitePayload:  # noqa: A002
        async def use_case() -> ClientUserInvitePayload:
            contact_id = input_id(Kind.CONTACT, input.id, "id")
            project_ids = _project_ids(input.project_ids or ())
            async with info.context.transaction() as transaction:
                opened = await conversion.invite(
                    transaction,
                    contact_id,
                    role=input.role,
                    project_scope=input.project_scope,
                    project_ids=project_ids,
                    name=input.name,
                    email=input.email,
                )
            shown = await info.context.show(ClientUserById, contact_id)
            return ClientUserInvitePayload(client_user=shown, invitation=_shown(opened))

        return await attempt(ClientUserInvitePayload, use_case)
