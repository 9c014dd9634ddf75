"""Loaders of access tokens and of the customers of a client user."""

from __future__ import annotations

from uuid import UUID

from holdco.access import queries
from holdco.access.queries import AccessTokenRow, MembershipRow
from holdco.loading import ManyByKey, RowByKey


class AccessTokenById(RowByKey[UUID, AccessTokenRow]):
    listing = queries.LISTING


class MembershipsByClientUserId(ManyByKey[UUID, MembershipRow]):
    row = MembershipRow
    statement = queries.MEMBERSHIPS
