"""What clients may change about the organization. Here the input is read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import strawberry
from strawberry import Maybe

from holdco.connections import Info, UserError, attempt
from holdco.organizations import service
from holdco.organizations.graph import Organization
from holdco.organizations.loaders import OrganizationById
from holdco.organizations.models import LinkPolicy
from holdco.scalars import CurrencyCode


@strawberry.input(description="A setting that is left out stays as it is; null clears it, where it can be empty.")
class OrganizationUpdateInput:
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    timezone: Maybe[str | None] = None
    currency: Maybe[CurrencyCode | None] = None
    hierarchy_depth_max: Maybe[int | None] = None
    link_policy: Maybe[LinkPolicy | None] = None
    locked_until: Maybe[date | None] = strawberry.field(
        default=None, description="Closes the period that ended on this day: nothing may be dated in it any more."
    )


@strawberry.type
class OrganizationPayload:
    organization: Organization | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _changed(given: OrganizationUpdateInput) -> dict[str, Any]:
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(given) if field.name != "version"}
    return {name: some.value for name, some in fields.items() if some is not None}


@strawberry.type
class OrganizationMutations:
    @strawberry.mutation(description="Changes settings, from now on: what exists keeps the terms and the place it has.")
    async def organization_update(self, info: Info, input: OrganizationUpdateInput) -> OrganizationPayload:  # noqa: A002
        async def use_case() -> OrganizationPayload:
            async with info.context.transaction() as transaction:
                await service.change(transaction, values=_changed(input), version=input.version)
            return OrganizationPayload(organization=await info.context.show(OrganizationById, info.context.organization_id))

        return await attempt(OrganizationPayload, use_case)
