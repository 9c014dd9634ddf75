"""Loaders of terms, each named for its contract."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from sqlalchemy import Executable

from holdco.loading import Loader
from holdco.statements import KEYS
from holdco.terms import queries
from holdco.terms.queries import TermRow, Terms


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


class TermsByOrganizationId(_TermsByOwner):
    """Those of all who have none from elsewhere."""

    statement = queries.OF_ORGANIZATION
