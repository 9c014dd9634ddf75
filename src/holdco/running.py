"""Starts what a command needs: a database, its schema, its organization, and the server."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn, cast

import asyncpg
import uvicorn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.authentication import issuing
from holdco.authentication.issuing import DevTokens
from holdco.database import create_engine
from holdco.endpoint.draining import DrainedHTTP, DrainedWebSockets
from holdco.endpoint.hosts import is_this_machine
from holdco.errors import SettingsError
from holdco.migrations import upgrade
from holdco.monitoring.metrics import DIRECTORY
from holdco.organizations import service as organizations
from holdco.outages import DATABASE_ERRORS, cause_of, is_unavailable
from holdco.settings import Settings
from holdco.tenancy import APPLICATION_ROLE

# What makes the application of a process that serves.
APPLICATION = "holdco.app:create_serving_app"


@contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """Settings with a database URL: the one that was given, or that of the embedded Postgres, which runs meanwhile."""
    if settings.database_url is not None:
        yield settings
        return
    # Only here, because the binaries are an extra that a server with DATABASE_URL does without.
    from holdco.embedded import EmbeddedPostgres, EmbeddedPostgresError  # noqa: PLC0415

    with _terminable():
        embedded = EmbeddedPostgres(settings.data_directory)
        try:
            embedded.start()
        except EmbeddedPostgresError as problem:
            raise SettingsError(str(problem)) from problem
        try:
            yield replace(settings, database_url=embedded.application_url, owner_url=embedded.url)
        finally:
            embedded.close()


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the process by an exception, so that the embedded Postgres is stopped on the way out."""

    def leave(*_: Any) -> NoReturn:
        sys.exit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@asynccontextmanager
async def engine_of(settings: Settings) -> AsyncIterator[AsyncEngine]:
    assert settings.database_url is not None
    engine = create_engine(settings.database_url, pool_size=settings.pool_size)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def owner_engine_of(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """For what the server must not do: as the login that owns the tables."""
    url = settings.owner_url or settings.database_url
    assert url is not None
    engine = create_engine(url, pool_size=1, role=None)
    try:
        yield engine
    finally:
        await engine.dispose()


@contextmanager
def _reachable() -> Iterator[None]:
    """Raises SettingsError, for a person to read, when the database cannot be reached."""
    try:
        yield
    except DATABASE_ERRORS as error:
        cause = cause_of(error)
        if not is_unavailable(cause):
            raise
        raise SettingsError(
            f"The database cannot be used: {cause}. Start it, or correct DATABASE_URL; then try again."
        ) from error


async def prepare(settings: Settings) -> tuple[str | None, str | None]:
    """Brings the schema to the newest step and makes the organization. Returns the revisions before and after."""
    with _reachable():
        async with owner_engine_of(settings) as engine:
            revisions = await upgrade.upgrade(engine)
            await organizations.ensure(engine, settings.organization_id)
            return revisions


async def check_organization(settings: Settings) -> None:
    """Raises SettingsError when the organization that is to be served does not exist."""
    async with engine_of(settings) as engine:
        if not await organizations.exists(engine, settings.organization_id):
            raise SettingsError(
                f"The database has no organization {settings.organization_id}. Set HOLDCO_ORGANIZATION_ID to one that it has, or "
                "run `holdco migrate` with this id, which makes it."
            )


# A role that does not exist, one that the login must not act as, and one that may not read what the wall has not granted yet.
_SHUT_OUT = (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError)

# Members of the owner count as the owner: they can become it.
_IS_UNBOUND = text(
    """
    select r.rolsuper or r.rolbypassrls or exists (
      select from pg_class c
      where c.relnamespace = cast('public' as regnamespace) and c.relkind in ('r', 'p')
      and pg_has_role(r.oid, c.relowner, 'member')
    )
    from pg_roles r where r.rolname = current_user
    """
)


async def check_role(settings: Settings) -> None:
    """Raises SettingsError when row level security would not hold the server: its role is above it."""
    async with engine_of(settings) as engine, engine.connect() as connection:
        if (await connection.execute(_IS_UNBOUND)).scalar_one():
            raise SettingsError(
                f"The server acts as the role {APPLICATION_ROLE}, which is a superuser, bypasses row level security, or owns "
                "tables or is a member of who does: organizations would not be kept apart. Take that from it."
            )


async def check_schema(settings: Settings) -> None:
    """Raises SettingsError when the database is not at the newest step, or the login must not act as the server's role."""
    try:
        with _reachable():
            async with engine_of(settings) as engine:
                revision = await upgrade.current(engine)
    except DATABASE_ERRORS as error:
        if not isinstance(cause := cause_of(error), _SHUT_OUT):
            raise
        raise SettingsError(
            f"The server cannot act as the role {APPLICATION_ROLE}: {cause}. Run `holdco migrate` as the owner of the tables "
            f"(HOLDCO_OWNER_URL), and `grant {APPLICATION_ROLE} to` the login of DATABASE_URL when that is another."
        ) from error
    if revision != upgrade.newest():
        raise SettingsError("The database is not at the newest schema. Run `holdco migrate` first.")


async def dev_tokens(settings: Settings, *, customer: str) -> DevTokens:
    """An administrator's token, and one of a client user of the customer with this number, if there is one."""
    async with engine_of(settings) as engine:
        return await issuing.dev_tokens(engine, settings.organization_id, settings.data_directory, customer=customer)


def check_host(host: str) -> None:
    """Raises SettingsError for anything but loopback: tokens must not cross a network in the clear, and Holdco speaks no TLS."""
    if not is_this_machine(host):
        raise SettingsError(
            f"HOLDCO_HOST is {host!r}. Tokens must not cross a network in the clear: use 127.0.0.1, behind a proxy for TLS."
        )


def serve(settings: Settings, *, workers: int = 1, application: Any = APPLICATION) -> None:
    """Serves until SIGINT or SIGTERM, then ends what is under way. Several workers take the name of what makes an application."""
    check_host(settings.host)
    assert settings.database_url is not None
    # Workers are processes of their own; the environment is how they learn where the database is.
    os.environ["DATABASE_URL"] = settings.database_url
    with _terminable(), _shared_metrics(workers):
        _run(settings, workers, application)


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """A directory in which several workers keep their metrics together, unless the environment names one."""
    if workers == 1 or os.environ.get(DIRECTORY):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="holdco-metrics-") as directory:
        os.environ[DIRECTORY] = directory
        try:
            yield
        finally:
            del os.environ[DIRECTORY]


def _run(settings: Settings, workers: int, application: Any) -> None:
    uvicorn.run(
        application,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        loop="uvloop",
        # Workers get it pickled, which a class made here could not be.
        http=cast("Any", partial(DrainedHTTP, head_seconds=settings.head_timeout, body_seconds=settings.body_timeout)),
        ws=DrainedWebSockets,
        # Messages are bounded, and not compressed: what that needs for each socket is more than the rest of it.
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_timeout,
    )
