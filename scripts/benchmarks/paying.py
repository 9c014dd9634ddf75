"""pay and pay_concurrent: one head office pays for its branches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from measuring import Figure, Side, compare
from world import Client, World, data_of

from holdco import ids
from holdco.ids import Kind

BRANCHES = 300
INVOICES = 1000
ROUNDS = 9

CLIENTS = 16
SECONDS = 10
OPEN_INVOICES = 3000
PAYMENT = 250_00

PAY = """
mutation ($input: PaymentRecordInput!) {
  paymentRecord(input: $input) {
    payment { id number allocated unapplied }
    replayed
    userErrors { code message }
  }
}
"""

# Whatever hangs on the tree that the benches pay into, so that every run begins with the same rows.
_CLEAN = (
    "delete from allocations where organization_id = $1 and payer_id = any($2)",
    "delete from payments where organization_id = $1 and customer_id = any($2)",
    "delete from invoices where organization_id = $1 and customer_id = any($2)",
    "delete from activity where organization_id = $1 and customer_id = any($2)",
    "delete from customers where organization_id = $1 and id = any($2)",
)


@dataclass(frozen=True)
class Tree:
    head_office: UUID
    branches: list[UUID]


@asynccontextmanager
async def tree(world: World) -> AsyncIterator[Tree]:
    """A head office that may pay for 300 branches, gone again afterwards."""
    await _remove(world)
    made = Tree(ids.new(), [ids.new() for _ in range(BRANCHES)])
    numbers = ["Z-PAY", *(f"Z-PAY-{number:03}" for number in range(BRANCHES))]
    keys = [made.head_office, *made.branches]
    organization_id, now = world.organization_id, datetime.now(UTC)
    async with world.connection.transaction():
        await world.connection.execute(
            """
            insert into customers (organization_id, id, number, name, kind, status, currency, parent_id, created_at, updated_at,
                                   version)
            select $1::uuid, id, number, number, 'BUSINESS', 'ACTIVE', 'USD', nullif($4::uuid, id), $5::timestamptz, $5, 1
            from unnest($2::uuid[], $3::text[]) as given(id, number)
            """,
            *(organization_id, keys, numbers, made.head_office, now),
        )
        await world.connection.execute(
            """
            insert into parent_links (organization_id, id, child_id, parent_id, valid_from, view, pay, manage, actor)
            select $1::uuid, id, child_id, $4::uuid, $5::timestamptz, true, true, false, 'bench'
            from unnest($2::uuid[], $3::uuid[]) as given(id, child_id)
            """,
            *(organization_id, [ids.new() for _ in made.branches], made.branches, made.head_office, now),
        )
        await world.connection.execute(
            """
            insert into customer_closure (organization_id, ancestor_id, descendant_id, depth, view, pay, manage)
            select $1::uuid, id, id, 0, true, true, true from unnest($2::uuid[]) as given(id)
            union all
            select $1, $3::uuid, id, 1, true, true, false from unnest($2::uuid[]) as given(id) where id <> $3
            """,
            *(organization_id, keys, made.head_office),
        )
    try:
        yield made
    finally:
        await _remove(world)


async def _remove(world: World) -> None:
    connection, organization_id = world.connection, world.organization_id
    keys = await connection.fetch(
        "select id from customers where organization_id = $1 and number like 'Z-PAY%' order by parent_id nulls last",
        organization_id,
    )
    if keys:
        async with connection.transaction():
            for statement in _CLEAN:
                await connection.execute(statement, organization_id, [row["id"] for row in keys])
            await connection.execute(
                "delete from idempotency_records where organization_id = $1 and key like 'bench-%'", organization_id
            )
    for table in ("allocations", "payments", "invoices", "activity", "idempotency_records", "customers", "customer_closure"):
        await connection.execute(f"vacuum (analyze) {table}")


async def _add_invoices(world: World, tree: Tree, count: int) -> int:
    """Open invoices over all branches, of this and the last two months. Returns what they come to, in minor units."""
    today = datetime.now(UTC).date()
    keys = [ids.new() for _ in range(count)]
    amounts = [100_00 + number * 37 % 100_00 for number in range(count)]
    owners = [tree.branches[number % len(tree.branches)] for number in range(count)]
    days = [today - timedelta(days=number * 13 % 60) for number in range(count)]
    await world.connection.execute(
        """
        insert into invoices (organization_id, id, number, customer_id, status, currency, invoice_date, due_date,
            payment_terms_kind, payment_terms_net_days, payment_terms_source, bill_to, discount_percent, is_discount_before_tax,
            subtotal, discount_total, tax_total, shipping_charge, adjustment, total, amount_paid, amount_written_off, balance,
            issued_at, created_at, updated_at, version)
        select $1::uuid, id, 'BENCH-' || id, customer_id, 'ISSUED', 'USD', invoice_date, invoice_date + 30,
               'NET', 30, 'ORGANIZATION', '{}', 0, true, amount, 0, 0, 0, 0, amount, 0, 0, amount, $6::timestamptz, $6, $6, 1
        from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::date[]) as given(id, customer_id, amount, invoice_date)
        """,
        *(world.organization_id, keys, owners, amounts, days, datetime.now(UTC)),
    )
    return sum(amounts)


def _payment(tree: Tree, amount: int) -> dict[str, Any]:
    return {
        "customerId": ids.encode(Kind.CUSTOMER, tree.head_office),
        "amount": str(Decimal(amount) / 100),
        "currency": "USD",
        "idempotencyKey": f"bench-{ids.new()}",
        "apply": {"strategy": "OLDEST_DUE_FIRST", "scope": "SUBTREE"},
    }


async def pay(world: World, limit: float | None) -> Figure:
    """One payment over 1,000 open invoices of 300 branches. Each round has invoices of its own."""
    async with tree(world) as made:

        async def prepare() -> int:
            return await _add_invoices(world, made, INVOICES)

        async def by_us(amount: int) -> bytes:
            return world.client.send(PAY, {"input": _payment(made, amount)})

        async def by_hand(amount: int) -> None:
            await _pay_by_hand(world, made, amount)

        async def check_ours(answer: bytes) -> None:
            payload = data_of(answer)["paymentRecord"]
            assert payload["userErrors"] == []
            assert payload["payment"]["unapplied"] == "0.00"
            await check(answer)

        async def check(_: Any) -> None:
            assert await _open_invoices(world, made) == 0

        rival = Side(by_hand, check, prepare)
        figure = await compare("pay", rival, Side(by_us, check_ours, prepare), limit=limit, rounds=ROUNDS, warm_up=2)
        assert await _complaint(world, made) is None
        return figure


async def _open_invoices(world: World, tree: Tree) -> int:
    count: int = await world.connection.fetchval(
        "select count(*) from invoices where organization_id = $1 and customer_id = any($2) and balance > 0",
        *(world.organization_id, tree.branches),
    )
    return count


async def _pay_by_hand(world: World, tree: Tree, amount: int) -> None:
    """The payment, what it can pay, the allocations, and both sides' amounts: five statements."""
    connection, organization_id, today, now = world.connection, world.organization_id, datetime.now(UTC).date(), datetime.now(UTC)
    payment_id = ids.new()
    async with connection.transaction():
        await connection.execute(
            """
            insert into payments (organization_id, id, number, customer_id, status, currency, amount, allocated, unapplied,
                                  received_on, mode, bank_charges, withholding_tax, created_at, version)
            values ($1, $2, $3, $4, 'SUCCEEDED', 'USD', $5, 0, $5, $6, 'BANK_TRANSFER', 0, 0, $7, 1)
            """,
            *(organization_id, payment_id, f"BENCH-{payment_id}", tree.head_office, amount, today, now),
        )
        found = await connection.fetch(
            """
            select i.id, i.customer_id, i.number, i.invoice_date, i.due_date, i.balance
            from customer_closure c
            join invoices i on i.organization_id = c.organization_id and i.customer_id = c.descendant_id
            where c.organization_id = $1 and c.ancestor_id = $2 and c.pay
              and i.status = 'ISSUED' and i.balance > 0 and i.currency = 'USD' and i.invoice_date <= $3
            order by i.id for update of i
            """,
            *(organization_id, tree.head_office, today),
        )
        found.sort(key=lambda row: (row["due_date"], row["invoice_date"], row["number"], row["id"]))
        left, lines = amount, []
        for row in found:
            part = min(left, row["balance"])
            if part == 0:
                break
            lines.append((ids.new(), row["id"], row["customer_id"], part))
            left -= part
        keys, invoice_ids, owners, parts = (list(column) for column in zip(*lines, strict=True))
        await connection.execute(
            """
            insert into allocations (organization_id, id, payment_id, invoice_id, payer_id, beneficiary_id, path, currency,
                                     amount, applied_on, strategy, actor, created_at)
            select $1::uuid, id, $2::uuid, invoice_id, $3::uuid, owner_id, array[$3, owner_id], 'USD', amount, $4::date,
                   'OLDEST_DUE_FIRST', 'bench', $5::timestamptz
            from unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::bigint[]) as line(id, invoice_id, owner_id, amount)
            """,
            *(organization_id, payment_id, tree.head_office, today, now, keys, invoice_ids, owners, parts),
        )
        await connection.execute(
            """
            update invoices i set amount_paid = i.amount_paid + line.amount, balance = i.balance - line.amount,
                                  updated_at = $2, version = i.version + 1
            from unnest($3::uuid[], $4::bigint[]) as line(id, amount)
            where i.organization_id = $1 and i.id = line.id
            """,
            *(organization_id, now, invoice_ids, parts),
        )
        await connection.execute(
            "update payments set allocated = $3, unapplied = amount - $3 where organization_id = $1 and id = $2",
            *(organization_id, payment_id, amount - left),
        )


