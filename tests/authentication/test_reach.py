"""Who sees many customers is read by another plan, and reads the same."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from authentication.people import client_user
from directly import directly
from holdco.authentication.reach import MANY
from holdco.authentication.tokens import AccessTokens
from stories import Story

# As many customers below the first as are needed to be many, or one fewer.
BELOW = """
with made as (
  insert into customers (organization_id, id, number, name, kind, status, currency, created_at, updated_at, version)
  select :organization_id, gen_random_uuid(), 'B' || n, 'Branch', 'BUSINESS', 'ACTIVE', 'EUR', now(), now(), 1
  from generate_series(1, cast(:count as integer)) n returning id
)
insert into customer_closure (organization_id, ancestor_id, descendant_id, depth, view, pay, manage)
select :organization_id, c.id, made.id, 1, true, false, false
from made join customers c on c.organization_id = :organization_id and c.number = 'HEAD'
"""


@pytest.mark.parametrize(("count", "is_many"), [(MANY - 1, False), (MANY, True)])
async def test_whoever_sees_more_than_so_many_customers_sees_many(
    story: Story, engine: AsyncEngine, count: int, *, is_many: bool
) -> None:
    await story.customer("Head office", number="HEAD")
    async with directly(engine, story.organization_id) as connection:
        await connection.execute(text(BELOW), {"organization_id": story.organization_id, "count": count})
    _, token = await client_user(engine, story.organization_id, "HEAD", email="head@office.example")
    identity, _ = await AccessTokens(engine).identity(token.text)
    assert identity.viewer.sees_many is is_many
