"""A set of files: all of it or nothing, twice the same as once, and a dry run nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database, ids
from holdco.ids import Kind
from holdco.imports import problems, staging, zoho
from holdco.imports.problems import DateFormatRefused, ImportConflict, OrganizationUnknown
from holdco.imports.zoho import Files, Report
from holdco.invoices import create as invoices
from holdco.invoices.create import NewInvoice
from holdco.invoices.lines import NewLine
from holdco.verification.service import verify
from imports.exports import LONDON, ROSA, Exports, told
from stories import Story
from waiting import until_somebody_waits

Refused = Callable[..., Awaitable[Report]]


async def test_importing_twice_changes_nothing(exports: Exports, story: Story) -> None:
    await exports.imported()
    once = await story.everything()
    report = await exports.imported()
    assert (report.customers.created, report.customers.skipped) == (0, 8)
    assert (report.invoices_created, report.invoices_skipped) == (0, 7)
    assert (report.payments_created, report.payments_skipped) == (0, 2)
    assert await story.everything() == once


async def test_of_two_imports_at_once_the_second_finds_everything_here(exports: Exports) -> None:
    files = exports.files()
    reports = await asyncio.gather(*(exports.load(files) for _ in range(3)))
    assert sorted((report.customers.created, report.invoices_created, report.payments_created) for report in reports) == [
        (0, 0, 0),
        (0, 0, 0),
        (8, 7, 2),
    ]
    assert all(report.is_imported for report in reports)


async def test_a_number_that_somebody_else_takes_meanwhile_takes_everything_back(
    exports: Exports, engine: AsyncEngine, story: Story
) -> None:
    customer = ids.decode(Kind.CUSTOMER, await story.customer("Somebody"))
    new = NewInvoice(customer, [NewLine(None, None, Decimal(1), Decimal(5))], number="INV-2003")
    async with database.begin(engine, organization_id=exports.organization_id, actor="somebody") as transaction:
        await invoices.create(transaction, new)
        importing = asyncio.create_task(exports.load(exports.files()))
        await until_somebody_waits(engine)
    before = await story.everything()
    with pytest.raises(ImportConflict, match="Nothing was imported; run it again"):
        await importing
    assert await story.everything() == before
    report = await exports.load(exports.files())
    assert told(report) == [("invoices", 6, "Invoice Number", "NUMBER_TAKEN")]


async def test_what_is_here_already_stays_as_it_is(exports: Exports, story: Story) -> None:
    """Skipped, not overwritten: also where the file has changed meanwhile."""
    await exports.imported()
    once = await story.everything()
    exports.contacts.of_key(LONDON)[0] |= {"Display Name": "Another name", "Parent Customer ID": "", "Customer Group": "Another"}
    exports.invoices.of_key("INV-2003")[0] |= {"Total": "1.00", "Invoice Status": "Void"}
    await exports.imported()
    assert await story.everything() == once


async def test_new_rows_of_a_later_export_come_in(exports: Exports) -> None:
    exports.contacts.only(*({row["Customer ID"] for row in exports.contacts.rows} - {ROSA}))
    await exports.imported()
    later = Exports(exports.engine, exports.organization_id, exports.folder)
    later.invoices.add(
        later.invoices.of_key("INV-2003")[0], Invoice_ID="9", Invoice_Number="INV-2009", Customer_ID=ROSA, Customer_Name="Rosa"
    )
    report = await later.imported()
    assert (report.customers.created, report.invoices_created, report.payments_created) == (1, 1, 0)


async def test_a_dry_run_tells_the_same_and_writes_nothing(exports: Exports, story: Story) -> None:
    before = await story.everything()
    dry = await exports.load(exports.files(), is_dry_run=True)
    assert await story.everything() == before
    assert not dry.is_imported
    wet = await exports.imported()
    assert (dry.customers, dry.invoice_lines, dry.allocations, dry.issued) == (
        wet.customers,
        wet.invoice_lines,
        wet.allocations,
        wet.issued,
    )


async def test_a_dry_run_finds_what_is_wrong(exports: Exports, story: Story) -> None:
    before = await story.everything()
    exports.payments.of_key("INV-2002")[0]["Invoice Number"] = "INV-2003"
    report = await exports.load(exports.files(), is_dry_run=True)
    assert told(report) == [("payments", 3, "Invoice Number", "PARENT_PAY_NOT_ALLOWED")]
    assert await story.everything() == before


async def test_an_organization_does_not_see_anothers_import(exports: Exports) -> None:
    await exports.imported()
    other = Exports(exports.engine, uuid4(), exports.folder)
    with pytest.raises(OrganizationUnknown):
        await other.load(other.files())


async def test_a_format_of_dates_that_says_too_little_is_refused_before_anything(exports: Exports) -> None:
    with pytest.raises(DateFormatRefused):
        await exports.load(exports.files(), date_format="dd/MM/yy")


async def test_dates_are_read_as_they_are_said_to_be_and_all_others_told(exports: Exports, refused: Refused) -> None:
    report = await refused(date_format="dd/MM/yyyy")
    assert {(error.file, error.column) for error in report.errors} == {
        ("invoices.csv", "Invoice Date"),
        ("payments.csv", "Date"),
        ("payments.csv", "Invoice Payment Applied Date"),
    }
    for table in (exports.invoices, exports.payments):
        for row in table.rows:
            for heading, cell in row.items():
                if heading.endswith("Date") and cell:
                    row[heading] = "/".join(reversed(cell.split("-")))
    assert (await exports.load(exports.files(), date_format="dd/MM/yyyy")).is_imported


async def test_all_files_are_looked_at_even_when_the_first_cannot_be_read(exports: Exports, refused: Refused) -> None:
    """Customers that nobody could read are not missing."""
    files = exports.files()
    assert files.contacts is not None
    files.contacts.write_bytes(files.contacts.read_bytes() + b"\xff\n")
    exports.invoices.of_key("INV-2003")[0]["Total"] = "1.00"
    (exports.folder / "invoices.csv").write_text(exports.invoices.text(), encoding="utf-8")
    assert told(await refused(files)) == [
        ("contacts", 12, None, "INVALID_INPUT"),
        ("invoices", 6, "Total", "INVALID_INPUT"),
    ]


@pytest.mark.parametrize("name", ["contacts", "invoices", "payments"])
@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (b'"unfinished', "The row that begins here cannot be read"),
        (b"one,two\n", "This row has 2 cells"),
        (b"\xc3(\n", "is not UTF-8"),
        (b"\0\n", "is a NUL"),
    ],
)
async def test_a_file_that_breaks_off_at_its_end_brings_nothing(
    exports: Exports, refused: Refused, name: str, ending: bytes, message: str
) -> None:
    files = exports.files()
    path = exports.folder / f"{name}.csv"
    path.write_bytes(path.read_bytes() + ending)
    report = await refused(files)
    assert report.errors[0].file == f"{name}.csv"
    assert report.errors[0].line == path.read_bytes().count(b"\n", 0, -1) + 1
    assert message in report.errors[0].message


@pytest.mark.parametrize("name", ["contacts", "invoices", "payments"])
async def test_a_heading_twice_a_missing_one_and_an_empty_file_are_refused(exports: Exports, refused: Refused, name: str) -> None:
    path = exports.folder / f"{name}.csv"
    table = exports.contacts if name == "contacts" else exports.invoices if name == "invoices" else exports.payments
    key = {"contacts": "Display Name", "invoices": "Invoice Number", "payments": "Payment Number"}[name]
    contents = [
        "",
        table.text().replace("Currency Code", key.lower(), 1),
        table.text().replace(key, "Something", 1).replace("Customer Name", "Somebody", 1),
    ]
    messages = ["is empty", "stands twice", f"There is no column “{key}”"]
    files = exports.files()
    for content, message in zip(contents, messages, strict=True):
        path.write_text(content, encoding="utf-8")
        report = await refused(files)
        assert report.error_count == 1
        assert message in report.errors[0].message


async def test_a_file_of_another_kind_is_refused(exports: Exports, refused: Refused) -> None:
    files = exports.files()
    assert told(await refused(Files(contacts=files.payments))) == [("payments", 1, None, "INVALID_INPUT")]
    assert told(await refused(Files(payments=files.contacts))) == [("contacts", 1, None, "INVALID_INPUT")]


async def test_an_unknown_column_is_told_but_is_no_error(exports: Exports) -> None:
    exports.contacts.rows[0]["Star sign"] = "Leo"
    report = await exports.imported("contacts")
    assert report.columns_unread["contacts.csv"][-1] == "Star sign"


async def test_files_of_the_same_name_are_told_apart_by_their_folders(exports: Exports, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    contacts, invoices = tmp_path / "a" / "export.csv", tmp_path / "b" / "export.csv"
    contacts.write_text("", encoding="utf-8")
    invoices.write_text("", encoding="utf-8")
    report = await exports.load(Files(contacts=contacts, invoices=invoices))
    assert [error.file for error in report.errors] == [str(contacts), str(invoices)]


async def test_so_many_errors_are_kept_as_anybody_reads(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "KEPT_MAX", 5)
    report = await exports.load(exports.files(), date_format="dd/MM/yyyy")
    assert [error.file for error in report.errors] == ["invoices.csv"] * 5 + ["payments.csv"] * 4
    # Of each invoice and payment its date, and of two applications theirs.
    assert report.error_count == 7 + 2 + 2
    assert not report.is_imported


async def test_a_large_file_is_read_in_batches(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoho, "_BATCH", 2)
    report = await exports.imported()
    assert (report.invoices_created, report.payments_created, report.allocations) == (7, 2, 3)


async def test_many_rows_are_joined_in_another_way_with_the_same_result(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_FEW", 0)
    report = await exports.imported()
    assert (report.invoices_created, report.payments_created, report.allocations) == (7, 2, 3)
    assert (await verify(exports.engine, exports.organization_id)).is_clean


async def test_in_a_later_batch_a_number_that_is_taken_still_takes_everything_back(
    story: Story, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoho, "_BATCH", 2)
    await story.invoice(await story.customer("Here before"), "5.00", number="INV-2004")
    assert told(await refused()) == [("invoices", 7, "Invoice Number", "NUMBER_TAKEN")]


async def test_tabs_instead_of_commas_make_no_difference(exports: Exports) -> None:
    files = exports.files()
    for name, table in (("contacts", exports.contacts), ("invoices", exports.invoices), ("payments", exports.payments)):
        (exports.folder / f"{name}.csv").write_text("\ufeff" + table.text("\t"), encoding="utf-8")
    report = await exports.load(files)
    assert (report.errors, report.invoices_created, report.allocations) == ([], 7, 3)
