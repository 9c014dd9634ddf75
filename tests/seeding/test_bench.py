"""The bench data, small: consistent, deterministic, loaded once, and never beside somebody's own customers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from conftest import Execute
from demo_company import settings_of
from directly import directly
from holdco import database
from holdco.customers import service as customers
from holdco.customers.hierarchy import Rights
from holdco.customers.service import Parent
from holdco.invoices import amounts
from holdco.organizations import service as organizations
from holdco.seeding import bench
from holdco.seeding.bench import AlreadyInUse, Shape
from holdco.verification import service as verification

SMALL = Shape(trees=11, branches=2, departments=2, invoices=3, contacts=1, large_tree=30, large_tree_children=3, groups=4)
CLOSURE = """
select a.number, d.number, c.depth, c.view, c.pay, c.manage, c.pay_invoices_from
from customer_closure c
join customers a on a.organization_id = c.organization_id and a.id = c.ancestor_id
join customers d on d.organization_id = c.organization_id and d.id = c.descendant_id
where c.organization_id = :id
order by a.number, d.number
"""


async def _rows(engine: AsyncEngine, statement: str, organization_id: UUID) -> list[tuple[Any, ...]]:
    async with directly(engine, organization_id) as connection:
        return [tuple(row) for row in (await connection.execute(text(statement), {"id": organization_id})).all()]


@pytest.fixture
async def small(database_url: str, organization_id: UUID) -> UUID:
    assert await bench.load_once(settings_of(database_url, organization_id), shape=SMALL)
    return organization_id


async def test_the_closure_is_what_the_services_would_have_written(small: UUID, engine: AsyncEngine) -> None:
    built = uuid4()
    await organizations.ensure(engine, built)
    parents = await _rows(
        engine,
        "select c.number, p.number from customers c left join customers p "
        "on p.organization_id = c.organization_id and p.id = c.parent_id where c.organization_id = :id order by c.id",
        small,
    )
    made: dict[str, UUID] = {}
    rights = Rights(view=True, pay=True, manage=False)
    async with database.begin(engine, organization_id=built, actor="tester") as transaction:
        for number, parent in parents:
            above = Parent(made[parent], rights) if parent is not None else None
            made[number] = await customers.create(transaction, values={"number": number, "name": number}, parent=above)
    assert len(made) == 11 * 7 + 30
    assert await _rows(engine, CLOSURE, small) == await _rows(engine, CLOSURE, built)


async def test_everything_adds_up(small: UUID, engine: AsyncEngine) -> None:
    report = await verification.verify(engine, small)
    assert (report.problems, report.counts["customer"], report.counts["invoice"]) == ([], 107, 321)


async def test_every_link_is_open_and_tells_the_parent(small: UUID, engine: AsyncEngine) -> None:
    links = await _rows(
        engine,
        "select child_id, parent_id, view, pay, manage, valid_to from parent_links where organization_id = :id order by 1",
        small,
    )
    of_customers = await _rows(
        engine,
        "select id, parent_id, true, true, false, null from customers where organization_id = :id and parent_id is not null "
        "order by 1",
        small,
    )
    assert len(links) == 11 * 6 + 29
    assert links == of_customers


async def test_invoices_come_to_what_their_lines_compute(small: UUID, engine: AsyncEngine) -> None:
    lines = await _rows(
        engine,
        "select i.currency, l.quantity, l.unit_price, l.tax_percent, "
        "i.subtotal, i.tax_total, i.total, i.balance, l.tax, l.amount "
        "from invoice_lines l join invoices i on i.organization_id = l.organization_id and i.id = l.invoice_id "
        "where l.organization_id = :id",
        small,
    )
    assert len(lines) == 11 * 7 * 3 + 30 * 3
    for currency, quantity, unit_price, tax_percent, *stored in lines:
        line = amounts.Line(quantity, unit_price, Decimal(0), 0, tax_percent)
        computed = amounts.compute([line], currency=currency)
        expected = [computed.subtotal, computed.tax_total, computed.total, computed.total, computed.tax_total, computed.subtotal]
        assert stored == expected


async def test_roll_ups_of_all_roots_come_to_all_invoices(small: UUID, engine: AsyncEngine, execute: Execute) -> None:
    data = await execute(
        "{ customers(filter: { isRoot: true }, first: 50) { nodes { consolidatedReceivables { currency outstanding } } } }"
    )
    owed: dict[str, Decimal] = {}
    for root in data["customers"]["nodes"]:
        for row in root["consolidatedReceivables"]:
            owed[row["currency"]] = owed.get(row["currency"], Decimal(0)) + Decimal(row["outstanding"])
    stored = await _rows(engine, "select currency, sum(total) from invoices where organization_id = :id group by 1", small)
    assert len(data["customers"]["nodes"]) == 12
    assert owed == {currency: total / 100 for currency, total in stored}
    assert set(owed) == {"EUR", "USD"}


async def test_every_customer_is_in_a_group_and_the_small_trees_have_contacts(small: UUID, engine: AsyncEngine) -> None:
    counts = """
        select (select count(*) from customers where organization_id = :id),
               (select count(distinct customer_id) from group_members where organization_id = :id),
               (select count(distinct group_id) from group_members where organization_id = :id),
               (select count(*) from contacts where organization_id = :id)
    """
    assert await _rows(engine, counts, small) == [(107, 107, 4, 77)]


async def test_progress_is_told_for_every_row(database_url: str, organization_id: UUID) -> None:
    told: list[int] = []
    await bench.load_once(settings_of(database_url, organization_id), shape=SMALL, progress=told.append)
    assert sum(told) == SMALL.count_rows()


async def test_loading_it_again_does_nothing(database_url: str, small: UUID, engine: AsyncEngine) -> None:
    told: list[int] = []
    assert not await bench.load_once(settings_of(database_url, small), shape=SMALL, progress=told.append)
    assert told == []
    assert await _rows(engine, "select count(*) from customers where organization_id = :id", small) == [(107,)]


async def test_an_organization_with_customers_of_its_own_is_refused(
    database_url: str, engine: AsyncEngine, organization_id: UUID, execute: Execute
) -> None:
    await execute('mutation { customerCreate(input: { name: "Somebody" }) { userErrors { code } } }')
    with pytest.raises(AlreadyInUse):
        await bench.load_once(settings_of(database_url, organization_id), shape=SMALL)
    assert await _rows(engine, "select name from customers where organization_id = :id", organization_id) == [("Somebody",)]


def test_the_default_is_what_performance_is_measured_on() -> None:
    made = list(bench.nodes(Shape()))
    trees, large = made[:111_000], made[111_000:]
    assert sum(node.invoices for node in trees) == 555_000
    assert {node.contacts for node in trees} == {2}
    assert sum(len(node.path) == 1 for node in trees) == 1000
    assert (len(large), {node.invoices for node in large}) == (50_000, {3})
    children = [sum(node.path[-2:-1] == (parent.place,) for node in large) for parent in large[:5]]
    assert children == [8] * 5


async def test_the_command_loads_the_demo_company_once(clone: Callable[[], Any], tmp_path: Path) -> None:
    async def seed(url: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "holdco",
            "seed",
            env={**os.environ, "DATABASE_URL": url, "HOLDCO_DATA_DIR": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    async with clone() as url:
        assert await seed(url) == (0, "The demo data is loaded.\n")
        assert await seed(url) == (0, "There are customers already. Nothing was loaded.\n")
