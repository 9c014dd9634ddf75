"""What tests/statements.py finds in SQL, and what it lets pass: a guard that finds nothing guards nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.context import Context
from holdco.database import create_engine
from holdco.invoices.queries import INVOICES
from holdco.organizations import numbering
from holdco.viewer import StaffRole, Viewer
from statements import ASKING, COPYING, ISSUED, Issued, problems_of

GOOD = [
    "select name from customers where organization_id = $1",
    "select name from customers c where $1::uuid = c.organization_id and c.id = $2",
    "select name from customers c where cast($1 as uuid) = (c.organization_id)",
    (
        "select i.id from customers c join invoices i on i.organization_id = c.organization_id and i.customer_id = c.id "
        "where c.organization_id = $1"
    ),
    (
        "select i.id from customers c left join invoices i on i.organization_id = $1 and i.customer_id = c.id "
        "where c.organization_id = $1"
    ),
    (
        "select c.id from customers c where c.organization_id = $1 and exists "
        "(select from invoices i where i.organization_id = $1 and i.customer_id = c.id)"
    ),
    (
        "with given as (select * from unnest($1::uuid[]) as x(id)) select c.id from given g "
        "join customers c on c.id = g.id where c.organization_id = $2"
    ),
    (
        "with recursive above as (select l.parent_id from parent_links l where l.organization_id = $1 union all "
        "select l.parent_id from above a join parent_links l on l.child_id = a.parent_id where l.organization_id = $1) "
        "select parent_id from above"
    ),
    (
        "select p.id, page.number from unnest($1::uuid[]) as p(id) join lateral "
        "(select i.number from invoices i where i.organization_id = $2 and i.customer_id = p.id limit $3) as page on true"
    ),
    "select id from payments where organization_id = $1 and id = any($2::uuid[]) order by id for no key update",
    "select c.id from customers c where c.organization_id = $1 for update of c",
    "select pg_advisory_xact_lock($1) from organizations where id = $2",
    (
        "update invoices i set balance = i.balance - paid.amount from unnest($1::uuid[], $2::bigint[]) as paid(id, amount) "
        "where i.organization_id = $3 and i.id = paid.id"
    ),
    (
        "delete from customer_closure c where c.organization_id = $1 and c.descendant_id in "
        "(select b.descendant_id from customer_closure b where b.organization_id = $1)"
    ),
    "insert into activity (organization_id, id) values ($1, $2), ($3, $4)",
    (
        "insert into number_counters (organization_id, kind, value) values ($1, $2, 1) "
        "on conflict (organization_id, kind) do update set value = number_counters.value + 1 returning value"
    ),
    (
        "insert into activity (organization_id, id) select o.id, u.id from organizations o "
        "cross join unnest($2::uuid[]) as u(id) where o.id = $1 on conflict do nothing"
    ),
    "copy import_customers (name) from stdin with (format binary)",
    (
        "insert into customers (organization_id, name) select o.id, s.name from organizations o "
        "cross join import_customers s where o.id = $1 returning id"
    ),
    "create temporary table import_customers (name text) on commit drop",
    "alter table customers add column nickname text",
    "select version_num from alembic_version",
    "select conname from pg_constraint",
    "select t.oid from pg_catalog.pg_type t",
    "set lock_timeout = '5s'",
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;",
    "COMMIT;",
    "select 1",
]

NOT_COMPARED = "is not compared with a parameter in this"
BAD = {
    "no condition": ("select name from customers", f"customers.organization_id {NOT_COMPARED} SELECT."),
    "only by id": ("select name from customers where id = $1", f"customers.organization_id {NOT_COMPARED} SELECT."),
    "a constant": (
        "select name from customers where organization_id = 'a'::uuid",
        f"customers.organization_id {NOT_COMPARED} SELECT.",
    ),
    "a cast of the column": (
        "select name from customers where organization_id::text = $1",
        f"customers.organization_id {NOT_COMPARED} SELECT.",
    ),
    "another operator": (
        "select name from customers where organization_id is not distinct from $1",
        f"customers.organization_id {NOT_COMPARED} SELECT.",
    ),
    "one branch of OR": (
        "select name from customers where organization_id = $1 or number = $2",
        f"customers.organization_id {NOT_COMPARED} SELECT.",
    ),
    "negated": (
        "select name from customers where not (organization_id = $1)",
        f"customers.organization_id {NOT_COMPARED} SELECT.",
    ),
    "one side of a join": (
        "select i.id from customers c join invoices i on i.customer_id = c.id where c.organization_id = $1",
        f"i.organization_id {NOT_COMPARED} SELECT.",
    ),
    "two tables that only equal each other": (
        "select i.id from customers c join invoices i on i.organization_id = c.organization_id",
        f"c.organization_id {NOT_COMPARED} SELECT.",
    ),
    "the second of two tables with a comma": (
        "select i.id from customers c, invoices i where c.organization_id = $1 and i.customer_id = c.id",
        f"i.organization_id {NOT_COMPARED} SELECT.",
    ),
    "an ambiguous column": (
        "select 1 from customers c join invoices i on i.customer_id = c.id where organization_id = $1",
        f"c.organization_id {NOT_COMPARED} SELECT.",
    ),
    "another column of a table joined": (
        "select i.id from customers c join invoices i on i.organization_id = c.id where c.organization_id = $1",
        f"i.organization_id {NOT_COMPARED} SELECT.",
    ),
    "a subquery held only by what surrounds it": (
        (
            "select c.id from customers c where c.organization_id = $1 and exists "
            "(select from invoices i where i.organization_id = c.organization_id and i.customer_id = c.id)"
        ),
        f"i.organization_id {NOT_COMPARED} SELECT.",
    ),
    "a scalar subquery": (
        "select (select count(*) from invoices i where i.customer_id = c.id) from customers c where c.organization_id = $1",
        f"i.organization_id {NOT_COMPARED} SELECT.",
    ),
    "a common table expression": (
        "with all_of_them as (select id from customers) select * from all_of_them",
        f"customers.organization_id {NOT_COMPARED} SELECT.",
    ),
    "the recursive term": (
        (
            "with recursive above as (select l.parent_id from parent_links l where l.organization_id = $1 union all "
            "select l.parent_id from above a join parent_links l on l.child_id = a.parent_id) select parent_id from above"
        ),
        f"l.organization_id {NOT_COMPARED} SELECT.",
    ),
    "a lateral body": (
        (
            "select p.id from unnest($1::uuid[]) as p(id) join lateral "
            "(select i.number from invoices i where i.customer_id = p.id) as page on true"
        ),
        f"i.organization_id {NOT_COMPARED} SELECT.",
    ),
    "one half of a union": (
        "select id from customers where organization_id = $1 union all select id from invoices",
        f"invoices.organization_id {NOT_COMPARED} SELECT.",
    ),
    "a lock": (
        "select id from payments where id = $1 for update",
        f"payments.organization_id {NOT_COMPARED} SELECT.",
    ),
    "organizations by another column": (
        "select id from organizations where name = $1",
        f"organizations.id {NOT_COMPARED} SELECT.",
    ),
    "an update": ("update customers set name = $1 where id = $2", f"customers.organization_id {NOT_COMPARED} UPDATE."),
    "what an update reads from": (
        "update customers c set name = i.number from invoices i where c.organization_id = $1 and i.customer_id = c.id",
        f"i.organization_id {NOT_COMPARED} UPDATE.",
    ),
    "a deletion": ("delete from customers where id = $1", f"customers.organization_id {NOT_COMPARED} DELETE."),
    "what a deletion uses": (
        "delete from customers c using invoices i where c.organization_id = $1 and i.customer_id = c.id",
        f"i.organization_id {NOT_COMPARED} DELETE.",
    ),
    "another organization for a row": (
        "update customers set organization_id = $1 where organization_id = $1",
        "organization_id is set: a row never changes its organization.",
    ),
    "another organization on conflict": (
        (
            "insert into customers (organization_id, id) values ($1, $2) on conflict (organization_id, id) "
            "do update set organization_id = excluded.organization_id"
        ),
        "organization_id is set: a row never changes its organization.",
    ),
    "rows from a query": (
        (
            "insert into activity (organization_id, id) select o.id, u.id from organizations o "
            "cross join unnest($2::uuid[]) as u(id) where o.id = $1"
        ),
        "INSERT … SELECT has neither RETURNING nor ON CONFLICT: a cluster would make it a COPY.",
    ),
    "a row of nobody": (
        "insert into activity (id) values ($1)",
        "INSERT into activity does not name organization_id.",
    ),
    "a subquery among values": (
        "insert into activity (organization_id, id) values ($1, (select $2::uuid))",
        "VALUES has a subquery: write INSERT … SELECT.",
    ),
    "copied rows": (
        "copy customers (organization_id, id) from stdin",
        "COPY into customers: copy into a staging table.",
    ),
    "a merge": (
        (
            "merge into customers c using unnest($2::uuid[]) as u(id) on c.id = u.id and c.organization_id = $1 "
            "when matched then update set name = $3"
        ),
        "MERGE is not pushed down to a cluster's workers; write INSERT … ON CONFLICT.",
    ),
    "the database's clock": (
        "update customers set updated_at = now() where organization_id = $1",
        "current_timestamp is computed by the database: times and ids are parameters.",
    ),
    "the database's ids": (
        "insert into activity (organization_id, id) values ($1, gen_random_uuid())",
        "gen_random_uuid() is computed by the database: times and ids are parameters.",
    ),
    "the database's calendar": (
        "select id from invoices where organization_id = $1 and due_date < current_date",
        "current_date is computed by the database: times and ids are parameters.",
    ),
    "deferred constraints": ("set constraints all deferred", "SET CONSTRAINTS is not sent to a cluster's workers."),
    "a table that nobody knows": (
        "select id from customers_copy",
        "customers_copy is an unknown table. Staging tables are called import_…; others are listed in tests/statements.py.",
    ),
    "a statement that cannot be taken apart": ("vacuum customers", "cannot be read: VACUUM …"),
    "no SQL": ("select from where )", "cannot be read:"),
}


@pytest.mark.parametrize("statement", GOOD)
def test_a_statement_that_names_the_organization_everywhere_passes(statement: str) -> None:
    assert problems_of(statement) == ()


@pytest.mark.parametrize(("statement", "problem"), BAD.values(), ids=BAD)
def test_a_statement_that_no_cluster_would_route_is_found(statement: str, problem: str) -> None:
    found = problems_of(statement)
    assert len(found) >= 1
    assert found[0].startswith(problem)


def test_every_table_that_is_not_held_is_named() -> None:
    assert problems_of("select 1 from customers c join invoices i on i.customer_id = c.id") == (
        f"c.organization_id {NOT_COMPARED} SELECT.",
        f"i.organization_id {NOT_COMPARED} SELECT.",
    )


async def test_what_holdco_asks_is_noted_with_its_place_and_what_a_test_asks_is_not(
    database_url: str, organization_id: UUID
) -> None:
    # A connection of its own has prepared nothing yet, whatever ran before.
    fresh = create_engine(database_url, pool_size=1)
    mine = "select count(*) from customers -- of the test"
    asked = set(ISSUED.origins)
    context = Context(fresh, Viewer(organization_id, "tester", StaffRole.ADMIN))
    async with context.transaction() as transaction:
        await transaction.rows(text(mine))
        await numbering.next_number(transaction, numbering.Series.INVOICE, INVOICES.number)
    await fresh.dispose()
    assert mine not in ISSUED.origins
    assert {origin.split(":")[0] for statement, origin in ISSUED.origins.items() if statement not in asked} <= {
        "src/holdco/context.py",
        "src/holdco/organizations/numbering.py",
    }
    counting = {origin.split(":")[0] for statement, origin in ISSUED.origins.items() if "into number_counters" in statement}
    assert "src/holdco/organizations/numbering.py" in counting


class Everything(Issued):
    """Notes what tests ask, too."""

    def note(self, statement: str) -> None:
        self.origins[statement] = "here"


async def test_what_goes_to_the_driver_past_sqlalchemy_is_noted_as_well(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*ASKING, COPYING):
        monkeypatch.setattr(asyncpg.Connection, name, getattr(asyncpg.Connection, name))
    everything = Everything()
    everything.listen()
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute("create temporary table import_rows (number bigint)")
        await driver.copy_records_to_table("import_rows", records=[(1,), (2,)])
        assert await driver.fetchval("select sum(number) from import_rows where number > $1", 0) == 3
        await driver.execute("drop table import_rows")
    assert list(everything.origins) == [
        "create temporary table import_rows (number bigint)",
        "COPY import_rows FROM STDIN",
        "select sum(number) from import_rows where number > $1",
        "drop table import_rows",
    ]
    assert everything.problems() == []


BAD_RUN = """
from statements import ISSUED


def test_that_passes() -> None:
    ISSUED.origins["select name from customers"] = "src/holdco/nowhere.py:1"
"""


def test_one_bad_statement_in_a_worker_fails_a_run_whose_tests_all_pass(tmp_path: Path) -> None:
    test = tmp_path / "test_bad_run.py"
    test.write_text(BAD_RUN)
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", here.parent / "pyproject.toml", "-p", "conftest", "-q", "-n", "1", test],
        env={**os.environ, "PYTHONPATH": str(here), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in run.stdout, run.stdout + run.stderr
    assert "src/holdco/nowhere.py:1: customers.organization_id is not compared with a parameter" in run.stdout
    assert run.returncode == 1
