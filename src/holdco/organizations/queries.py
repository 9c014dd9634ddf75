"""Reads the organization."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from holdco.organizations.models import Organization
from holdco.statements import ORGANIZATION_ID

_ORGANIZATIONS = Organization.__table__.c


class OrganizationRow(NamedTuple):
    """The columns of an organization, and when they were read."""

    id: UUID
    name: str
    timezone: str
    currency: str
    hierarchy_depth_max: int | None
    link_policy: str
    locked_until: date | None
    created_at: datetime
    updated_at: datetime
    version: int
    read_at: datetime

    @property
    def today(self) -> date:
        """The calendar date there (domain.md M2), the same however long the row is kept.

        An operation that runs over midnight must not call one invoice overdue and its neighbour not.
        """
        return self.read_at.astimezone(ZoneInfo(self.timezone)).date()


ORGANIZATION_COLUMNS: dict[str, ColumnElement[Any]] = {
    name: _ORGANIZATIONS[name] for name in OrganizationRow._fields if name != "read_at"
}


ORGANIZATION = select(*ORGANIZATION_COLUMNS.values()).where(_ORGANIZATIONS.id == ORGANIZATION_ID)
