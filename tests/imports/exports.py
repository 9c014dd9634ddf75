"""Files as Zoho exports them, of Aldgate Networks and its neighbours, to be changed by a test and imported."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco.imports.zoho import Files, Report, import_zoho

ALDGATE = Path(__file__).with_name("aldgate")

HEAD_OFFICE = "3310006000000085001"
LONDON = "3310006000000085012"
MANCHESTER = "3310006000000085023"
LEEDS = "3310006000000085034"
BRISTOL = "3310006000000085045"
ENGINEERING = "3310006000000085056"
NORTHGATE = "3310006000000085067"
ROSA = "3310006000000085078"

Cells = dict[str, str]


@dataclass
class Table:
    """The rows of one export. Line 2 is the first row, as long as no cell has a line break."""

    name: str
    headings: list[str] = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)

    @classmethod
    def of(cls, name: str) -> Table:
        with (ALDGATE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            return cls(name, list(reader.fieldnames or ()), rows)

    def of_key(self, key: str) -> list[Cells]:
        """The rows with a cell like this: an id or a number."""
        found = [row for row in self.rows if key in row.values()]
        assert found
        return found

    def only(self, *keys: str) -> None:
        """Leaves the rows of these customers, by their ids, or of these documents, by their numbers."""
        heading = {
            "contacts": "Customer ID",
            "invoices": "Invoice Number",
            "payments": "Payment Number",
            "price_lists": "Price List Name",
        }[self.name]
        self.rows = [row for row in self.rows if row[heading] in keys]

    def add(self, like: Cells, **changes: str) -> Cells:
        """Another row like this one, with other cells: `_` stands for a space in their headings."""
        row = {**like, **{heading.replace("_", " "): cell for heading, cell in changes.items()}}
        self.rows.append(row)
        return row

    def text(self, delimiter: str = ",") -> str:
        """Headings that rows have and the table does not are written behind the others."""
        extra = dict.fromkeys(heading for row in self.rows for heading in row if heading not in self.headings)
        lines: list[str] = []

        class Lines:
            def write(self, line: str) -> int:
                lines.append(line)
                return len(line)

        writer = csv.DictWriter(Lines(), [*self.headings, *extra], restval="", delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return "".join(lines)


@dataclass
class Exports:
    """A set of files and the organization they are imported into."""

    engine: AsyncEngine
    organization_id: UUID
    folder: Path
    contacts: Table = field(default_factory=lambda: Table.of("contacts"))
    invoices: Table = field(default_factory=lambda: Table.of("invoices"))
    payments: Table = field(default_factory=lambda: Table.of("payments"))
    price_lists: Table = field(default_factory=lambda: Table.of("price_lists"))

    def files(self, *names: str) -> Files:
        """The named files, written; customers and their documents where none is named."""
        paths = {}
        for name in names or ("contacts", "invoices", "payments"):
            paths[name] = self.folder / f"{name}.csv"
            paths[name].write_text(getattr(self, name).text(), encoding="utf-8")
        return Files(**paths)

    async def load(self, files: Files, *, date_format: str = "yyyy-MM-dd", is_dry_run: bool = False) -> Report:
        return await import_zoho(
            self.engine, self.organization_id, actor="importer", files=files, date_format=date_format, is_dry_run=is_dry_run
        )

    async def imported(self, *names: str) -> Report:
        """Imports the named files, or those of customers and their documents, which must succeed."""
        report = await self.load(self.files(*names))
        assert report.errors == []
        assert report.is_imported
        return report

    async def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """What the database has, `:o` being the organization."""
        async with directly(self.engine, self.organization_id) as connection:
            found = await connection.execute(text(statement), {"o": self.organization_id, **parameters})
            return [tuple(row) for row in found]


def told(report: Report) -> list[tuple[str, int | None, str | None, str]]:
    """File, line, column and code of what is wrong."""
    assert not report.is_imported
    assert report.error_count == len(report.errors)
    return [(error.file.removesuffix(".csv"), error.line, error.column, error.code.value) for error in report.errors]
