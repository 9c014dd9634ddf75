"""The database, asked as the server's role without the application: another organization's row cannot be seen or touched."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

from holdco.migrations.metadata import metadata
from wall.conftest import Walled
from wall.test_catalogue import PRIVILEGES

Connection: TypeAlias = "asyncpg.Connection[Any]"
Whose = Literal["own", "none"]
TABLES = sorted(metadata.tables)
# Who names no organization sees that there is work for some, of each of the two here; it can change nothing of it.
WORK = "waiting_jobs"
STATEMENTS = {
    "SELECT": "select count(*) from {table}",
    "UPDATE": "update {table} set {column} = {column}",
    "DELETE": "delete from {table}",
}


@pytest.fixture(scope="module")
async def sessions(walled: Walled) -> AsyncIterator[dict[Whose, Connection]]:
    made: dict[Whose, Connection] = {"own": await walled.connect(walled.own), "none": await walled.connect(None)}
    yield made
    for connection in made.values():
        await connection.close()


@asynccontextmanager
async def undone(connection: Connection) -> AsyncIterator[Connection]:
    """A transaction that is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()


@pytest.fixture(params=["own", "none"])
async def asking(request: pytest.FixtureRequest, sessions: dict[Whose, Connection]) -> AsyncIterator[tuple[Connection, Whose]]:
    """A session for an organization, and one for none."""
    async with undone(sessions[request.param]) as connection:
        yield connection, request.param


@pytest.fixture
async def own(sessions: dict[Whose, Connection]) -> AsyncIterator[Connection]:
    async with undone(sessions["own"]) as connection:
        yield connection


def column_of(table: str) -> str:
    return "id" if table == "organizations" else "organization_id"


async def count_touched(connection: Connection, statement: str, *arguments: Any) -> int:
    if statement.startswith("select"):
        count: int = await connection.fetchval(statement, *arguments)
        return count
    return int((await connection.execute(statement, *arguments)).split()[-1])


@pytest.mark.parametrize("privilege", STATEMENTS)
@pytest.mark.parametrize("table", TABLES)
async def test_a_statement_without_any_condition_reaches_the_own_row_alone(
    asking: tuple[Connection, Whose], table: str, privilege: str
) -> None:
    connection, whose = asking
    statement = STATEMENTS[privilege].format(table=table, column=column_of(table))
    if privilege not in PRIVILEGES[table]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"permission denied for table {table}"):
            await connection.execute(statement)
    else:
        unseen = 2 if table == WORK and privilege == "SELECT" else 0
        assert await count_touched(connection, statement) == (1 if whose == "own" else unseen)


@pytest.mark.parametrize("privilege", STATEMENTS)
@pytest.mark.parametrize("table", TABLES)
async def test_a_statement_that_names_another_organization_reaches_nothing(
    asking: tuple[Connection, Whose], walled: Walled, table: str, privilege: str
) -> None:
    connection, whose = asking
    column = column_of(table)
    statement = STATEMENTS[privilege].format(table=table, column=column) + f" where {column} = $1"
    if privilege not in PRIVILEGES[table]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"permission denied for table {table}"):
            await connection.execute(statement, walled.other)
    else:
        is_work = table == WORK and privilege == "SELECT" and whose == "none"
        assert await count_touched(connection, statement, walled.other) == (1 if is_work else 0)


@pytest.mark.parametrize("table", TABLES)
async def test_no_row_can_be_made_for_another_organization(asking: tuple[Connection, Whose], walled: Walled, table: str) -> None:
    """With VALUES and with INSERT … SELECT, which needs neither RETURNING nor ON CONFLICT to be checked."""
    connection, whose = asking
    column = column_of(table)
    for written in ("values ($1::uuid)", "select $1::uuid"):
        async with undone(connection):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="violates row-level security policy"):
                await connection.execute(f"insert into {table} ({column}) {written}", walled.other)
    # Nor can a row be copied over, whatever it is called there.
    names = ", ".join(f'"{each.name}"' for each in metadata.tables[table].columns if each.name != column)
    copying = f"insert into {table} ({column}, {names}) select $1::uuid, {names} from {table}"
    if whose == "own" or table == WORK:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="violates row-level security policy"):
            await connection.execute(copying, walled.other)
    else:
        assert await connection.execute(copying, walled.other) == "INSERT 0 0"


