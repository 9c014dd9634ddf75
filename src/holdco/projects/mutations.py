"""What clients may change about projects. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from typing import Any

import strawberry
from strawberry import ID, Maybe

from holdco.connections import Info, UserError, attempt, input_id, input_ids
from holdco.ids import Kind
from holdco.projects import service
from holdco.projects.graph import Project
from holdco.projects.loaders import ProjectById
from holdco.projects.models import ProjectStatus

# One request is one transaction, which must not hold its locks for long.
PEOPLE_PER_REQUEST_MAX = 1000


@strawberry.input
class ProjectCreateInput:
    customer_id: ID
    name: str
    description: str | None = None
    status: ProjectStatus = ProjectStatus.ACTIVE


@strawberry.input(description="A field that is left out stays as it is; null clears it, where it can be empty.")
class ProjectUpdateInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    description: Maybe[str | None] = None
    status: Maybe[ProjectStatus | None] = None


@strawberry.input(
    description="Lists that are left out stay as they are. All belong to the project's customer or to one above it."
)
class ProjectPeopleSetInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    client_user_ids: list[ID] | None = strawberry.field(default=None, description=f"At most {PEOPLE_PER_REQUEST_MAX}.")
    contact_ids: list[ID] | None = strawberry.field(default=None, description=f"At most {PEOPLE_PER_REQUEST_MAX}.")


@strawberry.type
class ProjectPayload:
    project: Project | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _created(given: ProjectCreateInput) -> dict[str, Any]:
    return {"name": given.name, "description": given.description, "status": given.status}


def _changed(given: ProjectUpdateInput) -> dict[str, Any]:
    fields = {"name": given.name, "description": given.description, "status": given.status}
    return {name: some.value for name, some in fields.items() if some is not None}


@strawberry.type
class ProjectMutations:
    @strawberry.mutation
    async def project_create(self, info: Info, input: ProjectCreateInput) -> ProjectPayload:  # noqa: A002
        async def use_case() -> ProjectPayload:
            customer_id = input_id(Kind.CUSTOMER, input.customer_id, "customerId")
            async with info.context.transaction() as transaction:
                project_id = await service.create(transaction, customer_id=customer_id, values=_created(input))
            return ProjectPayload(project=await info.context.show(ProjectById, project_id))

        return await attempt(ProjectPayload, use_case)

    @strawberry.mutation
    async def project_update(self, info: Info, input: ProjectUpdateInput) -> ProjectPayload:  # noqa: A002
        async def use_case() -> ProjectPayload:
            project_id = input_id(Kind.PROJECT, input.id, "id")
            async with info.context.transaction() as transaction:
                await service.change(transaction, project_id, values=_changed(input), version=input.version)
            return ProjectPayload(project=await info.context.show(ProjectById, project_id))

        return await attempt(ProjectPayload, use_case)

    @strawberry.mutation(description="Who has to do with a project: client users, invited or not, and contacts.")
    async def project_people_set(self, info: Info, input: ProjectPeopleSetInput) -> ProjectPayload:  # noqa: A002
        async def use_case() -> ProjectPayload:
            project_id = input_id(Kind.PROJECT, input.id, "id")
            client_user_ids, contact_ids = (
                input_ids(kind, given, field, most=PEOPLE_PER_REQUEST_MAX) if given is not None else None
                for kind, given, field in (
                    (Kind.CLIENT_USER, input.client_user_ids, "clientUserIds"),
                    (Kind.CONTACT, input.contact_ids, "contactIds"),
                )
            )
            async with info.context.transaction() as transaction:
                await service.set_people(
                    transaction,
                    project_id,
                    client_user_ids=client_user_ids,
                    contact_ids=contact_ids,
                    version=input.version,
                )
            return ProjectPayload(project=await info.context.show(ProjectById, project_id))

        return await attempt(ProjectPayload, use_case)
