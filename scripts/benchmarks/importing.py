"""import: 100,000 invoice rows of a CSV file, as Zoho exports them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from measuring import Figure, Side, compare
from sqlalchemy.ext.asyncio import AsyncEngine
from world import World

from holdco.database import create_engine
from holdco.imports.zoho import Files, Report, import_zoho
from holdco.organizations import service as organizations

ROWS = 100_000
CUSTOMERS = 1000
ROUNDS = 3

# The tables of an organization that has imported, those first that refer to others.
_TABLES = (
    "invoice_lines",
    "invoices",
    "activity",
    "external_references",
    "contacts",
    "customer_closure",
    "terms",
    "customers",
    "number_counters",
)


@dataclass(frozen=True)
class Copies:
    """What an import wrote, as COPY's bytes without the organization, and the columns they are in."""

    columns: dict[str, list[str]]
    content: dict[str, bytes]


async def import_(world: World, limit: float | None) -> Figure:
    """The import of the file, against COPY of the rows that it writes into the tables that it writes to, in one transaction."""
    contacts, invoices = _write_contacts(world.directory / "contacts.csv"), _write_invoices(world.directory / "invoices.csv")
    engine = create_engine(world.database_url, pool_size=2)
    made: list[UUID] = []

    async def organization() -> UUID:
        """One that has the customers already: only invoices are timed."""
        made.append(uuid4())
        await organizations.ensure(engine, made[-1])
        await _import(engine, made[-1], Files(contacts=contacts))
        return made[-1]

    async def by_us(organization_id: UUID) -> int:
        return (await _import(engine, organization_id, Files(invoices=invoices))).invoices_created

    async def check(count: Any) -> None:
        assert count == ROWS
        await _remove(world, made.pop())

    try:
        example = await organization()
        assert await by_us(example) == ROWS
        copies = await _copied(world, example)

        async def emptied() -> UUID:
            """The customers stay, with the ids that the copied rows know."""
            for table in ("invoice_lines", "invoices"):
                await world.connection.execute(f"delete from {table} where organization_id = $1", example)  # noqa: S608
                await world.connection.execute(f"vacuum {table}")
            return example

        async def by_hand(organization_id: UUID) -> int:
            return await _copy(world, organization_id, copies)

        rival, ours = Side(by_hand, prepare=emptied), Side(by_us, check, organization)
        note = f"{ROWS:,} rows; the rival copies the same invoices and lines"
        return await compare("import", rival, ours, limit=limit, rounds=ROUNDS, warm_up=0, note=note)
    finally:
        for organization_id in made:
            await _remove(world, organization_id)
        await engine.dispose()


async def _import(engine: AsyncEngine, organization_id: UUID, files: Files) -> Report:
    report = await import_zoho(engine, organization_id, actor="bench", files=files, date_format="YYYY-MM-DD")
    assert report.is_imported, report.errors[:3]
    return report


async def _copied(world: World, organization_id: UUID) -> Copies:
    columns, content = {}, {}
    for table in ("invoices", "invoice_lines"):
        named = await world.connection.fetch(
            "select column_name from information_schema.columns where table_schema = 'public' and table_name = $1 "
            "order by ordinal_position",
            table,
        )
        columns[table] = [row["column_name"] for row in named]
        buffer = io.BytesIO()
        await world.connection.copy_from_query(
            f"select {', '.join(columns[table])} from {table} where organization_id = $1",  # noqa: S608 (our own names)
            organization_id,
            output=buffer,
        )
        content[table] = buffer.getvalue()
    return Copies(columns, content)


async def _copy(world: World, _organization_id: UUID, copies: Copies) -> int:
    count = 0
    async with world.connection.transaction():
        for table, content in copies.content.items():
            status = await world.connection.copy_to_table(table, source=io.BytesIO(content), columns=copies.columns[table])
            count = int(status.split()[1])
    return count


async def _remove(world: World, organization_id: UUID) -> None:
    async with world.connection.transaction():
        for table in _TABLES:
            await world.connection.execute(f"delete from {table} where organization_id = $1", organization_id)  # noqa: S608
        await world.connection.execute("delete from organizations where id = $1", organization_id)
    for table in _TABLES:
        await world.connection.execute(f"vacuum {table}")


def _write_contacts(path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                "Display Name",
                "Company Name",
                "First Name",
                "Last Name",
                "Currency Code",
                "Status",
                "Customer Sub Type",
                "EmailID",
                "Billing City",
                "Billing Country",
                "Payment Terms",
                "Payment Terms Label",
                "Customer ID",
                "Contact Type",
            )
        )
        for number in range(CUSTOMERS):
            writer.writerow(
                (
                    f"Customer {number}",
                    f"Customer {number}",
                    "Person",
                    str(number),
                    "USD",
                    "Active",
                    "business",
                    f"person{number}@customers.example",
                    f"City {number % 97}",
                    "GB",
                    "30",
                    "Net 30",
                    _id(1, number),
                    "customer",
                )
            )
    return path


def _write_invoices(path: Path) -> Path:
    """One line per invoice, with the columns that matter and a dozen that do not, as in an export."""
    head = (
        "Invoice Date", "Invoice ID", "Invoice Number", "Estimate Number", "Invoice Status", "Customer Name", "Company Name",
        "Customer ID", "Due Date", "PurchaseOrder", "Template Name", "Currency Code", "Exchange Rate", "Discount Type",
        "Is Discount Before Tax", "Entity Discount Percent", "Entity Discount Amount", "Item Name", "Item Desc", "Quantity",
        "Item Price", "Discount", "Discount Amount", "Item Total", "SubTotal", "Total", "Balance", "Shipping Charge",
        "Adjustment", "Payment Terms", "Payment Terms Label", "Notes", "Subject",
    )  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for number in range(ROWS):
            customer = number % CUSTOMERS
            day = date(2025, 1, 1) + timedelta(days=number * 7 % 540)
            quantity, price = 1 + number % 5, 500 + number * 7919 % 20_000 * 5
            amount = _decimal(quantity * price)
            writer.writerow(
                (
                    day, _id(2, number), f"ZB-{number:06}", "", "Sent", f"Customer {customer}", f"Customer {customer}",
                    _id(1, customer), day + timedelta(days=30), f"PO-{number}", "Standard Template", "USD", "1.00", "item_level",
                    "true", "0.00", "0.0", f"Item {number % 1000}", "As ordered", f"{quantity}.00",
                    _decimal(price), "0.00", "0.000", amount, amount, amount, amount, "0.00", "0.00",
                    "30", "Net 30", "Thanks for your business.", "",
                )
            )  # fmt: skip
    return path


def _id(kind: int, number: int) -> str:
    """19 digits, as Zoho's are."""
    return f"{kind}{number:018}"


def _decimal(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"
