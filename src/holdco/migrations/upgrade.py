"""Brings a database to the newest step, one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.migrations.roles import ensure_role, mark_functions

# Several workers or machines may start at once; the number is arbitrary and only ours.
_LOCK = 4_685_122_937
# A migration that waits behind a long transaction would make everybody else wait behind it.
_LOCK_TIMEOUT = "5s"


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str | None:
    """The revision that this version of Holdco needs."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


async def upgrade(engine: AsyncEngine) -> tuple[str | None, str | None]:
    """The revisions before and after. Steps that are done stay done when a later one fails. `engine` is the owner's."""
    async with engine.connect() as connection:
        return await connection.run_sync(_upgrade)


async def current(engine: AsyncEngine) -> str | None:
    """The revision that a database is at; None for an empty one."""
    async with engine.connect() as connection:
        return await connection.run_sync(_current)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
    connection.execute(text(f"set lock_timeout = '{_LOCK_TIMEOUT}'"))
    connection.commit()
    try:
        before = _current(connection)
        connection.commit()
        ensure_role(connection)
        mark_functions(connection)
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        return before, _current(connection)
    finally:
        connection.rollback()
        connection.execute(text("set lock_timeout = default"))
        connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
        connection.commit()