@pytest.mark.parametrize("table", [table for table in TABLES if "UPDATE" in PRIVILEGES[table]])
async def test_no_row_can_be_given_to_another_organization(own: Connection, walled: Walled, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="violates row-level security policy"):
        await own.execute(f"update {table} set {column_of(table)} = $1", walled.other)


@pytest.mark.parametrize("table", TABLES)
async def test_copy_gives_own_rows_only_and_takes_none(own: Connection, walled: Walled, table: str) -> None:
    given = io.BytesIO()
    await own.copy_from_table(table, columns=[column_of(table)], output=given)
    assert given.getvalue() == f"{walled.own}\n".encode()
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="COPY FROM not supported with row-level security"):
        await own.copy_to_table(table, columns=[column_of(table)], source=io.BytesIO(f"{walled.other}\n".encode()))


async def test_a_taken_key_of_another_organization_is_not_told(own: Connection, walled: Walled) -> None:
    """No unique index spans organizations, so none can say that a number is in use elsewhere."""
    statement = """
    insert into number_counters (organization_id, kind, value) values ($1, $2, 7)
    on conflict (organization_id, kind) do update set value = excluded.value
    """
    assert await own.execute(statement, walled.own, "wall") == "INSERT 0 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="violates row-level security policy") as told:
        await own.execute(statement, walled.other, "wall")
    assert told.value.detail is None


# What would lift the wall, and what Postgres says to it.
LIFTING = {
    "set role holdco": "permission denied to set role",
    "set session authorization postgres": "permission denied to set session authorization|role .* does not exist",
    "alter table customers disable row level security": "must be owner of table customers",
    "alter table customers no force row level security": "must be owner of table customers",
    "drop policy organization on customers": "must be owner of (table|relation) customers",
    "create policy everything on customers using (true)": "must be owner of table customers",
    "alter role holdco_app bypassrls": "permission denied to alter role",
    "truncate customers": "permission denied for table customers",
    "create table public.loot (id uuid)": "permission denied for schema public",
    "alter function set_tenant(uuid) security definer": "must be owner of function set_tenant",
}


@pytest.mark.parametrize("statement", LIFTING)
async def test_the_role_cannot_lift_the_wall(own: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match=LIFTING[statement]):
        await own.execute(statement)


async def test_turning_row_security_off_gives_an_error_instead_of_rows(own: Connection) -> None:
    await own.execute("set local row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="query would be affected by row-level security policy"):
        await own.fetch("select * from customers")


async def test_giving_the_role_back_leaves_the_login_behind_the_same_wall(own: Connection, walled: Walled) -> None:
    await own.execute("set local role none")
    assert await own.fetchval("select current_user") == walled.url.split("//")[1].split(":")[0]
    assert await own.fetch("select organization_id from customers") == [(walled.own,)]


async def test_a_setting_that_is_no_organization_shows_nothing(walled: Walled) -> None:
    connection = await walled.connect(None)
    for setting, error in (("", None), (str(uuid4()), None), ("everybody", asyncpg.InvalidTextRepresentationError)):
        await connection.execute("select set_config('holdco.organization_id', $1, false)", setting)
        if error is None:
            assert await connection.fetch("select id from organizations") == []
        else:
            with pytest.raises(error):
                await connection.fetch("select id from organizations")
    await connection.close()


async def test_set_tenant_takes_an_organization_and_ends_with_the_transaction(walled: Walled) -> None:
    connection = await walled.connect(None)

    async def seen() -> list[UUID]:
        return [row[0] for row in await connection.fetch("select id from organizations")]

    async with connection.transaction():
        await connection.execute("select set_tenant($1)", walled.own)
        assert await seen() == [walled.own]
        async with undone(connection):
            await connection.execute("select set_tenant($1)", walled.other)
            assert await seen() == [walled.other]
        assert await seen() == [walled.own]
    assert await seen() == []
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await connection.execute("select set_tenant(null)")
    await connection.close()
