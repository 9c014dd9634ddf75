"""`holdco verify` and what it stands on: nothing that clients do makes it complain, and it reads one snapshot."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from conftest import Execute
from directly import directly
from holdco.database import create_engine
from holdco.organizations.service import ensure
from holdco.settings import DEFAULT_ORGANIZATION_ID
from holdco.verification.service import CHECKS, OrganizationUnknown, verify
from stories import Story
from verification.accounts import keep


@pytest.fixture
def story(execute: Execute, engine: AsyncEngine, organization_id: UUID) -> Story:
    return Story(execute, engine, organization_id)


async def holdco(*arguments: str, **environment: str) -> tuple[int | None, str, str]:
    """Runs the command; its status and what it printed, to people and to the log."""
    command = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("holdco")),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    printed, told = await command.communicate()
    return command.returncode, printed.decode(), told.decode()


async def test_an_empty_organization_adds_up(engine: AsyncEngine, organization_id: UUID) -> None:
    report = await verify(engine, organization_id)
    assert report.is_clean
    assert set(report.counts.values()) == {0}


async def test_an_unknown_organization_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(OrganizationUnknown):
        await verify(engine, uuid4())


async def test_everything_is_read_from_one_snapshot_that_cannot_write(
    engine: AsyncEngine, organization_id: UUID, counting: Callable[[], Any]
) -> None:
    with counting() as issued:
        await verify(engine, organization_id)
    assert len(issued) == 1 + len(CHECKS)


async def test_a_verification_while_money_moves_sees_no_half_of_it(story: Story, engine: AsyncEngine) -> None:
    office = await story.customer("Head office")
    branches = [await story.customer(f"Branch {number}", under=office) for number in range(3)]
    for branch in branches:
        await story.invoice(branch, "1000")

    async def pay() -> None:
        for _ in range(8):
            payment = await story.payment(office, "30", apply={"strategy": "PROPORTIONAL"})
            await story.do("paymentReverse", id=payment, reason="again")

    paying = [asyncio.create_task(pay()) for _ in range(3)]
    rounds = 0
    while not all(task.done() for task in paying):
        report = await verify(engine, story.organization_id)
        assert report.problems == []
        rounds += 1
    await asyncio.gather(*paying)
    assert rounds > 1


async def test_the_command_tells_what_adds_up_and_what_does_not(clone: Callable[[], Any]) -> None:
    async with clone() as url:
        engine = create_engine(url, pool_size=1)
        await ensure(engine, DEFAULT_ORGANIZATION_ID)
        accounts = await keep(engine, DEFAULT_ORGANIZATION_ID)
        assert await holdco("verify", DATABASE_URL=url) == (
            0,
            "Everything adds up: 5 customers, 8 invoices, 3 payments, 1 credit note, 10 allocations; 18 checks.\n",
            "",
        )
        # What the database itself cannot refuse: two cached figures that fit one another, and not the ledger.
        await accounts.corrupt(
            "update payments set allocated = 0, unapplied = amount where organization_id = :organization_id and id = :payment"
        )
        status, printed, told = await holdco("verify", DATABASE_URL=url)
        await engine.dispose()
    payment = accounts.names["payment"]
    assert status == 1
    assert printed.splitlines()[0].startswith("payment-amounts: 2 wrong. A payment's amount is ")
    assert printed.splitlines()[1:] == [
        f"  {payment}  allocated: 0.00 USD, expected 175.00 USD",
        f"  {payment}  unapplied: 300.00 USD, expected 125.00 USD",
    ]
    assert told == "1 of 18 checks failed on 5 customers, 8 invoices, 3 payments, 1 credit note, 10 allocations.\n"


async def test_the_command_says_so_when_the_schema_is_not_there(clone: Callable[[], Any]) -> None:
    async with clone() as url:
        engine = create_engine(url, pool_size=1)
        async with directly(engine) as connection:
            await connection.execute(text("drop table alembic_version"))
        await engine.dispose()
        assert await holdco("verify", DATABASE_URL=url) == (
            1,
            "",
            "holdco: The database is not at the newest schema. Run `holdco migrate` first.\n",
        )
