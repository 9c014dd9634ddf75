"""Enough rows to measure by: a thousand trees of 111 customers, and one of fifty thousand, all with open invoices.

The rows are the same on every run and every machine. They go in by COPY, because a service call per row would take hours;
the tests hold them against what the services would have written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import database
from holdco.database import Transaction
from holdco.errors import HoldcoError
from holdco.settings import Settings

ACTOR = "seed"
ROWS_PER_CHUNK = 2000
ROWS_BEFORE_STATISTICS = 500

_INSTANT = "2025-01-01 00:00:00+00"
_DAYS = [(date(2025, 1, 1) + timedelta(days=day)).isoformat() for day in range(570)]
_INVOICE_DAYS = 540
_NET_DAYS = 30
_TABLES = {
    "customers": (
        "id, number, name, kind, role, status, currency, email, billing_address, parent_id, created_at, updated_at, version"
    ),
    "parent_links": "id, child_id, parent_id, valid_from, view, pay, manage, actor",
    "customer_closure": "ancestor_id, descendant_id, depth, view, pay, manage",
    "customer_groups": "id, name, rank, created_at, updated_at, version",
    "group_members": "group_id, customer_id, added_at, actor",
    "contacts": "id, customer_id, name, email, phone, designation, created_at, updated_at, version",
    "invoices": (
        "id, number, customer_id, status, currency, invoice_date, due_date, payment_terms_kind, payment_terms_net_days, "
        "payment_terms_source, bill_to, discount_percent, is_discount_before_tax, subtotal, discount_total, tax_total, "
        "shipping_charge, adjustment, total, amount_paid, amount_written_off, balance, issued_at, created_at, updated_at, version"
    ),
    "invoice_lines": (
        "invoice_id, position, item, quantity, unit_price, discount_percent, discount, tax_percent, tax, amount, "
        "document_discount"
    ),
    "payments": (
        "id, number, customer_id, status, currency, amount, allocated, unapplied, received_on, mode, bank_charges, "
        "withholding_tax, created_at, version"
    ),
}
_KINDS = {table: number for number, table in enumerate(_TABLES)}


class AlreadyInUse(HoldcoError):
    code = "ALREADY_IN_USE"

    def __init__(self) -> None:
        super().__init__("This organization has customers of its own. Load the bench data into an empty database.")


@dataclass(frozen=True, slots=True)
class Shape:
    """How much there is. What `performance.md` measures on is the default; tests take less of the same."""

    trees: int = 1000
    branches: int = 10
    departments: int = 10
    invoices: int = 5
    contacts: int = 2
    large_tree: int = 50_000
    large_tree_children: int = 8
    large_tree_invoices: int = 3
    groups: int = 10

    def count_rows(self) -> int:
        """Of all tables together, so that progress can be told."""
        roots = self.trees + 1
        # Of a customer: itself, its membership, and its link unless it is a root; of an invoice: itself and its line.
        per_node = [3 + len(node.path) + node.contacts + 2 * node.invoices for node in nodes(self)]
        return sum(per_node) - roots + self.groups + roots


class Node(NamedTuple):
    """A customer: its place in the sequence of all, and of those above it, the root first, itself last."""

    place: int
    path: tuple[int, ...]
    number: str
    role: str
    currency: str
    invoices: int
    contacts: int


def nodes(shape: Shape) -> Iterator[Node]:
    """All customers, parents before their children."""
    roles = ("HEAD_OFFICE", "BRANCH", "DEPARTMENT")
    place = 0
    for tree in range(shape.trees):
        # Every tenth tree in another currency, so that lists of head offices have more than one.
        currency = "EUR" if tree % 10 == 9 else "USD"  # noqa: PLR2004 (the last of ten)
        root = place
        more = (currency, shape.invoices, shape.contacts)
        yield Node(place, (root,), f"T{tree:04}", roles[0], *more)
        for branch in range(shape.branches):
            place += 1
            above = (root, place)
            yield Node(place, above, f"T{tree:04}-{branch:02}", roles[1], *more)
            for department in range(shape.departments):
                place += 1
                yield Node(place, (*above, place), f"T{tree:04}-{branch:02}-{department:02}", roles[2], *more)
        place += 1
    paths: list[tuple[int, ...]] = []
    for offset in range(shape.large_tree):
        lineage = paths[(offset - 1) // shape.large_tree_children] if offset else ()
        paths.append((*lineage, place + offset))
        role = roles[min(len(lineage), 2)]
        yield Node(place + offset, paths[offset], f"LARGE-{offset:05}", role, "USD", shape.large_tree_invoices, 0)


def key(table: str, index: int) -> str:
    """An id of version 7, as the services make them: later rows sort later."""
    return f"{0x019000000000 + index:012x}7{_KINDS[table]:03x}8000000000000000"


async def load_once(settings: Settings, *, shape: Shape | None = None, progress: Callable[[int], None] = lambda _: None) -> bool:
    """Loads everything or nothing; returns False where it was there already. `progress` is told numbers of new rows.

    As the owner of the tables, who alone may count them for the planner. Raises AlreadyInUse for an organization with customers
    of its own.
    """
    url = settings.owner_url or settings.database_url
    assert url is not None
    shape = shape or Shape()
    organization_id = settings.organization_id
    engine = database.create_engine(url, pool_size=1, role=None)
    try:
        async with database.begin(engine, organization_id=organization_id, actor=ACTOR) as transaction:
            # Two that start at once take turns.
            await transaction.lock_exclusive()
            first = next(nodes(shape)).number
            found = await transaction.rows(
                text("select number from customers where organization_id = :id order by number = :first desc limit 1"),
                {"id": organization_id, "first": first},
            )
            if found and found[0][0] == first:
                return False
            if found:
                raise AlreadyInUse
            for table, rows in _rows(shape, organization_id).items():
                await _load(transaction, table, rows, progress)
            return True
    finally:
        await engine.dispose()


async def _load(transaction: Transaction, table: str, rows: Iterator[str], progress: Callable[[int], None]) -> None:
    """A few rows, then all others, with statistics after both.

    Where a table was counted while it was empty (a load that was broken off will do), the planner takes any index for the
    foreign keys that look into it, and whole tables are read for every row. A first few rows tell it better in time.
    """
    for part in (islice(rows, ROWS_BEFORE_STATISTICS), rows):
        await _insert(transaction, table, part, progress)
        await transaction.execute(text(f"analyze {table}"))


async def _insert(transaction: Transaction, table: str, rows: Iterable[str], progress: Callable[[int], None]) -> None:
    """COPY into a table of our own, and from there into the real one, which is what a cluster can do (distributed.md 2.2)."""

    async def chunks() -> AsyncIterator[bytes]:
        lines = iter(rows)
        while chunk := list(islice(lines, ROWS_PER_CHUNK)):
            yield ("\n".join(chunk) + "\n").encode()
            progress(len(chunk))

    columns = f"organization_id, {_TABLES[table]}"
    staged = f"import_{table}"
    await transaction.execute(text(f"create temporary table {staged} (like {table} including defaults) on commit drop"))
    connection = (await transaction.connection.get_raw_connection()).driver_connection
    assert connection is not None
    await connection.copy_to_table(staged, source=chunks(), columns=columns.split(", "))
    await transaction.execute(
        text(
            f"""
            insert into {table} ({columns}) select {columns} from {staged} where organization_id = :organization_id
            on conflict do nothing
            """  # noqa: S608 (constants of this file only)
        ),
        {"organization_id": transaction.organization_id},
    )
    await transaction.execute(text(f"drop table {staged}"))


def _rows(shape: Shape, organization_id: UUID) -> dict[str, Iterator[str]]:
    """The lines of COPY's text format for each table, in the order in which tables refer to one another."""
    organization = organization_id.hex
    makers = {
        "customers": _customers,
        "parent_links": _parent_links,
        "customer_closure": _closure,
        "customer_groups": _groups,
        "group_members": _members,
        "contacts": _contacts,
        "invoices": _invoices,
        "invoice_lines": _invoice_lines,
        "payments": _payments,
    }
    return {table: (f"{organization}\t{row}" for row in make(shape)) for table, make in makers.items()}


