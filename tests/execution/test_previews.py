"""A preview looks at the whole of a payment or credit note, also where the document shows little of another one."""

from __future__ import annotations

import pytest

from asking import answered
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.schema import schema
from stories import Story

PREVIEW = "allocationPreview(input: $input) {{ allocated unapplied planHash {} }}"
OF_A_PAYMENT = "lines { invoice { number allocations { nodes { source { ... on Payment { number } } } } } }"
OF_A_CREDIT_NOTE = "lines { invoice { customer { creditNotes { nodes { reason } } } } }"

DOCUMENTS = {
    "another payment of the document": PREVIEW.format("") + " payments { nodes { number } }",
    "the same, before it": "payments { nodes { number } } " + PREVIEW.format(""),
    "payments below the plan": PREVIEW.format(OF_A_PAYMENT),
    "credit notes below the plan": PREVIEW.format(OF_A_CREDIT_NOTE),
    "two previews": PREVIEW.format("") + " again: " + PREVIEW.format(OF_A_PAYMENT),
}


@pytest.mark.parametrize("source", ["payment", "credit note"])
@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_preview_is_planned_whatever_else_is_shown(story: Story, context: Context, name: str, source: str) -> None:
    owner = await story.customer("Lisbon")
    await story.invoice(owner, "10.00")
    await story.payment(owner, "1.00", apply={})
    await story.credit_note(owner, "2.00", reason="Broken.")
    made = await (story.payment if source == "payment" else story.credit_note)(owner, "5.00")
    text = f"query ($input: AllocationInput!) {{ {DOCUMENTS[name]} }}"
    variables = {"input": {"sourceId": made}}
    (plans,) = Documents(schema).read(text).plans.values()
    data = await plans.data(schema, context, variables)
    expected = await answered(story.engine, story.organization_id, text, variables, is_planning=False)
    assert expected.errors is None
    assert data == expected.data
    assert data is not None
    assert (data["allocationPreview"]["allocated"], data["allocationPreview"]["unapplied"]) == ("5.00", "0.00")
