"""`holdco export zoho` as people type it, on a database of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import demo_company
from holdco.database import create_engine
from holdco.organizations.service import ensure
from holdco.settings import DEFAULT_ORGANIZATION_ID


class Ended(NamedTuple):
    status: int | None
    printed: list[str]
    told: list[str]


Run = Callable[..., Awaitable[Ended]]


@pytest.fixture
async def run(clone: Callable[[], Any]) -> AsyncIterator[Run]:
    """The command in a process of its own, into pipes, on the demo company."""
    async with clone() as url:
        engine = create_engine(url, pool_size=1)
        await ensure(engine, DEFAULT_ORGANIZATION_ID)
        await engine.dispose()
        await demo_company.load(url, DEFAULT_ORGANIZATION_ID)

        async def command(*arguments: str) -> Ended:
            process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("holdco")),
                "export",
                "zoho",
                *arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "DATABASE_URL": url},
            )
            printed, told = await process.communicate()
            return Ended(process.returncode, printed.decode().splitlines(), told.decode().splitlines())

        yield command


async def test_it_tells_what_was_written_and_refuses_to_replace_it(run: Run, tmp_path: Path) -> None:
    files = [f"--{name}={tmp_path / name}.csv" for name in ("contacts", "invoices", "payments")]
    first = await run(*files)
    assert (first.status, first.told) == (0, [])
    assert first.printed[:11] == [
        "Exported:",
        "  14 customers",
        "  11 contacts",
        "  23 invoices",
        "  25 invoice lines",
        "  3 payments",
        "  3 applications of payments",
        f"{tmp_path}/contacts.csv: 25 rows",
        f"{tmp_path}/invoices.csv: 25 rows",
        f"{tmp_path}/payments.csv: 5 rows",
        "Not kept by these files:",
    ]
    again = await run(*files)
    assert (again.status, again.printed) == (1, [])
    assert again.told[0].startswith(f"holdco: {tmp_path}/contacts.csv is there already.")
    assert len(again.told) == 3
    nothing = await run("--force")
    assert (nothing.status, nothing.printed) == (2, [])
    assert "Give at least one file: --contacts" in " ".join(nothing.told)
