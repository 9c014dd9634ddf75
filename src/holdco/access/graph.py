"""Who asks, and access tokens, as clients see them. Mutations are in `mutations.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.access import queries
from holdco.access.loaders import MembershipsByClientUserId
from holdco.access.permission import record_denial
from holdco.access.queries import MembershipRow
from holdco.access.rules import Permission, permissions_of
from holdco.activity.service import Entry
from holdco.connections import Connection, Info, listed
from holdco.customers.loaders import CustomerById
from holdco.errors import Forbidden
from holdco.execution.fields import identifier, load, relation, single
from holdco.ids import Kind
from holdco.paging import request_of
from holdco.viewer import ClientUserRole, StaffRole
from holdco.viewer import Viewer as Asking

if TYPE_CHECKING:
    from holdco.customers.graph import Customer

strawberry.enum(StaffRole, description="What a member of staff, or a service, may do.")
strawberry.enum(ClientUserRole, description="What a client user may do at a customer. It may have another role at another one.")
strawberry.enum(Permission, description="One thing that one may do.")


@strawberry.enum
class ViewerKind(StrEnum):
    STAFF = "STAFF"
    CLIENT_USER = "CLIENT_USER"


@dataclass(frozen=True, slots=True)
class ViewerRow:
    """Who asks, with the customers of a client user."""

    asking: Asking
    memberships: list[MembershipRow]


@strawberry.type(description="That a client user belongs to a customer.")
class ViewerCustomer:
    @strawberry.field
    def role(row: Parent[Any]) -> ClientUserRole:
        return ClientUserRole(row.role)

    @relation(reads=("customer_id",))
    def customer(rows: Parent[list[Any]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(CustomerById, [row.customer_id for row in rows])


@strawberry.type(description="Who asks, and what they may do.")
class Viewer:
    @strawberry.field
    def kind(row: Parent[Any]) -> ViewerKind:
        return ViewerKind.STAFF if row.asking.is_staff else ViewerKind.CLIENT_USER

    @strawberry.field(description="As changes are recorded under it.")
    def name(row: Parent[Any]) -> str:
        return str(row.asking.actor)

    @strawberry.field(description="Of staff; a client user has a role at each of its customers.")
    def role(row: Parent[Any]) -> StaffRole | None:
        return row.asking.role

    @strawberry.field(description="Of a client user; staff sees all of them.")
    def customers(row: Parent[Any]) -> list[ViewerCustomer]:
        return row.memberships

    @strawberry.field(description="What a client user may do at one of its customers at least.")
    def permissions(row: Parent[Any]) -> list[Permission]:
        return permissions_of(row.asking.role, [ClientUserRole(each.role) for each in row.memberships])


@strawberry.type(
    description="What staff, a service or a client user shows to be let in. Its secret is told once, when it is made."
)
class AccessToken:
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = strawberry.field(description="To within a minute.")

    id = identifier(Kind.ACCESS_TOKEN)

    @strawberry.field(description="Of staff, or of a service.")
    def role(row: Parent[Any]) -> StaffRole | None:
        return StaffRole(row.role) if row.role is not None else None

    @strawberry.field(description="Whose token it is, if it is a client user's.")
    def client_user_id(row: Parent[Any]) -> ID | None:
        return ID(ids.encode(Kind.CLIENT_USER, row.client_user_id)) if row.client_user_id is not None else None


async def only_admins(info: Info, query: str) -> None:
    """Raises Forbidden for everybody else, which is on record."""
    asking = info.context.viewer
    if asking.role is not StaffRole.ADMIN:
        organization = ids.encode(Kind.ORGANIZATION, asking.organization_id)
        # Whatever fails when queries run a level at a time is asked once more by graphql-core.
        if query not in info.context.denied_queries:
            info.context.denied_queries.add(query)
            denial = Entry("access.denied", None, organization, {"query": query})
            info.context.afterwards(lambda: record_denial(info.context, denial))
        raise Forbidden("Only staff with the role ADMIN may do this.")


@strawberry.type
class AccessQueries:
    @strawberry.field(description="Who asks.", metadata=single())
    async def viewer(self, info: Info) -> Viewer:
        asking = info.context.viewer
        memberships = await info.context.load(MembershipsByClientUserId, asking.client_user_id) if asking.client_user_id else []
        return ViewerRow(asking, memberships)  # type: ignore[return-value]

    @strawberry.field(description="The newest first. For staff with the role ADMIN.", metadata=single())
    async def access_tokens(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[AccessToken]:
        await only_admins(info, "accessTokens")
        return await listed(info, queries.LISTING, request_of(queries.LISTING, first=first, after=after))
