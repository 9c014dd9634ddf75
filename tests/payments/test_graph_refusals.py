"""What is refused when money is recorded, applied and taken back: codes, fields, and nothing changed (domain.md 2.3, 2.15)."""

from __future__ import annotations

from typing import Any

import pytest

from stories import SEES, Story, explicit

WRONG_IDS = ("cus_" + "0" * 32, "act_" + "0" * 32, "", "nonsense", "\0", "pay_" + "A" * 32)


def at(index: int, name: str) -> list[str]:
    return ["lines", str(index), name]


async def test_every_bad_line_of_a_request_is_told_at_once(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    refusing = await story.customer("Porto", under=top, access=SEES)
    sold = await story.customer("Faro", under=top)
    stranger = await story.customer("Bishopsgate")
    good, second = await story.invoice(city, "100.00", number="G-1"), await story.invoice(city, "50.00", number="G-2")
    foreign = await story.invoice(city, "10.00", number="F-1", currency="EUR")
    draft = await story.invoice(city, "10.00", number="D-1", issue=False)
    void = await story.invoice(city, "10.00", number="V-1")
    paid = await story.invoice(city, "10.00", number="P-1")
    locked = await story.invoice(refusing, "10.00", number="R-1")
    left = await story.invoice(sold, "10.00", number="S-1")
    strange = await story.invoice(stranger, "10.00", number="X-1")
    unknown = "inv_" + "0" * 32
    await story.do("invoiceVoid", id=void, reason="Wrong")
    await story.payment(city, "10.00", apply={"invoiceIds": [paid]})
    await story.move(sold, None)
    source = await story.payment(top, "120.00")
    lines = [
        (good, "0"),
        (good, "-1"),
        (good, "100.01"),
        (second, "10.001"),
        (foreign, "10.00"),
        (draft, "10.00"),
        (void, "10.00"),
        (paid, "10.00"),
        (locked, "10.00"),
        (left, "10.00"),
        (strange, "10.00"),
        (unknown, "10.00"),
        (second, "30.00"),
    ]
    assert await story.refusals("paymentApply", sourceId=source, **explicit(*lines)) == [
        ("CURRENCY_MISMATCH", at(4, "invoiceId"), "Invoice F-1 is in EUR, the money in USD. It is never converted."),
        ("INVOICE_NOT_PAYABLE", at(5, "invoiceId"), "Invoice D-1 is draft."),
        ("INVOICE_NOT_PAYABLE", at(6, "invoiceId"), "Invoice V-1 is void."),
        ("INVOICE_NOT_PAYABLE", at(7, "invoiceId"), "Invoice P-1 has nothing left to pay."),
        (
            "PARENT_PAY_NOT_ALLOWED",
            at(8, "invoiceId"),
            "Aldgate Networks may not pay invoice R-1 of Porto: not every link between them grants pay for it.",
        ),
        ("LINK_ENDED", at(9, "invoiceId"), "Invoice S-1 belongs to Faro, which is no longer below Aldgate Networks."),
        (
            "NOT_A_DESCENDANT",
            at(10, "invoiceId"),
            (
                "Invoice X-1 belongs to Bishopsgate, which is not below Aldgate Networks. Money goes to its owner's invoices or "
                "downwards."
            ),
        ),
        ("NOT_FOUND", at(11, "invoiceId"), f"There is no invoice {unknown}."),
        ("INVALID_INPUT", at(3, "amount"), "10.001 has more decimal places than USD, which has 2."),
        ("AMOUNT_NOT_POSITIVE", at(0, "amount"), "An amount must be greater than zero."),
        ("AMOUNT_NOT_POSITIVE", at(1, "amount"), "An amount must be greater than zero."),
        ("DUPLICATE_INVOICE", at(1, "invoiceId"), "Invoice G-1 stands in this request more than once. Add the amounts up."),
        ("DUPLICATE_INVOICE", at(2, "invoiceId"), "Invoice G-1 stands in this request more than once. Add the amounts up."),
        (
            "EXCEEDS_INVOICE_BALANCE",
            at(2, "amount"),
            "100.01 USD is more than is left to pay of invoice G-1: 100.00 USD.",
        ),
        ("EXCEEDS_UNAPPLIED", ["lines"], "210.01 USD is more than there is to apply: 120.00 USD."),
    ]


async def test_ids_of_lines_that_are_none_are_all_told(story: Story) -> None:
    city = await story.customer("Lisbon")
    invoice, source = await story.invoice(city, "10.00"), await story.payment(city, "10.00")
    lines = [*((wrong, "1.00") for wrong in WRONG_IDS), (invoice, "1.00")]
    assert await story.refused("paymentApply", sourceId=source, **explicit(*lines)) == [
        ("NOT_FOUND", at(index, "invoiceId")) for index in range(len(WRONG_IDS))
    ]
    options = {"invoiceIds": [*WRONG_IDS, invoice], "scope": "CUSTOMERS", "customerIds": list(WRONG_IDS[1:])}
    assert await story.refused("paymentApply", sourceId=source, **options) == [
        *(("NOT_FOUND", ["customerIds", str(index)]) for index in range(len(WRONG_IDS) - 1)),
        *(("NOT_FOUND", ["invoiceIds", str(index)]) for index in range(len(WRONG_IDS))),
    ]


async def test_one_cent_too_much_is_refused_and_the_exact_amount_is_not(story: Story) -> None:
    city = await story.customer("Lisbon")
    invoice, source = await story.invoice(city, "10.00"), await story.payment(city, "10.00")
    both = [("EXCEEDS_INVOICE_BALANCE", at(0, "amount")), ("EXCEEDS_UNAPPLIED", ["lines"])]
    assert await story.refused("paymentApply", sourceId=source, **explicit((invoice, "10.01"))) == both
    assert await story.applied(source, **explicit((invoice, "10.00"))) == [(invoice, "10.00")]
    assert await story.refused("paymentApply", sourceId=source, **explicit((invoice, "0.01"))) == [
        ("INVOICE_NOT_PAYABLE", at(0, "invoiceId")),
        ("EXCEEDS_UNAPPLIED", ["lines"]),
    ]


async def test_named_invoices_that_cannot_be_paid_refuse_the_whole_request(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    refusing = await story.customer("Porto", under=top, access=SEES)
    good, locked = await story.invoice(city, "10.00"), await story.invoice(refusing, "10.00")
    foreign = await story.invoice(city, "10.00", currency="EUR")
    source = await story.payment(top, "100.00")
    given = {"sourceId": source, "invoiceIds": [good, locked, foreign]}
    expected = [("PARENT_PAY_NOT_ALLOWED", ["invoiceIds", "1"]), ("CURRENCY_MISMATCH", ["invoiceIds", "2"])]
    assert await story.refused("paymentApply", **given) == expected
    plan = await story.preview(source, invoiceIds=given["invoiceIds"])
    assert [(error["code"], error["field"]) for error in plan.pop("userErrors")] == expected
    assert plan == {"lines": [], "allocated": "0", "unapplied": "0", "planHash": None, "note": None, "skipped": []}


async def test_money_is_applied_between_the_day_it_came_and_today(story: Story) -> None:
    city = await story.customer("Lisbon")
    invoice = await story.invoice(city, "10.00", invoiceDate="2026-02-10")
    source = await story.payment(city, "10.00", receivedOn="2026-02-01")
    code = "APPLIED_ON_OUT_OF_RANGE"
    for day in ("2026-01-31", "9999-12-31", "0001-01-01"):
        assert await story.refused("paymentApply", sourceId=source, appliedOn=day) == [(code, ["appliedOn"])]
    line = explicit((invoice, "10.00"))
    assert await story.refused("paymentApply", sourceId=source, appliedOn="2026-02-09", **line) == [(code, at(0, "invoiceId"))]
    assert await story.refused("paymentApply", sourceId=source, appliedOn="2026-02-09", invoiceIds=[invoice]) == [
        (code, ["invoiceIds", "0"])
    ]
    assert await story.applied(source, appliedOn="2026-02-09") == []
    assert await story.applied(source, appliedOn="2026-02-10") == [(invoice, "10.00")]


async def test_no_money_moves_in_a_closed_period(story: Story) -> None:
    city = await story.customer("Lisbon")
    await story.invoice(city, "10.00", invoiceDate="2026-01-01")
    source = await story.payment(city, "20.00", receivedOn="2026-01-01")
    payload = await story.do("paymentApply", sourceId=source, amountMax="5.00", appliedOn="2026-01-31")
    allocation = payload["allocations"][0]["id"]
    await story.settings(lockedUntil="2026-01-31")
    code = "PERIOD_LOCKED"
    money = {"customerId": city, "amount": "1.00"}
    assert await story.refused("paymentApply", sourceId=source, appliedOn="2026-01-31") == [(code, ["appliedOn"])]
    assert await story.refused("paymentRecord", receivedOn="2026-01-31", **money) == [(code, ["receivedOn"])]
    assert await story.refused("creditNoteCreate", customerId=city, total="1.00", creditDate="2026-01-31") == [
        (code, ["creditDate"])
    ]
    assert await story.refused("allocationReverse", id=allocation, reversedOn="2026-01-31") == [(code, ["reversedOn"])]
    assert await story.refused("paymentReverse", id=source, reason="Bounced", reversedOn="2026-01-31") == [(code, ["reversedOn"])]
    await story.do("allocationReverse", id=allocation, reversedOn="2026-02-01")
    assert len(await story.applied(source, appliedOn="2026-02-01")) == 1


async def test_money_does_not_come_tomorrow(story: Story) -> None:
    city = await story.customer("Lisbon")
    assert await story.refused("paymentRecord", customerId=city, amount="1.00", receivedOn="9999-12-31") == [
        ("INVALID_INPUT", ["receivedOn"])
    ]
    assert await story.refused("creditNoteCreate", customerId=city, total="1.00", creditDate="9999-12-31") == [
        ("INVALID_INPUT", ["creditDate"])
    ]


async def test_a_preview_that_the_world_has_overtaken_is_refused(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.invoice(city, "10.00", invoiceDate="2026-01-02")
    source = await story.payment(top, "100.00")
    plan_hash = (await story.preview(source))["planHash"]
    stale = [("PLAN_STALE", ["planHash"])]
    for wrong in ("", plan_hash[:-1], "x" * 5000, "\0", (await story.preview(source, amountMax="1.00"))["planHash"]):
        assert await story.refused("paymentApply", sourceId=source, planHash=wrong) == stale
    assert await story.refused("paymentApply", sourceId=source, planHash=plan_hash, amountMax="9.99") == stale
    older = await story.invoice(city, "10.00", invoiceDate="2026-01-01")
    assert await story.refused("paymentApply", sourceId=source, planHash=plan_hash) == stale
    await story.do("invoiceVoid", id=older, reason="Wrong")
    await story.do("paymentApply", sourceId=source, planHash=plan_hash)
    assert await story.unapplied(source) == "90.00"


async def test_a_source_that_is_none_is_refused(story: Story) -> None:
    city = await story.customer("Lisbon")
    invoice = await story.invoice(city, "10.00")
    payment, credit = await story.payment(city, "10.00"), await story.credit_note(city, "10.00")
    expected = [("NOT_FOUND", ["sourceId"])]
    for wrong in (*WRONG_IDS, city, invoice, "pay_" + "0" * 32, "crn_" + "0" * 32):
        assert await story.refused("paymentApply", sourceId=wrong) == expected
        assert await story.refused("creditNoteApply", sourceId=wrong) == expected
        assert [(error["code"], error["field"]) for error in (await story.preview(wrong))["userErrors"]] == expected
    assert await story.refused("paymentApply", sourceId=credit) == expected
    assert await story.refused("creditNoteApply", sourceId=payment) == expected


async def test_what_is_not_there_is_not_reversed(story: Story) -> None:
    city = await story.customer("Lisbon")
    payment = await story.payment(city, "10.00")
    for wrong in (*WRONG_IDS, city, "alc_" + "0" * 32):
        assert await story.refused("allocationReverse", id=wrong) == [("NOT_FOUND", ["id"])]
    for wrong in (*WRONG_IDS, city, "pay_" + "0" * 32):
        assert await story.refused("paymentReverse", id=wrong, reason="Bounced") == [("NOT_FOUND", ["id"])]
    assert await story.refused("allocationReverse", id=payment) == [("NOT_FOUND", ["id"])]


async def test_money_of_customers_that_are_not_there_is_refused(story: Story) -> None:
    for wrong in (*WRONG_IDS, "inv_" + "0" * 32):
        assert await story.refused("paymentRecord", customerId=wrong, amount="1.00") == [("NOT_FOUND", ["customerId"])]
        assert await story.refused("creditNoteCreate", customerId=wrong, total="1.00") == [("NOT_FOUND", ["customerId"])]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scope": "CUSTOMERS"}, ("INVALID_INPUT", ["customerIds"])),
        ({"scope": "CUSTOMERS", "customerIds": []}, ("INVALID_INPUT", ["customerIds"])),
        ({"strategy": "CUSTOMER_ORDER"}, ("INVALID_INPUT", ["customerIds"])),
        ({"customerIds": ["self"]}, ("INVALID_INPUT", ["customerIds"])),
        ({"strategy": "EXPLICIT"}, ("INVALID_INPUT", ["lines"])),
        ({"strategy": "EXPLICIT", "lines": []}, ("INVALID_INPUT", ["lines"])),
        ({"lines": ["line"]}, ("INVALID_INPUT", ["lines"])),
        ({"strategy": "EXPLICIT", "lines": ["line"] * 10_000}, ("INVALID_INPUT", ["lines"])),
        ({"invoiceIds": ["invoice"] * 1001}, ("INVALID_INPUT", ["invoiceIds"])),
        ({"scope": "CUSTOMERS", "customerIds": ["self"] * 1001}, ("INVALID_INPUT", ["customerIds"])),
        ({"amountMax": "0"}, ("AMOUNT_NOT_POSITIVE", ["amountMax"])),
        ({"amountMax": "-0.01"}, ("AMOUNT_NOT_POSITIVE", ["amountMax"])),
        ({"amountMax": "0.001"}, ("INVALID_INPUT", ["amountMax"])),
        ({"amountMax": "9" * 20}, ("INVALID_INPUT", ["amountMax"])),
    ],
)
async def test_options_that_do_not_go_together_are_refused(
    story: Story, options: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    city = await story.customer("Lisbon")
    invoice, source = await story.invoice(city, "10.00"), await story.payment(city, "10.00")
    known: dict[str, Any] = {"self": city, "invoice": invoice, "line": {"invoiceId": invoice, "amount": "0.01"}}
    given = {name: [known[each] for each in value] if isinstance(value, list) else value for name, value in options.items()}
    assert await story.refused("paymentApply", sourceId=source, **given) == [expected]
    code, field = expected
    assert await story.refused("paymentRecord", customerId=city, amount="1.00", apply=given) == [(code, ["apply", *field])]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"amount": "0"}, ("AMOUNT_NOT_POSITIVE", ["amount"])),
        ({"amount": "-0.00"}, ("AMOUNT_NOT_POSITIVE", ["amount"])),
        ({"amount": "-1"}, ("AMOUNT_NOT_POSITIVE", ["amount"])),
        ({"amount": "1.001"}, ("INVALID_INPUT", ["amount"])),
        ({"amount": "1.5", "currency": "JPY"}, ("INVALID_INPUT", ["amount"])),
        ({"amount": "92233720368547758.08"}, ("INVALID_INPUT", ["amount"])),
        ({"amount": "9" * 20}, ("INVALID_INPUT", ["amount"])),
        ({"bankCharges": "-0.01"}, ("INVALID_INPUT", ["bankCharges"])),
        ({"bankCharges": "0.001"}, ("INVALID_INPUT", ["bankCharges"])),
        ({"withholdingTax": "-1"}, ("INVALID_INPUT", ["withholdingTax"])),
        ({"withholdingTax": "9" * 20}, ("INVALID_INPUT", ["withholdingTax"])),
        ({"number": " "}, ("INVALID_INPUT", ["number"])),
        ({"number": "x" * 201}, ("INVALID_INPUT", ["number"])),
        ({"reference": "a\0b"}, ("INVALID_INPUT", ["reference"])),
        ({"reference": "x" * 201}, ("INVALID_INPUT", ["reference"])),
        ({"notes": "\ud800"}, ("INVALID_INPUT", ["notes"])),
        ({"notes": "x" * 10_001}, ("INVALID_INPUT", ["notes"])),
        ({"externalId": "1"}, ("INVALID_INPUT", ["externalId"])),
        ({"sourceSystem": "bank"}, ("INVALID_INPUT", ["externalId"])),
        ({"sourceSystem": "bank", "externalId": "\0"}, ("INVALID_INPUT", ["externalId"])),
        ({"idempotencyKey": ""}, ("INVALID_INPUT", ["idempotencyKey"])),
        ({"idempotencyKey": "  "}, ("INVALID_INPUT", ["idempotencyKey"])),
        ({"idempotencyKey": "x" * 256}, ("INVALID_INPUT", ["idempotencyKey"])),
        ({"idempotencyKey": "a\0b"}, ("INVALID_INPUT", ["idempotencyKey"])),
        ({"idempotencyKey": "\ud800"}, ("INVALID_INPUT", ["idempotencyKey"])),
    ],
)
async def test_what_no_payment_can_be_is_refused(story: Story, fields: dict[str, Any], expected: tuple[str, list[str]]) -> None:
    city = await story.customer("Lisbon")
    given = {"customerId": city, "amount": "1.00", **fields}
    assert await story.refused("paymentRecord", **given) == [expected]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"total": "0"}, ("AMOUNT_NOT_POSITIVE", ["total"])),
        ({"total": "1.001"}, ("INVALID_INPUT", ["total"])),
        ({"number": ""}, ("INVALID_INPUT", ["number"])),
        ({"reason": "\0"}, ("INVALID_INPUT", ["reason"])),
        ({"idempotencyKey": "\n"}, ("INVALID_INPUT", ["idempotencyKey"])),
    ],
)
async def test_what_no_credit_note_can_be_is_refused(
    story: Story, fields: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    city = await story.customer("Lisbon")
    given = {"customerId": city, "total": "1.00", **fields}
    assert await story.refused("creditNoteCreate", **given) == [expected]


async def test_numbers_and_ids_of_other_systems_that_are_taken_are_refused(story: Story) -> None:
    city = await story.customer("Lisbon")
    await story.payment(city, "1.00", number="P-1", sourceSystem="bank", externalId="42")
    await story.credit_note(city, "1.00", number="C-1")
    money = {"customerId": city, "amount": "2.00"}
    assert await story.refusals("paymentRecord", number="P-1", **money) == [
        ("NUMBER_TAKEN", ["number"], "There is already a payment with the number P-1.")
    ]
    assert await story.refusals("paymentRecord", sourceSystem="bank", externalId="42", **money) == [
        ("EXTERNAL_REFERENCE_TAKEN", ["externalId"], "Payment 42 of bank has been recorded already.")
    ]
    assert await story.refusals("creditNoteCreate", customerId=city, total="2.00", number="C-1") == [
        ("NUMBER_TAKEN", ["number"], "There is already a credit note with the number C-1.")
    ]
    await story.payment(city, "2.00", sourceSystem="gateway", externalId="42")


async def test_money_that_cannot_be_applied_as_asked_is_not_recorded_at_all(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    refusing = await story.customer("Porto", under=top, access=SEES)
    invoice = await story.invoice(refusing, "10.00")
    apply = explicit((invoice, "10.00"))
    assert await story.refused("paymentRecord", customerId=top, amount="10.00", apply=apply) == [
        ("PARENT_PAY_NOT_ALLOWED", ["apply", *at(0, "invoiceId")])
    ]
    assert await story.refused("paymentRecord", customerId=top, amount="5.00", apply={"amountMax": "0"}) == [
        ("AMOUNT_NOT_POSITIVE", ["apply", "amountMax"])
    ]
