"""Engine and pool, the base of all tables, and one transaction for writing (`reader.py` has the snapshot for reading).

SQLAlchemy composes the statements; no object is tracked, so there is no ORM session: what is written is written by a
statement that says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit, urlunsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson
from sqlalchemy import (
    URL,
    CursorResult,
    Executable,
    ForeignKeyConstraint,
    MetaData,
    PoolProxiedConnection,
    TextClause,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from holdco import tenancy
from holdco.changes import revocations
from holdco.changes.notice import CHANNEL, Changes
from holdco.compiled import compiled, reads_only
from holdco.errors import SettingsError, Unauthenticated, Unavailable
from holdco.monitoring import tracing
from holdco.outages import DATABASE_ERRORS, outage_of
from holdco.sight import ORGANIZATION, VIEWER, Audience
from holdco.viewer import Viewer

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


def create_engine(
    database_url: str,
    *,
    pool_size: int = 10,
    statement_timeout: int | None = None,
    role: str | None = tenancy.APPLICATION_ROLE,
) -> AsyncEngine:
    """`statement_timeout` is in seconds; None leaves it to the server's own setting.

    Its connections act as `role`, whoever the URL names, and get no further than the policies of row level security. None is
    for the tables' owner, who makes and changes them.
    """
    settings = {
        # Without this, a first look at a type takes seconds on a server that has Citus (distributed.md 1.7).
        "citus.override_table_visibility": "off",
        # The organization of a transaction is set on the workers, too (distributed.md 2.3).
        "citus.propagate_set_commands": "local",
        "application_name": "holdco",
        "jit": "off",
    }
    if statement_timeout is not None:
        settings["statement_timeout"] = f"{statement_timeout}s"
    if role is not None:
        settings["role"] = role
    engine = create_async_engine(
        sqlalchemy_url(database_url),
        pool_size=pool_size,
        max_overflow=0,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={"server_settings": settings},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "begin", tenancy.act_for_nobody)
    return engine


def _refuse_closed(connection: Any, *_: Any) -> None:
    """Postgres was restarted since this connection was last used: the pool opens another one in its place."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


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


@dataclass(frozen=True, slots=True)
class Organization:
    """The settings of the organization that a transaction works for."""

    id: UUID
    timezone: str
    currency: str
    hierarchy_depth_max: int | None
    link_policy: str
    locked_until: date | None


# Raises a Refusal where the transaction must not go on.
Check = Callable[["Transaction"], Awaitable[None]]


@dataclass(slots=True)
class Transaction:
    """One transaction that writes: for whom, by whom, when.

    `now` is one instant for all of its rows: when it began, or when it got the lock of the tree, which it takes first of all.
    `today` is the calendar date of the organization (domain.md M2). What it reads for a client user is what that may see.
    """

    connection: AsyncConnection
    organization: Organization
    actor: str
    now: datetime
    permission: Check | None = None
    statement_count: int = 0
    is_committed: bool = False
    # Told to subscribers when the transaction commits.
    changes: Changes = field(default_factory=Changes)
    # On whose behalf; None where nobody asked, as in a command.
    viewer: Viewer | None = None
    # Tokens and client users that may not ask any more: told to every process when the transaction commits.
    revoked: set[UUID] = field(default_factory=set)

    @property
    def organization_id(self) -> UUID:
        return self.organization.id

    @property
    def client_user_id(self) -> UUID | None:
        return self.viewer.client_user_id if self.viewer is not None else None

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.organization.timezone)).date()

    async def lock_shared(self) -> None:
        """Until commit no link begins or ends, and no setting that decides changes. The first lock of every transaction that
        allocates or dates a document (domain.md K2, T8).
        """
        await self._lock(_SHARED)

    async def lock_exclusive(self) -> None:
        """Until commit nobody allocates and nobody else changes a link. The first lock of every change of the tree, and of the
        settings that others rely on while they hold it shared.
        """
        await self._lock(_EXCLUSIVE)

    async def _lock(self, statement: TextClause) -> None:
        """What waited goes by the settings and the time of when it need not wait any more.

        Or it would land in a period that was closed meanwhile, and seem to have come before what it waited for. The settings
        are a statement of their own: the one that waits sees the world as it was before.
        """
        parameters = {"key": lock_key(self.organization_id), "organization_id": self.organization_id}
        await self.connection.execute(statement, parameters)
        self.organization = await _organization(self.connection, self.organization_id, self.viewer)
        self.now = datetime.now(UTC)
        if self.permission is not None:
            await self.permission(self)

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        self.statement_count += 1
        with tracing.statement(statement):
            if self.client_user_id is not None and reads_only(statement):
                ready = compiled(statement, Audience.MANY)
                seer = {ORGANIZATION: self.organization_id, VIEWER: self.client_user_id}
                given = cast("Mapping[str, Any]", parameters or {})
                return await self.connection.exec_driver_sql(ready.sql, tuple(ready.arguments({**seer, **given})))
            return await self.connection.execute(statement, parameters)

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        return (await self.execute(statement, parameters)).all()


