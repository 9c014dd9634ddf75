"""bulk: 111,000 customers put into a group and given payment terms by one job, and what small queries take beside it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any
from uuid import UUID, uuid4

from measuring import Figure
from world import Client, World, data_of

from holdco import ids
from holdco.ids import Kind

# All customers of the thousand trees.
SELECTOR = {"filter": {"number": {"startsWith": "T"}}}
CUSTOMERS = 1000
# Small queries, one after the other with a rest between, as a person at a screen asks them.
REST = 0.005
SECONDS = 15.0
JOB_SECONDS = 900

SMALL = "query Customer($id: ID!) { customer(by: { id: $id }) { id number name status currency } }"
UPDATE = """
mutation ($input: CustomersBulkUpdateInput!) {
  customersBulkUpdate(input: $input) { job { id totalCount } userErrors { code message } }
}
"""
PROGRESS = "query ($id: ID!) { bulkJob(id: $id) { status doneCount updatedCount } }"


class Asking(threading.Thread):
    """Asks until it is told to end, and knows how long each answer took."""

    def __init__(self, port: int, customer_ids: list[str]) -> None:
        super().__init__()
        self._client = Client(port)
        self._customer_ids = customer_ids
        self._is_ending = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        while not self._is_ending.wait(REST):
            wanted = self._customer_ids[len(self.seconds) % len(self._customer_ids)]
            begun = time.perf_counter()
            answer = self._client.send(SMALL, {"id": wanted})
            self.seconds.append(time.perf_counter() - begun)
            assert data_of(answer)["customer"]["id"] == wanted
        self._client.close()

    def end(self) -> list[float]:
        self._is_ending.set()
        self.join()
        return self.seconds


async def bulk(world: World, limit: float | None) -> Figure:
    rows = await world.connection.fetch(
        "select id from customers where organization_id = $1 order by md5(number) limit $2", world.organization_id, CUSTOMERS
    )
    customer_ids = [ids.encode(Kind.CUSTOMER, row[0]) for row in rows]
    alone = await _asked(world, customer_ids, asyncio.sleep(SECONDS))
    async with _group(world) as group_id:
        begun = time.perf_counter()
        job = _start(world, group_id)
        frozen = time.perf_counter() - begun
        beside = await _asked(world, customer_ids, _until_done(world, job["id"]))
        taken = time.perf_counter() - begun
        complaint = await _complaint(world, group_id, job)
    total = job["totalCount"]
    (median, slowest), (median_alone, slowest_alone) = _told(beside), _told(alone)
    note = (
        f"{total} rows in {taken:.0f} s, chosen in {frozen:.1f} s; small queries beside it {1000 * median:.1f} ms"
        f" (99 %: {1000 * slowest:.1f}), without it {1000 * median_alone:.1f} ms (99 %: {1000 * slowest_alone:.1f})"
    )
    return Figure(
        "bulk",
        ratio=slowest / slowest_alone,
        limit=limit,
        ours=beside,
        rival=alone,
        value=total / taken,
        unit="rows per second",
        note=note,
        complaint=complaint,
    )


def _told(seconds: list[float]) -> tuple[float, float]:
    cuts = quantiles(seconds, n=100)
    return cuts[49], cuts[98]


async def _asked(world: World, customer_ids: list[str], meanwhile: Any) -> list[float]:
    asking = Asking(world.port, customer_ids)
    asking.start()
    try:
        await meanwhile
    finally:
        seconds = asking.end()
    return seconds


def _start(world: World, group_id: UUID) -> dict[str, Any]:
    patch = {"groupsAdd": [ids.encode(Kind.GROUP, group_id)], "terms": {"paymentTerms": {"kind": "NET", "netDays": 45}}}
    given = {"selector": SELECTOR, "patch": patch, "idempotencyKey": uuid4().hex}
    payload = data_of(world.client.send(UPDATE, {"input": given}))["customersBulkUpdate"]
    assert not payload["userErrors"], payload
    job: dict[str, Any] = payload["job"]
    return job


async def _until_done(world: World, job_id: str) -> None:
    def status() -> str:
        found: str = data_of(world.client.send(PROGRESS, {"id": job_id}))["bulkJob"]["status"]
        return found

    async with asyncio.timeout(JOB_SECONDS):
        while status() in {"QUEUED", "RUNNING"}:  # noqa: ASYNC110 (another process goes on with it)
            await asyncio.sleep(0.25)


@asynccontextmanager
async def _group(world: World) -> AsyncIterator[UUID]:
    """A group with a discount. In the end it is gone, and so is what the job has left."""
    run, group_id, organization_id = world.connection.execute, ids.new(), world.organization_id
    await run(
        """
        insert into customer_groups (organization_id, id, name, rank, created_at, updated_at, version)
        select $1, $2, $3, max(rank) + 1, now(), now(), 1 from customer_groups where organization_id = $1
        """,
        *(organization_id, group_id, group_id.hex),
    )
    await run(
        """
        insert into terms (organization_id, id, group_id, field, version, discount_percent, mode, valid_from, actor)
        values ($1, $2, $3, 'DISCOUNT_PERCENT', 1, 12.5, 'AUTOMATIC', now(), 'bench')
        """,
        *(organization_id, ids.new(), group_id),
    )
    try:
        yield group_id
    finally:
        await run("delete from group_members where organization_id = $1 and group_id = $2", organization_id, group_id)
        await run(
            "delete from terms where organization_id = $1 and (group_id = $2 or customer_id is not null)",
            organization_id,
            group_id,
        )
        await run("delete from customer_groups where organization_id = $1 and id = $2", organization_id, group_id)
        for table in ("waiting_jobs", "bulk_job_rows", "bulk_jobs"):
            await run(f"delete from {table} where organization_id = $1", organization_id)  # noqa: S608 (from the line above)
        actions = ["customer.bulk_updated", "bulk_job.completed"]
        await run("delete from activity where organization_id = $1 and action = any($2)", organization_id, actions)
        await run("vacuum (analyze) customers, group_members, terms, activity, bulk_job_rows")


async def _complaint(world: World, group_id: UUID, job: dict[str, Any]) -> str | None:
    """What was not done, or not once; None when all was."""
    found = await world.connection.fetchrow(
        """
        select (select count(*) from group_members where organization_id = $1 and group_id = $2),
               (select count(*) from terms where organization_id = $1 and payment_terms_net_days = 45 and customer_id is not null
                  and valid_to is null),
               (select count(*) from activity where organization_id = $1 and action = 'customer.bulk_updated'),
               (select count(*) from bulk_job_rows where organization_id = $1 and job_id = $3 and result = 'UPDATED')
        """,
        *(world.organization_id, group_id, ids.decode(Kind.BULK_JOB, job["id"])),
    )
    assert found is not None
    if set(found) != {job["totalCount"]}:
        return f"of {job['totalCount']} customers {tuple(found)} are members, have the terms, are on record, and are told"
    return None
