"""insights: how fifty head offices do, each with all below it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from measuring import Figure, Side, compare
from reading import HEAD_OFFICES, LARGE
from world import World, data_of

FIRST = date(2026, 1, 1)
FIGURES = "currency invoiceCount billed paid openInvoiceCount outstanding overdue"
INSIGHTS = f"""
query ($after: String, $from: Date) {{
  customers(filter: {{ isRoot: true }}, first: {HEAD_OFFICES}, after: $after) {{
    nodes {{ id number name insights(from: $from) {{ byCurrency {{ {FIGURES} }} }} }}
  }}
}}
"""
BEHIND = "query ($number: String!) { customers(filter: { number: { eq: $number } }) { pageInfo { endCursor } } }"
# By hand: one statement, each table by its own index, added up by the database.
SUMS = f"""
with page as materialized (
  select id, number, name from customers
  where organization_id = $1 and parent_id is null and number > $2 order by number limit {HEAD_OFFICES}
)
select page.number, page.name, s.currency, sum(s.invoices) as invoices, sum(s.billed) as billed, sum(s.paid) as paid,
       sum(s.open_invoices) as open_invoices, sum(s.outstanding) as outstanding, sum(s.overdue) as overdue
from page
cross join lateral (
  select i.currency, count(*) as invoices, sum(i.total) as billed, 0 as paid, 0 as open_invoices, 0 as outstanding, 0 as overdue
  from customer_closure c
  join invoices i on i.organization_id = c.organization_id and i.customer_id = c.descendant_id
  where c.organization_id = $1 and c.ancestor_id = page.id and i.status = 'ISSUED' and i.invoice_date between $3 and $4
  group by i.currency
  union all
  select i.currency, 0, 0, 0, count(*), sum(i.balance), sum(i.balance) filter (where i.due_date < $4)
  from customer_closure c
  join invoices i on i.organization_id = c.organization_id and i.customer_id = c.descendant_id
  where c.organization_id = $1 and c.ancestor_id = page.id and i.status = 'ISSUED' and i.balance > 0
  group by i.currency
  union all
  select a.currency, 0, 0, sum(case when a.reverses_id is null then a.amount else -a.amount end), 0, 0, 0
  from customer_closure c
  join allocations a on a.organization_id = c.organization_id and a.beneficiary_id = c.descendant_id
  where c.organization_id = $1 and c.ancestor_id = page.id and a.applied_on between $3 and $4
  group by a.currency
) s
group by page.number, page.name, s.currency
order by page.number, s.currency
"""  # noqa: S608 (constants of this file only)


async def insights(world: World, limit: float | None) -> Figure:
    today = datetime.now(UTC).date()
    large = data_of(world.client.send(BEHIND, {"number": LARGE}))
    variables = {"after": large["customers"]["pageInfo"]["endCursor"], "from": FIRST.isoformat()}

    async def by_hand(_: Any) -> Any:
        return [dict(row) for row in await world.connection.fetch(SUMS, world.organization_id, LARGE, FIRST, today)]

    expected = [(row["number"], row["currency"], row["invoices"], row["open_invoices"]) for row in await by_hand(None)]
    assert len(expected) >= HEAD_OFFICES

    async def by_us(_: Any) -> bytes:
        return world.client.send(INSIGHTS, variables)

    async def check(answer: bytes) -> None:
        nodes = data_of(answer)["customers"]["nodes"]
        found = [(node, row) for node in nodes for row in node["insights"]["byCurrency"]]
        assert [(o["number"], r["currency"], r["invoiceCount"], r["openInvoiceCount"]) for o, r in found] == expected

    return await compare("insights", Side(by_hand), Side(by_us, check), limit=limit, rounds=40, warm_up=6)
