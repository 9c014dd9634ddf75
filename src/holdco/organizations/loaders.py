"""Loaders of the organization, and its calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from holdco.context import Context
from holdco.loading import Loader
from holdco.organizations import queries
from holdco.organizations.queries import OrganizationRow


class OrganizationById(Loader[UUID, OrganizationRow | None]):
    """Finds the viewer's own organization and no other, whichever it is asked for."""

    async def read(self, keys: list[UUID]) -> list[OrganizationRow | None]:
        now = datetime.now(UTC)
        found = {row[0]: OrganizationRow._make([*row, now]) for row in await self.reader.rows(queries.ORGANIZATION)}
        return [found.get(key) for key in keys]


async def today(context: Context) -> date:
    """Today's calendar date of the viewer's organization, one date for the whole operation (domain.md M2, M4)."""
    found = await context.load(OrganizationById, context.organization_id)
    assert found is not None, "the organization is made before anything is served"
    return found.today
