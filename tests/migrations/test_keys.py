"""What the database itself promises, and what keeps it ready for a cluster: keys, names, checks (distributed.md 2.1)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from stories import Story

NAME_LENGTH_MAX = 50

_KEYS = """
select cast(c.conrelid as regclass)::text as table_name, c.conname, c.contype::text, c.condeferrable, c.confdeltype::text,
       c.confupdtype::text, cast(nullif(c.confrelid, 0) as regclass)::text as referred,
       (select array_agg(a.attname::text order by k.position) from unnest(c.conkey) with ordinality as k(number, position)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number) as columns,
       (select array_agg(a.attname::text order by k.position) from unnest(c.confkey) with ordinality as k(number, position)
        join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.number) as referred_columns
from pg_constraint c
where c.connamespace = 'public'::regnamespace and c.conrelid <> 0 and cast(c.conrelid as regclass)::text <> 'alembic_version'
"""
_UNIQUE_INDEXES = """
select cast(i.indrelid as regclass)::text, cast(i.indexrelid as regclass)::text,
       (select a.attname::text from pg_attribute a where a.attrelid = i.indrelid and a.attnum = i.indkey[0])
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace and i.indisunique and cast(i.indrelid as regclass)::text <> 'alembic_version'
"""
_COLUMNS = """
select table_name, data_type, is_nullable from information_schema.columns
where table_schema = 'public' and column_name = 'organization_id'
"""
_TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"


async def rows(engine: AsyncEngine, statement: str) -> list[Any]:
    async with directly(engine) as connection:
        return list((await connection.execute(text(statement))).all())


def organization_column(table: str) -> str:
    return "id" if table == "organizations" else "organization_id"


async def test_the_organization_stands_first_in_every_key(engine: AsyncEngine) -> None:
    tables = {row[0] for row in await rows(engine, _TABLES)}
    primary = set()
    for key in await rows(engine, _KEYS):
        if key.contype in {"p", "u", "f"}:
            assert key.columns[0] == organization_column(key.table_name), key.conname
        if key.contype == "p":
            primary.add(key.table_name)
    assert primary == tables
    for table, index, first in await rows(engine, _UNIQUE_INDEXES):
        assert first == organization_column(table), index


async def test_every_foreign_key_carries_the_organization_to_both_sides(engine: AsyncEngine) -> None:
    referring = [key for key in await rows(engine, _KEYS) if key.contype == "f"]
    assert len(referring) > 10
    for key in referring:
        if key.referred == "organizations":
            assert (key.columns, key.referred_columns) == (["organization_id"], ["id"]), key.conname
        else:
            assert len(key.columns) >= 2, key.conname
            assert key.referred_columns[0] == "organization_id", key.conname
        # No action, restrict or cascade on delete, no action on update: what a cluster can do.
        assert key.confdeltype in {"a", "r", "c"}, key.conname
        assert key.confupdtype == "a", key.conname


async def test_every_row_of_a_tenant_has_an_organization(engine: AsyncEngine) -> None:
    tables = {row[0] for row in await rows(engine, _TABLES)}
    assert {tuple(row) for row in await rows(engine, _COLUMNS)} == {(table, "uuid", "NO") for table in tables - {"organizations"}}


async def test_names_are_short_enough_for_the_number_of_a_shard_and_nothing_is_deferred(engine: AsyncEngine) -> None:
    keys = await rows(engine, _KEYS)
    indexes = await rows(engine, "select indexname from pg_indexes where schemaname = 'public'")
    names = [*(key.conname for key in keys), *(row[0] for row in indexes)]
    assert [name for name in names if len(name) > NAME_LENGTH_MAX] == []
    checks = [key.conname for key in keys if key.contype in {"c", "f", "u", "p"}]
    assert len(checks) == len(set(checks))
    assert [key.conname for key in keys if key.condeferrable] == []
    assert await rows(engine, "select tgname from pg_trigger where not tgisinternal") == []


# What somebody might write past the program, and the constraint that stops it.
FORBIDDEN = [
    ("update invoices set balance = -1, amount_paid = total + 1", "ck_invoices_amounts"),
    ("update invoices set balance = balance - 1", "ck_invoices_balance"),
    ("update invoices set total = total + 1, balance = balance + 1", "ck_invoices_total"),
    ("update invoices set status = 'DRAFT'", "ck_invoices_paid_when_issued"),
    ("update invoices set status = 'SENT', amount_paid = 0, balance = total", "ck_invoices_status"),
    ("update payments set unapplied = -1, allocated = amount + 1", "ck_payments_amounts"),
    ("update payments set unapplied = unapplied - 1", "ck_payments_allocated_and_unapplied"),
    ("update payments set bank_charges = -1", "ck_payments_charges"),
    ("update payments set mode = 'BARTER'", "ck_payments_mode"),
    ("update payments set currency = 'EUR'", "fk_allocations_payments"),
    ("update credit_notes set remaining = remaining - 1", "ck_credit_notes_allocated_and_remaining"),
    ("update credit_notes set total = 0, remaining = 0", "ck_credit_notes_amounts"),
    ("update allocations set amount = 0", "ck_allocations_amount"),
    ("update allocations set credit_note_id = payment_id", "ck_allocations_source"),
    ("update allocations set currency = 'EUR'", "fk_allocations_(payments|invoices)"),
    ("update allocations set payer_id = beneficiary_id", "fk_allocations_payments"),
    ("update customers set parent_id = id", "ck_customers_own_parent"),
    ("update customers set kind = 'INDIVIDUAL' where parent_id is not null and", "ck_customers_business_child"),
    ("update customers set number = 'same'", "uq_customers_number"),
    ("update parent_links set view = false", "ck_parent_links_rights"),
    ("update parent_links set valid_to = valid_from - interval '1 second'", "ck_parent_links_interval"),
    ("update parent_links set parent_id = child_id", "ck_parent_links_own_parent"),
    ("update customer_closure set depth = 0", "ck_customer_closure_depth"),
    ("delete from customers", "fk_"),
    ("delete from payments", "fk_allocations_payments"),
]


async def test_the_database_refuses_what_no_money_and_no_tree_can_be(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.invoice(city, "10.00")
    await story.payment(top, "8.00", apply={"amountMax": "5.00"})
    await story.credit_note(top, "3.00")
    for statement, constraint in FORBIDDEN:
        joining = " " if statement.endswith("and") else " where "
        async with directly(story.engine, story.organization_id) as connection:
            with pytest.raises(IntegrityError, match=constraint):
                await connection.execute(
                    text(f"{statement}{joining}organization_id = :organization_id"), {"organization_id": story.organization_id}
                )