_ORGANIZATION = text(
    """
    select id, timezone, currency, hierarchy_depth_max, link_policy, locked_until,
           (cast(:token_id as uuid) is null or exists (
              select from access_tokens t
              where t.organization_id = :organization_id and t.id = cast(:token_id as uuid) and t.revoked_at is null
                and (t.expires_at is null or t.expires_at > cast(:now as timestamptz))))
           and (cast(:client_user_id as uuid) is null or exists (
              select from client_users u
              where u.organization_id = :organization_id and u.id = cast(:client_user_id as uuid) and u.state = 'ACTIVE'))
    from organizations where id = :organization_id
    """
)


# Anchored on the organization's row, so that on a cluster the lock is taken where the row lives (distributed.md 2.3).
_SHARED = text("select pg_advisory_xact_lock_shared(:key) from organizations where id = :organization_id")
_EXCLUSIVE = text("select pg_advisory_xact_lock(:key) from organizations where id = :organization_id")


def lock_key(organization_id: UUID) -> int:
    """A number of 64 bits that stands for an organization."""
    return int.from_bytes(organization_id.bytes[:8], "big", signed=True) ^ int.from_bytes(
        organization_id.bytes[8:], "big", signed=True
    )


async def _organization(connection: AsyncConnection, organization_id: UUID, viewer: Viewer | None) -> Organization:
    """Also looks whether the viewer may still ask, whatever was kept in memory: raises Unauthenticated, or nothing is written
    with a token that was revoked.
    """
    parameters = {
        "organization_id": organization_id,
        "token_id": viewer.token_id if viewer is not None else None,
        "client_user_id": viewer.client_user_id if viewer is not None else None,
        "now": datetime.now(UTC),
    }
    *settings, is_admitted = (await connection.execute(_ORGANIZATION, parameters)).one()
    if not is_admitted:
        raise Unauthenticated
    return Organization(*settings)


# A statement of its own: on a cluster it would otherwise run on a worker, where nobody listens (distributed.md 2.3).
_NOTIFY = text("select pg_notify(:channel, :payload)")


# Who has no Transaction, as one that makes an organization, says so first of all.
_SET_TENANT = text("select set_tenant(:organization_id)")


async def act_for(connection: AsyncConnection, organization_id: UUID) -> None:
    """Until the end of the connection's transaction, which SQLAlchemy began."""
    await connection.execute(_SET_TENANT, {"organization_id": organization_id})


@asynccontextmanager
async def _opened(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[tuple[AsyncConnection, PoolProxiedConnection]]:
    """A transaction for an organization, which the caller commits. An exception undoes it."""
    async with engine.connect() as connection:
        # SQLAlchemy's own BEGIN would not say for whom.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        pooled = await connection.get_raw_connection()
        try:
            await tenancy.begin(pooled, organization_id)
            yield connection, pooled
        except BaseException:
            # A statement that SQLAlchemy sent and that was cancelled has taken the connection along.
            if not connection.invalidated:
                await asyncio.shield(asyncio.ensure_future(_undo(connection, pooled)))
            raise


async def _undo(connection: AsyncConnection, pooled: PoolProxiedConnection) -> None:
    try:
        await tenancy.rollback(pooled)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        # Postgres undoes what a lost connection leaves.
        await connection.invalidate()


@asynccontextmanager
async def begin(
    engine: AsyncEngine, *, organization_id: UUID, actor: str, viewer: Viewer | None = None
) -> AsyncIterator[Transaction]:
    """The only place that commits. An exception undoes everything. Raises Unauthenticated for a viewer who may not ask any more.

    Whoever is cancelled learns from `is_committed` what became of it: a commit that has begun ends before the cancellation goes
    on. Raises Outage; only where it says so it is not known whether the change was made.
    """
    is_with_caller = False
    committing: asyncio.Future[None] | None = None
    try:
        async with _opened(engine, organization_id) as (connection, pooled):
            organization = await _organization(connection, organization_id, viewer)
            transaction = Transaction(connection, organization, actor, datetime.now(UTC), viewer=viewer)
            is_with_caller = True
            yield transaction
            is_with_caller = False
            if (payload := transaction.changes.payload(organization_id)) is not None:
                await connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": payload})
            for payload in revocations.payloads(organization_id, transaction.revoked):
                await connection.execute(_NOTIFY, {"channel": revocations.CHANNEL, "payload": payload})
            committing = asyncio.ensure_future(tenancy.commit(pooled))
            try:
                await asyncio.shield(committing)
            except asyncio.CancelledError:
                await asyncio.wait([committing])
                raise
            finally:
                transaction.is_committed = committing.done() and not committing.cancelled() and committing.exception() is None
    except DATABASE_ERRORS as error:
        # A caller's own OSError may speak of a file.
        if (is_with_caller and isinstance(error, OSError)) or (outage := outage_of(error)) is None:
            raise
        if committing is not None:
            raise Unavailable(
                "The connection to the database was lost while the change was being committed, so it is not known whether it was "
                "made. Send it again with the same idempotency key, which makes it once, or read what it would have changed."
            ) from error
        raise outage from error
