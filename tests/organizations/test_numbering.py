"""Numbers without gaps, and never one that is taken, however many are (domain.md I2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from directly import directly
from stories import Story

# As an import leaves them: the counter knows nothing of these.
IMPORTED = text(
    """
    insert into customers (organization_id, id, number, name, kind, status, currency, created_at, updated_at, version)
    select :organization_id, gen_random_uuid(),
           'CUS-' || lpad(cast(value as text), greatest(6, length(cast(value as text))), '0'),
           'Imported', 'BUSINESS', 'ACTIVE', 'USD', now(), now(), 1
    from generate_series(cast(:first as integer), cast(:last as integer)) as value
    """
)


async def imported(story: Story, first: int, last: int) -> None:
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(IMPORTED, {"organization_id": story.organization_id, "first": first, "last": last})


async def number_of_new(story: Story) -> str:
    number: str = (await story.do("customerCreate", name="New"))["customer"]["number"]
    return number


async def test_thousands_of_imported_numbers_are_passed_over_in_a_few_statements(
    story: Story, counting: Callable[[], Any]
) -> None:
    def asked(issued: Any) -> int:
        return sum("number_counters" in each or each.startswith("SELECT customers.number") for each in issued.statements)

    await imported(story, 1, 25_000)
    with counting() as issued:
        assert await number_of_new(story) == "CUS-025001"
    # The counter, windows of 1, 10, 100, 1,000, and three of 10,000, and the counter again.
    assert asked(issued) == 9
    with counting() as issued:
        assert await number_of_new(story) == "CUS-025002"
    assert asked(issued) == 2


async def test_a_gap_between_numbers_that_are_taken_is_filled_first(story: Story) -> None:
    await imported(story, 1, 5)
    await imported(story, 7, 40)
    await imported(story, 42, 1_500)
    assert [await number_of_new(story) for _ in range(4)] == ["CUS-000006", "CUS-000041", "CUS-001501", "CUS-001502"]


async def test_numbers_grow_longer_behind_the_last_of_six_digits(story: Story) -> None:
    await imported(story, 999_999, 1_000_000)
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text("insert into number_counters values (:organization_id, 'CUSTOMER', 999997)"),
            {"organization_id": story.organization_id},
        )
    assert [await number_of_new(story) for _ in range(3)] == ["CUS-999998", "CUS-1000001", "CUS-1000002"]
