"""A database with two organizations that have a row in every table, and a login for the server that owns nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import Column, text

from conftest import administration
from directly import directly
from holdco.database import create_engine
from holdco.migrations.metadata import metadata

_VALUES: dict[type, Any] = {
    str: "wall",
    int: 1,
    bool: True,
    Decimal: Decimal(1),
    bytes: b"wall",
    object: {},
    list: [],
    dt.date: dt.date(2026, 1, 1),
    dt.datetime: dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
}


@dataclass(frozen=True, slots=True)
class Walled:
    """`url` is the plain login's, `owner_url` that of who owns the tables; `own` and `other` are the organizations."""

    url: str
    owner_url: str
    own: UUID
    other: UUID

    async def connect(self, organization_id: UUID | None) -> asyncpg.Connection[Any]:
        """A session without the application, as its role, for an organization or for none."""
        settings = {"role": "holdco_app"}
        if organization_id is not None:
            settings["holdco.organization_id"] = str(organization_id)
        connection: asyncpg.Connection[Any] = await asyncpg.connect(self.url, server_settings=settings)
        return connection


def _value(column: Column[Any]) -> Any:
    kind = column.type.python_type
    return uuid4() if kind is UUID else _VALUES[kind]


@pytest.fixture(scope="session")
async def walled(clone: Callable[[], Any], server_url: Callable[[str | None], str]) -> AsyncIterator[Walled]:
    """Without checks and foreign keys, so that a row of each table can be made out of nothing."""
    login, own, other = f"wall_{uuid4().hex[:12]}", uuid4(), uuid4()
    async with clone() as url, administration(server_url(None)) as run:
        await run(f"create role {login} login password '{login}' in role holdco_app")
        engine = create_engine(url, pool_size=1)
        async with directly(engine) as connection:
            found = await connection.execute(
                text(
                    "select cast(conrelid as regclass), conname from pg_constraint "
                    "where contype in ('c', 'f') and connamespace = cast('public' as regnamespace)"
                )
            )
            for table, constraint in found.all():
                await connection.execute(text(f'alter table {table} drop constraint "{constraint}"'))
        for organization_id in (own, other):
            async with directly(engine, organization_id) as connection:
                for name, table in metadata.tables.items():
                    owning = "id" if name == "organizations" else "organization_id"
                    row = {column.name: _value(column) for column in table.columns}
                    await connection.execute(table.insert().values({**row, owning: organization_id}))
        await engine.dispose()
        yield Walled(str(httpx.URL(url).copy_with(username=login, password=login)), url, own, other)
        await run(f"drop role {login}")
