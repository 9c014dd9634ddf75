"""Loaders of the organization, and its calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from holdco.context import Context
from holdco.loading import OneByKey
from holdco.organizations import queries
from holdco.organizations.queries import OrganizationRow


class OrganizationById(OneByKey[UUID, OrganizationRow]):
    """Finds the viewer's own organization and no other, whichever it is asked for."""

    def statement(self, keys: Sequence[UUID]) -> Executable:  # noqa: ARG002 (there is one, whatever was asked for)
        return queries.by_id(self.reader.organization_id)

    def build(self, row: Sequence[Any]) -> OrganizationRow:
        return OrganizationRow._make([*row, datetime.now(UTC)])


async def today(context: Context) -> date:
    """Today's calendar date of the viewer's organization, one date for the whole operation (domain.md M2, M4)."""
    found = await context.load(OrganizationById, context.organization_id)
    assert found is not None, "the organization is made before anything is served"
    return found.today
