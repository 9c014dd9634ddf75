"""Where exports go: files are whole or not there, nobody's file is lost, and what is wrong is told before anything is read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from exports.conftest import Export
from holdco.exports.snapshot import BATCH
from holdco.exports.writing import Sheet, TargetRefused
from holdco.exports.zoho import export_zoho
from holdco.imports.problems import DateFormatRefused, OrganizationUnknown
from holdco.imports.progress import Silent
from stories import Story


def found_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_that_is_there_is_replaced_only_where_that_is_asked_for(
    export: Export, story: Story, paths: dict[str, Path]
) -> None:
    paths["contacts"].write_text("mine", encoding="utf-8")
    with pytest.raises(TargetRefused) as refusal:
        await export("contacts", "invoices")
    assert str(refusal.value) == f"{paths['contacts']} is there already. Choose another name, or replace it with --force."
    assert (paths["contacts"].read_text(encoding="utf-8"), paths["invoices"].exists()) == ("mine", False)
    await story.customer("Aldgate")
    report = await export("contacts", is_overwriting=True)
    assert report.rows == {paths["contacts"]: 1}
    assert "Aldgate" in paths["contacts"].read_text(encoding="utf-8")


async def test_everything_that_is_wrong_with_the_paths_is_told_at_once(
    engine: AsyncEngine, organization_id: UUID, tmp_path: Path
) -> None:
    files = {
        "contacts": tmp_path / "a.csv",
        "invoices": tmp_path / "nowhere" / ".." / "a.csv",
        "payments": tmp_path / "nowhere" / "p.csv",
        "price_lists": tmp_path,
        "credit_notes": Path("/dev/null"),
    }
    with pytest.raises(TargetRefused) as refusal:
        await export_zoho(engine, organization_id, files=files, date_format="yyyy-MM-dd", is_overwriting=True)
    assert str(refusal.value).splitlines() == [
        f"--contacts and --invoices both name {files['invoices']}.",
        f"{files['payments']} cannot be written: there is no folder {tmp_path / 'nowhere'}.",
        f"{tmp_path} cannot be written: it is no file.",
        "/dev/null cannot be written: it is no file.",
    ]
    assert found_in(tmp_path) == []


async def test_no_file_of_a_set_appears_before_all_are_complete(
    export: Export, story: Story, tmp_path: Path, paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at the last row of the second file."""
    customer = await story.customer("Aldgate")
    await story.invoice(customer, "1")
    paths["contacts"].write_text("mine", encoding="utf-8")
    seen: list[list[str]] = []
    complete = Sheet.close

    def close(sheet: Sheet) -> None:
        seen.append(found_in(tmp_path))
        if sheet.path == paths["invoices"]:
            raise OSError(28, "No space left on device")
        complete(sheet)

    monkeypatch.setattr(Sheet, "close", close)
    with pytest.raises(TargetRefused) as refusal:
        await export("contacts", "invoices", is_overwriting=True)
    assert str(refusal.value) == f"{paths['invoices']} cannot be written: No space left on device."
    assert [name for name in seen[-1] if name.endswith(".part")] == [
        name for name in seen[-1] if name.startswith((".contacts.csv.", ".invoices.csv."))
    ]
    assert len(seen[-1]) == 3
    assert found_in(tmp_path) == ["contacts.csv"]
    assert paths["contacts"].read_text(encoding="utf-8") == "mine"


async def test_an_organization_that_there_is_not_leaves_no_file(engine: AsyncEngine, tmp_path: Path) -> None:
    with pytest.raises(OrganizationUnknown):
        await export_zoho(engine, uuid4(), files={"contacts": tmp_path / "c.csv"}, date_format="yyyy-MM-dd")
    assert found_in(tmp_path) == []


@pytest.mark.parametrize("pattern", ["dd/MM/yy", "soon", ""])
async def test_a_form_of_dates_that_cannot_be_read_again_is_refused(export: Export, tmp_path: Path, pattern: str) -> None:
    with pytest.raises(DateFormatRefused):
        await export("contacts", date_format=pattern)
    assert found_in(tmp_path) == []


async def test_an_organization_sees_only_its_own(export: Export, other: UUID, story: Story, paths: dict[str, Path]) -> None:
    await story.customer("Aldgate")
    report = await export(of=other)
    assert set(report.rows.values()) == {0}
    assert report.left_out == []
    assert "Aldgate" not in paths["contacts"].read_text(encoding="utf-8")


_MANY = """
    insert into customers (organization_id, id, number, name, kind, status, currency, created_at, updated_at, version)
    select :o, gen_random_uuid(), 'N' || n, 'Name', 'BUSINESS', 'ACTIVE', 'USD', now(), now(), 1
    from generate_series(cast(:first as integer), cast(:last as integer)) as n
"""


async def test_memory_does_not_grow_with_the_rows(
    export: Export, engine: AsyncEngine, organization_id: UUID, paths: dict[str, Path]
) -> None:
    """Six batches take no more than two."""

    async def peak(first: int, last: int) -> int:
        async with directly(engine, organization_id) as connection:
            await connection.execute(text(_MANY), {"o": organization_id, "first": first, "last": last})
        tracemalloc.start()
        try:
            report = await export("contacts", is_overwriting=True)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert report.rows[paths["contacts"]] == last

    few = await peak(1, 2 * BATCH)
    many = await peak(2 * BATCH + 1, 6 * BATCH)
    assert many < few * 1.5


async def test_progress_is_told_by_customers_and_documents(
    engine: AsyncEngine, organization_id: UUID, story: Story, paths: dict[str, Path]
) -> None:
    customer = await story.customer("Aldgate")
    await story.invoice(customer, "1")
    steps: list[tuple[str, int | None]] = []
    reached: list[int] = []

    class Watching(Silent):
        def begin(self, step: str, *, total: int | None = None) -> None:
            steps.append((step, total))

        def reach(self, done: int) -> None:
            reached.append(done)

    files: dict[str, Path] = {name: paths[name] for name in ("contacts", "invoices")}
    await export_zoho(engine, organization_id, files=files, date_format="yyyy-MM-dd", progress=Watching())
    assert (steps, reached) == ([("Writing customers", 1), ("Writing invoices", 1)], [1, 1])


def test_a_heading_stands_once(tmp_path: Path) -> None:
    def begin(headings: Sequence[str]) -> None:
        sheet = Sheet(tmp_path / "x.csv", tmp_path / f"{uuid4()}.part")
        try:
            sheet.begin(headings)
        finally:
            sheet.discard()

    begin(["Name", "Number"])
    with pytest.raises(AssertionError):
        begin(["Name", "Name"])
