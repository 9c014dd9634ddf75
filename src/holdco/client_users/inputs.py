"""What clients give to find, order and describe client users."""

from __future__ import annotations

from enum import StrEnum

import strawberry
from strawberry import ID, Maybe

from holdco.client_users.models import InvitationState, ProjectScope
from holdco.connections import DateTimeFilter, EmailFilter, IdFilter, OrderDirection, TextFilter, conditions_of
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.viewer import ClientUserRole

strawberry.enum(InvitationState, name="InvitationStatus")
strawberry.enum(
    ProjectScope, description="Which projects of its customers a client user follows: all, or those that it is put to."
)


@strawberry.enum(description="What client users may be ordered by.")
class ClientUserOrderField(StrEnum):
    NAME = "name"
    CREATED_AT = "created_at"


@strawberry.input
class ClientUserOrder:
    field: ClientUserOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input(description="Conditions on client users; all given ones must hold.")
class ClientUserFilter:
    id: IdFilter | None = None
    name: TextFilter | None = None
    email: EmailFilter | None = None
    state: InvitationState | None = None
    customer_id: IdFilter | None = strawberry.field(
        default=None, description="Belongs to this customer; null: to none, as when its last one was deleted."
    )
    created_at: DateTimeFilter | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self, {"id": Kind.CLIENT_USER, "customer_id": Kind.CUSTOMER})


@strawberry.input
class ClientUserCustomerInput:
    id: ID = strawberry.field(description="The customer.")
    role: ClientUserRole


@strawberry.input
class ClientUserInviteInput:
    name: str
    email: str = strawberry.field(description="No other client user may have it, in whatever case it is written.")
    customers: list[ClientUserCustomerInput]
    project_scope: ProjectScope
    project_ids: list[ID] | None = strawberry.field(
        default=None, description="Projects to put it to, of its customers or of those below them."
    )


@strawberry.input(description="A field that is left out stays as it is.")
class ClientUserUpdateInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    email: Maybe[str | None] = strawberry.field(
        default=None, description="Another address ends the invitation that was sent to the old one."
    )
    customers: list[ClientUserCustomerInput] | None = strawberry.field(
        default=None, description="Replaces all of them. Who leaves a customer leaves the projects that it had there."
    )
    project_scope: Maybe[ProjectScope | None] = None
    project_ids: list[ID] | None = strawberry.field(default=None, description="Replaces all projects that it is put to.")


@strawberry.input
class ClientUserReinviteInput:
    id: ID


@strawberry.input
class ClientUserDeactivateInput:
    id: ID


@strawberry.input
class ClientUserReactivateInput:
    id: ID


@strawberry.input
class ContactConvertInput:
    id: ID
    role: ClientUserRole = strawberry.field(description="At the contact's customer.")
    email: str | None = strawberry.field(default=None, description="The contact's where it is left out; one is needed.")
    project_scope: ProjectScope = ProjectScope.LIST
    project_ids: list[ID] | None = strawberry.field(
        default=None, description="Projects to put it to, beside those that it has to do with as a contact."
    )


@strawberry.input
class ContactInviteInput(ContactConvertInput):
    name: str | None = strawberry.field(default=None, description="The contact's where it is left out.")
