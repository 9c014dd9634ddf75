"""An import of payments takes turns with the payments of clients, in the same order of locks (domain.md K2)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from imports.exports import LONDON, Exports, told
from races.racing import codes, holder
from stories import Story
from waiting import until_waiting

_INVOICE = '{ invoice(by: {number: "INV-2001"}) { id balance } }'
_CUSTOMER = "query ($id: String!) { customer(by: {externalId: $id}) { id } }"


@pytest.mark.parametrize("is_imported_first", [True, False])
async def test_an_imported_payment_and_a_clients_do_not_pay_the_same_twice(
    story: Story, tmp_path: Path, is_imported_first: bool
) -> None:
    exports = Exports(story.engine, story.organization_id, tmp_path)
    await exports.imported("contacts")
    for row in exports.invoices.rows:
        if row["Invoice Status"] in {"Paid", "PartiallyPaid"}:
            row |= {"Invoice Status": "Sent", "Balance": row["Total"]}
    await exports.imported("invoices")
    files = exports.files("payments")
    invoice = (await story.ask(_INVOICE))["invoice"]["id"]
    london = (await story.ask(_CUSTOMER, id=LONDON))["customer"]["id"]
    lines = [{"invoiceId": invoice, "amount": "1000"}]
    pay = story.attempt(
        "paymentRecord", customerId=london, amount="1000", currency="GBP", apply={"strategy": "EXPLICIT", "lines": lines}
    )
    importing: asyncio.Task[Any]
    async with holder(story) as held:
        await held.row(invoice)
        if is_imported_first:
            importing = asyncio.create_task(exports.load(files))
            await until_waiting(story.engine, 1)
            paying = asyncio.create_task(pay)
        else:
            paying = asyncio.create_task(pay)
            await until_waiting(story.engine, 1)
            importing = asyncio.create_task(exports.load(files))
        await until_waiting(story.engine, 2)
        await held.let_go()
        report, payment = await importing, await paying
    if is_imported_first:
        assert report.is_imported
        assert codes(payment) == ["INVOICE_NOT_PAYABLE"]
    else:
        assert [code for _, _, _, code in told(report)] == ["EXCEEDS_INVOICE_BALANCE"]
        assert codes(payment) == []
    assert (await story.ask(_INVOICE))["invoice"]["balance"] == ("0.00" if is_imported_first else "200.00")
