"""Engine and pool, the base of all tables, one snapshot for reading, one transaction for writing.

SQLAlchemy composes the statements; no object is tracked, so there is no ORM session: what is written is written by a
statement that says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import URL, CursorResult, Executable, ForeignKeyConstraint, MetaData, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from holdco.errors import SettingsError

# Every constraint has a name of at most 50 characters, which is how errors of a cluster name them (distributed.md 2.1).
NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_1_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_1_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


def belongs_to(table: str, column: str, *, name: str | None = None, cascade: bool = False) -> ForeignKeyConstraint:
    """A foreign key that carries the organization, so that no row can refer to another organization's.

    Only the roots of these chains refer to `organizations` themselves: a second check per row would prove nothing more and
    make every writer share a lock on one row.
    """
    return ForeignKeyConstraint(
        ["organization_id", column],
        [f"{table}.organization_id", f"{table}.id"],
        name=name,
        ondelete="CASCADE" if cascade else None,
    )


def one_of(column: str, values: type[StrEnum]) -> str:
    """The condition of a CHECK constraint. Text with a check grows by a migration that locks nothing; a native enum does not."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return f"{column} in ({listed})"


# What a URL may say behind its question mark, and what asyncpg calls it.
_URL_PARAMETERS = {"host": "host", "port": "port", "sslmode": "ssl"}


def sqlalchemy_url(database_url: str) -> URL:
    """The URL as people write it (`postgres://`, `postgresql://`, a socket directory as `?host=`) for asyncpg.

    Raises SettingsError, which does not repeat the URL: there may be a password in it.
    """
    try:
        parts = urlsplit(database_url)
        if parts.scheme not in {"postgres", "postgresql"}:
            raise SettingsError("DATABASE_URL must begin with postgresql://.")
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if unknown := sorted(query.keys() - _URL_PARAMETERS.keys()):
            known = ", ".join(_URL_PARAMETERS)
            raise SettingsError(f"DATABASE_URL has parameters that are not known here: {', '.join(unknown)}. Known are {known}.")
        url = make_url(urlunsplit(parts._replace(scheme="postgresql+asyncpg", query="")))
        url = url.set(host=query.pop("host", None) or url.host, port=int(query.pop("port", 0)) or url.port)
    except (ValueError, ArgumentError):
        raise SettingsError("DATABASE_URL cannot be read. It looks like postgresql://user:password@host:5432/database.") from None
    return url.update_query_dict({_URL_PARAMETERS[name]: value for name, value in query.items()})


def create_engine(database_url: str, *, pool_size: int = 10) -> AsyncEngine:
    return create_async_engine(
        sqlalchemy_url(database_url),
        pool_size=pool_size,
        max_overflow=0,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            # Without this, a first look at a type takes seconds on a server that has Citus (distributed.md 1.7).
            "server_settings": {"citus.override_table_visibility": "off", "application_name": "holdco", "jit": "off"},
        },
    )


def constraint_of(error: DBAPIError) -> str | None:
    """The name of the constraint that a statement violated.

    A cluster reports it inside the message only, with the number of a shard behind it (distributed.md 2.4).
    """
    cause = error.orig.__cause__ if error.orig is not None else None
    name = getattr(cause, "constraint_name", None)
    if name is None:
        quoted = re.search(r'constraint "([^"]+)"', str(cause))
        name = re.sub(r"_\d+$", "", quoted[1]) if quoted else None
    return name


@dataclass(slots=True)
class Reader:
    """One snapshot of the database for one operation: READ ONLY, REPEATABLE READ, on one connection.

    Nothing is opened before the first read, and nothing after the end. Reads that are asked for at the same time take turns,
    because one connection answers one statement at a time.
    """

    engine: AsyncEngine
    organization_id: UUID
    _connection: AsyncConnection | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_closed: bool = False

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """The rows of a statement, as tuples in the order of its columns."""
        # A field that fails cancels its siblings. A statement that is cancelled would take the connection along, and with it
        # the snapshot that others still read from.
        return await asyncio.shield(self._rows(statement, parameters))

    async def _rows(self, statement: Executable, parameters: Mapping[str, Any] | None) -> Sequence[Any]:
        async with self._turn:
            if self._is_closed:
                # A loader whose fields were cancelled still asks: it is cancelled likewise. A connection that was opened now
                # would be nobody's to give back.
                raise asyncio.CancelledError
            if self._connection is None:
                self._connection = await self.engine.connect()
                await self._connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            return (await self._connection.execute(statement, parameters)).all()

    async def close(self) -> None:
        """Gives the connection back. A client that goes away cancels its operation; its connection goes back all the same."""
        await asyncio.shield(self._close())

    async def _close(self) -> None:
        async with self._turn:
            self._is_closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()


@dataclass(frozen=True, slots=True)
class Organization:
    """The settings of the organization that a transaction works for."""

    id: UUID
    timezone: str
    currency: str
    payment_terms_kind: str
    payment_terms_net_days: int
    hierarchy_depth_max: int | None
    link_policy: str
    locked_until: date | None


@dataclass(slots=True)
class Transaction:
    """One transaction that writes: for whom, by whom, when.

    `now` is one instant for all of its rows: when it began, or when it got the lock of the tree, which it takes first of all.
    `today` is the calendar date of the organization (domain.md M2).
    """

    connection: AsyncConnection
    organization: Organization
    actor: str
    now: datetime

    @property
    def organization_id(self) -> UUID:
        return self.organization.id

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.organization.timezone)).date()

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        return await self.connection.execute(statement, parameters)

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        return (await self.execute(statement, parameters)).all()


_ORGANIZATION = text(
    """
    select id, timezone, currency, payment_terms_kind, payment_terms_net_days,
           hierarchy_depth_max, link_policy, locked_until
    from organizations where id = :organization_id
    """
)


@asynccontextmanager
async def begin(engine: AsyncEngine, *, organization_id: UUID, actor: str) -> AsyncIterator[Transaction]:
    """The only place that commits. An exception undoes everything."""
    async with engine.begin() as connection:
        row = (await connection.execute(_ORGANIZATION, {"organization_id": organization_id})).one()
        yield Transaction(connection, Organization(*row), actor, datetime.now(UTC))
