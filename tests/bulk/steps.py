"""What the tests of bulk updates do again and again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from directly import directly
from holdco import database, ids
from holdco.bulk import service
from holdco.ids import Kind
from holdco.terms.precedence import TermField, TermMode
from holdco.terms.service import NewTerm, Owner, assign
from stories import Story

_JOB = """
query ($id: ID!, $filter: BulkJobRowFilter, $after: String) { bulkJob(id: $id) {
  status overridePolicy isDryRun totalCount doneCount updatedCount unchangedCount failedCount skippedCount actor error
  startedAt finishedAt
  rows(filter: $filter, first: 200, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { customerId customer { id } result code message details }
  }
} }
"""
# As quickly as many can be made: what they are is not what is tested.
_MANY = """
with made as (
  insert into customers (organization_id, id, number, name, kind, status, currency, created_at, updated_at, version)
  select :organization_id, made.id, 'B-' || made.place, 'Branch ' || made.place, 'BUSINESS', 'ACTIVE', 'USD', now(), now(), 1
  from unnest(cast(:ids as uuid[])) with ordinality as made(id, place)
  returning id
)
insert into customer_closure (organization_id, ancestor_id, descendant_id, depth, view, pay, manage)
select :organization_id, id, id, 0, true, true, true from made
"""
_PRICE_LIST = """
with made as (
  insert into price_lists (organization_id, id, name, currency, kind, inactivated_at, created_at, updated_at, version)
  values (:organization_id, :id, :name, :currency, 'PERCENTAGE', case when :is_active then null else now() end, now(), now(), 1)
  returning id
)
insert into price_list_versions (organization_id, price_list_id, version, percent, is_active, valid_from, actor)
select :organization_id, id, 1, -10, :is_active, now(), 'tester' from made
"""


async def many(story: Story, count: int) -> list[str]:
    """The ids of so many new customers, in the order in which a job takes them."""
    keys = [ids.new() for _ in range(count)]
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(text(_MANY), {"organization_id": story.organization_id, "ids": keys})
    return [ids.encode(Kind.CUSTOMER, key) for key in sorted(keys)]


async def group(story: Story, name: str, *, mode: TermMode = TermMode.AUTOMATIC, discount: str | None = None) -> str:
    """The id of a new group, with a discount where one is given."""
    made = await story.ask(
        "mutation ($name: String!) { customerGroupCreate(input: {name: $name}) { customerGroup { id } } }", name=name
    )
    key: str = made["customerGroupCreate"]["customerGroup"]["id"]
    if discount is not None:
        await terms(story, Owner(group_id=ids.decode(Kind.GROUP, key)), NewTerm(Decimal(discount), mode))
    return key


async def own_discount(story: Story, customer_id: str, percent: str) -> None:
    await terms(story, Owner(customer_id=ids.decode(Kind.CUSTOMER, customer_id)), NewTerm(Decimal(percent)))


async def terms(story: Story, owner: Owner, term: NewTerm) -> None:
    async with database.begin(story.engine, organization_id=story.organization_id, actor="tester") as transaction:
        await assign(transaction, {owner: {TermField.DISCOUNT_PERCENT: term}})


async def price_list(story: Story, name: str, *, currency: str = "USD", is_active: bool = True) -> str:
    key = ids.new()
    parameters = {"organization_id": story.organization_id, "id": key, "name": name, "currency": currency, "is_active": is_active}
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(text(_PRICE_LIST), parameters)
    return ids.encode(Kind.PRICE_LIST, key)


async def update(story: Story, selector: dict[str, Any], patch: dict[str, Any], **options: Any) -> str:
    """The id of the job of a bulk update."""
    payload = await story.do("customersBulkUpdate", selector=selector, patch=patch, **options)
    key: str = payload["job"]["id"]
    return key


async def job(story: Story, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(_JOB, id=job_id, filter=None))["bulkJob"]
    return found


async def rows(story: Story, job_id: str, result: str | None = None) -> list[dict[str, Any]]:
    """All rows of a job, or those with a result."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await story.ask(_JOB, id=job_id, filter={"result": result} if result else None, after=after))["bulkJob"]["rows"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found
        after = page["pageInfo"]["endCursor"]


async def outcomes(story: Story, job_id: str) -> dict[str, tuple[str, str | None, Any]]:
    """Result, code and details by customer."""
    return {row["customerId"]: (row["result"], row["code"], row["details"]) for row in await rows(story, job_id)}


def key_of(job_id: str) -> UUID:
    return ids.decode(Kind.BULK_JOB, job_id)


async def work_off(story: Story, job_id: str) -> int:
    """Does what is left of a job, as a server would; in how many chunks."""
    chunks = 0
    while await service.work_at(story.engine, story.organization_id, key_of(job_id)):
        chunks += 1
    return chunks


async def discounts(story: Story, *customer_ids: str) -> list[Decimal | None]:
    """What the customers say themselves."""
    async with directly(story.engine, story.organization_id) as connection:
        found = await connection.execute(
            text(
                "select customer_id, discount_percent from terms"
                " where organization_id = :key and valid_to is null and field = 'DISCOUNT_PERCENT'"
            ),
            {"key": story.organization_id},
        )
        own = {ids.encode(Kind.CUSTOMER, row[0]): row[1] for row in found if row[0] is not None}
    return [own.get(key) for key in customer_ids]


async def members(story: Story, group_id: str) -> list[str]:
    """Ids, in order."""
    async with directly(story.engine, story.organization_id) as connection:
        found = await connection.execute(
            text("select customer_id from group_members where organization_id = :key and group_id = :group order by 1"),
            {"key": story.organization_id, "group": ids.decode(Kind.GROUP, group_id)},
        )
        return [ids.encode(Kind.CUSTOMER, row[0]) for row in found]


async def entries(story: Story, action: str) -> list[tuple[str, Any]]:
    """Subject and details of what is on record, in order."""
    async with directly(story.engine, story.organization_id) as connection:
        found = await connection.execute(
            text("select subject_id, details from activity where organization_id = :key and action = :action order by id"),
            {"key": story.organization_id, "action": action},
        )
        return [(row[0], row[1]) for row in found]
