"""`holdco export zoho` as people type it, on a database of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import demo_company
from holdco.settings import DEFAULT_ORGANIZATION_ID


class Ended(NamedTuple):
    status: int | None
    printed: list[str]
    told: list[str]


Run = Callable[..., Awaitable[Ended]]


@pytest.fixture
async def run(clone: Callable[[], Any]) -> Any:
    """The command in a process of its own, into pipes, on the demo company."""
    async with clone() as url:

        async def command(*arguments: str) -> Ended:
            process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("holdco")),
                *arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "DATABASE_URL": url},
            )
            printed, told = await process.communicate()
            return Ended(process.returncode, printed.decode().splitlines(), told.decode().splitlines())

        assert (await command("migrate")).status == 0
        await demo_company.load(url, DEFAULT_ORGANIZATION_ID)
        yield command


async def test_it_tells_what_was_written_and_refuses_to_replace_it(run: Run, tmp_path: Path) -> None:
    files = [f"--{name}={tmp_path / name}.csv" for name in ("contacts", "invoices", "payments")]
    first = await run("export", "zoho", *files)
    assert (first.status, first.told) == (0, [])
    assert first.printed[:11] == [
        "Exported:",
        "  14 customers",
        "  11 contacts",
        "  22 invoices",
        "  23 invoice lines",
        "  3 payments",
        "  3 applications of payments",
        f"{tmp_path}/contacts.csv: 25 rows",
        f"{tmp_path}/invoices.csv: 23 rows",
        f"{tmp_path}/payments.csv: 5 rows",
        "Not kept by these files:",
    ]
    again = await run("export", "zoho", *files)
    assert (again.status, again.printed) == (1, [])
    assert again.told[0].startswith(f"holdco: {tmp_path}/contacts.csv is there already.")
    assert len(again.told) == 3
    forced = await run("export", "zoho", *files, "--force")
    assert (forced.status, forced.printed) == (0, first.printed)
    back = await run("import", "zoho", "--date-format=yyyy-MM-dd", *files)
    assert (back.status, back.printed[:4]) == (
        0,
        [
            "Imported:",
            "  0 customers; 14 here already, left as they are",
            "  0 invoices; 22 here already, left as they are",
            "  0 payments; 3 here already, left as they are",
        ],
    )


async def test_without_a_file_or_a_form_of_dates_it_says_what_to_give(run: Run, tmp_path: Path) -> None:
    nothing = await run("export", "zoho")
    assert nothing.status == 2
    assert "Give at least one file: --contacts, --invoices, --payments, --price-lists or --credit-notes." in " ".join(
        nothing.told
    )
    short = await run("export", "zoho", f"--contacts={tmp_path / 'c.csv'}", "--date-format=dd/MM")
    assert (short.status, short.printed) == (1, [])
    (sentence,) = short.told
    assert sentence.startswith("holdco: The date format 'dd/MM' needs a year of four digits, a month and a day, each once.")
