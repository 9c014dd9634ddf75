"""Root lends the server an ordinary user, and gives that user nothing but the data and the socket."""

import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.conftest import Start, only_root, with_one_account
from embedded.running import answer, copy_of_wheel, keeper_of, processes_of, server_of, wait_for_the_end_of

pytestmark = [only_root, with_one_account]


def owners(folder: Path) -> dict[str, str]:
    return {path.name: pwd.getpwuid(path.lstat().st_uid).pw_name for path in folder.iterdir()}


def test_server_runs_as_the_user_asked_for_and_keeps_to_it(place: Path, start: Start) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    folder = place / "holdco"
    start(folder, HOLDCO_POSTGRES_USER="nobody").ready().leave()
    assert owners(folder) == {
        **dict.fromkeys(("lock", "users", "alive", "password", "application_password", "pg_hba.conf", "server.log"), "root"),
        **dict.fromkeys(("data", "run"), "nobody"),
    }
    start(folder).ready()
    keeper = keeper_of(folder)
    assert {process.uid for process in processes_of(folder) if process != keeper} == {nobody}


def test_server_has_nothing_of_roots_groups(folder: Path, start: Start) -> None:
    groups = os.getgroups()
    os.setgroups([0, 12345])
    try:
        start(folder).ready()
    finally:
        os.setgroups(groups)
    status = (folder / "data").stat()
    identity = Path(f"/proc/{server_of(folder).pid}/status").read_text()
    assert "Uid:" + f"\t{status.st_uid}" * 4 + "\n" in identity
    assert "Gid:" + f"\t{status.st_gid}" * 4 + "\n" in identity
    assert "Groups:\t \n" in identity


def test_server_knows_nothing_of_roots_environment(folder: Path, start: Start) -> None:
    start(folder, SECRET_OF_ROOT="secret", PGPORT="1", LANG="de_DE.UTF-8").ready()
    environment = Path(f"/proc/{server_of(folder).pid}/environ").read_text().split("\0")
    assert {line.partition("=")[0] for line in environment} - {""} <= {
        *("PATH", "LD_LIBRARY_PATH", "LC_ALL", "TZ"),
        *("PG_OOM_ADJUST_FILE", "PGDATA"),
    }


def test_no_folder_above_is_touched(place: Path, start: Start) -> None:
    above = [place / "checkout", *(place / "checkout").parents]
    above[0].mkdir(mode=0o755)
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
    start(above[0] / ".holdco").ready().leave()
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above] == before
    assert [path.name for path in above[0].iterdir()] == [".holdco"]


async def test_binaries_that_the_servers_user_cannot_read_are_copied_once(place: Path, start: Start) -> None:
    closed = place / "closed"
    closed.mkdir()
    copy_of_wheel(closed)
    closed.chmod(0o700)
    folder = place / "holdco"
    (folder / "postgres-1.0").mkdir(parents=True)
    application = start(folder, PYTHONPATH=str(closed)).ready()
    (copy,) = folder.glob("postgres-*")
    assert str(copy) in server_of(folder).arguments
    assert await answer(application.url, "SELECT 1") == 1
    application.leave()
    made = copy.stat()
    start(folder, PYTHONPATH=str(closed)).ready().leave()
    assert copy.stat().st_ino == made.st_ino


@pytest.fixture
def closed(place: Path) -> Iterator[Path]:
    """A folder like root's home on many machines; what had to move out of a checkout in it is removed again."""
    folder = place / "home"
    folder.mkdir(mode=0o700)
    yield folder
    for moved in folder.glob("*/moved"):
        if not moved.exists():
            continue
        target = moved.readlink()
        assert target.parent == Path("/var/lib")
        wait_for_the_end_of(target)
        shutil.rmtree(target)


async def test_data_moves_out_of_a_closed_folder_and_is_found_again(closed: Path, start: Start) -> None:
    first = start(closed / ".holdco").ready()
    await answer(first.url, "CREATE TABLE kept AS SELECT 7 AS value")
    second = start(closed / ".holdco").ready()
    assert [path.name for path in (closed / ".holdco").iterdir()] == ["moved"]
    assert second.url == first.url
    first.end(signal.SIGKILL)
    second.leave()
    (closed / ".holdco").rename(closed / "renamed")
    third = start(closed / "renamed").ready()
    assert await answer(third.url, "SELECT value FROM kept") == 7
    third.leave()


def test_link_to_data_that_is_gone_is_refused(closed: Path, start: Start) -> None:
    folder = closed / ".holdco"
    folder.mkdir()
    (folder / "moved").symlink_to("/var/lib/holdco-gone")
    assert start(folder).refusal() == (f"{folder}/moved leads nowhere: bring /var/lib/holdco-gone back, or remove the link.")
    assert not Path("/var/lib/holdco-gone").exists()


def test_data_in_a_folder_that_was_closed_is_refused_and_stays(closed: Path, start: Start) -> None:
    closed.chmod(0o755)
    start(closed / ".holdco").ready().leave()
    closed.chmod(0o700)
    owner = (closed / ".holdco/data").stat().st_uid
    assert start(closed / ".holdco").refusal() == (
        f"Root runs the server as user {owner}, who cannot enter {closed}: "
        "`chmod o+x` it, choose another data folder, or set DATABASE_URL."
    )
    assert not os.path.lexists(closed / ".holdco/moved")
    closed.chmod(0o711)
    start(closed / ".holdco").ready().leave()
