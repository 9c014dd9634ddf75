"""Who comes later attaches, who leaves takes nothing from the others, and the last one stops the server."""

import shutil
import signal
from pathlib import Path

import pytest

from embedded.conftest import Start, with_one_account
from embedded.running import answer, processes_of, wait_for_the_end_of

START_TIME = "SELECT pg_postmaster_start_time()::text"


async def test_second_process_attaches_and_works_on_when_the_first_has_left(folder: Path, start: Start) -> None:
    first = start(folder).ready()
    started = await answer(first.url, START_TIME)
    second = start(folder).ready()
    first.leave()
    assert await answer(second.url, START_TIME) == started
    second.leave()
    assert processes_of(folder) == []


@with_one_account
async def test_who_was_killed_takes_the_server_from_nobody(folder: Path, start: Start) -> None:
    first, second = start(folder).ready(), start(folder).ready()
    started = await answer(first.url, START_TIME)
    first.end(signal.SIGKILL)
    third = start(folder).ready()
    second.leave()
    assert await answer(third.url, START_TIME) == started
    third.leave()
    assert processes_of(folder) == []


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_an_application_that_ends_by(by: signal.Signals, folder: Path, start: Start) -> None:
    application = start(folder).ready()
    assert len(processes_of(folder)) > 2
    application.end(by)
    wait_for_the_end_of(folder)


@with_one_account
def test_no_process_outlives_an_application_whose_folder_was_removed(place: Path, start: Start) -> None:
    application = start(place / "holdco").ready()
    assert len(processes_of(place)) > 2
    shutil.rmtree(place / "holdco")
    application.leave()
    wait_for_the_end_of(place)


@with_one_account
async def test_starting_again_changes_nothing(folder: Path, start: Start) -> None:
    application = start(folder).ready()
    started = await answer(application.url, START_TIME)
    url = application.url
    assert application.start_again().url == url
    assert await answer(url, START_TIME) == started
    application.leave()
    assert processes_of(folder) == []


async def test_data_and_password_are_there_after_a_stop(folder: Path, start: Start) -> None:
    first = start(folder).ready()
    await answer(first.url, "CREATE TABLE kept_over_a_stop AS SELECT 7 AS value")
    first.leave()
    second = start(folder).ready()
    assert second.url == first.url
    assert await answer(second.url, "SELECT value FROM kept_over_a_stop") == 7
