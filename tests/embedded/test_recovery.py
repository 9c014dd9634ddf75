"""What is left by processes that were killed stops nobody and harms nobody."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.conftest import Start, with_one_account
from embedded.running import Account, answer, eventually, keeper_of, kill, processes_of, server_of, wait_for_the_end_of

pytestmark = with_one_account


async def test_committed_rows_survive_a_kill_of_the_server(folder: Path, start: Start) -> None:
    first = start(folder).ready()
    await answer(first.url, "CREATE TABLE kept_over_a_kill AS SELECT 7 AS value")
    kill(server_of(folder), folder)
    second = start(folder).ready()
    assert await answer(second.url, "SELECT value FROM kept_over_a_kill") == 7
    first.leave()
    assert await answer(second.url, "SELECT value FROM kept_over_a_kill") == 7
    second.leave()
    assert processes_of(folder) == []


async def test_starting_again_revives_a_server_that_was_killed(folder: Path, start: Start) -> None:
    application = start(folder).ready()
    kill(server_of(folder), folder)
    assert await answer(application.start_again().url, "SELECT current_user") == "holdco"
    application.leave()
    assert processes_of(folder) == []


async def test_committed_rows_survive_a_kill_of_everything_at_once(folder: Path, start: Start) -> None:
    first = start(folder).ready()
    await answer(first.url, "CREATE TABLE kept_over_all_kills AS SELECT 7 AS value")
    for pid in (keeper_of(folder).pid, first.pid, *(process.pid for process in processes_of(folder))):
        os.kill(pid, signal.SIGKILL)
    second = start(folder).ready()
    assert await answer(second.url, "SELECT value FROM kept_over_all_kills") == 7
    second.leave()
    assert processes_of(folder) == []


def test_last_user_stops_a_server_that_has_lost_its_keeper(folder: Path, start: Start) -> None:
    first, second = start(folder).ready(), start(folder).ready()
    kill(keeper_of(folder), folder)
    first.leave()
    assert server_of(folder).pid in {process.pid for process in processes_of(folder)}
    second.leave()
    assert processes_of(folder) == []


async def test_server_that_has_lost_its_keeper_and_its_users_is_replaced(folder: Path, start: Start) -> None:
    first = start(folder).ready()
    orphan = server_of(folder)
    kill(keeper_of(folder), folder)
    first.end(signal.SIGKILL)
    assert orphan in processes_of(folder)
    second = start(folder).ready()
    assert orphan not in processes_of(folder)
    assert await answer(second.url, "SELECT current_user") == "holdco"
    second.end(signal.SIGKILL)
    wait_for_the_end_of(folder)


@pytest.fixture
def bystander(folder: Path) -> Iterator[int]:
    """A living process of the server's user, which has nothing to do with it."""
    status = (folder / "data").stat()
    owner = Account("the server's user", status.st_uid, status.st_gid)
    process = subprocess.Popen(["sleep", "600"], cwd="/", **owner.identity)
    yield process.pid
    assert process.poll() is None, "somebody has killed a process that was not theirs"
    process.kill()
    process.wait()


async def test_stale_files_that_name_a_pid_used_again_stop_nobody(folder: Path, start: Start, bystander: int) -> None:
    first = start(folder).ready()
    left = [folder / "data/postmaster.pid", folder / "run/.s.PGSQL.5432.lock"]
    texts = [path.read_text() for path in left]
    pid = str(server_of(folder).pid)
    first.leave()
    for path, text in zip(left, texts, strict=True):
        path.write_text(text.replace(pid, str(bystander), 1))
    second = start(folder).ready()
    assert await answer(second.url, "SELECT current_user") == "holdco"
    second.leave()
    assert processes_of(folder) == []


def test_pid_file_that_lies_makes_nobody_kill_a_bystander(folder: Path, start: Start, bystander: int) -> None:
    application = start(folder).ready()
    kill(keeper_of(folder), folder)
    server = server_of(folder)
    pid_file = folder / "data/postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(server.pid), str(bystander), 1))
    application.begin_to_leave()
    eventually(lambda: is_held_alone(folder / "users"))  # it has found itself the last one, and stops what the file names
    os.kill(server.pid, signal.SIGINT)
    application.leave()
    assert processes_of(folder) == []


def is_held_alone(path: Path) -> bool:
    """Whether somebody holds its lock exclusively, without touching that lock."""
    inode = path.stat().st_ino
    return any(f":{inode} " in line and " WRITE " in line for line in Path("/proc/locks").read_text().splitlines())


def test_large_log_is_put_aside_at_the_next_start(folder: Path, start: Start, account: Account) -> None:
    log = folder / "server.log"
    log.write_text("x" * 10_000_001)
    start(folder).ready().leave()
    old = folder / "server.log.1"
    assert old.stat().st_size == 10_000_001
    old.unlink()
    assert 0 < log.stat().st_size < 10_000
    assert log.stat().st_uid == account.uid
    assert log.stat().st_mode & 0o777 == 0o600
