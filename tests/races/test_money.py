"""Races about money (domain.md K3): nothing is paid twice, nothing is lost, and every refusal has its reason."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest

from races.racing import Payload, codes, holder, queue, race
from stories import Story

ROUNDS = 12


def explicit(**amounts: str) -> dict[str, Any]:
    """Options that pay these amounts to these invoices."""
    return {"strategy": "EXPLICIT", "lines": [{"invoiceId": key, "amount": amount} for key, amount in amounts.items()]}


async def test_of_two_payments_of_80_on_an_invoice_of_100_one_is_refused(story: Story) -> None:
    office = await story.customer("Head office")
    for _ in range(ROUNDS):
        invoice = await story.invoice(office, "100")
        pays = {"customerId": office, "amount": "80", "apply": explicit(**{invoice: "80"})}
        answers = await race(story.attempt("paymentRecord", **pays), story.attempt("paymentRecord", **pays))
        assert sorted(codes(answer) for answer in answers) == [[], ["EXCEEDS_INVOICE_BALANCE"]]
        assert await story.balances(invoice) == ["20.00"]
    assert (await story.receivables(office))["receivables"][0]["outstanding"] == f"{20 * ROUNDS}.00"


async def test_two_payments_that_wait_for_the_same_invoice_see_what_the_first_left(story: Story) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    pays = {"customerId": office, "amount": "80", "apply": explicit(**{invoice: "80"})}
    async with holder(story) as held:
        await held.row(invoice)
        first, second = await queue(story.engine, story.attempt("paymentRecord", **pays), story.attempt("paymentRecord", **pays))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == ["EXCEEDS_INVOICE_BALANCE"]


async def test_of_two_automatic_payments_of_80_on_100_the_second_keeps_60(story: Story) -> None:
    office = await story.customer("Head office")
    for _ in range(ROUNDS):
        invoice = await story.invoice(office, "100")
        pays = {"customerId": office, "amount": "80", "apply": {}}
        answers = await race(story.attempt("paymentRecord", **pays), story.attempt("paymentRecord", **pays))
        assert sorted(answer["payment"]["unapplied"] for answer in answers) == ["0.00", "60.00"]
        assert await story.balances(invoice) == ["0.00"]


async def test_a_payment_is_not_applied_twice(story: Story) -> None:
    office = await story.customer("Head office")
    for _ in range(ROUNDS):
        first, second = await story.invoice(office, "100"), await story.invoice(office, "100")
        payment = await story.payment(office, "100")
        answers = await race(
            story.attempt("paymentApply", sourceId=payment, **explicit(**{first: "80"})),
            story.attempt("paymentApply", sourceId=payment, **explicit(**{second: "80"})),
        )
        assert sorted(codes(answer) for answer in answers) == [[], ["EXCEEDS_UNAPPLIED"]]
        assert await story.unapplied(payment) == "20.00"


async def test_a_credit_note_is_not_applied_twice(story: Story) -> None:
    office = await story.customer("Head office")
    first, second = await story.invoice(office, "100"), await story.invoice(office, "100")
    note = await story.credit_note(office, "100")
    async with holder(story) as held:
        await held.row(note)
        done, refused = await queue(
            story.engine,
            story.attempt("creditNoteApply", sourceId=note, **explicit(**{first: "80"})),
            story.attempt("creditNoteApply", sourceId=note, **explicit(**{second: "80"})),
        )
        await held.let_go()
        assert codes(await done) == []
        assert codes(await refused) == ["EXCEEDS_UNAPPLIED"]
    assert await story.balances(first, second) == ["20.00", "100.00"]


async def test_two_ancestors_pay_the_same_leaf_once(story: Story) -> None:
    office = await story.customer("Head office")
    region = await story.customer("Region", under=office)
    branch = await story.customer("Branch", under=region)
    for _ in range(ROUNDS):
        invoice = await story.invoice(branch, "100")
        answers = await race(
            *(story.attempt("paymentRecord", customerId=payer, amount="80", apply={}) for payer in (office, region))
        )
        assert sorted(answer["payment"]["unapplied"] for answer in answers) == ["0.00", "60.00"]
        assert await story.balances(invoice) == ["0.00"]
        # The next round's invoice is not for what this one left.
        await asyncio.gather(*(story.do("paymentReverse", id=answer["payment"]["id"], reason="next round") for answer in answers))
        await story.do("invoiceVoid", id=invoice, reason="next round")


async def test_a_plan_is_carried_out_once(story: Story) -> None:
    office = await story.customer("Head office")
    await story.invoice(office, "60")
    await story.invoice(office, "60")
    payment = await story.payment(office, "60")
    plan = await story.preview(payment)
    apply = {"sourceId": payment, "planHash": plan["planHash"]}
    answers = await race(*(story.attempt("paymentApply", **apply) for _ in range(4)))
    assert sorted(codes(answer) for answer in answers) == [[], ["PLAN_STALE"], ["PLAN_STALE"], ["PLAN_STALE"]]


async def test_an_allocation_is_taken_back_once(story: Story) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    payment = await story.payment(office, "100")
    for _ in range(ROUNDS):
        applied = await story.do("paymentApply", sourceId=payment)
        allocation = applied["allocations"][0]["id"]
        answers = await race(*(story.attempt("allocationReverse", id=allocation) for _ in range(2)))
        assert sorted(codes(answer) for answer in answers) == [[], ["ALLOCATION_ALREADY_REVERSED"]]
        assert await story.balances(invoice) == ["100.00"]
        assert await story.unapplied(payment) == "100.00"


@pytest.mark.parametrize("is_applied_first", [True, False])
async def test_a_payment_that_bounces_while_it_is_applied_pays_nothing(story: Story, is_applied_first: bool) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    payment = await story.payment(office, "100")
    apply = story.attempt("paymentApply", sourceId=payment)
    bounce = story.attempt("paymentReverse", id=payment, reason="no funds")
    async with holder(story) as held:
        await held.row(payment)
        first, second = await queue(story.engine, *((apply, bounce) if is_applied_first else (bounce, apply)))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == ([] if is_applied_first else ["PAYMENT_REVERSED"])
    assert await story.balances(invoice) == ["100.00"]
    assert await story.unapplied(payment) == "0.00"


@pytest.mark.parametrize("is_applied_first", [True, False])
async def test_an_invoice_that_is_voided_while_it_is_paid_is_one_or_the_other(story: Story, is_applied_first: bool) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    payment = await story.payment(office, "100")
    apply = story.attempt("paymentApply", sourceId=payment, **explicit(**{invoice: "100"}))
    void = story.attempt("invoiceVoid", id=invoice, reason="wrong")
    async with holder(story) as held:
        await held.row(invoice)
        first, second = await queue(story.engine, *((apply, void) if is_applied_first else (void, apply)))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == (["INVOICE_HAS_ALLOCATIONS"] if is_applied_first else ["INVOICE_NOT_PAYABLE"])
    assert await story.unapplied(payment) == ("0.00" if is_applied_first else "100.00")


async def test_voiding_with_release_gives_back_what_was_applied_while_it_waited(story: Story) -> None:
    office = await story.customer("Head office")
    invoice = await story.invoice(office, "100")
    early, late = await story.payment(office, "60", apply={}), await story.payment(office, "40")
    async with holder(story) as held:
        await held.row(early)
        (void,) = await queue(story.engine, story.attempt("invoiceVoid", id=invoice, reason="wrong", releaseAllocations=True))
        # The invoice is not locked yet: whose money has to be locked first is all that is known of it.
        await story.do("paymentApply", sourceId=late)
        await held.let_go()
        assert codes(await void) == []
    assert await story.unapplied(early) == "60.00"
    assert await story.unapplied(late) == "40.00"


async def test_voiding_and_paying_with_the_same_money_do_not_wait_for_one_another_in_a_circle(story: Story) -> None:
    """Both invoices hold money of both payments: whoever locks an invoice before its money stops the others for ever."""
    office = await story.customer("Head office")
    for _ in range(ROUNDS):
        invoices = [await story.invoice(office, "100") for _ in range(2)]
        halves = explicit(**dict.fromkeys(invoices, "30"))
        payments = [await story.payment(office, "100", apply=halves) for _ in range(2)]
        answers = await race(
            *(story.attempt("invoiceVoid", id=key, reason="wrong", releaseAllocations=True) for key in invoices),
            *(story.attempt("paymentApply", sourceId=key, invoiceIds=invoices, strategy="PROPORTIONAL") for key in payments),
            story.attempt("paymentReverse", id=payments[0], reason="no funds"),
        )
        assert [codes(answer) for answer in (*answers[:2], answers[4])] == [[], [], []]
        assert {code for answer in answers[2:4] for code in codes(answer)} <= {"INVOICE_NOT_PAYABLE", "PAYMENT_REVERSED"}
        assert [await story.unapplied(key) for key in payments] == ["0.00", "100.00"]


_STRATEGIES = [
    "OLDEST_DUE_FIRST",
    "OLDEST_ISSUED_FIRST",
    "SELF_FIRST",
    "CHILDREN_FIRST",
    "PROPORTIONAL",
    "SMALLEST_FIRST",
    "LARGEST_FIRST",
]


async def _pay_at_random(story: Story, payer: str) -> Decimal:
    """Four payments, some of which are applied again, taken back or reversed. Returns what stands."""
    total = Decimal(0)
    for _ in range(4):
        amount = Decimal(random.randrange(1, 30_000)).scaleb(-2)
        options = {"strategy": random.choice(_STRATEGIES), "scope": random.choice(["SELF", "DIRECT_CHILDREN", "SUBTREE"])}
        recorded = await story.do("paymentRecord", customerId=payer, amount=str(amount), apply=options)
        payment = recorded["payment"]["id"]
        total += amount
        match random.randrange(4):
            case 0 if recorded["allocations"]:
                await story.do("allocationReverse", id=random.choice(recorded["allocations"])["id"])
                await story.do("paymentApply", sourceId=payment, strategy=random.choice(_STRATEGIES))
            case 1:
                await story.do("paymentReverse", id=payment, reason="no funds")
                total -= amount
            case _:
                await story.do("paymentApply", sourceId=payment, strategy=random.choice(_STRATEGIES))
    return total


async def test_sixteen_payers_in_one_tree_lose_nothing_and_see_no_deadlock(story: Story) -> None:
    office = await story.customer("Head office")
    regions = [await story.customer(f"Region {number}", under=office) for number in range(3)]
    branches = [await story.customer(f"Branch {number}", under=random.choice(regions)) for number in range(9)]
    customers = [office, *regions, *branches]
    billed = Decimal(0)
    for number in range(40):
        amount = Decimal(random.randrange(1, 20_000)).scaleb(-2)
        billed += amount
        await story.invoice(customers[number % 13], str(amount))
    totals = await asyncio.gather(*(_pay_at_random(story, payer) for payer in [*customers, office, office, *regions[:1]]))
    (summed,) = (await story.receivables(office))["consolidatedReceivables"]
    assert Decimal(summed["net"]) == billed - sum(totals)


async def test_numbers_have_no_gaps_however_many_are_given_at_once(story: Story) -> None:
    office = await story.customer("Head office")
    refused = {"customerId": office, "amount": "10", "apply": explicit(inv_00000000000000000000000000000000="10")}
    answers: list[Payload] = await race(
        *(story.attempt("paymentRecord", customerId=office, amount="10") for _ in range(10)),
        *(story.attempt("paymentRecord", **refused) for _ in range(5)),
    )
    assert sorted(answer["payment"]["number"] for answer in answers[:10]) == [f"PAY-{number:06d}" for number in range(1, 11)]
    assert [codes(answer) for answer in answers[10:]] == [["NOT_FOUND"]] * 5
