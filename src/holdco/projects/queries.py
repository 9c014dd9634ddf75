"""Reads projects: the rows, their order, who has to do with them, and the statements that loaders and services share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement

from holdco.client_users.models import ClientUser
from holdco.contacts.models import Contact
from holdco.filtering import Filters
from holdco.listing import Listing, Order, Relation
from holdco.projects.models import Project, ProjectClientUser, ProjectContact

_PROJECTS = Project.__table__.c
_CLIENT_USERS = ProjectClientUser.__table__.c
_CONTACTS = ProjectContact.__table__.c


class ProjectRow(NamedTuple):
    id: UUID
    customer_id: UUID
    name: str
    description: str | None
    status: str
    created_at: datetime
    updated_at: datetime
    version: int


PROJECT_COLUMNS: dict[str, ColumnElement[Any]] = {name: _PROJECTS[name] for name in ProjectRow._fields}

LISTING: Listing[ProjectRow] = Listing(
    row=ProjectRow,
    columns=PROJECT_COLUMNS,
    organization=_PROJECTS.organization_id,
    filters=Filters(
        {
            "id": _PROJECTS.id,
            "customer_id": _PROJECTS.customer_id,
            "name": _PROJECTS.name,
            "status": _PROJECTS.status,
            "created_at": _PROJECTS.created_at,
        }
    ),
    order_default=(Order("name"),),
)

OF_CUSTOMER = Relation(parent=_PROJECTS.customer_id)
OF_CLIENT_USER = Relation(
    parent=_CLIENT_USERS.client_user_id,
    joined=ProjectClientUser.__table__,
    on=_CLIENT_USERS.project_id == _PROJECTS.id,
    organization=_CLIENT_USERS.organization_id,
)
OF_CONTACT = Relation(
    parent=_CONTACTS.contact_id,
    joined=ProjectContact.__table__,
    on=_CONTACTS.project_id == _PROJECTS.id,
    organization=_CONTACTS.organization_id,
)

# Of the listings of client users and of contacts: those who have to do with a project.
CLIENT_USERS = Relation(
    parent=_CLIENT_USERS.project_id,
    joined=ProjectClientUser.__table__,
    on=_CLIENT_USERS.client_user_id == ClientUser.__table__.c.id,
    organization=_CLIENT_USERS.organization_id,
)
CONTACTS = Relation(
    parent=_CONTACTS.project_id,
    joined=ProjectContact.__table__,
    on=_CONTACTS.contact_id == Contact.__table__.c.id,
    organization=_CONTACTS.organization_id,
)
