"""What administrators may change about access tokens. Here the input is read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import strawberry
from strawberry import ID

from holdco.access import service
from holdco.access.graph import AccessToken
from holdco.access.loaders import AccessTokenById
from holdco.connections import Info, UserError, attempt, input_id
from holdco.ids import Kind
from holdco.viewer import StaffRole


@strawberry.input(description="A token of staff or of a service has a role; one of a client user names it instead.")
class AccessTokenCreateInput:
    name: str = strawberry.field(description="Under which its holder's changes are recorded, if it has a role.")
    role: StaffRole | None = None
    client_user_id: ID | None = None
    expires_at: datetime | None = strawberry.field(default=None, description="Null: it is good until it is revoked.")


@strawberry.input
class AccessTokenRevokeInput:
    id: ID


@strawberry.type
class AccessTokenPayload:
    access_token: AccessToken | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class AccessTokenCreatePayload:
    access_token: AccessToken | None = None
    token: str | None = strawberry.field(
        default=None, description="What its holder shows: `Authorization: Bearer …`. It is told now and never again."
    )
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class AccessMutations:
    @strawberry.mutation(description="For staff with the role ADMIN.")
    async def access_token_create(self, info: Info, input: AccessTokenCreateInput) -> AccessTokenCreatePayload:  # noqa: A002
        async def use_case() -> AccessTokenCreatePayload:
            user_id = input_id(Kind.CLIENT_USER, input.client_user_id, "clientUserId") if input.client_user_id else None
            async with info.context.transaction() as transaction:
                issued = await service.create(
                    transaction, name=input.name, role=input.role, client_user_id=user_id, expires_at=input.expires_at
                )
            shown = await info.context.show(AccessTokenById, issued.id)
            return AccessTokenCreatePayload(access_token=shown, token=issued.text)

        return await attempt(AccessTokenCreatePayload, use_case)

    @strawberry.mutation(
        description="Nobody is let in with it any more, and what is open is ended. For staff with the role ADMIN."
    )
    async def access_token_revoke(self, info: Info, input: AccessTokenRevokeInput) -> AccessTokenPayload:  # noqa: A002
        async def use_case() -> AccessTokenPayload:
            token_id = input_id(Kind.ACCESS_TOKEN, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.revoke(transaction, token_id)
            return AccessTokenPayload(access_token=await info.context.show(AccessTokenById, token_id))

        return await attempt(AccessTokenPayload, use_case)
