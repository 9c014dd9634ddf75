"""Imports what Zoho Books and Zoho Billing export: price lists, contacts, invoices, payments; all of a set of files or nothing
(domain.md 4).

One transaction reads, checks and writes. Whatever is wrong is told by file, line and column, everything at once; then nothing
is written. Rows are looked at by themselves first; what binds them (parents, owners, payments) is looked at where the files
before were sound, so that one mistake is not told as a hundred.

Duplicates are skipped: a customer, an invoice or a payment that is here already, by its id at Zoho, stays as it is, and with
a customer its contacts, parent and groups; so does a price list, by its name, and an item, by its SKU or else its name. Zoho's
other policy, overwriting, is not offered yet: it cannot be undone.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Generic
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database, money
from holdco.database import Transaction, constraint_of, lock_key
from holdco.imports import contacts, invoice_columns, load_customers, opening_balances, payments, price_list_columns, reading
from holdco.imports.contacts import ContactCells, ContactsReader, ReadContacts
from holdco.imports.directory import Lookup
from holdco.imports.headings import Cells, Columns
from holdco.imports.invoice_columns import InvoiceCells
from holdco.imports.invoices import InvoiceReader
from holdco.imports.load_customers import LoadedCustomers
from holdco.imports.load_invoices import Batch, InvoiceLoader, IssuedSum
from holdco.imports.load_payments import PaymentLoader
from holdco.imports.load_price_lists import LoadedPriceLists, PriceListLoader
from holdco.imports.opening_balances import LoadedOpeningBalances
from holdco.imports.payments import PaymentCells, PaymentReader
from holdco.imports.price_list_columns import PriceListCells
from holdco.imports.price_lists import PriceListReader
from holdco.imports.problems import FileRefused, ImportConflict, OrganizationUnknown, Problems, RowError
from holdco.imports.progress import Silent, Watcher
from holdco.imports.reading import Documents, Record, Sheet
from holdco.imports.rows import Row
from holdco.imports.staging import ActivityLog
from holdco.imports.values import DateFormat, shown

# Documents that are looked up together: so many that statements hardly count, so few that memory hardly does.
_BATCH = 2000
# Makes another key of the organization's; without it, it would be the tree's own.
_IMPORTING = 0x5A4F_484F
_TAKE_TURNS = text("select pg_advisory_xact_lock(:key) from organizations where id = :organization_id")


@dataclass(frozen=True, slots=True)
class Files:
    """Each may be left out; what it would bring is then looked for in the database."""

    contacts: Path | None = None
    invoices: Path | None = None
    payments: Path | None = None
    price_lists: Path | None = None

    def shown(self, path: Path) -> str:
        """The name of a file, with its folders where another has the same name."""
        given = (self.contacts, self.invoices, self.payments, self.price_lists)
        names = [each.name for each in given if each is not None and each != path]
        return str(path) if path.name in names else path.name


@dataclass(slots=True)
class Report:
    """What an import did, or with `is_dry_run` or `errors` would have done. `errors` holds at most problems.KEPT_MAX.

    `columns_unread` are headings by file for which there is no place here.
    """

    is_dry_run: bool
    price_lists: LoadedPriceLists = field(default_factory=LoadedPriceLists)
    customers: LoadedCustomers = field(default_factory=LoadedCustomers)
    opening_balances: LoadedOpeningBalances = field(default_factory=LoadedOpeningBalances)
    invoices_created: int = 0
    invoices_skipped: int = 0
    invoice_lines: int = 0
    payments_created: int = 0
    payments_skipped: int = 0
    allocations: int = 0
    issued: list[IssuedSum] = field(default_factory=list)
    columns_unread: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0

    @property
    def is_imported(self) -> bool:
        return not self.is_dry_run and not self.error_count


class _Undone(Exception):
    """Takes the transaction back."""


async def import_zoho(
    engine: AsyncEngine,
    organization_id: UUID,
    *,
    actor: str,
    files: Files,
    date_format: str,
    is_dry_run: bool = False,
    progress: Watcher | None = None,
) -> Report:
    """Imports a set of files, in the organization's name and by `actor`, with dates of one form (rule 4).

    A report with errors means that nothing was written; so does a dry run, which does everything else. Raises
    DateFormatRefused; OrganizationUnknown; ImportConflict when somebody else writes the same numbers meanwhile.
    """
    dates = DateFormat(date_format)
    report = Report(is_dry_run)
    try:
        async with database.begin(engine, organization_id=organization_id, actor=actor) as transaction:
            with _collector_at_rest():
                await _Import(transaction, files, dates, report, progress or Silent()).run()
    except _Undone:
        pass
    except NoResultFound:
        raise OrganizationUnknown from None
    except IntegrityError as error:
        raise ImportConflict(
            f"Somebody else wrote the same at the same time ({constraint_of(error)}). Nothing was imported; run it again."
        ) from error
    return report


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Rows make many objects and no cycles: looking for cycles among them took a sixth of the time of 100,000 invoices."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Import:
    """One run: the files are opened, then read, checked and written one after another."""

    def __init__(self, transaction: Transaction, files: Files, dates: DateFormat, report: Report, progress: Watcher) -> None:
        self.transaction = transaction
        self.files = files
        self.dates = dates
        self.report = report
        self.progress = progress
        self.problems: list[Problems] = []
        self.log = ActivityLog(transaction)
        self.contacts = ReadContacts()
        self.has_all_contacts = True

    @property
    def is_sound(self) -> bool:
        return not any(problems.count for problems in self.problems)

    async def run(self) -> None:
        """Fills the report. Raises _Undone where nothing of it is to remain."""
        price_lists_file = _File(self, self.files.price_lists, price_list_columns.columns_of)
        contacts_file = _File(self, self.files.contacts, contacts.columns_of)
        invoices_file = _File(self, self.files.invoices, invoice_columns.columns_of)
        payments_file = _File(self, self.files.payments, payments.columns_of)
        self._read_contacts(contacts_file)
        await self._lock()
        await self.log.open()
        await self._load_price_lists(price_lists_file)
        invoice_loader = InvoiceLoader(self.transaction, self.log)
        await invoice_loader.open()
        if contacts_file.columns is not None and self.is_sound:
            await self._load_customers(contacts_file.problems, invoice_loader)
        await self._load_invoices(invoices_file, invoice_loader)
        await self._load_payments(payments_file, invoice_loader, invoices_file.problems)
        if self.is_sound:
            await self.log.flush(is_last=True)
            self.report.issued = await invoice_loader.sums()
        for problems in self.problems:
            self.report.errors += sorted(problems.errors, key=lambda error: error.line or 0)
            self.report.error_count += problems.count
        if not self.report.is_imported:
            raise _Undone

    async def _lock(self) -> None:
        """Imports take turns, so that of two with the same file the second finds everything here. Then the tree (K2)."""
        organization_id = self.transaction.organization_id
        key = lock_key(organization_id) ^ _IMPORTING
        await self.transaction.execute(_TAKE_TURNS, {"key": key, "organization_id": organization_id})
        if any(customer.parent is not None for customer in self.contacts.customers.values()):
            await self.transaction.lock_exclusive()
        else:
            await self.transaction.lock_shared()

    def _read_contacts(self, file: _File[ContactCells]) -> None:
        if file.columns is None:
            self.has_all_contacts = file.path is None
            return
        file.unread(contacts.unmapped(file.columns))
        reader = ContactsReader(file.columns, self.dates, file.problems, currency=self.transaction.organization.currency)
        try:
            for record in file.columns.sheet.records(file.problems):
                reader.add(record)
                self.progress.reach(record.line)
        except FileRefused as problem:
            self.has_all_contacts = False
            file.problems.add(problem.line, str(problem))
        self.contacts = reader.result
        if self.contacts.vendor_count:
            self.report.notes.append(f"{file.problems.file}: {self.contacts.vendor_count} rows of vendors were left out.")

    async def _load_price_lists(self, file: _File[PriceListCells]) -> None:
        if file.columns is None:
            return
        file.unread(file.columns.unmapped)
        loader = PriceListLoader(self.transaction, self.log, file.problems)
        reader = PriceListReader(file.columns, file.problems, currency=self.transaction.organization.currency)
        async for batch, skipped in file.batches(loader.here, "name"):
            loader.loaded.skipped += skipped
            for records in batch:
                if (price_list := reader.read(records)) is not None:
                    loader.add(price_list)
        if reader.purchase_count:
            self.report.notes.append(f"{file.problems.file}: {reader.purchase_count} price lists for purchases were left out.")
        await loader.write()
        self.report.price_lists = loader.loaded

    async def _load_customers(self, problems: Problems, invoice_loader: InvoiceLoader) -> None:
        self.progress.begin("Writing customers")
        self.report.customers, new = await load_customers.load(self.transaction, self.contacts, self.log, problems)
        self.report.opening_balances = await opening_balances.load(self.transaction, new, invoice_loader, self.log, problems)

    def _lookup(self) -> Lookup:
        return Lookup(
            self.transaction,
            mentioned=self.contacts.external_ids,
            names_mentioned=self.contacts.names,
            is_lenient=not self.has_all_contacts,
        )

    async def _load_invoices(self, file: _File[InvoiceCells], loader: InvoiceLoader) -> None:
        """Reads one batch in a thread while Postgres takes in the one before: each has a processor of its own to keep busy."""
        # Opening balances of new customers come first.
        pending = loader.take()
        if file.columns is not None:
            file.unread(file.columns.unmapped)
            reader = InvoiceReader(
                self.transaction, file.columns, self.dates, file.problems, has_payments=self.files.payments is not None
            )
            lookup = self._lookup()

            def read(groups: list[list[Row[InvoiceCells]]]) -> Batch:
                for rows in groups:
                    if (invoice := reader.read(rows, lookup)) is not None:
                        loader.add(invoice, file.problems)
                return loader.take()

            async for batch, skipped in file.batches(loader.here, "invoice_id", "number"):
                loader.skipped += skipped
                groups = [reader.rows(records) for records in batch]
                await lookup.prepare((rows[0].cells.customer_id, rows[0].cells.customer_name) for rows in groups)
                pending = await self._write_and(loader, pending, file.problems, partial(read, groups))
            for currency, credited in reader.credited.items():
                paid = f"{money.to_string(credited, currency)} {currency}"
                self.report.notes.append(
                    f"{file.problems.file}: credit notes have paid {paid}. They are not imported: so much more is left to pay."
                )
        await self._write_and(loader, pending, file.problems, Batch)
        self.report.invoices_created = loader.created
        self.report.invoices_skipped = loader.skipped
        self.report.invoice_lines = loader.lines

    async def _write_and(self, loader: InvoiceLoader, pending: Batch, problems: Problems, read: Callable[[], Batch]) -> Batch:
        """Once something is wrong nothing is written any more, only read."""
        if not self.is_sound:
            return await asyncio.to_thread(read)
        reading_next = asyncio.create_task(asyncio.to_thread(read))
        try:
            taken = await loader.write(pending)
        finally:
            # A thread cannot be stopped, and nobody else is to use what it works on.
            batch = await reading_next
        for line, refusal in taken:
            problems.refuse(line, refusal, column="Invoice Number")
        return batch

    async def _load_payments(self, file: _File[PaymentCells], invoice_loader: InvoiceLoader, invoice_problems: Problems) -> None:
        if file.columns is None:
            return
        file.unread(file.columns.unmapped)
        loader = PaymentLoader(self.transaction, self.log, file.problems)
        await loader.open()
        reader = PaymentReader(self.transaction, file.columns, self.dates, file.problems)
        lookup = self._lookup()
        async for batch, skipped in file.batches(loader.here, "payment_id", "number"):
            loader.skipped += skipped
            groups = [reader.rows(records) for records in batch]
            await lookup.prepare((rows[0].cells.customer_id, rows[0].cells.customer_name) for rows in groups)
            for rows in groups:
                if (payment := reader.read(rows, lookup)) is not None:
                    loader.add(payment)
            await loader.flush()
        if self.is_sound:
            self.progress.begin("Writing payments")
            await loader.check()
        if self.is_sound:
            await loader.write()
            await invoice_loader.check_balances(invoice_problems)
        for mode, count in reader.modes.items():
            self.report.notes.append(f"{file.problems.file}: payments by {shown(mode)}, {count} of them, are recorded as OTHER.")
        self.report.payments_created = loader.created
        self.report.payments_skipped = loader.skipped
        self.report.allocations = loader.allocations


class _File(Generic[Cells]):
    """One of the files: its columns, None where it was not given or cannot be read, and its problems."""

    def __init__(self, run: _Import, path: Path | None, columns_of: Callable[[Sheet], Columns[Cells]]) -> None:
        self.path = path
        self.problems = Problems(run.files.shown(path) if path is not None else "")
        self.columns: Columns[Cells] | None = None
        self._run = run
        run.problems.append(self.problems)
        if path is None:
            return
        try:
            sheet = reading.open_sheet(path)
            self.columns = columns_of(sheet)
        except FileRefused as problem:
            self.problems.add(problem.line, str(problem))

    def unread(self, headings: list[str]) -> None:
        assert self.columns is not None
        self._run.progress.begin(f"Reading {self.problems.file}", total=self.columns.sheet.line_count)
        if headings:
            self._run.report.columns_unread[self.problems.file] = headings

    async def batches(
        self, here: Callable[[AbstractSet[str]], Awaitable[AbstractSet[str]]], *key_fields: str
    ) -> AsyncIterator[tuple[list[list[Record]], int]]:
        """The file's documents, some at a time, each as its rows; and how many more were skipped because they are here.

        A document is all rows with the same first of the key fields that is not empty.
        """
        assert self.columns is not None
        try:
            documents = Documents(self.columns.sheet, self.columns.key(*key_fields), self.problems)
            skipped = await here(documents.keys)
            groups = iter(documents)
            while batch := list(islice(groups, _BATCH)):
                fresh = [records for key, records in batch if key not in skipped]
                yield fresh, len(batch) - len(fresh)
                self._run.progress.reach(batch[-1][1][-1].line)
        except FileRefused as problem:
            self.problems.add(problem.line, str(problem))
