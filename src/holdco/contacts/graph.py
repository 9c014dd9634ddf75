"""Contacts as clients see them: the type and the queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.client_users.loaders import ClientUserById
from holdco.connections import Connection, Info, NodeInterface, list_request, listed, related
from holdco.contacts import loaders, queries
from holdco.contacts.inputs import ContactFilter, ContactOrder
from holdco.contacts.queries import ContactRow
from holdco.customers.graph import Customer
from holdco.customers.loaders import CustomerById
from holdco.execution.fields import identifier, load, lookup, relation, single
from holdco.ids import Kind
from holdco.paging import request_of
from holdco.projects import queries as projects
from holdco.projects.loaders import ProjectCountByContactId, ProjectsByContactId

if TYPE_CHECKING:
    from holdco.client_users.graph import ClientUser
    from holdco.projects.graph import Project


@strawberry.type(description="A person at a customer whose details are kept and who has no login.")
class Contact(NodeInterface):
    name: str
    email: str | None
    phone: str | None
    designation: str | None = strawberry.field(description="What the person is there: Head of accounts.")
    department: str | None
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = ContactRow

    id = identifier(Kind.CONTACT)

    @relation(reads=("customer_id",))
    def customer(rows: Parent[list[ContactRow]], info: Info) -> Customer:
        return load(CustomerById, [row.customer_id for row in rows])

    @relation("The client user that it was made; null where it is a contact only.")
    def client_user(
        rows: Parent[list[ContactRow]], info: Info
    ) -> Annotated[ClientUser, strawberry.lazy("holdco.client_users.graph")] | None:
        # Who is converted keeps its key (domain.md V6).
        return load(ClientUserById, [row.id for row in rows])

    @relation("The projects that it has to do with, by name.")
    def projects(
        rows: Parent[list[ContactRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Annotated[Project, strawberry.lazy("holdco.projects.graph")]]:
        request = request_of(projects.LISTING, first=first, after=after)
        return related([row.id for row in rows], ProjectsByContactId, ProjectCountByContactId, request)


@strawberry.type
class ContactQueries:
    @lookup("A contact by id; null where there is none.")
    def contact(info: Info, id: ID) -> Contact | None:  # noqa: A002 (the name that clients write)
        return load(loaders.ContactById, [ids.decode(Kind.CONTACT, id)])

    @strawberry.field(description="By name, where no other order is asked for.", metadata=single())
    async def contacts(
        self,
        info: Info,
        filter: ContactFilter | None = None,  # noqa: A002 (as above)
        order_by: list[ContactOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Contact]:
        return await listed(info, queries.LISTING, list_request(queries.LISTING, filter, order_by, first, after, last, before))
