"""Races about the hierarchy (domain.md H3, K2, K3): links change one at a time, and money follows links that stand."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from directly import directly
from holdco import ids
from races.racing import Payload, codes, holder, queue, race
from stories import PAYS, SEES, Story

ROUNDS = 12


def moved(story: Story, customer: str, under: str | None, **fields: Any) -> Any:
    """An attempt to move, to be awaited."""
    return story.attempt("customerMove", id=customer, parentId=under, **({"access": PAYS} if under else {}), **fields)


async def now(story: Story) -> datetime:
    """The clock of this machine, which Holdco and its database share."""
    async with directly(story.engine, story.organization_id) as connection:
        found: datetime = (await connection.execute(text("select clock_timestamp()"))).scalar_one()
    return found.astimezone(UTC)


async def instants(story: Story, statement: str, key: str) -> list[tuple[datetime | None, ...]]:
    async with directly(story.engine, story.organization_id) as connection:
        rows = await connection.execute(
            text(f"{statement} where organization_id = :organization_id and {'child_id' if key[0] == 'c' else 'id'} = :key"),
            {"organization_id": story.organization_id, "key": ids.parse(key)[1]},
        )
        return [tuple(row) for row in rows]


async def test_of_two_that_go_below_one_another_one_is_refused(story: Story) -> None:
    for _ in range(ROUNDS):
        first, second = await story.customer("Aldgate"), await story.customer("Bishopsgate")
        answers = await race(moved(story, first, second), moved(story, second, first))
        assert sorted(codes(answer) for answer in answers) == [[], ["HIERARCHY_CYCLE"]]


async def test_two_that_wait_for_the_same_tree_cannot_make_a_cycle(story: Story) -> None:
    first, second = await story.customer("Aldgate"), await story.customer("Bishopsgate")
    async with holder(story) as held:
        await held.tree()
        below, above = await queue(story.engine, moved(story, first, second), moved(story, second, first))
        await held.let_go()
        assert codes(await below) == []
        assert codes(await above) == ["HIERARCHY_CYCLE"]


async def test_of_a_ring_of_moves_the_last_is_refused(story: Story) -> None:
    for _ in range(ROUNDS):
        ring = [await story.customer(f"Gate {number}") for number in range(4)]
        answers = await race(*(moved(story, child, ring[index - 1]) for index, child in enumerate(ring)))
        assert sorted(codes(answer) for answer in answers) == [[], [], [], ["HIERARCHY_CYCLE"]]


async def test_a_child_that_is_moved_by_many_at_once_has_one_parent_and_a_whole_history(story: Story) -> None:
    parents = [await story.customer(f"Parent {number}") for number in range(6)]
    child = await story.customer("Child")
    for _ in range(4):
        targets: list[str | None] = [*random.sample(parents, 5), None]
        answers = await race(*(moved(story, child, target) for target in targets))
        assert [codes(answer) for answer in answers] == [[]] * 6
    links = await instants(story, "select valid_from, valid_to from parent_links", child)
    links = sorted(links, key=lambda link: (link[0], link[1] is None, link[1]))
    assert len(links) == 20
    # None begins before the one before it has ended, and only the last may be open.
    assert all(end is not None and end <= begin for (_, end), (begin, _) in itertools.pairwise(links))


@pytest.mark.parametrize("is_applied_first", [True, False])
async def test_money_that_is_applied_while_its_link_ends_goes_before_or_not_at_all(story: Story, is_applied_first: bool) -> None:
    office = await story.customer("Head office")
    branch = await story.customer("Branch", under=office)
    invoice = await story.invoice(branch, "100")
    payment = await story.payment(office, "100")
    lines = [{"invoiceId": invoice, "amount": "100"}]
    apply = story.attempt("paymentApply", sourceId=payment, strategy="EXPLICIT", lines=lines)
    unlink = moved(story, branch, None)
    async with holder(story) as held:
        await held.tree()
        first, second = await queue(story.engine, *((apply, unlink) if is_applied_first else (unlink, apply)))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == ([] if is_applied_first else ["LINK_ENDED"])
    assert await story.balances(invoice) == ["0.00" if is_applied_first else "100.00"]


async def test_no_allocation_is_made_over_a_link_that_has_ended(story: Story) -> None:
    """The story is verified at its end: each allocation lies between the beginning and the end of the links on its path."""
    office = await story.customer("Head office")
    branch = await story.customer("Branch", under=office)
    payment = await story.payment(office, "1000")
    for _ in range(ROUNDS):
        invoice = await story.invoice(branch, "10")
        lines = [{"invoiceId": invoice, "amount": "10"}]
        applied, unlinked = await race(
            story.attempt("paymentApply", sourceId=payment, strategy="EXPLICIT", lines=lines), moved(story, branch, None)
        )
        assert codes(unlinked) == []
        assert codes(applied) in ([], ["LINK_ENDED"])
        assert await story.balances(invoice) == ["0.00" if codes(applied) == [] else "10.00"]
        await story.move(branch, office)


async def test_what_waited_for_the_tree_is_dated_when_it_happened_and_not_when_it_was_asked(story: Story) -> None:
    """Else a payment could seem to be older than the link that it went over, or younger than the end of that link."""
    office, branch = await story.customer("Head office"), await story.customer("Branch")
    await story.invoice(office, "100")
    async with holder(story) as held:
        await held.tree()
        pay, link = await queue(
            story.engine,
            story.attempt("paymentRecord", customerId=office, amount="100", apply={}),
            moved(story, branch, office),
        )
        waited_until = await now(story)
        await held.let_go()
        allocation = (await pay)["allocations"][0]["id"]
        assert codes(await link) == []
    ((applied_at,),) = await instants(story, "select created_at from allocations", allocation)
    ((linked_at,),) = await instants(story, "select valid_from from parent_links", branch)
    assert waited_until < applied_at < linked_at  # type: ignore[operator]


async def test_rights_that_end_while_money_is_applied_are_asked_when_it_is(story: Story) -> None:
    office = await story.customer("Head office")
    branch = await story.customer("Branch", under=office)
    invoice = await story.invoice(branch, "100")
    payment = await story.payment(office, "100")
    async with holder(story) as held:
        await held.tree()
        tasks = await queue(
            story.engine,
            story.attempt("customerParentAccessSet", id=branch, access=SEES),
            story.attempt("paymentApply", sourceId=payment),
        )
        await held.let_go()
        limited, applied = await asyncio.gather(*tasks)
    assert (codes(limited), codes(applied)) == ([], [])
    assert applied["allocations"] == []
    assert applied["skipped"] == [{"code": "PARENT_PAY_NOT_ALLOWED", "customer": {"id": branch}}]
    assert await story.balances(invoice) == ["100.00"]


async def test_moves_and_payments_all_over_a_tree_leave_it_whole(story: Story) -> None:
    customers = [await story.customer(f"Customer {number}") for number in range(8)]
    for customer in customers:
        await story.invoice(customer, "50")

    async def move() -> list[Payload]:
        return [await moved(story, random.choice(customers), random.choice([*customers, None])) for _ in range(6)]

    async def pay() -> list[Payload]:
        return [await story.attempt("paymentRecord", customerId=random.choice(customers), amount="7", apply={}) for _ in range(6)]

    answers = [
        answer for part in await asyncio.gather(*(move() for _ in range(5)), *(pay() for _ in range(5))) for answer in part
    ]
    assert {code for answer in answers for code in codes(answer)} <= {"HIERARCHY_CYCLE"}
    everyone = "{ customers(first: 200, filter: {isRoot: true}) { nodes { consolidatedReceivables { net } } } }"
    roots = (await story.ask(everyone))["customers"]["nodes"]
    assert sum(float(row["net"]) for root in roots for row in root["consolidatedReceivables"]) == 8 * 50 - 30 * 7
