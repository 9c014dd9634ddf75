"""Who migrates and who serves: one login for both, two of them, or the embedded Postgres with its own (README, "Roles")."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from conftest import administration
from demo_company import settings_of
from directly import directly
from holdco import running
from holdco.database import create_engine
from holdco.embedded import EmbeddedPostgres
from holdco.errors import SettingsError
from holdco.migrations.roles import ensure_role
from holdco.migrations.upgrade import newest, upgrade
from holdco.settings import DEFAULT_ORGANIZATION_ID, Settings
from holdco.tenancy import APPLICATION_ROLE

Url = Callable[[str | None], str]


@asynccontextmanager
async def login(server_url: Url, attributes: str = "") -> AsyncIterator[str]:
    """The name of a login, which is its password as well."""
    name = f"wall_{uuid4().hex[:12]}"
    async with administration(server_url(None)) as run:
        await run(f"create role {name} login password '{name}' {attributes}")
        try:
            yield name
        finally:
            await run(f"drop role {name}")


def by(url: str, name: str) -> str:
    return str(httpx.URL(url).copy_with(username=name, password=name))


async def acting(settings: Settings) -> tuple[str, str]:
    """The login of the server's pool, and the role that it acts as."""
    async with running.engine_of(settings) as engine, engine.connect() as connection:
        return tuple((await connection.execute(text("select session_user, current_user"))).one())


async def test_the_owner_prepares_and_a_login_that_owns_nothing_serves(clone: Callable[[], Any], server_url: Url) -> None:
    async with clone() as url, login(server_url, f"in role {APPLICATION_ROLE}") as name:
        settings = replace(settings_of(by(url, name), DEFAULT_ORGANIZATION_ID), owner_url=url)
        assert await running.prepare(settings) == (newest(), newest())
        await running.check_schema(settings)
        await running.check_role(settings)
        await running.check_organization(settings)
        assert await acting(settings) == (name, APPLICATION_ROLE)


async def test_a_login_that_owns_the_tables_serves_as_the_role(clone: Callable[[], Any]) -> None:
    async with clone() as url:
        settings = settings_of(url, DEFAULT_ORGANIZATION_ID)
        await running.prepare(settings)
        await running.check_role(settings)
        assert await acting(settings) == (httpx.URL(url).username, APPLICATION_ROLE)


async def test_a_login_that_may_not_act_as_the_role_is_told_what_to_grant(clone: Callable[[], Any], server_url: Url) -> None:
    async with clone() as url, login(server_url) as name:
        with pytest.raises(SettingsError) as told:
            await running.check_schema(settings_of(by(url, name), DEFAULT_ORGANIZATION_ID))
    assert str(told.value) == (
        'The server cannot act as the role holdco_app: permission denied to set role "holdco_app". Run `holdco migrate` as the '
        "owner of the tables (HOLDCO_OWNER_URL), and `grant holdco_app to` the login of DATABASE_URL when that is another."
    )


async def test_a_role_that_owns_a_table_does_not_serve(clone: Callable[[], Any]) -> None:
    async with clone() as url:
        engine = create_engine(url, pool_size=1)
        async with directly(engine) as connection:
            await connection.execute(text("grant create on schema public to holdco_app"))
            await connection.execute(text("alter table invoice_lines owner to holdco_app"))
        await engine.dispose()
        with pytest.raises(SettingsError, match="bypasses row level security, or owns tables"):
            await running.check_role(settings_of(url, DEFAULT_ORGANIZATION_ID))


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="holdco-wall-") as made:
        # Started by root, Postgres runs as another user, who must be able to enter.
        Path(made).chmod(0o755)
        yield Path(made) / "postgres"


@pytest.fixture
def fresh(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server of its own, because roles belong to a whole one."""
    with EmbeddedPostgres(folder) as embedded:
        yield embedded


async def test_an_embedded_server_from_before_the_role_serves_by_its_owner_as_the_role(folder: Path) -> None:
    with EmbeddedPostgres(folder) as embedded:
        async with administration(embedded.url) as run:
            await run(f"drop role {APPLICATION_ROLE}")
    (folder / "application_password").unlink()
    with EmbeddedPostgres(folder) as embedded:
        settings = replace(settings_of(embedded.application_url, DEFAULT_ORGANIZATION_ID), owner_url=embedded.url)
        await running.prepare(settings)
        await running.check_role(settings)
        assert await acting(settings) == ("holdco", APPLICATION_ROLE)


async def test_the_embedded_server_gives_the_application_a_login_that_owns_nothing(fresh: EmbeddedPostgres) -> None:
    settings = replace(settings_of(fresh.application_url, DEFAULT_ORGANIZATION_ID), owner_url=fresh.url)
    assert await running.prepare(settings) == (None, newest())
    await running.check_schema(settings)
    await running.check_role(settings)
    assert await acting(settings) == (APPLICATION_ROLE, APPLICATION_ROLE)
    assert httpx.URL(fresh.url).password != httpx.URL(fresh.application_url).password


async def test_databases_that_are_migrated_at_once_make_the_role_once(fresh: EmbeddedPostgres) -> None:
    """On a server that does not have it, as one that was made by others."""
    names = [f"one_of_{index}" for index in range(4)]
    async with administration(fresh.url) as run:
        await run(f"drop role {APPLICATION_ROLE}")
        for name in names:
            await run(f"create database {name}")
    engines = [create_engine(fresh.url_of(name), pool_size=1, role=None) for name in names]

    async def ensure(engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            await connection.run_sync(ensure_role)

    await asyncio.gather(*map(ensure, engines))
    for engine in engines:
        await engine.dispose()
    assert [await acting(settings_of(fresh.url_of(name), DEFAULT_ORGANIZATION_ID)) for name in names] == [
        ("holdco", APPLICATION_ROLE)
    ] * len(names)


async def test_who_must_not_make_roles_is_told_what_to_ask_for(fresh: EmbeddedPostgres) -> None:
    async with administration(fresh.url) as run:
        await run(f"drop role {APPLICATION_ROLE}")
        await run("create role poor login password 'poor'")
        await run("grant poor to holdco")
        await run("create database theirs owner poor")
    engine = create_engine(by(fresh.url_of("theirs"), "poor"), pool_size=1, role=None)
    with pytest.raises(SettingsError, match="Let an administrator run `create role holdco_app nologin`"):
        await upgrade(engine)
    async with administration(fresh.url) as run:
        await run(f"create role {APPLICATION_ROLE} nologin")
    assert await upgrade(engine) == (None, newest())
    await engine.dispose()
