"""A build of Holdco that has forgotten all of its conditions on the organization, and is kept to its own rows all the same."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlglot
from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlglot import exp

import demo_company
from asking import answered, asker
from directly import become_owner
from holdco import database, reader
from holdco.compiled import Compiled
from holdco.database import create_engine
from holdco.organizations import service as organizations
from holdco.sight import Audience
from statements import ISSUED

FOLDER = Path(__file__).parent.parent / "execution" / "documents"
DOCUMENTS = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.graphql"))}
EVERYTHING = """
{ customers(first: 200) { totalCount nodes { number name invoices { totalCount nodes { number } } } }
  invoices(first: 200) { totalCount nodes { number total customer { number } } }
  payments { totalCount nodes { number amount } } customerGroups { nodes { name } } organization { name } }
"""


@functools.cache
def without_conditions(sql: str) -> str:
    """Whatever compares an organization with a parameter is true; the parameter stays, so that the arguments fit."""

    def forgotten(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.EQ):
            return node
        sides = (node.this.unnest(), node.expression.unnest())
        column = next((side for side in sides if isinstance(side, exp.Column)), None)
        parameter = next((side for side in sides if side.find(exp.Parameter) is not None), None)
        if column is None or parameter is None or not _is_organization(node, column):
            return node
        return exp.Not(this=exp.Is(this=exp.cast(parameter.copy(), "uuid"), expression=exp.Null()))

    return sqlglot.parse_one(sql, dialect="postgres").transform(forgotten).sql(dialect="postgres")


def _is_organization(node: exp.Expr, column: exp.Column) -> bool:
    if column.name == "organization_id":
        return True
    source = node.find_ancestor(exp.Select)
    tables = {table.alias_or_name: table.name for table in source.find_all(exp.Table)} if source is not None else {}
    return column.name == "id" and tables.get(column.table, next(iter(tables.values()), "")) == "organizations"


@contextmanager
def forgetting() -> Iterator[list[str]]:
    """While it lasts snapshots read without conditions. Gives the statements that lost some."""
    lost: list[str] = []
    heard = set(ISSUED.origins)
    compile_ = reader.compiled

    def compiled(statement: Executable, audience: Audience = Audience.STAFF) -> Compiled:
        ready = compile_(statement, audience)
        sql = without_conditions(ready.sql)
        if "organization" in ready.sql and "IS NULL" in sql:
            lost.append(sql)
        return ready._replace(sql=sql)

    reader.compiled = compiled  # the build that has a defect
    try:
        yield lost
    finally:
        reader.compiled = compile_
        for statement in ISSUED.origins.keys() - heard:
            del ISSUED.origins[statement]


@pytest.fixture(scope="module")
async def two(clone: Callable[[], Any]) -> AsyncIterator[tuple[str, AsyncEngine, UUID, UUID]]:
    """A database of its own with two organizations: the demo company each, and one has more."""
    async with clone() as url:
        engine = create_engine(url, pool_size=2)
        own, other = uuid4(), uuid4()
        for organization_id in (own, other):
            await organizations.ensure(engine, organization_id)
            await demo_company.load(url, organization_id)
        ask = asker(engine, other)
        await ask('mutation { customerCreate(input: {number: "OTHER", name: "Somebody else"}) { customer { id } } }')
        yield url, engine, own, other
        await engine.dispose()


@pytest.mark.parametrize("document", [*DOCUMENTS.values(), EVERYTHING], ids=[*DOCUMENTS, "everything"])
@pytest.mark.parametrize("is_planning", [True, False])
async def test_every_document_answers_the_same(
    two: tuple[str, AsyncEngine, UUID, UUID], document: str, *, is_planning: bool
) -> None:
    _, engine, own, _ = two
    expected = await answered(engine, own, document, {}, is_planning=is_planning)
    with forgetting() as lost:
        found = await answered(engine, own, document, {}, is_planning=is_planning)
    assert expected.errors is None
    assert (found.data, found.errors) == (expected.data, None)
    assert lost or "__schema" in document


async def test_without_the_wall_that_build_shows_others(two: tuple[str, AsyncEngine, UUID, UUID]) -> None:
    """Or the test above could not fail."""
    url, _, own, _ = two
    unwalled = create_engine(url, pool_size=1, role=None)
    ask = "{ customers(first: 200) { totalCount nodes { number } } }"
    async with unwalled.begin() as connection:
        await connection.execute(text("alter table customers no force row level security"))
    try:
        expected = await answered(unwalled, own, ask, {})
        with forgetting():
            found = await answered(unwalled, own, ask, {})
    finally:
        async with unwalled.begin() as connection:
            await connection.execute(text("alter table customers force row level security"))
        await unwalled.dispose()
    assert expected.data is not None
    assert found.data is not None
    assert found.data["customers"]["totalCount"] == 2 * expected.data["customers"]["totalCount"] + 1
    assert "OTHER" in str(found.data)
    assert "OTHER" not in str(expected.data)


async def test_what_a_transaction_writes_without_a_condition_reaches_own_rows_only(
    two: tuple[str, AsyncEngine, UUID, UUID],
) -> None:
    _, engine, own, other = two

    async def contents(organization_id: UUID) -> list[Any]:
        async with engine.connect() as connection:
            await become_owner(connection, organization_id)
            customers = await connection.execute(text("select id, notes, version from customers order by id"))
            members = await connection.execute(text("select group_id, customer_id from group_members order by 1, 2"))
            return [*customers.all(), *members.all()]

    before = await contents(other)
    assert before
    async with database.begin(engine, organization_id=own, actor="wall") as transaction:
        updated = await transaction.execute(text("update customers set notes = 'mine'"))
        deleted = await transaction.execute(text("delete from group_members"))
    async with engine.connect() as connection:
        await become_owner(connection, own)
        count = (await connection.execute(text("select count(*) from customers where notes = 'mine'"))).scalar_one()
    assert (updated.rowcount, deleted.rowcount > 0) == (count, True)
    assert await contents(other) == before
