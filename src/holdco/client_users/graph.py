"""Client users as clients see them: types and queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.client_users import loaders, queries
from holdco.client_users.inputs import ClientUserFilter, ClientUserOrder
from holdco.client_users.models import InvitationState, ProjectScope
from holdco.client_users.queries import ClientUserRow
from holdco.connections import (
    Connection,
    EdgeRow,
    Info,
    Listed,
    NodeInterface,
    PageInfo,
    counted,
    list_request,
    listed,
    page_info,
    related,
)
from holdco.customers.graph import Customer
from holdco.customers.queries import CustomerRow
from holdco.execution.fields import column, identifier, load, lookup, relation, single
from holdco.ids import Kind
from holdco.paging import request_of
from holdco.projects import queries as projects
from holdco.projects.loaders import ProjectCountByClientUserId, ProjectsByClientUserId
from holdco.viewer import ClientUserRole

if TYPE_CHECKING:
    from holdco.projects.graph import Project


@strawberry.type(description="A person with a login who belongs to customers, and sees them and what they may view below them.")
class ClientUser(NodeInterface):
    name: str
    email: str
    state: InvitationState
    project_scope: ProjectScope
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = ClientUserRow

    id = identifier(Kind.CLIENT_USER)

    @relation("Until when its invitation can be accepted; null where none is open.")
    def invited_until(rows: Parent[list[ClientUserRow]], info: Info) -> datetime | None:
        return load(
            loaders.InvitedUntilByClientUserId,
            [row.id for row in rows],
            shown=lambda open_one, _key: open_one.expires_at if open_one is not None else None,
        )

    @relation("The customers that it belongs to, by number; each edge tells its role there.")
    def customers(
        rows: Parent[list[ClientUserRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> ClientUserCustomerConnection:
        request = request_of(queries.CUSTOMERS, first=first, after=after)
        return related([row.id for row in rows], loaders.CustomersByClientUserId, loaders.CustomerCountByClientUserId, request)

    @relation("The projects that it is put to, by name. With the scope ALL it follows others without being put to them.")
    def projects(
        rows: Parent[list[ClientUserRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Annotated[Project, strawberry.lazy("holdco.projects.graph")]]:
        request = request_of(projects.LISTING, first=first, after=after)
        return related([row.id for row in rows], ProjectsByClientUserId, ProjectCountByClientUserId, request)


@strawberry.type
class ClientUserCustomerEdge:
    cursor: str

    @column("What the client user may do there.", reads=("client_user_role",), of=CustomerRow)
    def role(rows: Parent[list[EdgeRow[Any]]]) -> ClientUserRole:
        return [edge.node.client_user_role for edge in rows]  # type: ignore[return-value]

    @strawberry.field
    def node(edge: Parent[EdgeRow[Any]]) -> Customer:
        customer: Customer = edge.node
        return customer


@strawberry.type(description="Customers of a client user; each edge tells its role there.")
class ClientUserCustomerConnection:
    @strawberry.field
    def nodes(root: Parent[Listed[CustomerRow]]) -> list[Customer]:
        return root.page.rows  # type: ignore[return-value]

    @strawberry.field
    def edges(root: Parent[Listed[CustomerRow]]) -> list[ClientUserCustomerEdge]:
        return [EdgeRow(root.page, row) for row in root.page.rows]  # type: ignore[misc]

    @strawberry.field
    def page_info(root: Parent[Listed[CustomerRow]]) -> PageInfo:
        return page_info(root.page)

    @relation("How many there are in all, counted only when asked for.", reads=None)
    async def total_count(rows: Parent[list[Listed[CustomerRow]]], info: Info) -> int:
        return await counted(rows, info.context)


@strawberry.type
class CustomerClientUserEdge:
    cursor: str

    @column("What it may do at this customer.", reads=("role",), of=ClientUserRow)
    def role(rows: Parent[list[EdgeRow[Any]]]) -> ClientUserRole:
        return [edge.node.role for edge in rows]  # type: ignore[return-value]

    @strawberry.field
    def node(edge: Parent[EdgeRow[Any]]) -> ClientUser:
        client_user: ClientUser = edge.node
        return client_user


@strawberry.type(description="Client users of a customer; each edge tells the role there.")
class CustomerClientUserConnection:
    @strawberry.field
    def nodes(root: Parent[Listed[ClientUserRow]]) -> list[ClientUser]:
        return root.page.rows  # type: ignore[return-value]

    @strawberry.field
    def edges(root: Parent[Listed[ClientUserRow]]) -> list[CustomerClientUserEdge]:
        return [EdgeRow(root.page, row) for row in root.page.rows]  # type: ignore[misc]

    @strawberry.field
    def page_info(root: Parent[Listed[ClientUserRow]]) -> PageInfo:
        return page_info(root.page)

    @relation("How many there are in all, counted only when asked for.", reads=None)
    async def total_count(rows: Parent[list[Listed[ClientUserRow]]], info: Info) -> int:
        return await counted(rows, info.context)


@strawberry.type
class ClientUserQueries:
    @lookup("A client user by id; null where there is none.")
    def client_user(info: Info, id: ID) -> ClientUser | None:  # noqa: A002 (the name that clients write)
        return load(loaders.ClientUserById, [ids.decode(Kind.CLIENT_USER, id)])

    @strawberry.field(description="By name, where no other order is asked for.", metadata=single())
    async def client_users(
        self,
        info: Info,
        filter: ClientUserFilter | None = None,  # noqa: A002 (as above)
        order_by: list[ClientUserOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ClientUser]:
        return await listed(info, queries.LISTING, list_request(queries.LISTING, filter, order_by, first, after, last, before))
