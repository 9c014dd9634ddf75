"""What is exported and imported into an empty organization is there again, to the cent; what is not was told."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import demo_company
from exports.companies import Company
from exports.conftest import Export, Import
from exports.pictures import picture
from holdco.imports import zoho
from holdco.verification.service import verify
from stories import Story

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "2"))
ZOHO = Path(__file__).parents[1] / "imports" / "aldgate"

NOT_KEPT = """\
Client users (4) are not in the file: who logs in is invited anew.
References to other systems (2) are not in the file.
Of groups (3) the file has names and members; their ranks, descriptions and terms are not in it.
Invoices that credit notes have paid, in part or in whole (1): credit notes are not imported, so that much more of them is left \
to pay where the file is imported.
Invoices with terms or prices of a customer, a group or a price list (5): the values are in the file, where they came from is not.
Credit notes (1) are in a file for others: `holdco import zoho` does not read it.
Items that stand in no list of rates (3) are not in the file.\
""".splitlines()


async def test_the_demo_company(
    database_url: str,
    engine: AsyncEngine,
    organization_id: UUID,
    other: UUID,
    export: Export,
    bring_in: Import,
) -> None:
    await demo_company.load(database_url, organization_id)
    report = await export(date_format="dd/MM/yyyy")
    assert report.left_out == NOT_KEPT
    brought = await bring_in(other, date_format="dd/MM/yyyy")
    assert brought.notes == [
        "invoices.csv: credit notes have paid 350.00 USD. They are not imported: so much more is left to pay."
    ]
    assert await picture(engine, other) == await picture(engine, organization_id)
    assert (await verify(engine, other)).is_clean


@pytest.mark.parametrize("seed", range(EXAMPLES))
async def test_an_organization_made_by_chance(
    engine: AsyncEngine, story: Story, other: UUID, export: Export, bring_in: Import, seed: int
) -> None:
    await Company(story, Random(seed)).grow()
    before = await story.everything()
    await export(date_format="MMM dd, yyyy")
    assert await story.everything() == before
    await bring_in(other, date_format="MMM dd, yyyy")
    expected, found = await picture(engine, story.organization_id), await picture(engine, other)
    for part, rows in expected.items():
        assert found[part] == rows, part
    assert (await verify(engine, other)).is_clean


async def test_files_of_zoho_come_out_as_they_went_in(
    engine: AsyncEngine, organization_id: UUID, other: UUID, export: Export, bring_in: Import, paths: dict[str, Path]
) -> None:
    """With the ids that Zoho gave, write-offs and taxes of lines."""
    files = zoho.Files(**{name: ZOHO / f"{name}.csv" for name in ("contacts", "invoices", "payments", "price_lists")})
    report = await zoho.import_zoho(engine, organization_id, actor="importer", files=files, date_format="yyyy-MM-dd")
    assert report.errors == []
    await export()
    first = {name: path.read_bytes() for name, path in paths.items()}
    await bring_in(other)
    assert await picture(engine, other) == await picture(engine, organization_id)
    await export(of=other, is_overwriting=True)
    # Times, places in the organization, and ids that only we gave differ.
    assert paths["invoices"].read_bytes() == first["invoices"]
    assert b"3310006000000091011" in first["invoices"]


async def test_into_the_organization_that_it_came_from_it_changes_nothing(
    database_url: str, organization_id: UUID, story: Story, export: Export, bring_in: Import
) -> None:
    await demo_company.load(database_url, organization_id)
    await export()
    before = await story.everything()
    report = await bring_in(organization_id)
    assert (report.customers.skipped, report.invoices_skipped, report.payments_skipped) == (14, 23, 3)
    assert await story.everything() == before
