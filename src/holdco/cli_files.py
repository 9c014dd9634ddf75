"""`holdco import` and `holdco export`: customers, documents and price lists as files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from holdco import running
from holdco.settings import Settings

import_app = typer.Typer(help="Brings customers, price lists, invoices and payments in from other systems.", no_args_is_help=True)
export_app = typer.Typer(help="Writes customers, price lists, invoices and payments for other systems.", no_args_is_help=True)


@import_app.command("zoho")
def import_from_zoho(
    date_format: Annotated[str, typer.Option(help="How the files write dates: yyyy-MM-dd, dd/MM/yyyy, MM/dd/yyyy or %Y-%m-%d.")],
    contacts: Annotated[Path | None, typer.Option(help="The export of customers.")] = None,
    invoices: Annotated[Path | None, typer.Option(help="The export of invoices.")] = None,
    payments: Annotated[Path | None, typer.Option(help="The export of payments, which tells who paid which invoice.")] = None,
    price_lists: Annotated[
        Path | None,
        typer.Option(help="The export of price lists; items that are not here are made. Customers name theirs in Price List."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but keep it, and tell what would be imported.")
    ] = False,
) -> None:
    """Imports what Zoho Books exports as CSV: all of it or, with status 1 and every error, nothing. Twice changes nothing."""
    from holdco.imports import progress, summary  # noqa: PLC0415 (other commands start without it)
    from holdco.imports.zoho import Files, Report, import_zoho  # noqa: PLC0415

    files = Files(contacts, invoices, payments, price_lists)
    if not any((contacts, invoices, payments, price_lists)):
        raise typer.BadParameter("Give at least one file: --contacts, --invoices, --payments or --price-lists.")

    async def run(settings: Settings, watcher: progress.Watcher) -> Report:
        await running.check_schema(settings)
        async with running.engine_of(settings) as engine:
            return await import_zoho(
                engine,
                settings.organization_id,
                actor="import",
                files=files,
                date_format=date_format,
                is_dry_run=dry_run,
                progress=watcher,
            )

    with running.database(Settings.from_environment()) as settings, progress.bars() as watcher:
        report = asyncio.run(run(settings, watcher))
    for line in summary.errors(report) if report.error_count else summary.result(report):
        typer.echo(line, err=bool(report.error_count))
    if report.error_count:
        raise typer.Exit(1)


@export_app.command("zoho")
def export_for_zoho(
    contacts: Annotated[Path | None, typer.Option(help="Customers with their contacts, parents and groups.")] = None,
    invoices: Annotated[Path | None, typer.Option(help="Invoices, a row for each line.")] = None,
    payments: Annotated[Path | None, typer.Option(help="Payments, a row for each invoice that they were applied to.")] = None,
    price_lists: Annotated[Path | None, typer.Option(help="Price lists, a row for each rate of an item.")] = None,
    credit_notes: Annotated[Path | None, typer.Option(help="Credit notes, which the import does not read.")] = None,
    date_format: Annotated[str, typer.Option(help="How to write dates, as for the import.")] = "yyyy-MM-dd",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Writes CSV files in the headings of Zoho Books, which `holdco import zoho` reads again.

    All files show the same instant, and are complete or not there. Columns that Zoho does not have (parents and what they may
    do, groups, numbers, taxes) stand behind its own. Customers and documents have the ids that Zoho gave them, else ours.

    What these files cannot hold is counted at the end: client users, projects and history; ranks, descriptions and terms of
    groups; reversed payments, and applications that were taken back; what credit notes paid.

    Texts are written as they are. One that begins with = + - or @ is a formula to spreadsheets: open files with texts from
    others as text, or do not open them there.
    """
    from holdco.exports import zoho  # noqa: PLC0415 (other commands start without it)
    from holdco.imports import progress  # noqa: PLC0415

    given = {
        "price_lists": price_lists,
        "contacts": contacts,
        "invoices": invoices,
        "payments": payments,
        "credit_notes": credit_notes,
    }
    files = {name: path for name, path in given.items() if path is not None}
    if not files:
        raise typer.BadParameter("Give at least one file: --contacts, --invoices, --payments, --price-lists or --credit-notes.")

    async def run(settings: Settings, watcher: progress.Watcher) -> zoho.Report:
        await running.check_schema(settings)
        async with running.engine_of(settings) as engine:
            return await zoho.export_zoho(
                engine,
                settings.organization_id,
                files=files,
                date_format=date_format,
                is_overwriting=force,
                progress=watcher,
            )

    with running.database(Settings.from_environment()) as settings, progress.bars() as watcher:
        report = asyncio.run(run(settings, watcher))
    for line in zoho.summary(report):
        typer.echo(line)
