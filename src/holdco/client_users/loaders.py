"""Loaders of client users, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from holdco.client_users import queries
from holdco.client_users.queries import ClientUserRow, InvitedUntilRow
from holdco.customers.queries import CustomerRow
from holdco.loading import CountsByParent, OneByKey, PagesByParent, RowByKey


class ClientUserById(RowByKey[UUID, ClientUserRow]):
    listing = queries.LISTING


class InvitedUntilByClientUserId(OneByKey[UUID, InvitedUntilRow]):
    """When the open invitation expires; None where none is open."""

    row = InvitedUntilRow
    statement = queries.INVITED_UNTIL


class ClientUsersByCustomerId(PagesByParent[ClientUserRow]):
    """By name."""

    listing = queries.MEMBERS
    relation = queries.OF_CUSTOMER


class ClientUserCountByCustomerId(CountsByParent):
    listing = queries.MEMBERS
    relation = queries.OF_CUSTOMER


class CustomersByClientUserId(PagesByParent[CustomerRow]):
    """By number."""

    listing = queries.CUSTOMERS
    relation = queries.OF_CLIENT_USER


class CustomerCountByClientUserId(CountsByParent):
    listing = queries.CUSTOMERS
    relation = queries.OF_CLIENT_USER