async def pay_concurrent(world: World, _limit: float | None) -> Figure:
    """16 clients pay into one tree for 10 s, each payment applied over the same open invoices as all others."""
    async with tree(world) as made:
        await _add_invoices(world, made, OPEN_INVOICES)
        begun = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            loop = asyncio.get_running_loop()
            until = begun + SECONDS
            runs = [loop.run_in_executor(clients, _pay_until, world.port, made, until) for _ in range(CLIENTS)]
            outcomes = await asyncio.gather(*runs)
        taken = time.perf_counter() - begun
        paid = sum(count for count, _ in outcomes)
        refused = [problem for _, problem in outcomes if problem is not None]
        recorded = await world.connection.fetchval(
            "select count(*) from payments where organization_id = $1 and customer_id = $2",
            *(world.organization_id, made.head_office),
        )
        complaint = await _complaint(world, made)
        if refused:
            complaint = f"a client was answered {refused[0]}"
        elif recorded != paid:
            complaint = f"{paid} payments were answered, {recorded} are recorded"
        left = await _open_invoices(world, made)
        note = f"{paid} payments, nothing lost; {OPEN_INVOICES - left} of {OPEN_INVOICES} invoices paid"
        return Figure("pay_concurrent", value=paid / taken, unit="payments per second", note=note, complaint=complaint)


