"""Rows on their way into the database: COPY into a temporary table, then one INSERT … SELECT for all of them.

COPY goes into staging tables only: it would pass by row level security, and a cluster cannot copy into some tables at all
(distributed.md 2.2). The INSERT starts from the organization's own row, which is where a cluster runs it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text

from holdco import ids
from holdco.activity.service import Entry
from holdco.database import Transaction

_BUFFERED_MAX = 10_000
_FEW = 500


@dataclass(frozen=True, slots=True)
class Staging:
    """A temporary table, which is gone with the transaction. `columns` are names and types."""

    name: str
    columns: Mapping[str, str]

    async def create(self, transaction: Transaction) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        await transaction.execute(text(f"create temporary table {self.name} ({columns}) on commit drop"))

    async def copy(self, transaction: Transaction, records: Iterable[Sequence[Any]]) -> None:
        """Appends rows, each in the order of `columns`."""
        connection = await transaction.connection.get_raw_connection()
        driver: Any = connection.driver_connection
        await driver.copy_records_to_table(self.name, records=records, columns=list(self.columns))

    async def clear(self, transaction: Transaction) -> None:
        await transaction.execute(text(f"truncate {self.name}"))

    async def analyze(self, transaction: Transaction) -> None:
        """Temporary tables have no statistics unless they are asked for, and joins would be planned for a handful of rows."""
        await transaction.execute(text(f"analyze {self.name}"))


_ACTIVITY = Staging(
    "import_activity",
    {"id": "uuid", "action": "text", "customer_id": "uuid", "subject_id": "text", "details": "text"},
)
_INSERT_ACTIVITY = text(
    """
    insert into activity (organization_id, id, occurred_at, actor, action, customer_id, subject_id, details)
    select o.id, s.id, :now, :actor, s.action, s.customer_id, s.subject_id, cast(s.details as jsonb)
    from organizations o cross join import_activity s
    where o.id = :organization_id
    returning 1
    """
)


@asynccontextmanager
async def joining(transaction: Transaction, rows: int) -> AsyncIterator[None]:
    """For statements that join so many staged rows with tables that have just grown.

    Their statistics do not know the organization yet. Taken for a single row, it would be the outer side of a nested loop, and
    the staged rows be read again for each of its real ones: minutes instead of a second.
    """
    if rows > _FEW:
        await transaction.execute(text("set local enable_nestloop = off"))
    yield
    if rows > _FEW:
        await transaction.execute(text("set local enable_nestloop = on"))


class ActivityLog:
    """The record of what the import does, entry by entry as the services would write it, brought in many at a time."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._rows: list[tuple[Any, ...]] = []

    async def open(self) -> None:
        await _ACTIVITY.create(self._transaction)

    def add(self, entry: Entry) -> None:
        self._rows.append((ids.new(), entry.action, entry.customer_id, entry.subject, orjson.dumps(entry.details).decode()))

    async def flush(self, *, is_last: bool = False) -> None:
        """Writes what was added when it is enough for a round trip, or the last."""
        if not self._rows or (len(self._rows) < _BUFFERED_MAX and not is_last):
            return
        await _ACTIVITY.copy(self._transaction, self._rows)
        self._rows.clear()
        self._transaction.changes.add_everything()
        await self._transaction.execute(
            _INSERT_ACTIVITY,
            {
                "organization_id": self._transaction.organization_id,
                "now": self._transaction.now,
                "actor": self._transaction.actor,
            },
        )
        await _ACTIVITY.clear(self._transaction)


def json_text(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
