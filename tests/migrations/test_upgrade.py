"""Migrations: they build what the models say, run once however often and from wherever they are started (migrations/)."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from conftest import administration
from holdco.database import act_for, create_engine
from holdco.migrations.metadata import metadata
from holdco.migrations.upgrade import configuration, current, newest, upgrade
from holdco.settings import DEFAULT_ORGANIZATION_ID

Url = Callable[[str | None], str]
Clone = Callable[[], Any]

# Everything of the public schema that a migration makes, in words that do not depend on the order in which it was made.
_CATALOG = """
select 'column', table_name, column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') || ' '
       || coalesce(collation_name, '') || ' ' || coalesce(cast(numeric_precision as text), '') || ' '
       || coalesce(cast(numeric_scale as text), '')
from information_schema.columns where table_schema = 'public'
union all
select 'constraint', cast(conrelid as regclass)::text, conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'trigger', cast(tgrelid as regclass)::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
order by 1, 2, 3, 4
"""


@asynccontextmanager
async def empty(server_url: Url) -> AsyncIterator[str]:
    """The URL of a database with nothing in it."""
    name = f"holdco_empty_{uuid4().hex[:12]}"
    async with administration(server_url(None)) as run:
        await run(f"create database {name}")
        try:
            yield server_url(name)
        finally:
            await run(f"drop database {name} with (force)")


@asynccontextmanager
async def engine_of(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(url, pool_size=2, role=None)
    try:
        yield engine
    finally:
        await engine.dispose()


async def catalog(engine: AsyncEngine) -> list[tuple[str, ...]]:
    async with engine.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(text(_CATALOG))]
    return [row for row in rows if row[1] != "alembic_version"]


async def test_the_migrations_build_exactly_what_the_models_say(server_url: Url, clone: Clone) -> None:
    async with empty(server_url) as url, engine_of(url) as modelled, clone() as cloned, engine_of(cloned) as migrated:
        async with modelled.begin() as connection:
            await connection.execute(text("create extension pg_trgm"))
            await connection.run_sync(metadata.create_all)
        expected = await catalog(modelled)
        assert len(expected) > 200
        assert await catalog(migrated) == expected


# Alembic cannot compare the trigram index's expression; the test above does.
@pytest.mark.filterwarnings("ignore:Expression #1 .* detected to include an operator clause:UserWarning")
async def test_alembic_finds_nothing_that_a_new_migration_would_have_to_do(clone: Clone) -> None:
    def differences(connection: Connection) -> Any:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    async with clone() as url, engine_of(url) as engine, engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_empty_database_is_brought_to_the_newest_step_and_a_second_run_changes_nothing(server_url: Url) -> None:
    async with empty(server_url) as url, engine_of(url) as engine:
        assert await current(engine) is None
        assert await upgrade(engine) == (None, newest())
        assert await current(engine) == newest()
        built = await catalog(engine)
        assert await upgrade(engine) == (newest(), newest())
        assert await catalog(engine) == built


async def test_two_processes_that_start_at_once_migrate_once(server_url: Url) -> None:
    async with empty(server_url) as url, engine_of(url) as engine:
        command = [sys.executable, "-c", "from holdco.cli import main; main()", "migrate"]
        environment = {**os.environ, "DATABASE_URL": url}
        started = [
            await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            for _ in range(2)
        ]
        told = sorted([(await process.communicate())[0].decode().strip() for process in started])
        assert told == [
            f"The schema is at {newest()}, as it was.",
            f"The schema went from None to {newest()}.",
        ]
        assert [process.returncode for process in started] == [0, 0]
        async with engine.connect() as connection:
            await act_for(connection, DEFAULT_ORGANIZATION_ID)
            assert (await connection.execute(text("select count(*) from organizations"))).scalar_one() == 1


async def test_a_migration_gives_its_lock_back_and_leaves_no_setting_behind(server_url: Url) -> None:
    locks = text(
        "select count(*) from pg_locks l join pg_database d on d.oid = l.database "
        "where l.locktype = 'advisory' and d.datname = current_database()"
    )
    async with empty(server_url) as url, engine_of(url) as engine:
        await upgrade(engine)
        async with engine.connect() as connection:
            assert (await connection.execute(locks)).scalar_one() == 0
            assert (await connection.execute(text("show lock_timeout"))).scalar_one() == "0"


def test_steps_are_dated_and_stand_in_one_line() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        assert script.revision == Path(script.path).stem
        assert re.fullmatch(r"\d{4}_\d{2}_\d{2}_[a-z_]+", script.revision)
        assert script.doc
