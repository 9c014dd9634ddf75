"""Which refusal comes first is said in docstrings, and is so (invoices.service)."""

from __future__ import annotations

from typing import Any

import pytest

from stories import Story


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"number": " "}, ("INVALID_INPUT", ["number"])),
        ({"notes": "a\0b"}, ("INVALID_INPUT", ["notes"])),
        ({"lines": [{"unitPrice": "1.00", "item": "x" * 201}]}, ("INVALID_INPUT", ["lines", "0", "item"])),
        ({"number": "TAKEN"}, ("PERIOD_LOCKED", ["invoiceDate"])),
    ],
)
async def test_what_is_no_invoice_is_told_before_the_period_and_the_period_before_the_number(
    story: Story, fields: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    city = await story.customer("Lisbon")
    await story.invoice(city, "1.00", number="TAKEN")
    await story.settings(lockedUntil="2020-12-31")
    given = {"lines": [{"unitPrice": "1.00"}], "invoiceDate": "2020-12-31", "issue": True, **fields}
    assert await story.refused("invoiceCreate", customerId=city, **given) == [expected]
