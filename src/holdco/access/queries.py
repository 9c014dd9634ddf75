"""Reads access tokens, never their hashes, and the customers of a client user."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, bindparam, column, select, table

from holdco.access.models import AccessToken
from holdco.filtering import Filters
from holdco.listing import Listing, Order
from holdco.statements import ORGANIZATION_ID, is_key

_TOKENS = AccessToken.__table__.c


class AccessTokenRow(NamedTuple):
    id: UUID
    name: str
    role: str | None
    client_user_id: UUID | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class MembershipRow(NamedTuple):
    """That a client user belongs to a customer."""

    customer_id: UUID
    role: str


COLUMNS: dict[str, ColumnElement[Any]] = {name: _TOKENS[name] for name in AccessTokenRow._fields}

LISTING: Listing[AccessTokenRow] = Listing(
    row=AccessTokenRow,
    columns=COLUMNS,
    organization=_TOKENS.organization_id,
    filters=Filters({}),
    # Keys of rows that were made later sort later.
    order_default=(Order("id", descending=True),),
)

# By their names alone: client users import who may ask, and not the other way round.
_MEMBERSHIPS = table(
    "client_user_customers",
    column("organization_id", Uuid),
    column("client_user_id", Uuid),
    column("customer_id", Uuid),
    column("role", Text),
).c
MEMBERSHIPS = (
    select(_MEMBERSHIPS.client_user_id, _MEMBERSHIPS.customer_id, _MEMBERSHIPS.role)
    .where(_MEMBERSHIPS.organization_id == ORGANIZATION_ID, is_key(_MEMBERSHIPS.client_user_id))
    .order_by(_MEMBERSHIPS.customer_id)
)

_USERS = table("client_users", column("organization_id", Uuid), column("id", Uuid)).c
# Kept from being deleted until commit.
CLIENT_USER = (
    select(_USERS.id)
    .where(_USERS.organization_id == ORGANIZATION_ID, _USERS.id == bindparam("client_user_id", type_=Uuid))
    .with_for_update(read=True, key_share=True)
)
