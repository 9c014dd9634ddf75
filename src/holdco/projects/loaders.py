"""Loaders of projects, each named for its contract. All lists are by name."""

from __future__ import annotations

from uuid import UUID

from holdco.client_users import queries as client_users
from holdco.client_users.queries import ClientUserRow
from holdco.contacts import queries as contacts
from holdco.contacts.queries import ContactRow
from holdco.loading import CountsByParent, PagesByParent, RowByKey
from holdco.projects import queries
from holdco.projects.queries import ProjectRow


class ProjectById(RowByKey[UUID, ProjectRow]):
    listing = queries.LISTING


class ProjectsByCustomerId(PagesByParent[ProjectRow]):
    listing = queries.LISTING
    relation = queries.OF_CUSTOMER


class ProjectCountByCustomerId(CountsByParent):
    listing = queries.LISTING
    relation = queries.OF_CUSTOMER


class ProjectsByClientUserId(PagesByParent[ProjectRow]):
    listing = queries.LISTING
    relation = queries.OF_CLIENT_USER


class ProjectCountByClientUserId(CountsByParent):
    listing = queries.LISTING
    relation = queries.OF_CLIENT_USER


class ProjectsByContactId(PagesByParent[ProjectRow]):
    listing = queries.LISTING
    relation = queries.OF_CONTACT


class ProjectCountByContactId(CountsByParent):
    listing = queries.LISTING
    relation = queries.OF_CONTACT


class ClientUsersByProjectId(PagesByParent[ClientUserRow]):
    listing = client_users.LISTING
    relation = queries.CLIENT_USERS


class ClientUserCountByProjectId(CountsByParent):
    listing = client_users.LISTING
    relation = queries.CLIENT_USERS


class ContactsByProjectId(PagesByParent[ContactRow]):
    listing = contacts.LISTING
    relation = queries.CONTACTS


class ContactCountByProjectId(CountsByParent):
    listing = contacts.LISTING
    relation = queries.CONTACTS
