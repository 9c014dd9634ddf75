"""Loaders of terms, each named for its contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Executable

from holdco.context import Context
from holdco.errors import BadUserInput
from holdco.loading import CountsByParent, Loader, PagesByParent
from holdco.organizations.loaders import OrganizationById
from holdco.reader import Reader
from holdco.statements import KEYS
from holdco.terms import queries
from holdco.terms.precedence import Candidate, TermField
from holdco.terms.queries import GroupTermRow, TermRow, Terms


class _TermsByOwner(Loader[UUID, Terms]):
    statement: ClassVar[Executable]

    async def read(self, keys: list[UUID]) -> list[Terms]:
        found: dict[UUID, dict[str, TermRow]] = {key: {} for key in keys}
        for owner_id, *row in await self.reader.rows(self.statement, {KEYS: keys}):
            term = TermRow(*row)
            found[owner_id][term.field] = term
        return [Terms(rows) for rows in found.values()]


class TermsByCustomerId(_TermsByOwner):
    """A customer's own."""

    statement = queries.OF_CUSTOMERS


class TermsByGroupId(_TermsByOwner):
    """What a group offers its members."""

    statement = queries.OF_GROUPS


class TermsByOrganizationId(_TermsByOwner):
    """Those of all who have none from elsewhere."""

    statement = queries.OF_ORGANIZATION


class TermHistoryByGroupId(PagesByParent[GroupTermRow]):
    """All that a group ever offered, the newest first."""

    listing = queries.GROUP_TERMS
    relation = queries.HISTORY


class TermHistoryCountByGroupId(CountsByParent):
    listing = queries.GROUP_TERMS
    relation = queries.HISTORY


Candidates = Mapping[TermField, list[Candidate]]


class CandidatesByCustomerId(Loader[UUID, Candidates]):
    """All terms that could apply to a customer, in any currency, until an instant: in the order of domain.md G3."""

    def __init__(self, reader: Reader, until: datetime = queries.PRESENT) -> None:
        super().__init__(reader)
        self.until = until

    async def read(self, keys: list[UUID]) -> list[Candidates]:
        found = queries.candidates_of(await self.reader.rows(queries.CANDIDATES, {KEYS: keys, "until": self.until}))
        return [found.get(key, {}) for key in keys]


async def end_of(context: Context, day: date | None) -> datetime:
    """Until when to look for what held at the end of a day of the organization; today, and without a day, for what holds now.

    Raises BadUserInput for a day that is still to come.
    """
    organization = await context.load(OrganizationById, context.organization_id)
    assert organization is not None, "the organization is made before anything is served"
    if day is None or day == organization.today:
        return queries.PRESENT
    if day > organization.today:
        raise BadUserInput(f"Nobody knows yet what will apply on {day}; today is {organization.today}.")
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(organization.timezone)).astimezone(UTC)
