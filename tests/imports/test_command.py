"""`holdco import zoho` as people type it, on a database of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco.database import create_engine
from holdco.imports.summary import ERRORS_SHOWN_MAX
from holdco.migrations.metadata import metadata
from holdco.organizations.service import ensure
from holdco.settings import DEFAULT_ORGANIZATION_ID
from imports.exports import ALDGATE


class Ended(NamedTuple):
    status: int | None
    printed: list[str]
    told: list[str]


Run = Callable[..., Awaitable[Ended]]
FILES = [f"--{name}={ALDGATE / name}.csv" for name in ("contacts", "invoices", "payments")]
DATES = "--date-format=yyyy-MM-dd"


@pytest.fixture
async def own(clone: Callable[[], Any]) -> AsyncIterator[str]:
    async with clone() as url:
        yield url


@pytest.fixture
async def database(own: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(own, pool_size=1)
    await ensure(engine, DEFAULT_ORGANIZATION_ID)
    yield engine
    await engine.dispose()


@pytest.fixture
def run(own: str) -> Run:
    """The command in a process of its own, into pipes."""

    async def command(*arguments: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("holdco")),
            "import",
            "zoho",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "DATABASE_URL": own},
        )
        printed, told = await process.communicate()
        return Ended(process.returncode, printed.decode().splitlines(), told.decode().splitlines())

    return command


async def counts(engine: AsyncEngine) -> dict[str, int]:
    """How many rows each table has."""
    async with directly(engine, DEFAULT_ORGANIZATION_ID) as connection:
        return {
            name: (await connection.execute(text(f"select count(*) from {name}"))).scalar_one()
            for name in sorted(metadata.tables)
        }


async def test_it_tells_what_came_in_and_a_second_time_that_all_is_here(run: Run, database: AsyncEngine) -> None:
    first = await run(*FILES, DATES)
    assert (first.status, first.told) == (0, [])
    assert first.printed[:13] == [
        "Imported:",
        "  8 customers",
        "  6 contacts",
        "  5 links to a parent",
        "  3 customer groups",
        "  8 group memberships",
        "  7 invoices",
        "  9 invoice lines",
        "  2 payments",
        "  3 allocations",
        "  issued in GBP: 2800.00, of which 800.00 is left to pay",
        "  issued in USD: 171.00, of which 150.00 is left to pay",
        "payments.csv: payments by “Barter”, 1 of them, are recorded as OTHER.",
    ]
    assert [line.partition(":")[0] for line in first.printed[13:]] == ["contacts.csv", "invoices.csv", "payments.csv"]
    before = await counts(database)
    second = await run(*FILES, DATES)
    assert second.status == 0
    assert second.printed[:4] == [
        "Imported:",
        "  0 customers; 8 here already, left as they are",
        "  0 invoices; 7 here already, left as they are",
        "  0 payments; 2 here already, left as they are",
    ]
    assert await counts(database) == before


async def test_a_dry_run_says_so_and_writes_nothing(run: Run, database: AsyncEngine) -> None:
    before = await counts(database)
    ended = await run(*FILES, DATES, "--dry-run")
    assert (ended.status, ended.printed[:2]) == (0, ["This is what would be imported. Nothing was written.", "  8 customers"])
    assert await counts(database) == before


async def test_errors_go_to_standard_error_with_status_1(run: Run, database: AsyncEngine) -> None:
    before = await counts(database)
    ended = await run(*FILES[:2], DATES)
    assert (ended.status, ended.printed) == (1, [])
    assert ended.told[-1] == "3 errors. Nothing was imported."
    assert ended.told[1].startswith("invoices.csv, line 5, Balance: 300.00 of 800.00 GBP are left to pay, but not who paid")
    assert await counts(database) == before


async def test_of_many_errors_the_first_are_told_and_how_many_more_there_are(
    run: Run, database: AsyncEngine, tmp_path: Path
) -> None:
    file = tmp_path / "contacts.csv"
    rows = [f"Customer {number},{number},robot" for number in range(ERRORS_SHOWN_MAX + 23)]
    file.write_text("\n".join(["Display Name,Customer ID,Customer Sub Type", *rows]), encoding="utf-8")
    before = await counts(database)
    ended = await run(f"--contacts={file}", DATES)
    assert ended.status == 1
    assert ended.told[0] == "contacts.csv, line 2, Customer Sub Type: “robot” is not known here. Known are: business, individual."
    assert ended.told[ERRORS_SHOWN_MAX:] == ["… and 23 more.", "123 errors. Nothing was imported."]
    assert await counts(database) == before


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([DATES], 2, "Give at least one file"),
        ([FILES[0]], 2, "Missing option '--date-format'"),
        ([FILES[0], "--date-format=dd/MM/yy"], 1, "holdco: The date format 'dd/MM/yy' has 'yy' in it."),
        (["--contacts=nowhere.csv", DATES], 1, "nowhere.csv: There is no such file."),
    ],
)
async def test_what_cannot_be_run_is_told_in_a_sentence(run: Run, arguments: list[str], status: int, told: str) -> None:
    ended = await run(*arguments)
    assert (ended.status, ended.printed) == (status, [])
    assert told in "\n".join(ended.told)


async def test_without_its_organization_a_database_is_refused(run: Run) -> None:
    ended = await run(*FILES, DATES)
    assert (ended.status, ended.printed) == (1, [])
    assert ended.told == ["holdco: There is no such organization yet. Run `holdco migrate` first, which makes it."]
