"""From an empty folder to a database, and through every way of being interrupted on that way."""

import signal
import stat
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from embedded.conftest import Start, with_one_account
from embedded.running import Account, answer, eventually, processes_of, server_of
from holdco.embedded import EmbeddedPostgres


def mode_of(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


async def test_empty_folder_becomes_a_server_set_as_we_need_it(place: Path, start: Start, account: Account) -> None:
    application = start(place / "holdco").ready()
    connection = await asyncpg.connect(application.url)
    settings = {
        name: await connection.fetchval("SELECT current_setting($1)", name)
        for name in (
            *("TimeZone", "listen_addresses", "unix_socket_permissions", "scram_iterations", "password_encryption"),
            *("data_checksums", "server_encoding", "fsync"),
        )
    }
    assert settings == {
        "TimeZone": "UTC",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "scram_iterations": "1",
        "password_encryption": "scram-sha-256",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "fsync": "on",
    }
    locale = "SELECT datlocprovider::text, datlocale, datcollate FROM pg_database WHERE datname = 'holdco'"
    assert tuple(await connection.fetchrow(locale) or ()) == ("b", "C.UTF-8", "C")
    await connection.close()
    if account.uid != 0:
        assert server_of(place / "holdco").uid == account.uid


def test_files_are_closed_to_other_users(folder: Path, start: Start, account: Account) -> None:
    start(folder).ready()
    assert {path.name: mode_of(path) for path in folder.iterdir()} == {
        **dict.fromkeys(("lock", "users", "alive", "password", "application_password", "server.log"), "-rw-------"),
        **dict.fromkeys(("data", "run"), "drwx------"),
        "pg_hba.conf": "-rw-r--r--",
    }
    assert mode_of(folder / "run/.s.PGSQL.5432") == "srwx------"
    assert mode_of(folder) == ("drwx--x--x" if account.uid == 0 else "drwx------")


async def test_role_owns_its_database_and_makes_more_and_is_no_superuser(folder: Path, start: Start) -> None:
    application = start(folder).ready()
    connection = await asyncpg.connect(application.url)
    role = await connection.fetchrow(
        "SELECT rolname, rolcanlogin, rolcreatedb, rolcreaterole, rolsuper, rolreplication, rolbypassrls "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert tuple(role or ()) == ("holdco", True, True, True, False, False, False)
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
    assert await connection.fetchval(owner) == "holdco"
    await connection.execute("CREATE EXTENSION pg_trgm")
    await connection.execute("CREATE ROLE reporting LOGIN PASSWORD 'reporting'")
    await connection.execute('CREATE DATABASE "another one"')
    await connection.close()
    reporting = application.url.replace(urlsplit(application.url).netloc, "reporting:reporting@")
    assert await answer(reporting, "SELECT current_user") == "reporting"
    another = application.url.replace("/holdco?", "/another%20one?")
    assert await answer(another, "SELECT current_database()") == "another one"


async def test_nobody_enters_without_the_password_nor_as_superuser(folder: Path, start: Start) -> None:
    url = start(folder).ready().url
    password = urlsplit(url).password
    assert password == (folder / "password").read_text()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(password, "guess"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace("//holdco:", "//postgres:"))


@pytest.mark.parametrize("moment", ["password", "new-*/base/5", "data", "data/postmaster.pid", "run/.s.PGSQL.5432"])
@with_one_account
async def test_kill_during_the_first_start_is_no_matter_to_the_next(moment: str, place: Path, start: Start) -> None:
    folder = place / "holdco"
    first = start(folder)
    eventually(lambda: any(folder.glob(moment)), every=0.001)
    first.end(signal.SIGKILL)
    second = start(folder).ready()
    assert await answer(second.url, "SELECT current_user") == "holdco"
    assert not any(folder.glob("new-*"))
    second.leave()
    assert processes_of(folder) == []


@with_one_account
async def test_two_that_start_at_once_in_an_empty_folder_share_one_server(place: Path, start: Start) -> None:
    first, second = start(place / "holdco"), start(place / "holdco")
    assert first.ready().url == second.ready().url
    query = "SELECT pg_postmaster_start_time()"
    assert await answer(first.url, query) == await answer(second.url, query)


@with_one_account
async def test_context_is_the_time_of_service(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with server as entered:
        assert entered is server
        assert await answer(server.url, "SELECT current_database()") == "holdco"
        assert await answer(server.url_of("postgres"), "SELECT current_database()") == "postgres"
        assert len(processes_of(folder)) > 2
    assert processes_of(folder) == []
    assert list((folder / "run").iterdir()) == []
