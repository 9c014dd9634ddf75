"""However a statement is written, it shows client users no more than they see, or it is not sent at all (sighted.py)."""

from __future__ import annotations

import pytest
from sqlalchemy import Executable, literal_column, select, text

from holdco.compiled import compiled
from holdco.customers.models import Customer
from holdco.sight import PAYERS, Audience, NotSighted
from holdco.sighted import sighted


@pytest.mark.parametrize(
    "sql",
    [
        # Read otherwise than by FROM or JOIN.
        "select c.name from invoices i, customers c where c.id = i.customer_id",
        'select c.name from "customers" c',
        "select c.name from public.customers c",
        "select c.name from only customers c",
        "select c.name from CUSTOMERS c",
        "table customers",
        # By the name of something of its own, which would then stand for the whole table.
        "with customers as (select c.id, c.name from customers c) select name from customers",
        "with invoices as materialized (select i.id from invoices i) select id from invoices",
        # Of what is shown otherwise than it is held, whatever it is called by.
        "select c.notes from customers c",
        "select notes from customers c",
        "select parent_id from customers",
        "select c.* from customers c",
        "select * from customers",
        "select to_jsonb(c) from customers c",
        "select a.reason from allocations a",
        "select unnest(path) from allocations a",
        "select x.revision from alembic_version x",
    ],
)
def test_what_could_show_more_is_not_sent(sql: str) -> None:
    with pytest.raises(NotSighted):
        sighted(text(sql), Audience.MANY)


@pytest.mark.parametrize("audience", [Audience.FEW, Audience.MANY])
def test_each_table_that_is_read_is_read_as_its_visible_part(audience: Audience) -> None:
    sql = "select count(*), c.name from customers c join invoices i on i.customer_id = c.id group by c.name"
    written = sighted(text(sql), audience)
    assert written.count("client_user_customers held") == 2
    assert "from (select * from customers where" in written
    assert "join (select * from invoices where" in written


@pytest.mark.parametrize("audience", [Audience.FEW, Audience.MANY])
def test_a_table_by_another_name_is_read_as_its_visible_part(audience: Audience) -> None:
    table = Customer.__table__
    for other in (table.alias("others"), table.alias(), select(table).subquery(), select(table).cte()):
        assert "client_user_customers" in compiled(select(other.c.name), audience).sql
    # But for the one that shows who paid (domain.md V4).
    assert "client_user_customers" not in compiled(select(table.alias(PAYERS).c.name), audience).sql


@pytest.mark.parametrize(
    "statement",
    [
        select(Customer.id).where(text("exists (select from invoices)")),
        select(literal_column("(select count(*) from invoices)")),
        select(Customer.id).order_by(text("(select count(*) from invoices)")),
        select(text("notes")).select_from(Customer),
    ],
)
def test_text_within_a_composed_statement_is_not_sent(statement: Executable) -> None:
    compiled(statement)
    with pytest.raises(NotSighted):
        compiled(statement, Audience.MANY)