def _row(*values: object) -> str:
    return "\t".join(map(str, values))


def _customers(shape: Shape) -> Iterator[str]:
    for node in nodes(shape):
        parent = key("customers", node.path[-2]) if len(node.path) > 1 else "\\N"
        name = f"Customer {node.number}"
        email = f"{node.number.lower()}@customers.example"
        address = f'{{"city": "City {node.place % 97}", "country": "GB"}}'
        customer = key("customers", node.place)
        more = (node.role, "ACTIVE", node.currency, email, address, parent, _INSTANT, _INSTANT, 1)
        yield _row(customer, node.number, name, "BUSINESS", *more)


def _parent_links(shape: Shape) -> Iterator[str]:
    for node in nodes(shape):
        if len(node.path) > 1:
            child, parent = key("customers", node.place), key("customers", node.path[-2])
            yield _row(key("parent_links", node.place), child, parent, _INSTANT, "t", "t", "f", ACTOR)


def _closure(shape: Shape) -> Iterator[str]:
    for node in nodes(shape):
        descendant = key("customers", node.place)
        for depth, above in enumerate(reversed(node.path)):
            yield _row(key("customers", above), descendant, depth, "t", "t", "t" if depth == 0 else "f")


def _groups(shape: Shape) -> Iterator[str]:
    for group in range(shape.groups):
        yield _row(key("customer_groups", group), f"Group {group}", group + 1, _INSTANT, _INSTANT, 1)


