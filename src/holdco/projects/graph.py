"""Projects as clients see them: the type and the queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.client_users import queries as client_users
from holdco.client_users.graph import ClientUser
from holdco.connections import Connection, Info, NodeInterface, list_request, listed, related
from holdco.contacts import queries as contacts
from holdco.contacts.graph import Contact
from holdco.customers.graph import Customer
from holdco.customers.loaders import CustomerById
from holdco.execution.fields import identifier, load, lookup, relation, single
from holdco.ids import Kind
from holdco.paging import request_of
from holdco.projects import loaders, queries
from holdco.projects.inputs import ProjectFilter, ProjectOrder
from holdco.projects.models import ProjectStatus
from holdco.projects.queries import ProjectRow


@strawberry.type(description="Work for a customer, with the people who have to do with it.")
class Project(NodeInterface):
    name: str
    description: str | None
    status: ProjectStatus
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = ProjectRow

    id = identifier(Kind.PROJECT)

    @relation(reads=("customer_id",))
    def customer(rows: Parent[list[ProjectRow]], info: Info) -> Customer:
        return load(CustomerById, [row.customer_id for row in rows])

    @relation("Those that are put to it, by name. Others follow it without that, by the scope ALL.")
    def client_users(
        rows: Parent[list[ProjectRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[ClientUser]:
        request = request_of(client_users.LISTING, first=first, after=after)
        return related([row.id for row in rows], loaders.ClientUsersByProjectId, loaders.ClientUserCountByProjectId, request)

    @relation("People who have to do with it and see nothing of it, by name.")
    def contacts(
        rows: Parent[list[ProjectRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Contact]:
        request = request_of(contacts.LISTING, first=first, after=after)
        return related([row.id for row in rows], loaders.ContactsByProjectId, loaders.ContactCountByProjectId, request)


@strawberry.type
class ProjectQueries:
    @lookup("A project by id; null where there is none.")
    def project(info: Info, id: ID) -> Project | None:  # noqa: A002 (the name that clients write)
        return load(loaders.ProjectById, [ids.decode(Kind.PROJECT, id)])

    @strawberry.field(description="By name, where no other order is asked for.", metadata=single())
    async def projects(
        self,
        info: Info,
        filter: ProjectFilter | None = None,  # noqa: A002 (as above)
        order_by: list[ProjectOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Project]:
        return await listed(info, queries.LISTING, list_request(queries.LISTING, filter, order_by, first, after, last, before))
