"""Nothing that a client says of an application is passed over: it counts, or it is refused (domain.md A4, A7, A14)."""

from __future__ import annotations

from typing import Any

import pytest

from stories import Story


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"amountMax": "5.00"}, "amountMax"),
        ({"scope": "SELF"}, "scope"),
        ({"scope": "DIRECT_CHILDREN"}, "scope"),
        ({"scope": "CUSTOMERS", "customerIds": ["top"]}, "scope"),
        ({"customerIds": ["top"]}, "customerIds"),
        ({"invoiceIds": ["own"]}, "invoiceIds"),
        ({"invoiceIds": []}, "invoiceIds"),
        ({"dueOnOrBefore": "2020-01-01"}, "dueOnOrBefore"),
    ],
)
async def test_explicit_lines_are_not_paid_beyond_limits_that_are_given_with_them(
    story: Story, options: dict[str, Any], field: str
) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    below, own = await story.invoice(city, "100.00"), await story.invoice(top, "100.00")
    known = {"top": top, "own": own}
    given = {name: [known[each] for each in value] if isinstance(value, list) else value for name, value in options.items()}
    given |= {"strategy": "EXPLICIT", "lines": [{"invoiceId": below, "amount": "20.00"}]}
    source = await story.payment(top, "50.00")
    assert await story.refused("paymentApply", sourceId=source, **given) == [("INVALID_INPUT", [field])]
    recorded = await story.refused("paymentRecord", customerId=top, amount="50.00", apply=given)
    assert recorded == [("INVALID_INPUT", ["apply", field])]
    plan = await story.preview(source, **given)
    assert [(error["code"], error["field"]) for error in plan["userErrors"]] == [("INVALID_INPUT", [field])]


async def test_an_empty_choice_of_invoices_does_not_mean_all_of_them(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    await story.invoice(top, "100.00")
    source = await story.payment(top, "50.00")
    assert await story.refused("paymentApply", sourceId=source, invoiceIds=[]) == [("INVALID_INPUT", ["invoiceIds"])]
    applied = await story.applied(source, invoiceIds=None)
    assert [amount for _, amount in applied] == ["50.00"]


async def test_a_line_whose_id_is_none_does_not_hide_what_is_wrong_with_the_others(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    invoice = await story.invoice(top, "100.00")
    source = await story.payment(top, "500.00")
    lines = [
        {"invoiceId": "nonsense", "amount": "1.00"},
        {"invoiceId": invoice, "amount": "100.01"},
        {"invoiceId": top, "amount": "1.00"},
        {"invoiceId": invoice, "amount": "0.001"},
        {"invoiceId": invoice, "amount": "500.00"},
    ]
    assert await story.refused("paymentApply", sourceId=source, strategy="EXPLICIT", lines=lines) == [
        ("NOT_FOUND", ["lines", "0", "invoiceId"]),
        ("NOT_FOUND", ["lines", "2", "invoiceId"]),
        ("INVALID_INPUT", ["lines", "3", "amount"]),
        ("EXCEEDS_INVOICE_BALANCE", ["lines", "1", "amount"]),
        ("DUPLICATE_INVOICE", ["lines", "4", "invoiceId"]),
        ("EXCEEDS_INVOICE_BALANCE", ["lines", "4", "amount"]),
        ("EXCEEDS_UNAPPLIED", ["lines"]),
    ]


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"strategy": "EXPLICIT", "lines": [{"invoiceId": "nonsense", "amount": "50.00"}]}, [["lines", "0", "invoiceId"]]),
        ({"invoiceIds": ["nonsense"]}, [["invoiceIds", "0"]]),
        (
            {"scope": "CUSTOMERS", "customerIds": ["nonsense", "cus_1"], "invoiceIds": [""]},
            [["customerIds", "0"], ["customerIds", "1"], ["invoiceIds", "0"]],
        ),
        ({"strategy": "CUSTOMER_ORDER", "customerIds": ["nonsense"]}, [["customerIds", "0"]]),
    ],
)
async def test_money_is_kept_although_the_options_name_what_is_not_there(
    story: Story, options: dict[str, Any], fields: list[list[str]]
) -> None:
    top = await story.customer("Aldgate Networks")
    await story.invoice(top, "50.00")
    given = {"customerId": top, "amount": "50.00", "apply": options}
    expected = [("NOT_FOUND", ["apply", *field]) for field in fields]
    assert await story.refused("paymentRecord", **given) == expected
    payload = await story.do("paymentRecord", **given, onAllocationError="KEEP_UNAPPLIED")
    assert (payload["payment"]["unapplied"], payload["payment"]["unappliedReason"]) == ("50.00", "NOT_FOUND")
    assert [(error["code"], error["field"]) for error in payload["allocationErrors"]] == expected
