"""What the database itself says about the wall: no table without it, and a role that may do no more than the program does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco.database import create_engine
from holdco.migrations.metadata import metadata

# Those that only grow are the ledger, the activity, and what tells of former times.
ADDS = {"SELECT", "INSERT"}
CHANGES = ADDS | {"UPDATE"}
PRIVILEGES = {
    "access_tokens": CHANGES,
    "activity": ADDS,
    "alembic_version": {"SELECT"},
    "allocations": ADDS,
    "bulk_job_rows": CHANGES,
    "bulk_jobs": CHANGES,
    "client_user_customers": CHANGES | {"DELETE"},
    "client_users": CHANGES,
    "contacts": CHANGES | {"DELETE"},
    "credit_notes": CHANGES,
    "customer_closure": ADDS | {"DELETE"},
    "customer_groups": CHANGES,
    "customers": CHANGES | {"DELETE"},
    "external_references": ADDS | {"DELETE"},
    "former_group_members": ADDS,
    "former_group_ranks": ADDS,
    "group_members": ADDS | {"DELETE"},
    "idempotency_records": CHANGES,
    "invitations": CHANGES,
    "invoice_lines": CHANGES,
    "invoices": CHANGES,
    "item_prices": CHANGES | {"DELETE"},
    "items": CHANGES,
    "number_counters": CHANGES,
    "organizations": CHANGES,
    "parent_links": CHANGES,
    "payments": CHANGES,
    "price_list_rates": CHANGES,
    "price_list_versions": CHANGES,
    "price_lists": CHANGES,
    "project_client_users": ADDS | {"DELETE"},
    "project_contacts": ADDS | {"DELETE"},
    "projects": CHANGES,
    "term_acceptances": CHANGES,
    "terms": CHANGES,
    "waiting_jobs": ADDS | {"DELETE"},
}

_TABLES = """
select c.relname, c.relrowsecurity, c.relforcerowsecurity from pg_class c
where c.relnamespace = cast('public' as regnamespace) and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
"""
_POLICIES = "select tablename, permissive, roles, cmd, qual, with_check from pg_policies where schemaname = 'public'"
_PRIVILEGES = """
select c.relname, cast(grants.grantee as regrole), grants.privilege_type, grants.is_grantable
from pg_class c cross join aclexplode(c.relacl) as grants
where c.relnamespace = cast('public' as regnamespace) and grants.grantee <> c.relowner
"""
_ROLE = """
select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
       exists (select from pg_auth_members m where m.member = r.oid), exists (select from pg_class c where c.relowner = r.oid)
from pg_roles r where rolname = 'holdco_app'
"""


async def rows(engine: AsyncEngine, statement: str) -> list[tuple[Any, ...]]:
    async with directly(engine) as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


async def test_every_table_has_one_policy_that_compares_one_column_and_holds_its_owner_too(engine: AsyncEngine) -> None:
    assert {row[0]: row[1:] for row in await rows(engine, _TABLES)} == dict.fromkeys(metadata.tables, (True, True))
    policies = await rows(engine, _POLICIES)
    # That there is work is told to whoever names no organization yet; what it is, is not. Nothing else is.
    nobody = "(NULLIF(current_setting('holdco.organization_id'::text, true), ''::text) IS NULL)"
    work = ("waiting_jobs", "PERMISSIVE", ["public"], "SELECT", nobody, None)
    assert work in policies
    policies.remove(work)
    assert sorted(row[0] for row in policies) == sorted(metadata.tables)
    for table, *policy in policies:
        column = "id" if table == "organizations" else "organization_id"
        setting = "current_setting('holdco.organization_id'::text, true)"
        condition = f"({column} = (NULLIF({setting}, ''::text))::uuid)"
        assert policy == ["PERMISSIVE", ["public"], "ALL", condition, None], table


async def test_the_role_may_do_what_the_program_does_and_no_more(engine: AsyncEngine) -> None:
    found: dict[str, set[str]] = {}
    for table, grantee, privilege, is_grantable in await rows(engine, _PRIVILEGES):
        assert (grantee, is_grantable) == ("holdco_app", False), table
        found.setdefault(table, set()).add(privilege)
    assert found == PRIVILEGES


async def test_the_role_owns_nothing_bypasses_nothing_and_is_nobody_else(engine: AsyncEngine) -> None:
    assert await rows(engine, _ROLE) == [(False,) * 7]


@pytest.fixture
async def cloned(clone: Callable[[], Any]) -> AsyncIterator[AsyncEngine]:
    async with clone() as url:
        engine = create_engine(url, pool_size=1)
        yield engine
        await engine.dispose()


async def test_a_table_that_a_later_step_makes_is_closed_until_it_is_granted(cloned: AsyncEngine) -> None:
    assert await rows(cloned, "select count(*) from pg_default_acl") == [(0,)]
    async with directly(cloned) as connection:
        await connection.execute(text("create table later (organization_id uuid primary key)"))
    async with cloned.connect() as connection:
        with pytest.raises(ProgrammingError, match="permission denied for table later"):
            await connection.execute(text("select count(*) from later"))


async def test_filters_by_name_and_by_email_address_may_use_their_indexes(engine: AsyncEngine) -> None:
    """Before policies are checked: without the mark each would read all customers of its organization."""
    marked = "select cast(oid as regprocedure) from pg_proc where proleakproof and proname in ('texticlike', 'lower') order by 1"
    assert {row[0] for row in await rows(engine, marked)} >= {"texticlike(text,text)", "lower(text)"}
    async with engine.connect() as connection:
        await connection.execute(text("set local enable_seqscan = off"))
        statement = "explain select id from customers where lower(email) = 'ruth@aldgate.example'"
        plan = "\n".join(row[0] for row in await connection.execute(text(statement)))
    assert re.search(r"Index Cond: .*lower\(email\)", plan)
