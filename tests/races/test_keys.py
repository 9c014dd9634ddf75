"""A keyed request is carried out once, however often and at whatever moment it is sent again (domain.md K4)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from conftest import Client
from directly import directly
from holdco.errors import Unavailable
from races.racing import codes, holder, queue, race
from stories import Story, fresh_key
from waiting import until_waiting

_COUNT = text("select count(*) from payments where organization_id = :organization_id")

TESTS = Path(__file__).parents[1]

RECORD = """
mutation ($input: PaymentRecordInput!) { paymentRecord(input: $input) {
  payment { id number amount } allocations { id amount invoice { id } } userErrors { code } replayed
} }
"""


async def payment_count(story: Story) -> int:
    async with directly(story.engine, story.organization_id) as connection:
        count: int = (await connection.execute(_COUNT, {"organization_id": story.organization_id})).scalar_one()
    return count


async def test_a_key_that_is_sent_ten_times_at_once_over_http_pays_once(story: Story, client: Client) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    pays = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    answers = [answer["paymentRecord"] for answer in await race(*(client(RECORD, input=pays) for _ in range(10)))]
    assert sorted(answer.pop("replayed") for answer in answers) == [False] + [True] * 9
    assert all(answer == answers[0] for answer in answers)
    assert [row["amount"] for row in answers[0]["allocations"]] == ["80.00"]
    assert await payment_count(story) == 1
    assert await story.balances(invoice) == ["20.00"]


async def test_nine_that_wait_while_the_first_pays_are_told_what_it_did(story: Story) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    pays = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with holder(story) as held:
        await held.row(invoice)
        tasks = await queue(story.engine, *(story.attempt("paymentRecord", **pays) for _ in range(10)))
        await held.let_go()
        first, *others = await asyncio.gather(*tasks)
    assert first["replayed"] is False
    assert others == [{**first, "replayed": True}] * 9
    assert await payment_count(story) == 1


Request = tuple[str, dict[str, Any]]


async def _to_apply(story: Story) -> Request:
    office = await story.customer("Head office")
    await story.invoice(office, "100")
    return "paymentApply", {"sourceId": await story.payment(office, "80")}


async def _to_apply_credit(story: Story) -> Request:
    office = await story.customer("Head office")
    await story.invoice(office, "100")
    return "creditNoteApply", {"sourceId": await story.credit_note(office, "80")}


async def _to_credit(story: Story) -> Request:
    return "creditNoteCreate", {"customerId": await story.customer("Head office"), "total": "80"}


async def _to_take_back(story: Story) -> Request:
    mutation, fields = await _to_apply(story)
    return "allocationReverse", {"id": (await story.do(mutation, **fields))["allocations"][0]["id"]}


async def _to_reverse(story: Story) -> Request:
    mutation, fields = await _to_apply(story)
    await story.do(mutation, **fields)
    return "paymentReverse", {"id": fields["sourceId"], "reason": "no funds"}


async def _to_void(story: Story) -> Request:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    await story.payment(office, "80", apply={})
    return "invoiceVoid", {"id": invoice, "reason": "wrong", "releaseAllocations": True}


@pytest.mark.parametrize("prepared", [_to_apply, _to_apply_credit, _to_credit, _to_take_back, _to_reverse, _to_void])
async def test_every_mutation_of_money_is_carried_out_once_under_one_key(
    story: Story, prepared: Callable[[Story], Awaitable[Request]]
) -> None:
    mutation, fields = await prepared(story)
    answers = await race(*(story.attempt(mutation, **fields, idempotencyKey="once") for _ in range(5)))
    assert sorted(answer.pop("replayed") for answer in answers) == [False] + [True] * 4
    assert answers == [answers[0]] * 5
    assert codes(answers[0]) == []


async def test_of_two_requests_under_one_key_the_other_one_is_refused(story: Story) -> None:
    office = await story.customer("Head office")
    key = fresh_key()
    answers = await race(
        *(story.attempt("paymentRecord", customerId=office, amount=amount, idempotencyKey=key) for amount in ("80", "90"))
    )
    assert sorted(codes(answer) for answer in answers) == [[], ["IDEMPOTENCY_KEY_REUSED"]]
    assert await payment_count(story) == 1


async def test_whoever_waited_for_a_key_that_was_refused_has_it(story: Story) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    key = fresh_key()
    too_much = {"strategy": "EXPLICIT", "lines": [{"invoiceId": invoice, "amount": "120"}]}
    async with holder(story) as held:
        await held.row(invoice)
        refused, done = await queue(
            story.engine,
            story.attempt("paymentRecord", customerId=office, amount="120", apply=too_much, idempotencyKey=key),
            story.attempt("paymentRecord", customerId=office, amount="90", idempotencyKey=key),
        )
        await held.let_go()
        assert codes(await refused) == ["EXCEEDS_INVOICE_BALANCE"]
        assert codes(await done) == []
    assert (await done)["replayed"] is False
    assert await payment_count(story) == 1


async def test_a_payment_of_another_system_is_recorded_once(story: Story) -> None:
    office = await story.customer("Head office")
    pays = {"customerId": office, "amount": "80", "sourceSystem": "bank", "externalId": uuid4().hex}
    answers = await race(*(story.attempt("paymentRecord", **pays) for _ in range(4)))
    assert sorted(codes(answer) for answer in answers) == [[], *[["EXTERNAL_REFERENCE_TAKEN"]] * 3]
    assert await payment_count(story) == 1


async def test_a_payment_whose_connection_breaks_has_not_happened_and_is_paid_once_when_it_is_sent_again(story: Story) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    before = await story.everything()
    pays = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with holder(story) as held:
        await held.row(invoice)
        (paying,) = await queue(story.engine, story.attempt("paymentRecord", **pays))
        async with directly(story.engine, story.organization_id) as connection:
            waiting = "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            await connection.execute(text(f"select pg_terminate_backend(pid) {waiting}"))
        with pytest.raises(Unavailable):
            await paying
        await held.let_go()
    assert await story.everything() == before
    assert (await story.do("paymentRecord", **pays))["replayed"] is False
    assert (await story.do("paymentRecord", **pays))["replayed"] is True
    assert await payment_count(story) == 1
    assert await story.balances(invoice) == ["20.00"]


async def test_a_payment_that_is_cancelled_midway_has_not_happened_and_leaves_no_connection_behind(story: Story) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    before = await story.everything()
    connections = story.engine.pool.checkedout()  # type: ignore[attr-defined]  # of every pool that counts
    pays = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with holder(story) as held:
        await held.row(invoice)
        tasks = await queue(story.engine, *(story.attempt("paymentRecord", **pays) for _ in range(3)))
        for task in tasks:
            task.cancel()
        assert all(isinstance(answer, asyncio.CancelledError) for answer in await asyncio.gather(*tasks, return_exceptions=True))
        await held.let_go()
    assert story.engine.pool.checkedout() == connections  # type: ignore[attr-defined]
    assert await story.everything() == before
    assert (await story.do("paymentRecord", **pays))["replayed"] is False
    assert await payment_count(story) == 1


async def test_a_client_that_goes_away_learns_from_its_key_that_it_has_paid(story: Story, client: Client) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    pays = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with holder(story) as held:
        await held.row(invoice)
        (paying,) = await queue(story.engine, client(RECORD, input=pays))
        paying.cancel()
        await asyncio.gather(paying, return_exceptions=True)
        again = asyncio.create_task(client(RECORD, input=pays))
        await held.waiting(2)
        await held.let_go()
        answer = (await again)["paymentRecord"]
    assert answer["replayed"] is True
    assert await payment_count(story) == 1
    assert await story.balances(invoice) == ["20.00"]


_PAYING = """
import asyncio, sys
from uuid import UUID
from asking import asker
from holdco.database import create_engine
from stories import Story

async def main(url, organization_id, customer_id, key):
    engine = create_engine(url)
    story = Story(asker(engine, UUID(organization_id)), engine, UUID(organization_id))
    await story.do("paymentRecord", customerId=customer_id, amount="80", apply={}, idempotencyKey=key)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_server_that_is_killed_midway_has_paid_nothing(story: Story, database_url: str) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    before = await story.everything()
    key = fresh_key()
    async with holder(story) as held:
        await held.row(invoice)
        arguments = ["-c", _PAYING, database_url, str(story.organization_id), office, key]
        server = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=TESTS)
        await until_waiting(story.engine, 1, deadline=30)
        server.kill()
        await server.wait()
        assert await story.everything() == before
        # Its backend still waits, and finds nobody to answer to: only then is the key free.
        again = asyncio.create_task(story.do("paymentRecord", customerId=office, amount="80", apply={}, idempotencyKey=key))
        await held.waiting(2)
        await held.let_go()
        assert (await again)["replayed"] is False
    assert await payment_count(story) == 1
    assert await story.balances(invoice) == ["20.00"]
