"""Reads client users: the rows, their order, whom they belong to, and the statements that loaders and services share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select

from holdco.client_users.models import ClientUser, ClientUserCustomer, Invitation
from holdco.customers import queries as customers
from holdco.customers.models import Customer
from holdco.customers.queries import CustomerRow
from holdco.filtering import Elsewhere, Filters, OrganizationId, compare
from holdco.listing import Listing, Order, Relation
from holdco.statements import ORGANIZATION_ID, is_key

_USERS = ClientUser.__table__.c
_MEMBERSHIPS = ClientUserCustomer.__table__.c
_INVITATIONS = Invitation.__table__.c


class ClientUserRow(NamedTuple):
    id: UUID
    name: str
    email: str
    state: str
    project_scope: str
    created_at: datetime
    updated_at: datetime
    version: int


class InvitedUntilRow(NamedTuple):
    expires_at: datetime


CLIENT_USER_COLUMNS: dict[str, ColumnElement[Any]] = {name: _USERS[name] for name in ClientUserRow._fields}


def _email(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    return compare(_USERS.email, "eq" if value is None else "eq_ignoring_case", value)


def _customer_id(organization_id: OrganizationId, operator: str, value: Any) -> ColumnElement[bool]:
    belongs = exists().where(_MEMBERSHIPS.organization_id == organization_id, _MEMBERSHIPS.client_user_id == _USERS.id)
    # No row says that there is none: null means that it belongs to no customer.
    return ~belongs if value is None else belongs.where(compare(_MEMBERSHIPS.customer_id, operator, value))


FILTERS = Filters(
    {
        "id": _USERS.id,
        "name": _USERS.name,
        "email": Elsewhere(_email),
        "state": _USERS.state,
        "customer_id": Elsewhere(_customer_id),
        "created_at": _USERS.created_at,
    }
)

LISTING: Listing[ClientUserRow] = Listing(
    row=ClientUserRow,
    columns=CLIENT_USER_COLUMNS,
    organization=_USERS.organization_id,
    filters=FILTERS,
    order_default=(Order("name"),),
)

# Client users of a customer, with what they are there.
MEMBERS: Listing[ClientUserRow] = Listing(
    row=ClientUserRow,
    columns={**CLIENT_USER_COLUMNS, "role": _MEMBERSHIPS.role},
    organization=_USERS.organization_id,
    filters=FILTERS,
    order_default=(Order("name"),),
)
OF_CUSTOMER = Relation(
    parent=_MEMBERSHIPS.customer_id,
    joined=ClientUserCustomer.__table__,
    on=_MEMBERSHIPS.client_user_id == _USERS.id,
    organization=_MEMBERSHIPS.organization_id,
)

# Customers of a client user, with what it is there. A customer has a role of its own, which is another thing.
CUSTOMERS: Listing[CustomerRow] = Listing(
    row=CustomerRow,
    columns={**customers.CUSTOMER_COLUMNS, "client_user_role": _MEMBERSHIPS.role},
    organization=Customer.__table__.c.organization_id,
    filters=Filters({}),
    order_default=(Order("number"),),
)
OF_CLIENT_USER = Relation(
    parent=_MEMBERSHIPS.client_user_id,
    joined=ClientUserCustomer.__table__,
    on=_MEMBERSHIPS.customer_id == Customer.__table__.c.id,
    organization=_MEMBERSHIPS.organization_id,
)

INVITED_UNTIL = select(_INVITATIONS.client_user_id, _INVITATIONS.expires_at).where(
    _INVITATIONS.organization_id == ORGANIZATION_ID,
    is_key(_INVITATIONS.client_user_id),
    _INVITATIONS.accepted_at.is_(None),
    _INVITATIONS.revoked_at.is_(None),
)
