"""Exports what `imports.zoho` imports, in the headings of Zoho Books: all files from one snapshot, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.exports import contacts, invoices, left_out, payments, price_lists
from holdco.exports.contacts import WrittenCustomers
from holdco.exports.invoices import WrittenInvoices
from holdco.exports.payments import WrittenSources
from holdco.exports.price_lists import WrittenPriceLists
from holdco.exports.snapshot import Snapshot, snapshot
from holdco.exports.writing import Sheet, sheets
from holdco.imports.progress import Silent, Watcher
from holdco.imports.values import DateFormat

FILES = ("price_lists", "contacts", "invoices", "payments", "credit_notes")


@dataclass(slots=True)
class Report:
    """What was written. `left_out` are sentences about what was not, or will not be imported again."""

    rows: dict[Path, int] = field(default_factory=dict)
    price_lists: WrittenPriceLists = field(default_factory=WrittenPriceLists)
    customers: WrittenCustomers = field(default_factory=WrittenCustomers)
    invoices: WrittenInvoices = field(default_factory=WrittenInvoices)
    payments: WrittenSources = field(default_factory=WrittenSources)
    credit_notes: WrittenSources = field(default_factory=WrittenSources)
    left_out: list[str] = field(default_factory=list)


async def export_zoho(
    engine: AsyncEngine,
    organization_id: UUID,
    *,
    files: Mapping[str, Path],
    date_format: str,
    is_overwriting: bool = False,
    progress: Watcher | None = None,
) -> Report:
    """`files` are paths by their names in FILES, any of them.

    Raises DateFormatRefused; TargetRefused, with everything that is wrong with the paths; OrganizationUnknown; Outage. Whatever
    it raises, no file was written and none replaced.
    """
    dates = DateFormat(date_format)
    with sheets(files, is_overwriting=is_overwriting) as targets:
        async with snapshot(engine, organization_id) as taken:
            report = await _write(taken, targets, dates, progress or Silent())
        report.rows = {sheet.path: sheet.row_count for sheet in targets.values()}
    return report


async def _write(taken: Snapshot, targets: Mapping[str, Sheet], dates: DateFormat, progress: Watcher) -> Report:
    report = Report()
    if sheet := targets.get("price_lists"):
        report.price_lists = await price_lists.write(taken, sheet, progress)
    if sheet := targets.get("contacts"):
        report.customers = await contacts.write(taken, sheet, dates, progress)
    if sheet := targets.get("invoices"):
        report.invoices = await invoices.write(taken, sheet, dates, progress)
    if sheet := targets.get("payments"):
        report.payments = await payments.write_payments(taken, sheet, dates, progress)
    if sheet := targets.get("credit_notes"):
        report.credit_notes = await payments.write_credit_notes(taken, sheet, dates, progress)
    report.left_out = await left_out.told(taken, targets)
    for name in report.customers.custom_fields_left_out:
        report.left_out.append(f"The custom field “{name}” is not in the file: there is another of nearly the same name.")
    return report


def summary(report: Report) -> Iterator[str]:
    """What was written, for people to read; then what was not."""
    counted = (
        ("price list", report.price_lists.price_lists),
        ("rate of an item", report.price_lists.rates),
        ("customer", report.customers.customers),
        ("contact", report.customers.contacts),
        ("invoice", report.invoices.invoices),
        ("invoice line", report.invoices.lines),
        ("payment", report.payments.count),
        ("application of payments", report.payments.applications),
        ("credit note", report.credit_notes.count),
        ("application of credit notes", report.credit_notes.applications),
    )
    yield "Exported:"
    for noun, count in counted:
        if count:
            yield f"  {count:,} {noun if count == 1 else _plural(noun)}"
    for path, rows in report.rows.items():
        yield f"{path}: {rows:,} rows"
    if report.left_out:
        yield "Not kept by these files:"
    for sentence in report.left_out:
        yield f"  {sentence}"


def _plural(noun: str) -> str:
    first, of, rest = noun.partition(" of ")
    return f"{first}s{of}{rest}"
