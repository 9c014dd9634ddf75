"""rollup, rollup_page and descendants: what is read of large trees."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from measuring import Figure, Side, compare, figure_of
from world import World, data_of

from holdco import ids
from holdco.context import Context
from holdco.customers.loaders import DescendantsByCustomerId
from holdco.customers.queries import DESCENDANTS as DESCENDANTS_LISTING
from holdco.database import create_engine
from holdco.ids import Kind
from holdco.paging import request_of
from holdco.payments.loaders import ConsolidatedReceivablesByCustomerId
from holdco.viewer import StaffRole, Viewer

LARGE = "LARGE-00000"
PAGE = 500
HEAD_OFFICES = 50

RECEIVABLES = "currency outstanding overdue unapplied openCredits net openInvoiceCount"
ROLLUP = f"""
query ($number: String!) {{ customer(by: {{ number: $number }}) {{ name consolidatedReceivables {{ {RECEIVABLES} }} }} }}
"""
ROLLUP_PAGE = f"""
query ($after: String) {{
  customers(filter: {{ isRoot: true }}, first: {HEAD_OFFICES}, after: $after) {{
    nodes {{ id number name consolidatedReceivables {{ {RECEIVABLES} }} }}
  }}
}}
"""
DESCENDANTS = f"""
query ($number: String!, $after: String) {{
  customer(by: {{ number: $number }}) {{
    descendants(first: {PAGE}, after: $after) {{
      edges {{ depth parentId node {{ id number name role status currency }} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""

# By hand: one statement, each kind of money through its own index, added up by the database.
SUMS = """
select currency, sum(outstanding) as outstanding, sum(overdue) as overdue, sum(unapplied) as unapplied,
       sum(credits) as credits, sum(open_invoices) as open_invoices
from (
  select i.currency, sum(i.balance) as outstanding, sum(i.balance) filter (where i.due_date < $3) as overdue,
         0 as unapplied, 0 as credits, count(*) as open_invoices
  from customer_closure c
  join invoices i on i.organization_id = c.organization_id and i.customer_id = c.descendant_id
  where c.organization_id = $1 and c.ancestor_id = {root} and i.status = 'ISSUED' and i.balance > 0
  group by i.currency
  union all
  select p.currency, 0, 0, sum(p.unapplied), 0, 0
  from customer_closure c
  join payments p on p.organization_id = c.organization_id and p.customer_id = c.descendant_id
  where c.organization_id = $1 and c.ancestor_id = {root} and p.unapplied > 0
  group by p.currency
  union all
  select n.currency, 0, 0, 0, sum(n.remaining), 0
  from customer_closure c
  join credit_notes n on n.organization_id = c.organization_id and n.customer_id = c.descendant_id
  where c.organization_id = $1 and c.ancestor_id = {root} and n.remaining > 0
  group by n.currency
) each_kind
group by currency
"""
SUMS_OF_ONE = SUMS.format(root="$2")
SUMS_OF_A_PAGE = f"""
with page as materialized (
  select id, number, name from customers
  where organization_id = $1 and parent_id is null and number > $2 order by number limit {HEAD_OFFICES}
)
select page.number, page.name, sums.*
from page cross join lateral ({SUMS.format(root="page.id")}) sums
order by page.number
"""  # noqa: S608 (constants of this file only)
DESCENDANTS_PAGE = f"""
select c.depth, cu.parent_id, cu.id, cu.number, cu.name, cu.role, cu.status, cu.currency
from customer_closure c
join customers cu on cu.organization_id = c.organization_id and cu.id = c.descendant_id
where c.organization_id = $1 and c.ancestor_id = $2 and (c.depth, c.descendant_id) > ($3, $4)
order by c.depth, c.descendant_id limit {PAGE + 1}
"""  # noqa: S608 (constants of this file only)


async def _large_tree(world: World) -> UUID:
    key: UUID = await world.connection.fetchval(
        "select id from customers where organization_id = $1 and number = $2", world.organization_id, LARGE
    )
    return key


def _sums(rows: list[Any]) -> list[tuple[str, Decimal, int]]:
    return [(row["currency"], Decimal(row["outstanding"]) / 100, row["open_invoices"]) for row in rows]


def _receivables(rows: list[Any]) -> list[tuple[str, Decimal, int]]:
    return [(row["currency"], Decimal(row["outstanding"]), row["openInvoiceCount"]) for row in rows]


async def _loader_alone(world: World, kind: type[Any], keys: Sequence[UUID], *identity: Hashable) -> str:
    """What the loader behind a field takes in this process: the statement and its rows, without graph, JSON and HTTP."""
    engine = create_engine(world.database_url, pool_size=1)
    seconds = []
    for _ in range(10):
        context = Context(engine, Viewer(world.organization_id, "bench", StaffRole.ADMIN))
        begun = time.perf_counter()
        await asyncio.gather(*(context.load(kind, key, *identity) for key in keys))
        seconds.append(time.perf_counter() - begun)
        await context.close()
    await engine.dispose()
    return f"our loader alone {1000 * statistics.median(seconds):.1f} ms"


async def rollup(world: World, limit: float | None) -> Figure:
    """The large tree's consolidated receivables."""
    root, today = await _large_tree(world), datetime.now(UTC).date()
    expected = _sums(await world.connection.fetch(SUMS_OF_ONE, world.organization_id, root, today))

    async def by_hand(_: Any) -> Any:
        return [dict(row) for row in await world.connection.fetch(SUMS_OF_ONE, world.organization_id, root, today)]

    async def by_us(_: Any) -> bytes:
        return world.client.send(ROLLUP, {"number": LARGE})

    async def check(answer: bytes) -> None:
        assert _receivables(data_of(answer)["customer"]["consolidatedReceivables"]) == expected

    note = await _loader_alone(world, ConsolidatedReceivablesByCustomerId, [root], today)
    return await compare("rollup", Side(by_hand), Side(by_us, check), limit=limit, rounds=25, warm_up=6, note=note)


async def rollup_page(world: World, limit: float | None) -> Figure:
    """Fifty head offices, each with its own."""
    today = datetime.now(UTC).date()
    first = data_of(world.client.send("{ customers(filter: { isRoot: true }, first: 1) { pageInfo { endCursor } } }", {}))
    after = first["customers"]["pageInfo"]["endCursor"]

    async def by_hand(_: Any) -> Any:
        offices: dict[str, list[Any]] = {}
        for row in await world.connection.fetch(SUMS_OF_A_PAGE, world.organization_id, LARGE, today):
            offices.setdefault(row["number"], []).append(dict(row))
        return offices

    expected = {number: _sums(rows) for number, rows in (await by_hand(None)).items()}
    assert len(expected) == HEAD_OFFICES

    async def by_us(_: Any) -> bytes:
        return world.client.send(ROLLUP_PAGE, {"after": after})

    async def check(answer: bytes) -> None:
        nodes = data_of(answer)["customers"]["nodes"]
        assert {node["number"]: _receivables(node["consolidatedReceivables"]) for node in nodes} == expected

    roots = [ids.decode(Kind.CUSTOMER, node["id"]) for node in data_of(await by_us(None))["customers"]["nodes"]]
    note = await _loader_alone(world, ConsolidatedReceivablesByCustomerId, roots, today)
    return await compare("rollup_page", Side(by_hand), Side(by_us, check), limit=limit, rounds=40, warm_up=6, note=note)


async def descendants(world: World, limit: float | None) -> Figure:
    """The large tree from the first page to the last: the medians of all pages, and how the last compare with the first."""
    root = await _large_tree(world)
    behind: tuple[int, UUID] = (0, root)
    after: str | None = None
    rival = Side(lambda place: _descendants_by_hand(world, root, place))
    ours = Side(_asking(world))
    seen = 0
    while True:
        rival.prepare, ours.prepare = _given(behind), _given(after)
        is_warm = seen > 0
        rows = await rival.run(is_counted=is_warm)
        page = data_of(await ours.run(is_counted=is_warm))["customer"]["descendants"]
        assert [edge["node"]["number"] for edge in page["edges"]] == [row["number"] for row in rows[:PAGE]]
        seen += len(page["edges"])
        if not page["pageInfo"]["hasNextPage"]:
            break
        behind, after = (rows[PAGE - 1]["depth"], rows[PAGE - 1]["id"]), page["pageInfo"]["endCursor"]
    assert seen == 49_999  # noqa: PLR2004 (all but the root)
    request = request_of(DESCENDANTS_LISTING, first=PAGE, size_max=PAGE)
    alone = await _loader_alone(world, DescendantsByCustomerId, [root], request)
    slope = statistics.median(ours.seconds[-11:-1]) / statistics.median(ours.seconds[:10])
    return figure_of(
        *("descendants", rival.seconds, ours.seconds),
        limit=limit,
        note=f"{alone}; the last ten full pages take {slope:.2f} times the first ten",
    )


def _given(value: Any) -> Any:
    async def prepare() -> Any:
        return value

    return prepare


async def _descendants_by_hand(world: World, root: UUID, behind: tuple[int, UUID]) -> list[dict[str, Any]]:
    return [dict(row) for row in await world.connection.fetch(DESCENDANTS_PAGE, world.organization_id, root, *behind)]


def _asking(world: World) -> Any:
    async def by_us(after: str | None) -> bytes:
        return world.client.send(DESCENDANTS, {"number": LARGE, "after": after})

    return by_us
