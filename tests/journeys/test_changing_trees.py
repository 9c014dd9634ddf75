"""Trees change while money is on its way: who may pay from then on, what stays, and whose money it is (domain.md H7 to H11)."""

from __future__ import annotations

from typing import Any

from stories import PAYS, SEES, Story

ON_INVOICE = """
query ($id: ID!) { invoice(by: {id: $id}) { balance allocations { nodes { amount payer { name } isPaidByAncestor } } } }
"""
UNAPPLIED = "query ($id: ID!) { payment(by: {id: $id}) { status amount allocated unapplied unappliedReason customer { id } } }"


async def on_invoice(story: Story, invoice_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(ON_INVOICE, id=invoice_id))["invoice"]
    return found


async def test_a_middle_company_that_refuses_is_not_passed_over(story: Story) -> None:
    top = await story.customer("Aldgate Networks", role="HEAD_OFFICE")
    iberia = await story.customer("Iberia Holding", under=top, access=SEES)
    lisbon = await story.customer("Lisbon", under=iberia)
    graz = await story.customer("Graz", under=top)
    below, beside = await story.invoice(lisbon, "70.00"), await story.invoice(graz, "30.00")
    recorded = await story.do("paymentRecord", customerId=top, amount="100.00", apply={})
    assert [(row["invoice"]["id"], row["amount"]) for row in recorded["allocations"]] == [(beside, "30.00")]
    assert recorded["skipped"] == [{"code": "PARENT_PAY_NOT_ALLOWED", "customer": {"id": lisbon}}]
    assert recorded["payment"]["unapplied"] == "70.00"
    own = await story.do("paymentRecord", customerId=iberia, amount="70.00", apply={})
    assert [row["invoice"]["id"] for row in own["allocations"]] == [below]
    assert (await story.receivables(top))["consolidatedReceivables"] == [
        {
            "currency": "USD",
            "outstanding": "0.00",
            "overdue": "0.00",
            "unapplied": "70.00",
            "openCredits": "0.00",
            "net": "-70.00",
            "openInvoiceCount": 0,
        }
    ]


async def test_a_branch_that_is_sold_keeps_its_debts_and_the_new_head_office_pays_the_rest(story: Story) -> None:
    old, new = await story.customer("Aldgate Networks"), await story.customer("Bishopsgate Holding")
    lisbon = await story.customer("Lisbon", under=old)
    invoice = await story.invoice(lisbon, "500.00", invoiceDate="2026-01-01")
    first = await story.payment(old, "250.00", receivedOn="2026-01-10")
    await story.do("paymentApply", sourceId=first, amountMax="200.00")
    moved = await story.move(lisbon, new)
    assert (moved["formerParent"], moved["openInvoiceCount"], moved["formerAncestorAllocationCount"]) == ({"id": old}, 1, 1)
    assert await on_invoice(story, invoice) == {
        "balance": "300.00",
        "allocations": {"nodes": [{"amount": "200.00", "payer": {"name": "Aldgate Networks"}, "isPaidByAncestor": True}]},
    }
    line = {"strategy": "EXPLICIT", "lines": [{"invoiceId": invoice, "amount": "50.00"}]}
    assert await story.refused("paymentApply", sourceId=first, **line) == [("LINK_ENDED", ["lines", "0", "invoiceId"])]
    assert await story.applied(first) == []
    second = await story.payment(new, "300.00")
    assert await story.applied(second) == [(invoice, "300.00")]
    assert [row["amount"] for row in (await on_invoice(story, invoice))["allocations"]["nodes"]] == ["200.00", "300.00"]
    # What the former head office has paid may still be taken back, and is its own then.
    returned = await story.do("paymentReverse", id=first, reason="Bounced")
    assert [row["payer"]["id"] for row in returned["allocations"]] == [old]
    assert await story.balances(invoice) == ["200.00"]
    assert (await story.receivables(lisbon))["receivables"][0]["unapplied"] == "0.00"


