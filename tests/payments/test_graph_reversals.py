"""Money that is taken back returns to whoever it came from, as rows of a ledger that only grows (domain.md A10 to A12, I6)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from stories import Story

LEDGER = """
query ($id: ID!, $all: Boolean!) { node(id: $id) {
  ... on Invoice { allocations(includeReversed: $all) { totalCount nodes { ...Row } } }
  ... on Payment { allocations(includeReversed: $all) { totalCount nodes { ...Row } } }
  ... on CreditNote { allocations(includeReversed: $all) { totalCount nodes { ...Row } } }
} }
fragment Row on Allocation {
  id amount appliedOn strategy reason actor isPaidByAncestor path payer { id }
  source { ... on Payment { id } ... on CreditNote { id } } reverses { id } reversedBy { id }
}
"""


async def ledger(story: Story, key: str, *, whole: bool = False) -> list[dict[str, Any]]:
    found = (await story.ask(LEDGER, id=key, all=whole))["node"]["allocations"]
    assert found["totalCount"] == len(found["nodes"])
    rows: list[dict[str, Any]] = found["nodes"]
    return rows


async def test_a_reversed_allocation_gives_the_money_back_to_the_head_office_and_stays_in_the_ledger(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    middle = await story.customer("Iberia", under=top)
    city = await story.customer("Lisbon", under=middle)
    invoice = await story.invoice(city, "100.00", invoiceDate="2026-01-01")
    payment = await story.payment(top, "60.00", receivedOn="2026-01-10")
    applied = await story.do("paymentApply", sourceId=payment, appliedOn="2026-01-15")
    allocation = applied["allocations"][0]["id"]
    (standing,) = await ledger(story, invoice)
    assert standing == {
        "id": allocation,
        "amount": "60.00",
        "appliedOn": "2026-01-15",
        "strategy": "OLDEST_DUE_FIRST",
        "reason": None,
        "actor": "tester",
        "isPaidByAncestor": True,
        "path": [top, middle, city],
        "payer": {"id": top},
        "source": {"id": payment},
        "reverses": None,
        "reversedBy": None,
    }
    payload = await story.do("allocationReverse", id=allocation, reversedOn="2026-01-20", reason="Wrong invoice")
    (reversal,) = payload["allocations"]
    assert reversal["reverses"] == {"id": allocation}
    assert payload["source"] == {"id": payment, "unapplied": "60.00"}
    assert await story.balances(invoice) == ["100.00"]
    for key in (invoice, payment):
        assert await ledger(story, key) == []
        first, second = await ledger(story, key, whole=True)
        assert first == {**standing, "reversedBy": {"id": reversal["id"]}}
        assert second == {
            **standing,
            "id": reversal["id"],
            "appliedOn": "2026-01-20",
            "reason": "Wrong invoice",
            "reverses": {"id": allocation},
        }
    assert [row["unapplied"] for row in (await story.receivables(top))["receivables"]] == ["60.00"]
    assert [row["unapplied"] for row in (await story.receivables(city))["receivables"]] == ["0.00"]


async def test_the_path_of_an_allocation_begins_at_its_payer_wherever_that_stands(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    middle = await story.customer("Iberia", under=top)
    city = await story.customer("Lisbon", under=middle)
    deep, own = await story.invoice(city, "10.00"), await story.invoice(middle, "10.00")
    await story.payment(middle, "20.00", apply={})
    assert [row["path"] for row in await ledger(story, deep)] == [[middle, city]]
    assert [(row["path"], row["isPaidByAncestor"]) for row in await ledger(story, own)] == [([middle], False)]


async def test_an_allocation_is_reversed_once_and_a_reversal_never(story: Story) -> None:
    city = await story.customer("Lisbon")
    await story.invoice(city, "10.00")
    source = await story.payment(city, "10.00")
    allocation = (await story.do("paymentApply", sourceId=source))["allocations"][0]["id"]
    reversal = (await story.do("allocationReverse", id=allocation))["allocations"][0]["id"]
    code = "ALLOCATION_ALREADY_REVERSED"
    assert await story.refusals("allocationReverse", id=allocation) == [
        (code, ["id"], "This allocation has been reversed already.")
    ]
    assert await story.refusals("allocationReverse", id=reversal) == [(code, ["id"], "This row is itself a reversal.")]
    assert len(await story.applied(source)) == 1


async def test_allocations_are_taken_back_in_any_order(story: Story) -> None:
    city = await story.customer("Lisbon")
    invoices = [await story.invoice(city, "10.00", invoiceDate=f"2026-01-0{day}") for day in (1, 2, 3)]
    source = await story.payment(city, "30.00")
    rows = (await story.do("paymentApply", sourceId=source))["allocations"]
    for position, balances in ((1, ["0.00", "10.00", "0.00"]), (0, ["10.00", "10.00", "0.00"])):
        await story.do("allocationReverse", id=rows[position]["id"])
        assert await story.balances(*invoices) == balances
    assert await story.unapplied(source) == "20.00"
    assert await story.applied(source) == [(invoices[0], "10.00"), (invoices[1], "10.00")]


async def test_a_bounced_payment_reopens_everything_it_paid_and_has_no_money_left(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    first, second = await story.invoice(lisbon, "40.00"), await story.invoice(porto, "50.00")
    payment = await story.payment(top, "100.00", apply={})
    payload = await story.do("paymentReverse", id=payment, reason="Bounced")
    assert payload["payment"] == {"id": payment, "status": "REVERSED", "allocated": "0.00", "unapplied": "0.00"}
    assert sorted((row["invoice"]["id"], row["amount"]) for row in payload["allocations"]) == sorted(
        [(first, "40.00"), (second, "50.00")]
    )
    assert await story.balances(first, second) == ["40.00", "50.00"]
    owed = (await story.receivables(top))["consolidatedReceivables"]
    assert [(row["outstanding"], row["unapplied"]) for row in owed] == [("90.00", "0.00")]
    reversed_once = [("PAYMENT_REVERSED", ["id"])]
    assert await story.refused("paymentReverse", id=payment, reason="Bounced") == reversed_once
    assert await story.refused("paymentApply", sourceId=payment) == [("PAYMENT_REVERSED", ["sourceId"])]
    assert [(error["code"], error["field"]) for error in (await story.preview(payment))["userErrors"]] == [
        ("PAYMENT_REVERSED", ["sourceId"])
    ]


async def test_what_was_taken_back_before_is_not_taken_back_again_when_the_payment_bounces(story: Story) -> None:
    city = await story.customer("Lisbon")
    first, second = await story.invoice(city, "10.00"), await story.invoice(city, "20.00")
    payment = await story.payment(city, "30.00")
    rows = (await story.do("paymentApply", sourceId=payment))["allocations"]
    await story.do("allocationReverse", id=next(row["id"] for row in rows if row["invoice"]["id"] == first))
    payload = await story.do("paymentReverse", id=payment, reason="Bounced")
    assert [row["invoice"]["id"] for row in payload["allocations"]] == [second]
    assert await story.balances(first, second) == ["10.00", "20.00"]


async def test_a_payment_bounces_for_a_reason(story: Story) -> None:
    payment = await story.payment(await story.customer("Lisbon"), "10.00")
    for reason in ("", " ", "\0", "x" * 201):
        assert await story.refused("paymentReverse", id=payment, reason=reason) == [("INVALID_INPUT", ["reason"])]


async def test_nothing_is_taken_back_before_it_was_applied_or_after_today(story: Story) -> None:
    city = await story.customer("Lisbon")
    await story.invoice(city, "10.00", invoiceDate="2026-01-01")
    payment = await story.payment(city, "20.00", receivedOn="2026-01-01")
    allocation = (await story.do("paymentApply", sourceId=payment, appliedOn="2026-01-15"))["allocations"][0]["id"]
    tomorrow = (date.fromisoformat(await story.today()) + timedelta(days=1)).isoformat()
    expected = [("APPLIED_ON_OUT_OF_RANGE", ["reversedOn"])]
    for day in ("2026-01-14", "0001-01-01", tomorrow, "9999-12-31"):
        assert await story.refused("allocationReverse", id=allocation, reversedOn=day) == expected
        assert await story.refused("paymentReverse", id=payment, reason="Bounced", reversedOn=day) == expected
    idle = await story.payment(city, "20.00", receivedOn="2026-01-10")
    assert await story.refused("paymentReverse", id=idle, reason="Bounced", reversedOn="2026-01-09") == expected
    await story.do("allocationReverse", id=allocation, reversedOn="2026-01-15")


async def test_a_reason_that_is_no_text_is_refused(story: Story) -> None:
    city = await story.customer("Lisbon")
    await story.invoice(city, "10.00")
    rows = (await story.do("paymentRecord", customerId=city, amount="10.00", apply={}))["allocations"]
    for reason in ("\0", "\ud800", "x" * 201):
        assert await story.refused("allocationReverse", id=rows[0]["id"], reason=reason) == [("INVALID_INPUT", ["reason"])]


async def test_credit_is_applied_across_branches_and_closes_when_it_is_used_up(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    first = await story.invoice(lisbon, "30.00", invoiceDate="2026-01-01")
    second = await story.invoice(porto, "50.00", invoiceDate="2026-01-02")
    credit = await story.credit_note(top, "60.00", creditDate="2026-01-03", reason="Outage")
    plan = await story.preview(credit)
    payload = await story.do("creditNoteApply", sourceId=credit, planHash=plan["planHash"])
    assert payload["source"] == {"id": credit, "status": "CLOSED", "allocated": "60.00", "remaining": "0.00"}
    assert [(row["invoice"]["id"], row["amount"], row["isPaidByAncestor"]) for row in payload["allocations"]] == [
        (first, "30.00", True),
        (second, "30.00", True),
    ]
    assert [row["source"] for row in await ledger(story, second)] == [{"id": credit}]
    assert [row["source"] for row in await ledger(story, credit)] == [{"id": credit}] * 2
    back = await story.do("allocationReverse", id=payload["allocations"][1]["id"])
    assert back["source"] == {"id": credit, "remaining": "30.00"}
    assert await story.balances(first, second) == ["0.00", "50.00"]
    owed = (await story.receivables(top))["consolidatedReceivables"]
    assert [(row["outstanding"], row["openCredits"], row["net"]) for row in owed] == [("50.00", "30.00", "20.00")]


async def test_the_branch_reads_on_its_page_what_was_paid_for_it_and_nothing_else_of_the_payment(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    await story.invoice(lisbon, "30.00")
    await story.invoice(porto, "50.00")
    await story.invoice(top, "5.00")
    payment = await story.payment(top, "100.00", apply={})
    document = """query ($id: ID!) { customer(by: {id: $id}) { activity(first: 2) { nodes { action subjectId details } } } }"""

    async def read(customer_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await story.ask(document, id=customer_id))["customer"]["activity"]["nodes"]
        return found

    assert (await read(lisbon))[0] == {
        "action": "invoice.paid_by_ancestor",
        "subjectId": payment,
        "details": {"amount": "30.00", "currency": "USD"},
    }
    assert await read(top) == [
        {
            "action": "payment.allocated",
            "subjectId": payment,
            "details": {"amount": "85.00", "currency": "USD", "invoices": 3, "strategy": "OLDEST_DUE_FIRST"},
        },
        {
            "action": "payment.recorded",
            "subjectId": payment,
            "details": {"number": "PAY-000001", "amount": "100.00", "currency": "USD"},
        },
    ]