def _pay_until(port: int, tree: Tree, until: float) -> tuple[int, str | None]:
    """How many payments one client made, and what went wrong with its last one."""
    client = Client(port)
    count = 0
    try:
        while time.perf_counter() < until:
            answer = client.send(PAY, {"input": _payment(tree, PAYMENT)})
            payload = data_of(answer)["paymentRecord"]
            if payload["userErrors"]:
                return count, str(payload["userErrors"])
            count += 1
    except (OSError, ValueError) as problem:
        return count, str(problem)
    finally:
        client.close()
    return count, None


async def _complaint(world: World, tree: Tree) -> str | None:
    """Which of domain.md's invariants 1, 2 and 5 does not hold; None when the money is all there."""
    row = await world.connection.fetchrow(
        """
        with ledger as (select * from allocations where organization_id = $1 and payer_id = $2)
        select
          (select coalesce(sum(allocated), 0) from payments where organization_id = $1 and customer_id = $2),
          (select coalesce(sum(amount_paid), 0) from invoices where organization_id = $1 and customer_id = any($3)),
          (select coalesce(sum(amount), 0) from ledger),
          (select count(*) from payments p where p.organization_id = $1 and p.customer_id = $2 and (
             p.amount <> p.allocated + p.unapplied
             or p.allocated <> (select coalesce(sum(l.amount), 0) from ledger l where l.payment_id = p.id))),
          (select count(*) from invoices i
           left join (select invoice_id, sum(amount) as amount from ledger group by 1) l on l.invoice_id = i.id
           where i.organization_id = $1 and i.customer_id = any($3) and (
             i.balance < 0 or i.balance <> i.total - i.amount_paid or i.amount_paid <> coalesce(l.amount, 0)))
        """,
        *(world.organization_id, tree.head_office, tree.branches),
    )
    assert row is not None
    payments, invoices, ledger, wrong_payments, wrong_invoices = row
    if wrong_payments or wrong_invoices:
        return f"{wrong_payments} payments and {wrong_invoices} invoices do not agree with the ledger"
    if not payments == invoices == ledger:
        return f"payments say {payments}, invoices {invoices}, the ledger {ledger}"
    return None