async def test_money_that_lands_after_the_link_has_ended_is_kept_on_its_payer(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon = await story.customer("Lisbon", under=top)
    invoice = await story.invoice(lisbon, "100.00")
    apply = {"strategy": "EXPLICIT", "lines": [{"invoiceId": invoice, "amount": "100.00"}]}
    given: dict[str, Any] = {"customerId": top, "amount": "100.00", "apply": apply}
    await story.move(lisbon, None)
    assert await story.refused("paymentRecord", **given) == [("LINK_ENDED", ["apply", "lines", "0", "invoiceId"])]
    kept = await story.do("paymentRecord", onAllocationError="KEEP_UNAPPLIED", idempotencyKey="gateway-7", **given)
    payment = kept["payment"]["id"]
    assert kept["allocationErrors"] == [
        {
            "code": "LINK_ENDED",
            "field": ["apply", "lines", "0", "invoiceId"],
            "message": "Invoice INV-000001 belongs to Lisbon, which is no longer below Aldgate Networks.",
        }
    ]
    assert (await story.ask(UNAPPLIED, id=payment))["payment"] == {
        "status": "SUCCEEDED",
        "amount": "100.00",
        "allocated": "0.00",
        "unapplied": "100.00",
        "unappliedReason": "LINK_ENDED",
        "customer": {"id": top},
    }
    assert await story.balances(invoice) == ["100.00"]
    again = await story.do("paymentRecord", onAllocationError="KEEP_UNAPPLIED", idempotencyKey="gateway-7", **given)
    assert (again["replayed"], again["payment"]["id"], again["allocationErrors"]) == (True, payment, kept["allocationErrors"])
    await story.move(lisbon, top)
    assert await story.applied(payment) == [(invoice, "100.00")]


async def test_money_that_is_kept_is_refused_all_the_same_when_it_is_no_money(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    given = {"customerId": top, "onAllocationError": "KEEP_UNAPPLIED", "apply": {"amountMax": "0"}}
    assert await story.refused("paymentRecord", amount="-5.00", **given) == [("AMOUNT_NOT_POSITIVE", ["amount"])]
    kept = await story.do("paymentRecord", amount="5.00", **given)
    assert [(error["code"], error["field"]) for error in kept["allocationErrors"]] == [
        ("AMOUNT_NOT_POSITIVE", ["apply", "amountMax"])
    ]
    assert kept["payment"]["unapplied"] == "5.00"


async def test_a_move_carries_the_rights_of_a_whole_subtree_in_one_step(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    iberia = await story.customer("Iberia")
    lisbon = await story.customer("Lisbon", under=iberia)
    wireless = await story.customer("Lisbon Wireless", under=lisbon)
    deep = await story.invoice(wireless, "40.00", invoiceDate="2026-01-01")
    source = await story.payment(top, "100.00")
    assert await story.applied(source) == []
    await story.move(iberia, top, access=SEES)
    assert (await story.preview(source))["skipped"] == [{"code": "PARENT_PAY_NOT_ALLOWED", "customer": {"id": wireless}}]
    await story.do("customerParentAccessSet", id=iberia, access=PAYS, reason="Signed in London")
    assert await story.applied(source) == [(deep, "40.00")]
    await story.move(iberia, None)
    assert await story.balances(deep) == ["0.00"]
    assert (await story.receivables(top))["consolidatedReceivables"][0]["unapplied"] == "60.00"


async def test_a_bounced_payment_of_the_head_office_reopens_the_branches_and_a_credit_note_settles_them(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon, graz = await story.customer("Lisbon", under=top), await story.customer("Graz", under=top)
    first = await story.invoice(lisbon, "60.00", invoiceDate="2026-01-01")
    second = await story.invoice(graz, "90.00", invoiceDate="2026-01-02")
    payment = await story.payment(top, "150.00", apply={})
    assert await story.balances(first, second) == ["0.00", "0.00"]
    await story.do("paymentReverse", id=payment, reason="No funds")
    assert await story.balances(first, second) == ["60.00", "90.00"]
    credit = await story.credit_note(top, "100.00", reason="Two weeks of outage")
    plan = await story.preview(credit, strategy="LARGEST_FIRST")
    applied = await story.do("creditNoteApply", sourceId=credit, strategy="LARGEST_FIRST", planHash=plan["planHash"])
    assert [(row["invoice"]["id"], row["amount"]) for row in applied["allocations"]] == [(second, "90.00"), (first, "10.00")]
    assert applied["source"]["status"] == "CLOSED"
    assert await on_invoice(story, first) == {
        "balance": "50.00",
        "allocations": {"nodes": [{"amount": "10.00", "payer": {"name": "Aldgate Networks"}, "isPaidByAncestor": True}]},
    }
    branch_credit = await story.credit_note(lisbon, "80.00")
    await story.do("creditNoteApply", sourceId=branch_credit)
    owed = await story.receivables(top)
    assert [(row["outstanding"], row["openCredits"], row["net"]) for row in owed["consolidatedReceivables"]] == [
        ("0.00", "30.00", "-30.00")
    ]
    assert owed["receivables"] == []


async def test_what_the_former_head_office_took_back_is_not_counted_as_left_behind(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon = await story.customer("Lisbon", under=top)
    team = await story.customer("Lisbon Wireless", under=lisbon)
    await story.invoice(team, "10.00", invoiceDate="2026-01-01")
    await story.invoice(lisbon, "20.00", invoiceDate="2026-01-02")
    await story.invoice(lisbon, "40.00", issue=False)
    paid = await story.do("paymentRecord", customerId=top, amount="15.00", apply={})
    await story.payment(lisbon, "1.00", apply={})
    assert len(paid["allocations"]) == 2
    await story.do("allocationReverse", id=paid["allocations"][1]["id"])
    moved = await story.move(lisbon, None)
    assert (moved["openInvoiceCount"], moved["formerAncestorAllocationCount"]) == (1, 1)