def _members(shape: Shape) -> Iterator[str]:
    for node in nodes(shape):
        yield _row(key("customer_groups", node.place % shape.groups), key("customers", node.place), _INSTANT, ACTOR)


def _contacts(shape: Shape) -> Iterator[str]:
    index = 0
    for node in nodes(shape):
        for person in range(node.contacts):
            email = f"person{person}.{node.number.lower()}@customers.example"
            values = (f"Person {person} of {node.number}", email, f"+44 20 {index:07}", "Accounts Payable", _INSTANT, _INSTANT, 1)
            yield _row(key("contacts", index), key("customers", node.place), *values)
            index += 1


class _Amounts(NamedTuple):
    """An invoice of one line: a multiple of 5 minor units, so that a tax of 20 per cent is exact."""

    quantity: int
    unit_price: int
    subtotal: int
    tax: int


def _amounts(index: int) -> _Amounts:
    quantity, unit_price = 1 + index % 5, 500 + index * 7919 % 20_000 * 5
    return _Amounts(quantity, unit_price, quantity * unit_price, quantity * unit_price // 5)


def _invoices(shape: Shape) -> Iterator[str]:
    index = 0
    for node in nodes(shape):
        customer = key("customers", node.place)
        bill_to = f'{{"name": "Customer {node.number}", "company_name": null, "tax_id": null, "address": null}}'
        for _ in range(node.invoices):
            amounts = _amounts(index)
            day = index * 7 % _INVOICE_DAYS
            total = amounts.subtotal + amounts.tax
            head = (key("invoices", index), f"BENCH-{index:07}", customer, "ISSUED", node.currency)
            terms = (_DAYS[day], _DAYS[day + _NET_DAYS], "NET", _NET_DAYS, "ORGANIZATION", bill_to)
            sums = (0, "t", amounts.subtotal, 0, amounts.tax, 0, 0, total, 0, 0, total)
            yield _row(*head, *terms, *sums, _INSTANT, _INSTANT, _INSTANT, 1)
            index += 1


def _invoice_lines(shape: Shape) -> Iterator[str]:
    for index in range(sum(node.invoices for node in nodes(shape))):
        amounts = _amounts(index)
        price = f"{amounts.unit_price // 100}.{amounts.unit_price % 100:02}"
        sums = (0, 0, 20, amounts.tax, amounts.subtotal, 0)
        yield _row(key("invoices", index), 1, f"Item {index % 1000}", amounts.quantity, price, *sums)


def _payments(shape: Shape) -> Iterator[str]:
    """One of each head office, still on its account."""
    for node in nodes(shape):
        if len(node.path) == 1:
            amount = 100_000 + node.place * 31 % 900_000
            head = (key("payments", node.place), f"BENCH-{node.number}", key("customers", node.place), "SUCCEEDED")
            yield _row(*head, node.currency, amount, 0, amount, _DAYS[-1], "BANK_TRANSFER", 0, 0, _INSTANT, 1)
