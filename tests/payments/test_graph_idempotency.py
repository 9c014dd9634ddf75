"""A keyed request moves money once, however often and however it is written (domain.md K4)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from stories import Story

REUSED = [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]


async def replayed(story: Story, mutation: str, **given: Any) -> dict[str, Any]:
    """The payload of a request that was carried out before, and must change nothing now."""
    before = await story.everything()
    payload = await story.do(mutation, **given)
    assert payload.pop("replayed")
    assert await story.everything() == before
    return payload


async def test_a_payment_is_recorded_and_applied_once_for_one_key(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.invoice(city, "50.00")
    given = {"customerId": top, "amount": "80.00", "idempotencyKey": "one", "reference": "R-1", "apply": {"amountMax": "30.00"}}
    first = await story.do("paymentRecord", **given)
    assert not first.pop("replayed")
    assert await replayed(story, "paymentRecord", **given) == first
    assert first["payment"]["unapplied"] == "50.00"


async def test_the_same_amount_written_differently_is_the_same_request(story: Story) -> None:
    city = await story.customer("Lisbon")
    given = {"customerId": city, "idempotencyKey": "one", "apply": {"amountMax": "5.0"}}
    first = await story.do("paymentRecord", amount="80.00", **given)
    first.pop("replayed")
    for amount in ("80", "80.0", "80.000", "080.00"):
        assert await replayed(story, "paymentRecord", amount=amount, **given) == first
    defaults = {"mode": "BANK_TRANSFER", "bankCharges": "0.00", "currency": None, "onAllocationError": "REFUSE"}
    assert await replayed(story, "paymentRecord", amount="80.00", **{**given, **defaults, "apply": {"amountMax": "5"}}) == first


async def test_another_request_under_the_same_key_is_refused(story: Story) -> None:
    city, other = await story.customer("Lisbon"), await story.customer("Porto")
    given: dict[str, Any] = {"customerId": city, "amount": "80.00", "idempotencyKey": "one"}
    await story.do("paymentRecord", **given)
    changes: list[dict[str, Any]] = [
        {"amount": "80.01"},
        {"customerId": other},
        {"apply": {}},
        {"reference": "R-1"},
        {"receivedOn": "2026-01-01"},
        {"amount": "-1"},
    ]
    for change in changes:
        assert await story.refused("paymentRecord", **{**given, **change}) == REUSED


async def test_all_mutations_of_money_are_replayed(story: Story) -> None:
    city = await story.customer("Lisbon")
    invoice = await story.invoice(city, "50.00")
    credit = {"customerId": city, "total": "10.00", "idempotencyKey": "k"}
    made = await story.do("creditNoteCreate", **credit)
    credit_note = made["creditNote"]["id"]
    assert (await replayed(story, "creditNoteCreate", **credit))["creditNote"] == made["creditNote"]
    payment = await story.payment(city, "20.00")
    applying = {"sourceId": payment, "idempotencyKey": "k"}
    crediting = {"sourceId": credit_note, "idempotencyKey": "k"}
    allocation = (await story.do("paymentApply", **applying))["allocations"]
    credited = (await story.do("creditNoteApply", **crediting))["allocations"]
    assert (await replayed(story, "paymentApply", **applying))["allocations"] == allocation
    assert (await replayed(story, "creditNoteApply", **crediting))["allocations"] == credited
    taking_back = {"id": allocation[0]["id"], "idempotencyKey": "k", "reason": "Wrong invoice"}
    reversal = (await story.do("allocationReverse", **taking_back))["allocations"]
    assert (await replayed(story, "allocationReverse", **taking_back))["allocations"] == reversal
    bouncing = {"id": payment, "idempotencyKey": "k", "reason": "Bounced"}
    await story.do("paymentReverse", **bouncing)
    assert (await replayed(story, "paymentReverse", **bouncing))["payment"]["status"] == "REVERSED"
    voiding = {"id": invoice, "idempotencyKey": "k", "reason": "Wrong", "releaseAllocations": True}
    released = (await story.do("invoiceVoid", **voiding))["reversals"]
    assert len(released) == 1
    assert (await replayed(story, "invoiceVoid", **voiding))["reversals"] == released
    different: list[tuple[str, dict[str, Any]]] = [
        ("creditNoteCreate", {**credit, "total": "10.01"}),
        ("paymentApply", {**applying, "amountMax": "1.00"}),
        ("creditNoteApply", {**crediting, "planHash": "x"}),
        ("allocationReverse", {**taking_back, "reason": "Other"}),
        ("paymentReverse", {**bouncing, "reason": "Other"}),
        ("invoiceVoid", {**voiding, "releaseAllocations": False}),
    ]
    for mutation, given in different:
        assert await story.refused(mutation, **given) == REUSED


async def test_an_apply_that_found_nothing_is_replayed_even_when_there_would_be_something_now(story: Story) -> None:
    city = await story.customer("Lisbon")
    source = await story.payment(city, "10.00")
    given = {"sourceId": source, "idempotencyKey": "one"}
    assert (await story.do("paymentApply", **given))["allocations"] == []
    await story.invoice(city, "10.00")
    assert (await replayed(story, "paymentApply", **given))["allocations"] == []
    assert len(await story.applied(source)) == 1


async def test_a_refused_request_leaves_its_key_free(story: Story) -> None:
    city = await story.customer("Lisbon")
    given = {"customerId": city, "idempotencyKey": "one"}
    assert await story.refused("paymentRecord", amount="0", **given) == [("AMOUNT_NOT_POSITIVE", ["amount"])]
    assert not (await story.do("paymentRecord", amount="10.00", **given))["replayed"]


async def test_keys_belong_to_an_actor_a_mutation_and_an_organization(story: Story, engine: AsyncEngine) -> None:
    city = await story.customer("Lisbon")
    await story.do("paymentRecord", customerId=city, amount="10.00", idempotencyKey="one")
    await story.do("creditNoteCreate", customerId=city, total="10.00", idempotencyKey="one")
    colleague = Story(asker(engine, story.organization_id, "somebody else"), engine, story.organization_id)
    recorded = await colleague.do("paymentRecord", customerId=city, amount="20.00", idempotencyKey="one")
    assert not recorded["replayed"]


async def test_keys_are_compared_as_they_are_written(story: Story) -> None:
    city = await story.customer("Lisbon")
    for key in ("one", "ONE", " one", "one ", "Ünë", "🔑", "x" * 255):
        assert not (await story.do("paymentRecord", customerId=city, amount="1.00", idempotencyKey=key))["replayed"]


async def test_a_likely_duplicate_is_recorded_with_a_warning(story: Story) -> None:
    city, other = await story.customer("Lisbon"), await story.customer("Porto")
    given: dict[str, Any] = {"customerId": city, "amount": "80.00", "receivedOn": "2026-01-31", "reference": "R-1"}
    first = (await story.do("paymentRecord", **given))["payment"]["id"]
    assert (await story.do("paymentRecord", **given))["possibleDuplicates"] == [{"id": first}]
    changes: list[dict[str, Any]] = [
        {"amount": "80.01"},
        {"customerId": other},
        {"receivedOn": "2026-01-30"},
        {"reference": "R-2"},
        {"reference": None},
    ]
    for change in changes:
        assert (await story.do("paymentRecord", **{**given, **change}))["possibleDuplicates"] == []
    await story.do("paymentReverse", id=first, reason="Bounced")
    assert len((await story.do("paymentRecord", **given))["possibleDuplicates"]) == 1
